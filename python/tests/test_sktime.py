"""chronos2.sktime: a forecaster of sktime's kind. sktime itself is imported by the tests, since it imports PyTorch."""

import warnings

import numpy as np
import pytest
from conftest import wave

pd = pytest.importorskip("pandas")

DAYS = pd.period_range("2024-01-01", periods=46, freq="D")
EVENTS = pd.DataFrame({"x": (np.arange(46) % 5 == 0) * 1.0}, DAYS)
SALES = pd.Series(10 + 20 * EVENTS["x"].to_numpy() + wave(46, 7, 0) / 100, DAYS)[:40]


@pytest.fixture(scope="module")
def forecaster():
    """A new forecaster a call."""
    pytest.importorskip("sktime")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from chronos2.sktime import Chronos2Forecaster

    def make():
        return Chronos2Forecaster(options={"threads": 1})

    return make


def kind(index):
    return type(index).__name__


def of_covariates(pipeline, ahead):
    """What arrays give."""
    series = {"target": SALES.to_numpy(), "past_covariates": {"x": EVENTS["x"].to_numpy()[:40]},
              "future_covariates": {"x": ahead}}
    return pipeline.predict_quantiles([series], len(ahead), [0.5])[1][0][0]


def test_covariates_ahead_are_those_of_their_steps(forecaster, pipeline):
    fitted, ahead = forecaster().fit(SALES, X=EVENTS[:40]), EVENTS[40:]
    np.testing.assert_allclose(fitted.predict(fh=[6], X=ahead), of_covariates(pipeline, ahead["x"])[5:], rtol=1e-6)
    with pytest.warns(UserWarning, match="^5 values of known futures, the first in covariate 'x' of series 0, are"):
        found = fitted.predict(fh=[6], X=ahead[5:])
        expected = of_covariates(pipeline, np.append([np.nan] * 5, ahead["x"].iloc[5]))
    np.testing.assert_allclose(found, expected[5:], rtol=1e-6)


def test_covariates_that_have_no_place_are_refused(forecaster):
    fitted, ahead = forecaster().fit(SALES, X=EVENTS[:40]), EVENTS[40:]
    with pytest.raises(ValueError, match=r"X: expected columns that it had in fit, \['x'\], found \['z'\]"):
        fitted.predict(fh=[6], X=ahead.rename(columns={"x": "z"}))
    with pytest.raises(ValueError, match="X: expected rows at the steps of the forecast, 2024-02-10 to 2024-02-15"):
        fitted.predict(fh=[6], X=EVENTS[:40])
    with pytest.raises(ValueError, match=r"X: expected columns that it had in fit, \[\], found \['x'\]"):
        forecaster().fit(SALES).predict(fh=[6], X=ahead)


def test_covariates_whose_names_are_the_same_text_are_refused(forecaster):
    two = pd.DataFrame({1: EVENTS["x"], "1": -EVENTS["x"]})
    with pytest.raises(ValueError, match=r"X: expected columns whose names differ as texts, found \[1, '1'\]"):
        forecaster().fit(SALES, X=two[:40])


MINUTES = pd.date_range("2020-03-28", periods=40, freq="min")


@pytest.mark.parametrize("index, step", [
    (MINUTES.as_unit("s"), "1min"), (MINUTES.as_unit("ns"), "1min"), (MINUTES.to_period(), "1min"),
    (pd.date_range("2020-03-28 20:00", periods=40, freq="30min", tz="Europe/Berlin"), "30min"),
    (DAYS[:40].to_timestamp(), "1D")])
@pytest.mark.parametrize("unit", ["s", "ns"])
def test_steps_are_told_by_their_lengths(forecaster, index, step, unit):
    fitted = forecaster().fit(pd.Series(SALES.to_numpy(), index))
    expected = fitted.predict(fh=[1, 3])
    lengths = pd.TimedeltaIndex([pd.Timedelta(step), 3 * pd.Timedelta(step)]).as_unit(unit)
    found = fitted.predict(fh=lengths)
    np.testing.assert_array_equal(found, expected)
    assert list(found.index) == list(expected.index)
    np.testing.assert_array_equal(fitted.predict_quantiles(fh=lengths, alpha=[0.5]).iloc[:, 0], expected)
    np.testing.assert_array_equal(fitted.predict(fh=expected.index), expected)


def test_times_between_steps_are_refused(forecaster):
    fitted = forecaster().fit(pd.Series(SALES.to_numpy(), MINUTES))
    for fh in (pd.to_timedelta([60, 90], unit="s"), pd.DatetimeIndex(["2020-03-28 00:40:30"])):
        with pytest.raises(ValueError, match="fh: expected steps of the frequency min after 2020-03-28 00:39:00, found "
                                             "2020-03-28 00:40:30"):
            fitted.predict(fh=fh)


def test_forecasts_are_tables_whatever_the_type_of_results(forecaster):
    from chronos2.sktime import Chronos2Forecaster

    found = Chronos2Forecaster(options={"threads": 1, "return_type": "torch"}).fit(SALES).predict(fh=[1, 2])
    pd.testing.assert_series_equal(found, forecaster().fit(SALES).predict(fh=[1, 2]))


def test_covariates_of_the_past_that_have_no_row_are_told(forecaster):
    with pytest.warns(UserWarning, match="^X: 5 of the 40 steps of y have no row, 2024-01-01 the first: "):
        forecaster().fit(SALES, X=EVENTS[5:40])


