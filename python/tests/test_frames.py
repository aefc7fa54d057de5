"""predict_df: rows, columns, time, covariates, errors, kinds of tables."""

import contextlib
import gc
import importlib.util
import warnings
import weakref
from datetime import timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest
from conftest import wave

import chronos2

pd = pytest.importorskip("pandas")

LEVELS = [0.1, 0.5, 0.9]


def table(ids=("A", "B"), lengths=(10, 10), targets=("target",), covariates=(), freq="h", seed=3):
    rng = np.random.default_rng(seed)
    parts = []
    for item, length in zip(ids, lengths):
        part = {"item_id": item, "timestamp": pd.date_range(end="2001-10-01", periods=length, freq=freq)}
        part.update({name: rng.normal(size=length) for name in (*targets, *covariates)})
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def future_of(df, horizon, covariates, freq="h", ids=None):
    rng = np.random.default_rng(5)
    parts = []
    for item in ids or df["item_id"].unique():
        last = df.loc[df["item_id"] == item, "timestamp"].max()
        stamps = pd.date_range(last, periods=horizon + 1, freq=freq)[1:]
        parts.append(pd.DataFrame({"item_id": item, "timestamp": stamps,
                                   **{name: rng.normal(size=horizon) for name in covariates}}))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("freq", ["s", "30min", "h", "D", "B", "W", "ME", "MS", "QE", "YE"])
@pytest.mark.parametrize("validate", [True, False])
def test_rows_and_time(smooth, freq, validate):
    df = table(("B", "C", "A"), (10, 17, 40), ("sales", "profit"), freq=freq)
    result = smooth.predict_df(df, target=["sales", "profit"], prediction_length=4, quantile_levels=LEVELS,
                               validate_inputs=validate)
    assert list(result.columns) == ["item_id", "timestamp", "target_name", "predictions", "0.1", "0.5", "0.9"]
    assert result["item_id"].tolist() == ["B"] * 8 + ["C"] * 8 + ["A"] * 8
    assert result["target_name"].tolist() == (["sales"] * 4 + ["profit"] * 4) * 3
    stamps = pd.date_range(df["timestamp"].max(), periods=5, freq=freq)[1:]
    assert result["timestamp"].tolist() == stamps.tolist() * 6
    assert (result["predictions"] == result["0.5"]).all() and result["0.1"].dtype == np.float32


def test_values_are_those_of_predict_quantiles(smooth):
    df = table(("B", "A"), (30, 50), ("y",), ("known", "past", "kind"))
    df["kind"] = np.where(df["kind"] > 0, "up", "down")
    future = future_of(df, 5, ["known", "kind"])
    future["kind"] = np.where(future["kind"] > 0, "up", "never seen")
    result = smooth.predict_df(df, future, target="y", prediction_length=5, quantile_levels=LEVELS)
    inputs = [{"target": past["y"].to_numpy(),
               "past_covariates": {name: past[name].to_numpy() for name in ("known", "past", "kind")},
               "future_covariates": {name: ahead[name].to_numpy() for name in ("known", "kind")}}
              for past, ahead in ((df[df["item_id"] == i], future[future["item_id"] == i]) for i in ("B", "A"))]
    quantiles, mean = smooth.predict_quantiles(inputs, 5, LEVELS)
    np.testing.assert_allclose(result["predictions"], np.stack(mean).ravel(), rtol=1e-5)
    np.testing.assert_allclose(result[["0.1", "0.5", "0.9"]], np.stack(quantiles).reshape(-1, 3), rtol=1e-5)


def test_order_of_rows_and_types_of_columns_do_not_matter(smooth):
    df = table(("B", "A"), (30, 50), ("y",), ("x",))
    future = future_of(df, 5, ["x"])
    expected = smooth.predict_df(df, future, target="y", prediction_length=5)
    shuffled = df.sample(frac=1, random_state=1)
    first = smooth.predict_df(shuffled, future.sample(frac=1, random_state=2), target="y", prediction_length=5)
    key = ["item_id", "timestamp"]
    pd.testing.assert_frame_equal(first.sort_values(key).reset_index(drop=True),
                                  expected.sort_values(key).reset_index(drop=True))
    typed = df.astype({"item_id": "category", "y": "Float64", "timestamp": str})
    other = smooth.predict_df(typed, future.astype({"item_id": "category"}), target="y", prediction_length=5)
    np.testing.assert_array_equal(other["predictions"], expected["predictions"])
    assert other["timestamp"].tolist() == expected["timestamp"].tolist()


@pytest.mark.parametrize("ids", [
    [f"s{i}" for i in range(5)], list(range(5)), pd.date_range("2024-01-01", periods=5, tz="Europe/Paris"),
    pd.Categorical([f"s{i}" for i in range(5)], categories=[f"s{i}" for i in range(9)]), [1, "1", 2.5, "b", "c"]])
def test_ids_are_counted_in_slices_of_a_table(smooth, monkeypatch, ids):
    df = table(range(5), (10, 12, 14, 16, 18))
    df["item_id"] = pd.Series(ids).take(df["item_id"]).array
    shuffled = df.sample(frac=1, random_state=1)
    whole = smooth.predict_df(shuffled, prediction_length=3)
    monkeypatch.setattr("chronos2._frames._SLICE", 8)
    pd.testing.assert_frame_equal(smooth.predict_df(shuffled, prediction_length=3), whole)
    assert whole["item_id"].tolist() == np.repeat(shuffled["item_id"].drop_duplicates(), 3).tolist()


