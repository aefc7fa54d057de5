"""Rolling-origin backtests."""

import csv
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, wave

import chronos2
from chronos2 import _metrics
from chronos2._native import season_of

LEVELS = [0.1, 0.2, 0.5, 0.8, 0.9]


def column(table, name, **where):
    rows = [all(table[key][i] == value for key, value in where.items()) for i in range(len(table[name]))]
    return [value for value, here in zip(table[name], rows) if here]


def test_windows_are_forecast_from_what_was_before_them(smooth):
    series = [wave(60, level=n) for n in (50.0, 80.0)]
    found = smooth.evaluate(series, 6, windows=3, stride=4, quantile_levels=LEVELS, seasonality=24)
    assert (found.windows, found.seasonality) == (3, 24) and found.overall["metric"] == list(_metrics.METRICS)
    errors, inside = [], []
    for cut in (46, 50, 54):
        quantiles, median = smooth.predict_quantiles([s[:cut] for s in series], 6, LEVELS)
        truth = np.stack([s[cut:cut + 6] for s in series])
        errors.append(np.abs(np.stack(median)[:, 0] - truth))
        bands = np.stack(quantiles)[:, 0]
        inside.append((bands[..., 0] <= truth) & (truth <= bands[..., 4]))
    assert column(found.overall, "model", metric="MAE") == [pytest.approx(np.mean(errors), rel=1e-12)]
    for item in (0, 1):
        expected = pytest.approx(np.mean([e[item] for e in errors]), rel=1e-12)
        assert column(found.series, "model", metric="MAE", item_id=item) == [expected]
    assert found.coverage["nominal"] == [0.8, 0.6]
    assert found.coverage["observed"][0] == pytest.approx(np.mean(inside))
    naive = [np.abs(s[cut - 24:cut - 18] - s[cut:cut + 6]).mean() for s in series for cut in (46, 50, 54)]
    assert column(found.overall, "seasonal_naive", metric="MAE") == [pytest.approx(np.mean(naive), rel=1e-12)]


def test_known_covariates_are_seen_in_the_window_and_others_are_not(smooth, rng):
    item = {"target": wave(50), "past_covariates": {"a": rng.normal(size=50), "b": rng.normal(size=50)}}
    known = {"target": item["target"][:44], "past_covariates": {k: v[:44] for k, v in item["past_covariates"].items()},
             "future_covariates": {"a": item["past_covariates"]["a"][44:]}}
    expected = np.abs(smooth.predict_quantiles([known], 6, [0.5])[1][0][0] - item["target"][44:]).mean()
    found = smooth.evaluate([item], 6, known_covariates=["a"])
    assert column(found.overall, "model", metric="MAE") == [pytest.approx(expected, rel=1e-12)]
    with pytest.raises(ValueError, match="element 0: known_covariates: expected names among"):
        smooth.evaluate([item], 6, known_covariates=["c"])


def test_a_table_gives_what_its_arrays_give(smooth, rng):
    pd = pytest.importorskip("pandas")
    lengths, x = (40, 55), [rng.normal(size=n) for n in (40, 55)]
    frame = pd.concat([pd.DataFrame({"shop": name, "day": pd.date_range("2024-01-01", periods=n, freq="D"),
                                     "sales": wave(n), "returns": wave(n, level=9), "x": values})
                       for name, n, values in zip("ba", lengths, x)]).sample(frac=1, random_state=1)
    asked = dict(windows=2, quantile_levels=LEVELS, known_covariates=["x"])
    found = smooth.evaluate(frame, 5, id_column="shop", timestamp_column="day", target=["sales", "returns"], **asked)
    assert found.seasonality == 7
    order = list(dict.fromkeys(frame["shop"]))
    arrays = [{"target": np.stack([wave(n), wave(n, level=9)]), "past_covariates": {"x": values}}
              for n, values in (dict(zip("ba", zip(lengths, x)))[name] for name in order)]
    expected = smooth.evaluate(arrays, 5, seasonality=7, **asked)
    assert list(dict.fromkeys(found.series["item_id"])) == order
    assert found.overall["model"] == pytest.approx(expected.overall["model"], rel=1e-6, nan_ok=True)
    assert found.series["model"] == pytest.approx(expected.series["model"], rel=1e-6, nan_ok=True)
    assert found.coverage == expected.coverage
    assert list(dict.fromkeys(found.series["target_name"])) == ["sales", "returns"]
    with pytest.raises(ValueError, match="Missing columns: \\['price'\\]"):
        smooth.evaluate(frame, 5, id_column="shop", timestamp_column="day", target="sales", known_covariates=["price"])