@pytest.mark.parametrize("index", [
    DAYS[:40].to_timestamp()[:39].append(pd.DatetimeIndex(["2024-03-20"])),
    DAYS[:39].append(DAYS[45:]), pd.Index(np.append(np.arange(39), 50)), pd.RangeIndex(0, 80, 2)], ids=kind)
def test_rows_that_are_no_consecutive_steps_are_refused(forecaster, index):
    with pytest.raises(ValueError, match="y: expected rows of consecutive steps"):
        forecaster().fit(pd.Series(SALES.to_numpy(), index))


@pytest.mark.parametrize("index", [
    DAYS[:40], DAYS[:40].to_timestamp(), pd.DatetimeIndex(list(DAYS[:40].to_timestamp())), pd.RangeIndex(5, 45),
    pd.date_range("2020-01-31", periods=40, freq="ME"), pd.date_range("2020-01-03", periods=40, freq="LWOM-FRI")],
    ids=kind)
def test_rows_that_are_consecutive_steps(forecaster, pipeline, index):
    found = forecaster().fit(pd.Series(SALES.to_numpy(), index)).predict(fh=[1, 2])
    np.testing.assert_allclose(found, pipeline.predict_quantiles([SALES.to_numpy()], 2, [0.5])[1][0][0], rtol=1e-6)


def test_evaluation_without_refit_forecasts_what_refit_does(forecaster):
    pytest.importorskip("sktime")
    from sktime.forecasting.model_evaluation import evaluate
    from sktime.split import ExpandingWindowSplitter

    cv = ExpandingWindowSplitter(fh=[1, 3], initial_window=25, step_length=6)
    found = {strategy: evaluate(forecaster(), cv, SALES, EVENTS[:40], strategy=strategy, return_data=True)
             for strategy in ("refit", "update", "no-update_params")}
    assert len(found["refit"]) == 3
    for strategy in ("update", "no-update_params"):
        for ours, expected in zip(found[strategy]["y_pred"], found["refit"]["y_pred"]):
            pd.testing.assert_series_equal(ours, expected)


@pytest.mark.parametrize("index", [
    DAYS[:40], DAYS[:40].to_timestamp(), pd.DatetimeIndex(list(DAYS[:40].to_timestamp())), pd.RangeIndex(5, 45),
    pd.date_range("2020-01-31", periods=40, freq="ME")], ids=kind)
@pytest.mark.parametrize("update_params", [False, True])
def test_rows_of_updates_are_appended_or_replaced(forecaster, index, update_params):
    sales = pd.Series(SALES.to_numpy(), index, name="sales")
    expected = forecaster().fit(sales).predict(fh=[1, 4])
    updated = forecaster().fit(pd.concat([sales[:29], sales[29:30] + 5]).set_axis(index[:30]))
    for rows in (sales[29:31].rename("s"), sales[31:32], sales[32:]):  # one row tells no frequency
        updated.update(rows, update_params=update_params)
    pd.testing.assert_series_equal(updated.predict(fh=[1, 4]), expected, check_freq=False)


def test_what_was_learnt_is_kept_though_the_caller_writes_into_it(forecaster):
    y, X = SALES.to_frame("y"), EVENTS[:40].copy()
    later, more = y[30:].copy(), X[30:].copy()
    expected = forecaster().fit(y, X=X).predict(fh=[1, 2], X=EVENTS[40:42])
    fitted, updated = forecaster().fit(y, X=X), forecaster().fit(y[:30].copy(), X=X[:30].copy())
    updated.update(later, X=more, update_params=False)
    for frame in (y, X, later, more):
        frame.iloc[:, 0] = 1e6
        frame.index.name = "written"
    for found in (fitted, updated):
        pd.testing.assert_frame_equal(found.predict(fh=[1, 2], X=EVENTS[40:42]), expected, check_freq=False)


def test_a_cutoff_in_the_past_hides_what_comes_after(forecaster):
    fitted = forecaster().fit(SALES, X=EVENTS)
    fitted.update(SALES[20:30], update_params=False)  # whose end sktime makes the cutoff
    expected = forecaster().fit(SALES[:30], X=EVENTS[:30])
    pd.testing.assert_series_equal(fitted.predict(fh=[1]), expected.predict(fh=[1]))


def test_updates_that_have_no_place_are_refused(forecaster):
    def fitted(y=SALES, X=EVENTS[:40]):
        return forecaster().fit(y[:30], X=X)

    gap = fitted()
    with pytest.raises(ValueError, match="y: expected rows of consecutive steps"):
        gap.update(SALES[31:])
    with pytest.raises(ValueError, match="y: expected rows up to the cutoff, 2024-02-09, found them up to 2024-01-30"):
        gap.predict(fh=[1])  # sktime has moved it
    with pytest.raises(ValueError, match=r"X: expected the columns that it had in fit, \['x'\], found \['z'\]"):
        fitted().update(SALES[30:], X=EVENTS.rename(columns={"x": "z"}))
    two = pd.DataFrame({"a": SALES, "b": SALES})
    with pytest.raises(ValueError, match="y: expected the columns that it had in fit"):
        fitted(two).update(two[30:].rename(columns={"b": "c"}))
    with pytest.raises(TypeError, match="update: expected y with an index"):
        fitted(SALES.to_numpy(), None).update(SALES.to_numpy()[30:])
    with pytest.warns(UserWarning, match="^X: 10 of the 40 steps of y have no row, 2024-01-31 the first"):
        fitted(X=EVENTS[:30]).update(SALES[30:])