def test_more_items_than_are_forecast_together(smooth, rng):
    """The library gives the forecasts of a thousand and twenty-four items at a time."""
    values = rng.normal(size=(1100, 5)).round(3)
    df = pd.DataFrame({"item_id": np.repeat(np.arange(1100), 5), "target": values.ravel(),
                       "timestamp": np.tile(pd.date_range("2024-01-01", periods=5, freq="h"), 1100)})
    result = smooth.predict_df(df, prediction_length=2, quantile_levels=[0.1, 0.9])
    quantiles, mean = smooth.predict_quantiles(values[:, None], 2, [0.1, 0.9])
    np.testing.assert_array_equal(result["predictions"], np.stack(mean).ravel())
    np.testing.assert_array_equal(result[["0.1", "0.9"]], np.stack(quantiles).reshape(-1, 2))
    assert (result["timestamp"] == np.tile(pd.date_range("2024-01-01 05:00", periods=2, freq="h"), 1100)).all()


def test_passes(smooth):
    """More rows than one pass takes don't all inform each other."""
    df = pd.DataFrame({"item_id": np.repeat(np.arange(5), 5), "target": np.arange(25.0) % 7,
                       "timestamp": np.tile(pd.date_range("2024-01-01", periods=5, freq="h"), 5)})
    with pytest.warns(UserWarning, match="5 rows are more than batch_size 2: series inform each other within 3 passes"):
        smooth.predict_df(df, prediction_length=2, cross_learning=True, batch_size=2)


@pytest.mark.parametrize("zone", [
    "Europe/Paris", timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=3))])
@pytest.mark.parametrize("freq", ["MS", "B"])
def test_days_begin_where_the_time_zone_says(smooth, zone, freq):
    stamps = pd.date_range("2020-01-01", periods=33, freq=freq, tz=zone)
    df = pd.DataFrame({"item_id": "A", "timestamp": stamps[:30], "target": np.arange(30.0)})
    result = smooth.predict_df(df, prediction_length=3)
    assert result["timestamp"].tolist() == stamps[30:].tolist()
    assert result["timestamp"].dtype == df["timestamp"].dtype


@pytest.mark.parametrize("zone, freq, ends", [
    ("Europe/Berlin", "h", "2024-10-27"), ("America/New_York", "h", "2024-11-03"),
    ("Europe/London", "15min", "2024-10-27"), ("Australia/Lord_Howe", "30min", "2024-04-06")])
def test_hours_where_summer_ends(smooth, zone, freq, ends):
    """Rows have the same wall clock there; their steps are counted in instants."""
    stamps = pd.date_range(end=f"{ends} 18:00", periods=90, freq=freq, tz="UTC")
    df = pd.DataFrame({"item_id": "A", "timestamp": stamps, "target": wave(90)})
    expected = smooth.predict_df(df, prediction_length=4)
    df["timestamp"] = stamps.tz_convert(zone)
    assert df["timestamp"].dt.tz_localize(None).duplicated().any()
    result = smooth.predict_df(df, prediction_length=4)
    assert result["timestamp"].dtype == df["timestamp"].dtype
    ahead = pd.date_range(stamps[-1], periods=5, freq=freq)[1:]
    assert result["timestamp"].tolist() == ahead.tz_convert(zone).tolist()
    np.testing.assert_array_equal(result["predictions"], expected["predictions"])
    judged = [smooth.evaluate(df.assign(timestamp=zoned), 6, windows=2, seasonality=24).overall["model"]
              for zoned in (stamps, df["timestamp"])]
    assert judged[0] == pytest.approx(judged[1], nan_ok=True)


def test_missing_values_of_targets_and_covariates(smooth):
    df = table(("A",), (40,), ("y",), ("x", "kind"))
    df["kind"] = np.where(df["kind"] > 0, "up", None)
    df.loc[[3, 7], "y"] = np.nan
    df.loc[5, "x"] = np.nan
    nullable = df.astype({"y": "Float64", "x": "Float64", "kind": "string"})
    results = [smooth.predict_df(frame, target="y", prediction_length=4)["predictions"] for frame in (df, nullable)]
    assert np.isfinite(results[0]).all()
    np.testing.assert_array_equal(*results)


def test_a_covariate_without_a_value(smooth):
    """Of numbers it is unknown; of another type it is of missing categories, which count as a constant."""
    df = table(("A",), (40,))
    said = "^1 item, 'A' the first, has a covariate without an observed value in the past, 'x' the first"

    def forecast(values, into=lambda frame: frame):
        with pytest.warns(UserWarning, match=said) as told:
            result = smooth.predict_df(into(df.assign(x=values)), prediction_length=2)
        assert len(told) == 1
        return result["predictions"].to_numpy()

    constant = smooth.predict_df(df.assign(x=1.0), prediction_length=2)["predictions"].to_numpy()
    unknown = forecast(np.nan)
    assert not np.array_equal(constant, unknown)
    for values in (None, pd.array([None] * 40, "string"), pd.array([None] * 40, "boolean"), pd.Categorical([None] * 40)):
        np.testing.assert_array_equal(forecast(values), constant)
    np.testing.assert_array_equal(forecast(pd.array([None] * 40, "Float64")), unknown)
    if importlib.util.find_spec("pyarrow"):
        import pyarrow

        np.testing.assert_array_equal(forecast(None, pyarrow.Table.from_pandas), constant)