def test_the_frequency_of_a_table_is_that_of_all_its_rows(smooth):
    """The oldest window leaves each item fewer rows than tell a frequency."""
    pd = pytest.importorskip("pandas")
    days = pd.date_range("2024-01-01", periods=20, freq="B")
    frame = pd.concat([pd.DataFrame({"item_id": name, "timestamp": days[-n:], "target": wave(n), "x": wave(n, 5)})
                       for name, n in (("a", 20), ("b", 19))])
    asked = dict(windows=3, known_covariates=["x"], quantile_levels=LEVELS)
    for cut in (1, 0):  # to one row and to two
        part = frame[frame["timestamp"] >= days[cut]]
        found = smooth.evaluate(part, 6, **asked)
        arrays = [{"target": rows["target"].to_numpy(), "past_covariates": {"x": rows["x"].to_numpy()}}
                  for _, rows in part.groupby("item_id")]
        expected = smooth.evaluate(arrays, 6, seasonality=5, **asked)
        assert (found.windows, found.seasonality) == (3, 5)
        assert found.overall["model"] == pytest.approx(expected.overall["model"], rel=1e-6, nan_ok=True)
    fridays = pd.DataFrame({"item_id": "a", "timestamp": pd.date_range("2020-01-03", periods=45, freq="LWOM-FRI"),
                            "target": wave(45), "x": wave(45, 5)})  # pandas takes them for the fourth of months
    with pytest.warns(UserWarning, match="no name for the frequency"):
        assert smooth.evaluate(fridays, 6, **asked).windows == 3
    with pytest.raises(ValueError, match="out of step"):
        smooth.evaluate(frame[frame["timestamp"] != days[10]], 2)


def weekly(**changes):
    """140 days with a weekly pattern, whose last 14 are the window."""
    pd = pytest.importorskip("pandas")
    step = np.arange(140)
    return pd.DataFrame({"item_id": "a", "timestamp": pd.date_range("2024-01-01", periods=140), **changes,
                         "target": np.where(step % 7 < 5, 100.0, 20.0) + np.cos(step)})


@pytest.mark.parametrize("row", [126, 133, 125], ids=["first", "within", "before"])
def test_time_stamps_of_the_window_are_checked_as_predict_df_checks_them(smooth, row):
    pd = pytest.importorskip("pandas")
    table = weekly()
    twice, late, nameless = table.copy(), table.copy(), table.copy()
    twice.loc[row, "timestamp"] = table.loc[row - 1, "timestamp"]
    late.loc[row:, "timestamp"] += pd.Timedelta(30, "D")
    nameless.loc[row, "item_id"] = None
    timeless = table.assign(timestamp=table["timestamp"].where(np.arange(140) != row))
    for wrong, text in ((table.drop(index=row), "series a: 2024-05-.* is out of step"), (twice, "is out of step"),
                        (late, "is out of step"), (nameless, "missing value in column 'item_id'"),
                        (timeless, "missing value in column 'timestamp'")):
        for call in (smooth.predict_df, smooth.evaluate):
            with pytest.raises(ValueError, match=text):
                call(wrong, prediction_length=14)
    with pytest.warns(UserWarning, match="rows of 1 item, as 'a', are not one step of the given frequency apart"):
        assert smooth.evaluate(table.drop(index=row), 14, freq="D").seasonality == 7