def test_categorical_ids_are_in_the_order_of_their_rows(smooth):
    df = table(("B", "A"), (30, 20))
    expected = smooth.predict_df(df, prediction_length=2)
    kind = pd.CategoricalDtype(["A", "B"])
    result = smooth.predict_df(df.astype({"item_id": kind}), prediction_length=2)
    assert result["item_id"].tolist() == ["B", "B", "A", "A"]
    pd.testing.assert_frame_equal(result.drop(columns="item_id"), expected.drop(columns="item_id"))


@pytest.mark.parametrize("freq", ["LWOM-FRI", "2bh", "3bh"])
def test_frequencies_that_pandas_does_not_infer(smooth, freq):
    stamps = pd.date_range("2024-01-01", periods=63, freq=freq)
    df = pd.DataFrame({"item_id": "A", "timestamp": stamps[:60], "target": wave(60)})
    assert smooth.predict_df(df, prediction_length=3)["timestamp"].tolist() == stamps[60:].tolist()


@pytest.mark.parametrize("ahead", [np.array([True, False]), np.array([True, None], object), "boolean", "category"])
def test_booleans_ahead_of_numbers_are_told(smooth, ahead):
    df = table(("A",), (40,), covariates=("x",))
    known = future_of(df, 2, ("x",))
    known["x"] = pd.Series([True, False], dtype=ahead) if isinstance(ahead, str) else ahead
    text = "^column 'x': numbers in the past, booleans in the known future: True counts as 1, False as 0$"
    with pytest.warns(UserWarning, match=text) as told:
        found = smooth.predict_df(df, known, prediction_length=2)["predictions"]
    assert {warning.filename for warning in told} == {__file__}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*values? of known futures")
        numbers = known.assign(x=known["x"].astype(object).astype(float))
        np.testing.assert_array_equal(found, smooth.predict_df(df, numbers, prediction_length=2)["predictions"])


@pytest.mark.parametrize("zone, first, freq, steps", [
    ("America/New_York", "2024-10-20", "168h", 5), ("Europe/Berlin", "2024-10-20", "24h", 20)])
def test_days_of_utc_in_a_zone_are_hours(smooth, zone, first, freq, steps):
    """Midnights of UTC are on several times of the wall's clock where summer ends."""
    stamps = pd.date_range(first, periods=steps + 2, freq=freq, tz="UTC").tz_convert(zone)
    df = pd.DataFrame({"item_id": "A", "timestamp": stamps[:steps], "target": wave(steps)})
    assert smooth.predict_df(df, prediction_length=2)["timestamp"].tolist() == stamps[steps:].tolist()


def test_hours_of_business_in_a_zone(smooth):
    stamps = pd.date_range("2024-10-30 09:00", periods=62, freq="bh").tz_localize("America/New_York")
    df = pd.DataFrame({"item_id": "A", "timestamp": stamps[:60], "target": wave(60)})
    assert smooth.predict_df(df, prediction_length=2)["timestamp"].tolist() == stamps[60:].tolist()


def test_a_series_that_fails_may_be_skipped(smooth):
    df = table(("B", "A"), (30, 30))
    df.loc[3, "target"] = np.inf
    with pytest.warns(UserWarning, match="item 'B'"):
        result = smooth.predict_df(df, prediction_length=2, on_error="skip")
    assert result.iloc[:2, 3:].isna().all(axis=None) and result.iloc[2:, 3:].notna().all(axis=None)


def test_ids_and_time_zones_are_kept(smooth):
    df = table((7, 3), (20, 20))
    df["timestamp"] = df["timestamp"].dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")
    result = smooth.predict_df(df, prediction_length=2)
    assert result["item_id"].tolist() == [7, 7, 3, 3]
    assert str(result["timestamp"].dt.tz) == "Europe/Berlin"
    assert result["timestamp"][0] == df["timestamp"].max() + pd.Timedelta(hours=1)


def test_nothing_is_printed_or_warned_and_the_table_is_not_changed(smooth, capfd):
    df = table(covariates=("x",), freq="D")
    copy = df.copy(deep=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smooth.predict_df(df, future_of(df, 3, ["x"], "D"), prediction_length=3)
    pd.testing.assert_frame_equal(df, copy)
    assert capfd.readouterr() == ("", "")


def test_short_series_need_a_frequency(smooth):
    df = pd.DataFrame({"item_id": ["A", "A", "B"], "timestamp": ["2023-01-01", "2023-01-02", "2023-01-01"],
                       "target": [1.0, 2.0, 3.0]})
    with pytest.raises(ValueError, match="Could not infer frequency"):
        smooth.predict_df(df, prediction_length=2)
    for validate in (True, False):
        result = smooth.predict_df(df, prediction_length=2, freq="D", validate_inputs=validate)
        assert result["timestamp"].astype(str).tolist() == ["2023-01-03", "2023-01-04", "2023-01-02", "2023-01-03"]


@pytest.mark.parametrize("change, text", [
    (lambda df: df.drop(columns="timestamp"), "df does not contain all expected columns.*timestamp"),
    (lambda df: df.assign(target="x"), "Target column 'target' must be numeric"),
    (lambda df: df.assign(item_id=[None, *df["item_id"][1:]]), "missing value in column 'item_id'"),
    (lambda df: df.assign(timestamp=[pd.NaT, *df["timestamp"][1:]]), "missing value in column 'timestamp'"),
    (lambda df: df.assign(timestamp=df["timestamp"] + pd.Timedelta(1, "ns")), "whole microseconds.*timestamp\\[ns\\]"),
    (lambda df: df.drop(index=4), "Could not infer frequency for series A"),
    (lambda df: pd.concat([df, table(("C",), (9,), freq="D")]), "same frequency, found"),
])
def test_wrong_tables(smooth, change, text):
    with pytest.raises(ValueError, match=text):
        smooth.predict_df(change(table()), prediction_length=3)


@pytest.mark.parametrize("change, text", [
    (lambda future: future.drop(columns="timestamp"), "future_df does not contain all"),
    (lambda future: future.assign(target=1.0), "future_df cannot contain target"),
    (lambda future: future.assign(other=1.0), "future_df cannot contain columns not present"),
    (lambda future: future[future["item_id"] == "A"], "same time series IDs"),
    (lambda future: future.iloc[1:], "must contain prediction_length=3 rows"),
    (lambda future: future.assign(timestamp=future["timestamp"] + pd.Timedelta(hours=1)), "timestamps do not match"),
])
def test_wrong_futures(smooth, change, text):
    df = table(covariates=("x",))
    with pytest.raises(ValueError, match=text):
        smooth.predict_df(df, change(future_of(df, 3, ["x"])), prediction_length=3)


@pytest.mark.parametrize("stamps, text", [
    (lambda days: days.strftime("%d/%m/%Y"), "doesn't match format"),  # pandas' default is the month first
    (lambda days: range(len(days)), "'timestamp': expected time stamps, found numbers"),
    (lambda days: days.astype("M8[ms]").astype("int64"), "'timestamp': expected time stamps, found numbers"),
])
def test_time_stamps_are_not_guessed(smooth, stamps, text):
    days = pd.date_range("2024-01-01", periods=30)
    df = pd.DataFrame({"item_id": "A", "timestamp": stamps(days), "target": np.arange(30.0)})
    with pytest.raises(ValueError, match=text):
        smooth.predict_df(df, prediction_length=2, freq="D")
    if importlib.util.find_spec("pyarrow") and df["timestamp"].dtype != "int64":
        import pyarrow

        with pytest.raises(ValueError, match=text):
            smooth.predict_df(pyarrow.Table.from_pandas(df), prediction_length=2, freq="D")


def test_a_future_of_numbers_holds_no_times(smooth):
    df = table(("A",), (10,), covariates=("x",))
    future = future_of(df, 3, ["x"])
    with pytest.raises(ValueError, match="column 'x': expected numbers, found datetime64"):
        smooth.predict_df(df, future.assign(x=future["timestamp"]), prediction_length=3)


def test_names_that_forecasts_have_themselves(smooth):
    for name in ("predictions", "target_name", "0.5"):
        df = table().rename(columns={"item_id": name})
        with pytest.raises(ValueError, match=f"id_column: the forecasts have a column '{name}' of their own"):
            smooth.predict_df(df, id_column=name, prediction_length=3, quantile_levels=LEVELS)
    with pytest.raises(ValueError, match="target: expected at least one column"):
        smooth.predict_df(table(), target=[], prediction_length=3)


def test_limit_prediction_length(smooth):
    with pytest.raises(ValueError, match="limit_prediction_length=False"):
        smooth.predict_df(table(), prediction_length=10000, limit_prediction_length=True)
    assert len(smooth.predict_df(table(), prediction_length=3, limit_prediction_length=True)) == 6


def test_a_table_without_rows(smooth):
    result = smooth.predict_df(table().iloc[:0], prediction_length=3, quantile_levels=LEVELS)
    assert len(result) == 0 and list(result.columns[3:]) == ["predictions", "0.1", "0.5", "0.9"]


def test_names_that_are_numbers(smooth):
    df = table()
    expected = smooth.predict_df(df, prediction_length=3)
    other = smooth.predict_df(df.set_axis([0, 1, 2], axis=1), id_column=0, timestamp_column=1, target=2,
                              prediction_length=3)
    assert list(other.columns[:2]) == [0, 1] and set(other["target_name"]) == {2}
    np.testing.assert_array_equal(other["predictions"], expected["predictions"])


def test_items_without_an_observed_value_are_told(smooth):
    df = table()
    df.loc[df["item_id"] == "B", "target"] = np.nan
    with pytest.warns(UserWarning, match="1 item, 'B' the first, holds no observed value"):
        smooth.predict_df(df, prediction_length=3)


@pytest.mark.parametrize("name", ["item_id", "timestamp", "target", "x"])
@pytest.mark.parametrize("form", ["pandas", "arrow", "texts"])
def test_columns_that_are_there_twice(smooth, name, form):
    df = table(covariates=("x",))
    ahead = future_of(df, 3, ("x",))
    past, future = (pd.concat([rows, rows[[name]]], axis=1) if name in rows else rows for rows in (df, ahead))
    if form != "pandas":
        pyarrow = pytest.importorskip("pyarrow")
        arrow = []
        for rows in (past, future):
            rows = rows.assign(timestamp=rows["timestamp"].astype(str)) if form == "texts" else rows
            arrow.append(pyarrow.Table.from_arrays([pyarrow.array(rows.iloc[:, i]) for i in range(rows.shape[1])],
                                                   list(rows.columns)))
        past, future = arrow
    said = f"^{{}}: several columns are named '{name}'$"
    calls = [(said.format("df"), lambda: smooth.predict_df(past, ahead, prediction_length=3)),
             (said.format("df"), lambda: smooth.predict_df(past, prediction_length=3)),
             (said.format("df"), lambda: smooth.evaluate(past, 3, known_covariates=["x"]))]
    if name != "target":
        calls.append((said.format("future_df"), lambda: smooth.predict_df(df, future, prediction_length=3)))
    for text, call in calls:
        with pytest.raises(ValueError, match=text):
            call()


def test_offsets_of_whole_minutes(smooth):
    df, zone = table(), timezone(timedelta(hours=1, seconds=20))
    df["timestamp"] = df["timestamp"].dt.tz_localize(zone)
    with pytest.raises(ValueError, match="^expected an offset from UTC of whole minutes, found UTC.01:00:20$"):
        smooth.predict_df(df, prediction_length=2)


def test_weeks_on_different_days_are_different_frequencies(smooth):
    df = pd.concat([table(("A",), (9,), freq="W-SUN"), table(("B",), (9,), freq="W-MON")])
    with pytest.raises(ValueError, match=r"same frequency, found \['W-MON', 'W-SUN'\]"):
        smooth.predict_df(df, prediction_length=3)


@pytest.mark.parametrize("freq", [pd.offsets.Week(), pd.offsets.Week(2), pd.offsets.Week(weekday=2),
                                  pd.offsets.QuarterEnd(startingMonth=2), pd.offsets.BusinessHour(), "C", "2C",
                                  pd.offsets.CustomBusinessDay(3)])
def test_frequencies_that_are_offsets(smooth, freq):
    stamps = pd.date_range("2020-01-01 09:00", periods=14, freq=freq)  # a Wednesday
    df = pd.DataFrame({"item_id": "A", "timestamp": stamps[:12], "target": np.arange(12.0)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = smooth.predict_df(df, prediction_length=2, freq=freq)
    assert result["timestamp"].tolist() == stamps[12:].tolist()


@pytest.mark.parametrize("freq, name", [
    (pd.offsets.BusinessHour(start="08:00", end="12:00"), "bh"), (pd.offsets.MonthEnd(normalize=True), "ME"),
    (pd.offsets.Week(normalize=True), "W"), (pd.offsets.BDay(2, normalize=True), "2B"),
    (pd.offsets.CustomBusinessDay(holidays=["2020-01-01"]), "C")])
def test_offsets_that_their_text_does_not_tell(smooth, freq, name):
    text = f"^freq: expected an offset that its text tells, found <.*> whose .* or normalize '{name}' leaves out$"
    for call in (smooth.predict_df, smooth.evaluate):
        with pytest.raises(ValueError, match=text):
            call(table(), prediction_length=2, freq=freq)
    with pytest.raises(ValueError, match="expected a frequency as pandas spells it, found '<DateOffset: months=1>'"):
        smooth.predict_df(table(), prediction_length=2, freq=pd.DateOffset(months=1))


@pytest.mark.parametrize("change, text", [
    (lambda df: df.assign(target=df["target"].astype(object)), "'target' must be numeric, got dtype object"),
    (lambda df: df.assign(item_id=None), "missing value in column 'item_id'"),
    (lambda df: df.assign(timestamp=pd.NaT), "missing value in column 'timestamp'"),
    (lambda df: df.iloc[::-1], "Could not infer frequency for series B"),
])
def test_what_is_checked_without_validation(smooth, change, text):
    with pytest.raises(ValueError, match=text):
        smooth.predict_df(change(table()), prediction_length=3, validate_inputs=False)


@pytest.mark.parametrize("asked, text", [
    ({"quantile_levels": [0.1, 0.1]}, "^quantile_levels: 0.1 is there twice$"),
    ({"target": ["target", "target"]}, "^column 'target' can't be two of id, time stamp and targets$")])
def test_columns_that_would_be_there_twice(smooth, asked, text):
    with pytest.raises(ValueError, match=text):
        smooth.predict_df(table(), prediction_length=3, **asked)


DAYS = pd.date_range("2020-01-01", periods=12)


@pytest.mark.parametrize("stamps, freq", [
    ([*DAYS[:5], DAYS[4], *DAYS[6:]], "D"), ([DAYS[0]] * 11 + [DAYS[11]], "D"),
    ([*DAYS[:5], DAYS[5] + pd.Timedelta(hours=3), *DAYS[6:]], "D"), (DAYS.delete(4), "D"), (DAYS, "B"),
    ([pd.Timestamp(2020, month, 15) for month in range(1, 13)], "MS"),
    (pd.date_range("2020-01-31", periods=12, freq="ME"), "MS"),
    (pd.date_range("2020-01-01", periods=12, freq="7D"), "W"),
    (pd.date_range("2020-01-31", periods=12, freq="QE-JAN"), "QE"),
    (pd.date_range("2020-01-01 18:00", periods=4, freq="h"), "bh")])
def test_rows_that_do_not_follow_a_given_frequency_are_told(smooth, stamps, freq):
    df = pd.DataFrame({"item_id": "A", "timestamp": stamps, "target": np.arange(len(stamps)) * 1.0})
    with pytest.warns(UserWarning, match="rows of 1 item, as 'A', are not one step of the given frequency apart"):
        smooth.predict_df(df, prediction_length=2, freq=freq)


@pytest.mark.parametrize("freq", ["h", "D", "2D", "B", "W-WED", "SMS", "MS", "ME", "BME", "QS-FEB", "YE", "WOM-3FRI"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_rows_that_follow_a_given_frequency_are_not_told(smooth, freq, zone):
    df = table(lengths=(40, 2), freq=freq)
    df["timestamp"] = df["timestamp"].dt.tz_localize(zone)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smooth.predict_df(df, prediction_length=2, freq=freq)


@pytest.mark.parametrize("ids", [[2, 1], [True, False], [2.5, 1], [2, "1"], [np.int64(2), np.int8(1)]])
def test_ids_that_are_objects_stay_objects(smooth, ids):
    df = table().assign(item_id=pd.Series([ids[0]] * 10 + [ids[1]] * 10, dtype=object))
    found = smooth.predict_df(df, prediction_length=1)["item_id"]
    assert found.dtype == object and found.tolist() == ids
    assert [type(item) for item in found] == [type(item) for item in ids]


@pytest.mark.parametrize("wrong, name", [
    ({"item_id": ["A"]}, "dict"), (None, "NoneType"), (3, "int"), (pd.Series([1.0, 2.0]), "Series")])
def test_a_table_that_is_none(smooth, wrong, name):
    with pytest.raises(TypeError, match=f"^df: expected a pandas DataFrame .*, found {name}$"):
        smooth.predict_df(wrong, prediction_length=2)
    if wrong is not None:
        with pytest.raises(TypeError, match=f"^future_df: expected a pandas DataFrame .*, found {name}$"):
            smooth.predict_df(table(), wrong, prediction_length=2)


def test_names_of_targets_have_the_type_of_their_list(smooth):
    df = table(targets=(5, 6))
    for target, expected in ((5, [5] * 4), ([6, 5], [6, 6, 5, 5] * 2)):
        found = smooth.predict_df(df if target != 5 else df.drop(columns=6), target=target, prediction_length=2)
        assert found["target_name"].dtype == np.int64 and found["target_name"].tolist() == expected


@pytest.mark.parametrize("dtype", ["int64", str, "string", "category", object])
def test_the_row_index_is_no_part_of_a_table(smooth, dtype):
    df = table((1, 2), (30, 30)).astype({"item_id": dtype})
    expected = smooth.predict_df(df, prediction_length=2)
    for index in (np.arange(60) - 59.0, np.arange(60) * 2e4, np.arange(60)[::-1], pd.date_range("2000", periods=60)):
        found = smooth.predict_df(df.set_axis(index), prediction_length=2)
        pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("kind", [object, "category"])
def test_numbers_are_no_time_stamps_in_whatever_type(smooth, kind):
    df = table()
    days = np.arange(len(df)) % 10 + 19_000
    for numbers in (days, days.astype(float), [True] * len(df), [Decimal(int(day)) for day in days],
                    [None, *days[1:].tolist()], ["2020-01-01", *days[1:].tolist()]):
        wrong = df.assign(timestamp=pd.Series(list(numbers), dtype=object).astype(kind))
        with pytest.raises(ValueError, match="^column 'timestamp': expected time stamps, found numbers; "):
            smooth.predict_df(wrong, prediction_length=2)
    stamps = df.assign(timestamp=df["timestamp"].astype(kind))
    expected = smooth.predict_df(df, prediction_length=2)
    assert smooth.predict_df(stamps, prediction_length=2)["predictions"].equals(expected["predictions"])


@pytest.mark.parametrize(("cells", "odd"), [(["1.5", "-", "2"], "-"), ([7, "A12", 7], "A12"), ([1, None, "n.a."], "n.a."),
                                            (["a", "b", None], None), (["1", "2", None], None), (["1,5", "2", "-"], "-"),
                                            ([1, float("inf"), 10**400], None), (["A_1", "1_2", None], None),
                                            (["1.234,5", "2"], None), (["1,234.5", "-"], "-"),
                                            (["1\u202f234", "1'234", " 5 "], None), (["1 234", "1 23"], "1 23"),
                                            (["1", "2\t"], r"2\x09"), (["1", "2\n"], r"2\x0a"), (["1", "2\0"], r"2\x00")])
def test_numbers_beside_other_texts_are_categories_and_that_is_said(smooth, cells, odd):
    df = table(covariates=("x",))
    df = df.assign(x=pd.Series((cells * len(df))[:len(df)], dtype=object))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        smooth.predict_df(df, prediction_length=2)
        smooth.predict_df(df.astype({"x": "category"}), prediction_length=2)  # asked for
    said = [warning for warning in said if "numbers in a column of objects" not in str(warning.message)]
    expected = [f"column 'x' is read as categories: '{odd}' is no number"] if odd else []
    assert [str(warning.message) for warning in said] == expected


def test_labels_of_dictionaries_are_those_of_a_covariate(smooth):
    with pytest.warns(UserWarning, match="^covariate 'x' is read as categories: '-' is no number$"):
        smooth.predict([{"target": wave(12), "past_covariates": {"x": ["1", "-", "3"] * 4}}], 2)
    with pytest.warns(UserWarning, match="^covariate 'x' is read as categories: '\ud800' is no number$"):
        smooth.predict([{"target": wave(12), "past_covariates": {"x": ["1", "\ud800", "1.234,5"] * 4}}], 2)


def test_numbers_among_objects_count_as_categories_and_that_is_said(smooth):
    df = table(covariates=("x",)).assign(x=np.arange(20) % 3)
    said = "^column 'x': numbers in a column of objects count as categories; astype\\(float\\) makes them numbers$"
    for values in (df["x"].astype(object), [Decimal(int(x)) for x in df["x"]], [None, *df["x"].tolist()[1:]]):
        with pytest.warns(UserWarning, match=said):
            smooth.predict_df(df.assign(x=pd.Series(list(values), dtype=object)), prediction_length=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for values in (df["x"].astype("Int64"), df["x"].astype("category"), df["x"].astype(str),
                       (df["x"] > 1).astype(object)):
            smooth.predict_df(df.assign(x=values), prediction_length=2)


def test_columns_of_the_forecast_have_one_name_each(smooth):
    df = table()
    found = smooth.predict_df(df, prediction_length=2, quantile_levels=np.array([0.1, 0.5], np.float32))
    assert found.columns.tolist()[3:] == ["predictions", "0.1", "0.5"]
    assert found.equals(smooth.predict_df(df, prediction_length=2, quantile_levels=[0.1, 0.5]))
    renamed = df.rename(columns={"item_id": "1.0"})
    for kind in (renamed, pytest.importorskip("pyarrow").Table.from_pandas(renamed)):
        with pytest.raises(ValueError, match="id_column: the forecasts have a column '1.0' of their own"):
            smooth.predict_df(kind, id_column="1.0", prediction_length=2, quantile_levels=[1, 0.5])
    assert smooth.predict_df(df.rename(columns={"item_id": "1"}), id_column="1", prediction_length=2,
                             quantile_levels=[1, 0.5])["1"].tolist() == ["A", "A", "B", "B"]
    with pytest.raises(ValueError, match="quantile_levels: 0.1 is there twice"):
        smooth.predict_df(df, prediction_length=2, quantile_levels=[np.float32(0.1), 0.1])


def test_ids_that_are_no_texts_are_refused(smooth):
    df = table().assign(item_id=pd.Series(["a", "b\ud800"] * 10, dtype=object))
    with pytest.raises(ValueError, match=r"^column 'item_id': expected ids of characters, found '\\ud800' in "):
        smooth.predict_df(df, prediction_length=2)


def test_what_a_table_raises_while_it_is_read_comes_through(smooth, monkeypatch, capfd):
    from chronos2._stream import Table

    def fail(*_):
        raise RuntimeError("the table is gone")

    for function in ("fill_schema", "fill_array"):
        with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="^the table is gone$"):
            patched.setattr(Table, function, fail)
            smooth.predict_df(table(), prediction_length=2)
    assert capfd.readouterr().err == ""


def test_a_forecast_leaves_nothing_behind():
    """Reference counts free models after their sessions; a collector that finds a cycle takes any order."""
    from chronos2 import _stream

    def fail():
        raise RuntimeError

    calls = [dict(prediction_length=2), dict(prediction_length=2, after_batch=fail),
             dict(prediction_length=2, target="none")]
    gc.collect()
    gc.disable()
    try:
        for kind in (table(), pytest.importorskip("pyarrow").Table.from_pandas(table())):
            for call in calls:
                pipeline = chronos2.Chronos2Pipeline.from_pretrained(threads=1)
                left = weakref.ref(pipeline.model.native)
                with contextlib.suppress(RuntimeError, ValueError):
                    pipeline.predict_df(kind, **call)
                assert not _stream._kept
                del pipeline
                assert left() is None
    finally:
        gc.enable()


def test_rows_of_an_item_that_are_apart_say_what_gathers_them(smooth):
    apart = table().sort_values("timestamp")
    said = r"come again .*: expected them together; predict_df with validate_inputs=True gathers them$"
    with pytest.raises(ValueError, match=said):
        smooth.predict_df(apart, prediction_length=2, validate_inputs=False)
    pyarrow = pytest.importorskip("pyarrow")
    from chronos2 import arrow

    with pytest.raises(ValueError, match=said):
        arrow.forecast(pyarrow.Table.from_pandas(apart, preserve_index=False), smooth, prediction_length=2).read_all()


def test_complex_numbers_and_others_are_refused(smooth):
    df = table(covariates=("x",))
    future = future_of(df, 3, ["x"])
    for wrong in (df.assign(target=df["target"] + 1j), df.assign(x=df["x"] + 1j)):
        with pytest.raises(ValueError, match="column '(target|x)': expected numbers, found complex128"):
            smooth.predict_df(wrong, prediction_length=3)
    for values, found in ((1j, "complex128"), ("a", "values of (object|str) that are none")):
        with pytest.raises(ValueError, match=f"column 'x': expected numbers, found {found}"):
            smooth.predict_df(df, future.assign(x=values), prediction_length=3)


def test_cells_that_hold_several_values(smooth):
    cells, df = [[1]] * 9 + [np.ones(2)], table(("A",))
    for name in ("x", "item_id"):
        wrong = df.assign(**{name: cells})
        for call in (smooth.predict_df, smooth.evaluate) if name == "item_id" else (smooth.predict_df,):
            with pytest.raises(ValueError, match=f"^column '{name}': expected one value a row, found (list|ndarray)$"):
                call(wrong, prediction_length=3)
    future = future_of(df, 3, ["x"]).assign(x=cells[-3:])
    with pytest.raises(ValueError, match="^column 'x': expected one value a row, found (list|ndarray)$"):
        smooth.predict_df(df.assign(x="a"), future, prediction_length=3)


@pytest.mark.parametrize("text, day_first", [("%d.%m.%Y", True), ("%m/%d/%Y", False), ("%d-%m-%Y %H:%M", True)])
def test_texts_whose_order_of_day_and_month_is_open(smooth, text, day_first):
    """01.01.2024, 01.02.2024, ...: days of January, or the first ones of months."""
    df = table(("A",), (12,))
    df["timestamp"] = pd.date_range("2024-01-01", periods=12, freq="MS" if day_first else "D")
    future = future_of(df, 3, ["x"], "MS" if day_first else "D").assign(x=1.0)
    df["x"] = 1.0
    wrong = df.assign(timestamp=df["timestamp"].dt.strftime(text))
    said = r"^column 'timestamp': '0[12].0[12].2024.*' is 2024-01-02 00:00:00 or 2024-02-01 00:00:00, as nothing says"
    for call in (smooth.predict_df, smooth.evaluate):
        for stamps in (wrong["timestamp"], wrong["timestamp"].astype("category"), wrong["timestamp"].astype(object)):
            with pytest.raises(ValueError, match=said):
                call(wrong.assign(timestamp=stamps), prediction_length=3)
    kept = pd.Categorical(wrong["timestamp"], [*wrong["timestamp"], "13.05.2030"])  # the last one is in no row
    with pytest.raises(ValueError, match=said):
        smooth.predict_df(wrong.assign(timestamp=kept), prediction_length=3)
    mixed = df["timestamp"].dt.strftime("%Y-%m-%d").astype(object)
    mixed.iloc[1] = wrong["timestamp"].iloc[1]
    with pytest.raises(ValueError, match=said):
        smooth.predict_df(wrong.assign(timestamp=[df["timestamp"].iloc[0], *mixed.iloc[1:]]), prediction_length=3)
    told = future.assign(timestamp=["01.01.2025", "01.02.2025", "01.03.2025"])
    with pytest.raises(ValueError, match="is 2025-01-02 00:00:00 or 2025-02-01 00:00:00, as nothing says"):
        smooth.predict_df(df, told, prediction_length=3)


@pytest.mark.parametrize("freq, text", [("D", "%Y-%m-%d"), ("D", "%Y%m%d"), ("D", "%Y/%m/%d"), ("D", "%d.%m.%Y"),
                                        ("D", "%d %b %Y"), ("YS", "%d.%m.%Y"), ("h", "%Y-%m-%dT%H:%MZ")])
@pytest.mark.filterwarnings("ignore:(Parsing dates|Could not infer format)")
def test_texts_with_one_reading(smooth, freq, text):
    df = table(("A",), (40,))
    df["timestamp"] = pd.date_range("1984-01-13", periods=40, freq=freq, tz="UTC" if "Z" in text else None)
    expected = smooth.predict_df(df, prediction_length=3)
    result = smooth.predict_df(df.assign(timestamp=df["timestamp"].dt.strftime(text)), prediction_length=3)
    pd.testing.assert_frame_equal(result, expected, check_dtype=False)


def test_texts_beside_dates_as_labels(smooth):
    """A future of texts beside a past of dates, as `predict` has it: in ISO 8601 they are these dates."""
    df = table(("A",), (40,))
    df["day"] = pd.to_datetime(["2024-01-02", "2024-02-01", "2024-03-01", "2024-02-01"] * 10)
    future = future_of(df, 3, ["day"]).assign(day=pd.to_datetime(["2024-02-01", "2024-01-02", "2024-03-01"]))
    expected = smooth.predict_df(df, future, prediction_length=3)
    for days in (["2024-02-01", "2024-01-02", "2024-03-01 00:00"], list(future["day"].dt.date), list(future["day"])):
        told = future.assign(day=pd.Series(days, dtype=object))
        pd.testing.assert_frame_equal(smooth.predict_df(df, told, prediction_length=3), expected)
    with pytest.warns(UserWarning, match="column 'day': categories that the past never had"):
        result = smooth.predict_df(df, future.assign(day=["02/01/2024", "2024-01-02", "2024-03-01"]), prediction_length=3)
    assert not np.allclose(result["predictions"], expected["predictions"], rtol=1e-6)


def test_stamps_beyond_their_unit(smooth):
    df = table(("A",), freq="D")
    df["timestamp"] = pd.date_range(end="2262-04-09", periods=10).as_unit("ns")
    with pytest.raises(ValueError, match="^column 'timestamp': the forecast goes beyond what datetime64.ns. holds"):
        smooth.predict_df(df, prediction_length=5)
    df["timestamp"] = df["timestamp"].dt.as_unit("us")
    assert smooth.predict_df(df, prediction_length=5)["timestamp"].iloc[-1] == pd.Timestamp("2262-04-14").as_unit("us")
    df["timestamp"] = pd.date_range("2024-01-01", periods=10, freq="s").as_unit("s")
    text = r"^column 'timestamp': datetime64\[s\] can't hold steps of 500ms: .dt.as_unit\(\) gives other units$"
    with pytest.raises(ValueError, match=text):
        smooth.predict_df(df, prediction_length=5, freq="500ms")