def test_texts_as_time_stamps_are_in_the_order_of_time(smooth):
    table = weekly()
    texts = table.assign(timestamp=[f"{t.month}/{t.day}/{t.year}" for t in table["timestamp"]])
    found, expected = smooth.evaluate(texts, 14), smooth.evaluate(table, 14)
    assert found.overall == expected.overall and found.seasonality == 7
    assert isinstance(texts["timestamp"][0], str)  # the caller's table is as it was


def test_a_frequency_without_a_name_has_no_season_which_is_told(smooth):
    pd = pytest.importorskip("pandas")
    fridays = weekly(timestamp=pd.date_range("2020-01-03", periods=140, freq="LWOM-FRI"))
    with pytest.warns(UserWarning, match="no name for the frequency, so that a season has 1 step") as told:
        assert smooth.evaluate(fridays, 6).seasonality == 1
    assert [warning.filename for warning in told] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert smooth.evaluate(fridays, 6, seasonality=12).seasonality == 12
        assert smooth.evaluate(fridays, 6, freq="LWOM-FRI").seasonality == 1


def test_a_table_without_rows_has_nothing_to_evaluate(smooth):
    with pytest.raises(ValueError, match="expected a series of more than 6 steps, found no series"):
        smooth.evaluate(weekly().iloc[:0], 6)


def test_series_without_a_season_before_are_told(smooth):
    with pytest.warns(UserWarning, match="^2 series have no MASE, RMSSE or SQL: the past never differs from a season before") as told:
        found = smooth.evaluate([wave(40), np.ones(90), wave(90)], 5, seasonality=48)
    assert [warning.filename for warning in told] == [__file__]
    assert [np.isnan(value) for value in column(found.series, "model", metric="MASE")] == [True, True, False]
    with pytest.warns(UserWarning, match="^1 series has no MASE, RMSSE or SQL in some window: "):
        found = smooth.evaluate([wave(55)], 5, windows=2, seasonality=48)
    assert np.isnan(column(found.overall, "model", metric="MASE")[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smooth.evaluate([wave(55)], 5, seasonality=48)


def test_short_series_are_left_out_of_windows_that_they_do_not_reach(smooth):
    with pytest.warns(UserWarning, match="1 of 2 series are shorter than the 21 steps that all windows need"):
        found = smooth.evaluate([wave(40), wave(15)], 10, windows=2)
    alone = smooth.evaluate([wave(15)], 10)
    assert column(found.series, "model", item_id=1, metric="MAE") == column(alone.series, "model", metric="MAE")
    with pytest.raises(ValueError, match="expected a series of more than 10 steps, found at most 10"):
        smooth.evaluate([wave(10)], 10)
    with pytest.raises(ValueError, match="^windows: the longest series has 24 steps, which is enough for 2, found 3$"):
        smooth.evaluate([wave(24), wave(15)], 10, windows=3)
    assert smooth.evaluate([wave(31)], 10, windows=3).windows == 3
    for wrong in ({"windows": 0}, {"stride": 0}, {"seasonality": 0}):
        with pytest.raises(ValueError, match="expected at least 1"):
            smooth.evaluate([wave(40)], 10, **wrong)
    with pytest.raises(ValueError, match="same number of targets, found \\[1, 2\\]"):
        smooth.evaluate([wave(40), np.ones((2, 40))], 10)


@pytest.mark.parametrize("inputs, error, text", [
    ([{"target": wave(40), "past_covariates": {"x": wave(80)}}], ValueError, "found: x with shape \\(80,\\)"),
    ([wave(40), {"target": wave(40), "past_covariates": {"x": wave(35)}}], ValueError, "x with shape .* at index 1"),
    ([["1", "2"] * 10], TypeError, "Expected numbers, found texts"),
    ([{"target": ["1", "2"] * 10}], TypeError, "Expected numbers, found texts"),
    (wave(40), ValueError, "Expected 3-d tensor"), ({"target": wave(40)}, TypeError, "found dict"),
    ([], ValueError, "empty"),
])
def test_arrays_are_refused_as_predict_refuses_them(smooth, inputs, error, text):
    with pytest.raises(error, match=text):
        smooth.evaluate(inputs, 4)


def test_missing_truths_are_left_out(smooth):
    series = wave(40)
    series[-3:] = np.nan
    found = smooth.evaluate([series], 5)
    whole = smooth.predict_quantiles([series[:35]], 5, [0.5])[1][0][0]
    assert column(found.overall, "model", metric="MAE") == [pytest.approx(np.abs(whole - series[35:])[:2].mean())]


@pytest.mark.parametrize("freq, steps", [("h", 24), ("15min", 96), ("D", 7), ("W-SUN", 1), ("QS-OCT", 4), ("MS", 12),
                                         ("bh", 8), ("H", 24), ("30T", 48), ("M", 12), ("Q-DEC", 4), ("A-DEC", 1),
                                         ("7h", 1), ("YE-DEC", 1), ("HYE-DEC", 2), ("2BHYS", 1), (None, 1)])
def test_seasons_of_frequencies(freq, steps):
    assert season_of(freq) == steps


def test_what_is_no_frequency_has_no_season():
    with pytest.raises(ValueError, match="freq: expected a frequency as pandas spells it, found 'cbh'"):
        season_of("cbh")


@pytest.mark.filterwarnings("ignore:steps are left out of", "ignore:errors of RMSLE are infinite")
@pytest.mark.parametrize("name, horizon, freq, every, seasonality", [
    ("macro_quarterly", 4, "QS-JAN", 1, 4), ("macro_quarterly", 4, "HYS-JAN", 2, 2), ("weather_daily", 14, "D", 1, 7)])
def test_the_program_scores_as_the_package_does(pipeline, tmp_path, name, horizon, freq, every, seasonality):
    pd = pytest.importorskip("pandas")
    program = Path(chronos2.__file__).parents[2] / "chronos2"
    if not program.exists():
        pytest.skip("there is no program beside the package")
    table = pd.read_csv(ROOT / "datasets" / f"{name}.csv").groupby("item_id").nth(slice(None, None, every))
    table.to_csv(tmp_path / "series.csv", index=False)
    found = pipeline.evaluate(table, horizon, windows=3, freq=freq)
    assert found.seasonality == seasonality
    subprocess.run([program, "evaluate", tmp_path / "series.csv", "--horizon", str(horizon), "--windows", "3", "--freq", freq,
                    "-m", ROOT / "models" / "chronos2-micro", "-o", tmp_path / "scores.csv"], check=True,
                   capture_output=True)
    scores = {(row["item_id"], row["target_name"], row["forecaster"]): row
              for row in csv.DictReader((tmp_path / "scores.csv").open())}
    for by, rel in (("model", 2e-5), ("seasonal_naive", 1e-9)):  # a table's forecasts are float32
        expected = [float(scores["", "", by][metric] or "nan") for metric in found.overall["metric"]]
        assert found.overall[by] == pytest.approx(expected, rel=rel, nan_ok=True)
        each = zip(found.series["item_id"], found.series["target_name"], found.series["metric"])
        expected = [float(scores[item, target, by][metric] or "nan") for item, target, metric in each]
        assert found.series[by] == pytest.approx(expected, rel=rel, nan_ok=True)


def test_errors_that_are_none_or_infinite_are_told(smooth):
    series = wave(60) - wave(60).min()
    series[[-1, -3, -4]] = -1, 0, -2
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = smooth.evaluate([series], 5)
    texts = [str(warning.message) for warning in told]
    median = smooth.predict_quantiles([series[:55]], 5, [0.5])[1][0][0]
    below = int(((median < -1) | (series[55:] < -1)).sum())
    assert "steps are left out of MAPE where the truth is 0: 1 (model), 1 (seasonal_naive) of 5" in texts
    assert f"steps are left out of RMSLE where truth or forecast is below -1: {below} (model), 1 (seasonal_naive) of 5" in texts
    assert ("errors of RMSLE are infinite where truth or forecast is -1: at 1 (model), 1 (seasonal_naive) of 5 steps"
            in texts)
    assert column(found.overall, "model", metric="RMSLE") == [np.inf]
    assert column(found.series, "seasonal_naive", metric="RMSLE") == [np.inf]
    assert {warning.filename for warning in told} == {__file__}


@pytest.mark.filterwarnings("error")
def test_an_infinite_divisor_leaves_steps_out():
    """Squares of the past beyond a double give no perfect RMSSE. The program's test of it has the same numbers."""
    truth, point = np.array([[[1.0, 2.0]]]), np.array([[[2.0, 2.0]]])
    past = [np.array([[0, 1e200, -1e200]])]
    found = _metrics.scores(_metrics.Scored(past, truth, point, point[..., None], [0.5], 1))
    for metric, gaps, beyond in (("RMSSE", 0, 2), ("MASE", 0, 0), ("MSE", 0, 0)):
        assert (found[metric].gaps, found[metric].beyond) == (gaps, beyond)
    assert np.isnan(found["RMSSE"].overall) and found["MASE"].overall > 0 and found["MSE"].overall == 0.5
    far = np.array([[[np.inf, 2.0]]])
    found = _metrics.scores(_metrics.Scored(past, truth, far, far[..., None], [0.5], 1))
    assert (found["SMAPE"].gaps, found["SMAPE"].beyond, found["SMAPE"].overall) == (0, 1, 0)


@pytest.mark.filterwarnings("ignore:1 numbers? .* beyond the range of float32", "ignore:there is no")
def test_infinite_errors_of_metrics_are_counted_apart(smooth):
    series = wave(60)
    series[2], series[-3] = 1e200, 1e200
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        smooth.evaluate([series], 5)
    texts = [str(warning.message) for warning in told]
    text = "are infinite where squares are beyond the range of floating-point numbers: at"
    assert [t for t in texts if text in t] == [
        f"errors of MSE, RMSE {text} 5 (model), 1 (seasonal_naive) of 5 steps",
        f"errors of RMSSE {text} 5 (model), 5 (seasonal_naive) of 5 steps"]


def test_scores_that_would_be_divided_by_0_are_left_out(smooth):
    series = np.append(wave(52), np.zeros(8))
    first = smooth.evaluate([series[:52]], 4, seasonality=4)
    text = "^1 series has no WAPE, WAPEB or WQL of its own in some window: the truth is 0 throughout$"
    with pytest.warns(UserWarning, match=text) as told:
        found = smooth.evaluate([series], 4, windows=3, seasonality=4)
    assert {warning.filename for warning in told} == {__file__}
    for forecaster in ("model", "seasonal_naive"):
        for metric in ("WQL", "WAPE", "WAPEB"):
            expected = column(first.series, forecaster, metric=metric)
            assert column(found.series, forecaster, metric=metric) == [pytest.approx(expected[0], rel=1e-12)]
    with pytest.warns(UserWarning, match="WQL of its own: the truth is 0 throughout"):
        alone = smooth.evaluate([series], 4, seasonality=4)
    assert np.isnan(column(alone.series, "model", metric="WQL")).all()


def test_the_frequency_is_that_of_items_with_a_window(smooth):
    pd = pytest.importorskip("pandas")

    def item(name, length, freq):
        return pd.DataFrame({"item_id": name, "timestamp": pd.date_range("2024-01-01", periods=length, freq=freq),
                             "target": wave(length)})

    for freq in ("MS", "h", "W-SUN", "YS", "15min", "2D", "QS-JAN", "B"):
        with pytest.warns(UserWarning, match="1 of 2 series are shorter"):
            found = smooth.evaluate(pd.concat([item("a", 60, "D"), item("short", 10, freq)]), 12)
        assert found.seasonality == 7
        both = pd.concat([item("a", 60, "D"), item("b", 60, freq)])
        with pytest.raises(ValueError, match="All time series must have the same frequency, found"):
            smooth.evaluate(both, 12)
        with pytest.raises(ValueError, match="All time series must have the same frequency, found"):
            smooth.evaluate(both, 12, validate_inputs=False)


def test_a_frequency_tells_the_season_of_arrays(smooth):
    pd = pytest.importorskip("pandas")
    for freq in ("h", "H", pd.offsets.Hour(), pd.Timedelta(hours=1)):
        assert smooth.evaluate([wave(60)], 6, freq=freq).seasonality == 24
    with pytest.warns(UserWarning, match="^freq is ignored beside seasonality$") as told:
        assert smooth.evaluate([wave(60)], 6, freq="h", seasonality=12).seasonality == 12
    assert [warning.filename for warning in told] == [__file__]
    assert smooth.evaluate([wave(60)], 6).seasonality == 1
    for seasonality in (None, 12):
        with pytest.raises(ValueError, match="expected a frequency as pandas spells it, found 'fortnight'"):
            smooth.evaluate([wave(60)], 6, freq="fortnight", seasonality=seasonality)
    with pytest.warns(UserWarning, match="^arrays have no columns: id_column, target are ignored$") as told:
        smooth.evaluate([wave(60)], 6, id_column="shop", target=["sales"])
    assert [warning.filename for warning in told] == [__file__]


def test_an_evaluation_is_public():
    assert chronos2.Evaluation._fields == ("overall", "series", "coverage", "seasonality", "windows")


def test_items_without_a_window_need_no_regular_steps(smooth):
    pd = pytest.importorskip("pandas")
    days = pd.DataFrame({"item_id": "a", "timestamp": pd.bdate_range("2024-01-01", periods=90), "target": wave(90)})
    new = pd.DataFrame({"item_id": "new", "timestamp": pd.date_range("2024-01-01", periods=4), "target": wave(4)})
    with pytest.warns(UserWarning, match="1 of 2"):
        found = smooth.evaluate(pd.concat([days, new]), 12)
    alone = smooth.evaluate(days, 12)
    assert column(found.overall, "model", metric="MAE") == column(alone.overall, "model", metric="MAE")


def test_validation_may_be_left_out(smooth):
    pd = pytest.importorskip("pandas")
    days = pd.DataFrame({"item_id": "a", "timestamp": pd.date_range("2024-01-01", periods=90), "target": wave(90)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smooth.evaluate(days.drop(index=40), 12, freq="D", validate_inputs=False)


# ---- What would be silently wrong ---------------------------------------------------------------


def both_kinds(*series):
    """Arrays, and the table of the same series."""
    pd = pytest.importorskip("pandas")
    parts = [pd.DataFrame({"item_id": f"s{i}", "timestamp": pd.date_range("2024-01-01", periods=len(values)),
                           "target": values}) for i, values in enumerate(series)]
    return list(series), pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("place, value", [(-1, np.inf), (-1, -np.inf), (3, np.inf)])
def test_infinite_values_are_refused(smooth, place, value):
    wrong = wave(60)
    wrong[place] = value
    for data, name in zip(both_kinds(wave(60), wrong), ("series 1", "item 's1'")):
        with pytest.raises(ValueError, match=f"^{name}: target: value {place % 60} is infinite"):
            smooth.evaluate(data, 8)
    with pytest.raises(ValueError, match="^series 0: target_1: value"):
        smooth.evaluate([np.stack([wave(60), wrong])], 8)


@pytest.mark.parametrize("length", [5, 8])
def test_infinite_values_of_series_without_a_window_concern_nobody(smooth, length):
    short = wave(length)
    short[2] = np.inf
    alone = smooth.evaluate([wave(60)], 8, seasonality=7)
    for data in both_kinds(short, wave(60)):
        with pytest.warns(UserWarning, match="1 of 2 series are shorter"):
            found = smooth.evaluate(data, 8, seasonality=7)
        assert found.overall["model"] == pytest.approx(alone.overall["model"], rel=1e-6)
    with pytest.raises(ValueError, match="^series 0: target: value 2 is infinite"):
        smooth.evaluate([np.append(short, wave(9 - length)), wave(60)], 8)


@pytest.mark.parametrize("place, text", [(3, "no forecast of some"), (-1, "an infinite value in some")])
def test_series_without_a_forecast_count_for_neither_forecaster(smooth, place, text):
    wrong = wave(60, level=500.0)
    wrong[place] = np.inf
    alone = smooth.evaluate([wave(60)], 8, seasonality=7)
    for data, name in zip(both_kinds(wrong, wave(60)), ("0", "s0")):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = smooth.evaluate(data, 8, seasonality=7, on_error="skip")
        texts = [str(warning.message) for warning in told]
        assert f"1 series, '{name}', has {text} window, which is left out of the scores" in texts
        assert {warning.category for warning in told} == {UserWarning}
        assert {warning.filename for warning in told} == {__file__}
        assert found.coverage == alone.coverage
        first = found.series["item_id"][0]
        for forecaster in ("model", "seasonal_naive"):
            assert found.overall[forecaster] == pytest.approx(alone.overall[forecaster], rel=1e-6)
            assert np.isnan(column(found.series, forecaster, item_id=first)).all()


def test_series_without_an_observed_value_are_told(smooth):
    late, ended = wave(60), wave(60)
    late[:57], ended[-8:] = np.nan, np.nan
    for data, name in zip(both_kinds(wave(60), late, ended), ("", "s")):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            smooth.evaluate(data, 4, windows=2)
        texts = [str(warning.message) for warning in told]
        assert f"1 series, '{name}1', has no observed value before some window: scored like the others" in texts
        assert (f"2 series, '{name}1' the first, have no observed value in some window, which is left out of the "
                "scores") in texts
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smooth.evaluate([wave(60), np.where(np.arange(60) % 9 == 2, np.nan, wave(60))], 4, windows=2)


def ended(values):
    return np.append(values[:-4], np.full(4, np.nan))


@pytest.mark.parametrize("series, options, metrics, texts", [
    (ended(wave(60)), {}, [*_metrics.METRICS], ["there is no score of all series, as the window has none"]),
    (ended(wave(60)), {"windows": 2}, [*_metrics.METRICS], ["there is no score of all series, as a window has none"]),
    (np.stack([wave(60), ended(wave(60))]), {}, [*_metrics.METRICS],
     ["there is no score of all series, as the window has none of some target"]),
    (wave(60), {"seasonality": 55, "windows": 2}, ["MASE", "RMSSE", "SQL"],
     ["there is no MASE, RMSSE, SQL of all series, as a window has none"]),
    (np.append(wave(52), np.zeros(8)), {"seasonality": 4}, ["WQL", "WAPE", "WAPEB", "MAPE", "SMAPE"],
     ["there is no MAPE of all series, as the window has none",
      "there is no WQL, WAPE, WAPEB, SMAPE of all series by seasonal naive, as the window has none"]),
    (wave(60), {}, [], []),
])
def test_scores_of_all_series_that_are_none_are_told(smooth, series, options, metrics, texts):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = smooth.evaluate([series], 4, **options)
    assert [name for name, *pair in zip(*found.overall.values()) if np.isnan(pair).any()] == metrics
    assert [str(warning.message) for warning in told if "of all series" in str(warning.message)] == texts
    assert {warning.filename for warning in told} <= {__file__}


@pytest.mark.parametrize("arguments, error, text", [
    ({"known_covariates": "xy"}, TypeError, "known_covariates: expected a list of names, found 'xy'"),
    ({"known_covariates": 3}, TypeError, "known_covariates: expected a list of names, found 3"),
    ({"prediction_length": None}, TypeError, "prediction_length: expected a whole number, found None"),
    ({"prediction_length": True}, TypeError, "prediction_length: expected a whole number, found True"),
    ({"windows": True}, TypeError, "windows: expected a whole number"),
    ({"seasonality": True}, TypeError, "seasonality: expected a whole number"),
])
def test_arguments_that_can_not_be(smooth, arguments, error, text):
    with pytest.raises(error, match=text):
        smooth.evaluate(**{"data": [wave(40)], "prediction_length": 4, **arguments})


def test_targets_of_a_table_are_numbers(smooth):
    for wrong, text in ((1j, "column 'target': expected numbers, found complex128"), ("1", "must be numeric")):
        with pytest.raises(ValueError, match=text):
            smooth.evaluate(weekly().assign(target=wrong), 4)


def test_arguments_that_have_no_place_are_named(smooth):
    for wrong in ("return_type", "inputs", "df"):
        with pytest.raises(TypeError, match=rf"^Unexpected keyword arguments: \['{wrong}'\]\.$"):
            smooth.evaluate([wave(50)], 5, **{wrong: "torch"})


def test_a_column_of_series_is_no_table(smooth):
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    waves = [wave(60), wave(60)]
    expected = smooth.evaluate(waves, 4)
    for column in (pd.Series(waves), pl.Series(waves)):
        assert smooth.evaluate(column, 4).overall == expected.overall


def test_a_reader_of_record_batches_is_a_table(smooth):
    pd, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    stamps = pd.date_range("2024-01-01", periods=60, freq="h")
    df = pd.DataFrame({"item_id": "a", "timestamp": stamps, "target": wave(60)})
    reader = pyarrow.Table.from_pandas(df, preserve_index=False).to_reader()
    assert smooth.evaluate(reader, 6, windows=2) == smooth.evaluate(df, 6, windows=2)


def test_a_row_index_may_have_the_name_of_a_column(smooth):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"item_id": "a", "timestamp": pd.date_range("2024-01-01", periods=40), "target": wave(40)})
    expected = smooth.evaluate(frame, 4)
    for name in ("timestamp", "item_id"):
        assert smooth.evaluate(frame.set_index(name, drop=False), 4) == expected
    pyarrow = pytest.importorskip("pyarrow")
    for key in (["timestamp"], ["item_id", "timestamp"]):
        assert smooth.evaluate(pyarrow.Table.from_pandas(frame.set_index(key)), 4) == expected


@pytest.mark.parametrize("lengths", [[40], [40, 35], [40, 35, 35]])
def test_ids_may_be_categories(smooth, lengths):
    pd = pytest.importorskip("pandas")
    frame = pd.concat([pd.DataFrame({"item_id": name, "target": wave(length),
                                     "timestamp": pd.date_range("2024-01-01", periods=length)})
                       for name, length in zip("abc", lengths)])
    for kind in ("category", pd.CategoricalDtype(["c", "never", "b", "a"])):
        assert smooth.evaluate(frame.astype({"item_id": kind}), 4) == smooth.evaluate(frame, 4)


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("column", ["item_id", "timestamp"])
def test_missing_ids_and_time_stamps_are_refused(smooth, column, validate):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"item_id": np.repeat(["a", "b"], 40), "target": wave(80),
                          "timestamp": [*pd.date_range("2024-01-01", periods=40)] * 2})
    frame.loc[50, column] = None
    with pytest.raises(ValueError, match=f"missing value in column '{column}'"):
        smooth.evaluate(frame, 4, validate_inputs=validate)
