"""One past, many futures: the same bits as a forecast of each."""

import copy
import logging
import pickle
import warnings

import numpy as np
import pytest
from conftest import GOLDEN, wave

import chronos2
from chronos2 import _native

PATTERNS = [("windowed_future_null", float("inf")), ("windowed_future_global", 4.0)]


@pytest.fixture
def inputs(rng):
    return [{"target": wave(n), "past_covariates": {"a": rng.random(n), "c": rng.choice(["x", "y"], n)}}
            for n in (90, 50)]


def futures(rng, horizon, count):
    return [[{"a": rng.random(horizon), "c": rng.choice(["x", "y", "new"], horizon)} for _ in range(2)]
            for _ in range(count)]


@pytest.mark.filterwarnings("ignore:the weights were trained for", "ignore:.*categories that the past never had")
@pytest.mark.parametrize("attention, radius", PATTERNS)
def test_scenarios_equal_forecasts(smooth, inputs, rng, attention, radius):
    pattern = {"attention": attention, "radius": radius}
    encoded = smooth.encode(inputs, 16, **pattern)
    assert encoded.nbytes > 0
    known = futures(rng, 16, 3)
    for future, ours in zip(known, encoded.predict(known)):
        whole = [{**item, "future_covariates": covariates} for item, covariates in zip(inputs, future)]
        for a, b in zip(ours, smooth.predict(whole, 16, **pattern)):
            np.testing.assert_array_equal(a, b)
    quantiles, medians = encoded.predict_quantiles(known, [0.5])
    np.testing.assert_array_equal(quantiles[2][1][..., 0], medians[2][1])
    np.testing.assert_array_equal(encoded.predict([known[1]])[0][0], encoded.predict(known)[1][0])


@pytest.mark.filterwarnings("ignore:the weights were trained for", "ignore:.*categories that the past never had")
@pytest.mark.parametrize("attention, radius", PATTERNS)
def test_what_a_future_leaves_out_came_with_the_context(smooth, inputs, rng, attention, radius):
    pattern = {"attention": attention, "radius": radius}
    came = [{"a": rng.random(16), "c": rng.choice(["x", "new"], 16)}, {"c": rng.choice(["x", "y"], 16)}]
    encoded = smooth.encode([{**item, "future_covariates": known} for item, known in zip(inputs, came)], 16, **pattern)
    other = rng.random(16)
    known = [[{}, {}], [{"a": other}, {"a": other}], [{"c": None}, {"a": [], "c": ["x", "y"] * 8}]]
    for future, ours in zip(known, encoded.predict(known)):
        whole = [{**item, "future_covariates": {**before, **covariates}}
                 for item, before, covariates in zip(inputs, came, future)]
        for a, b in zip(ours, smooth.predict(whole, 16, **pattern)):
            np.testing.assert_array_equal(a, b)
    without = smooth.encode(inputs, 16, **pattern).predict([[{}, {}]])[0]
    unknown = encoded.predict([[{"a": None, "c": None}, {"c": None}]])[0]
    assert all(np.array_equal(a, b) for a, b in zip(without, unknown))


@pytest.mark.filterwarnings("ignore:the weights were trained for", "ignore:.*categories that the past never had")
@pytest.mark.parametrize("labels", [
    [("i4", [1, 2, 2], [2, 1]), ("U1", ["1", "2", "a"], ["a", "1"])],  # texts, if in one list
    [("?", [1, 0, 0], [1, 0]), ("O", [True, False, None], [1, 0])], [("O", [0, True, 1], [True, False])],
    [("M8[D]", ["2024-01-01", "2024-01-02", "NaT"], ["2024-01-02", "NaT"])]], ids=str)
def test_labels_of_scenarios_are_those_of_forecasts(smooth, labels):
    pattern = {"attention": "windowed_future_null", "radius": 2}
    past = [{"target": wave(30), "past_covariates": {"c": np.array(values, kind)[np.arange(30) % 3]}}
            for kind, values, _ in labels]
    future = [{"c": np.array(values, "M8[ns]" if kind == "M8[D]" else kind)} for kind, _, values in labels]
    whole = [{**item, "future_covariates": known} for item, known in zip(past, future)]
    for a, b in zip(smooth.encode(past, 2, **pattern).predict([future])[0], smooth.predict(whole, 2, **pattern)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.filterwarnings("ignore:the weights were trained for")
def test_what_a_future_may_not_be(smooth, inputs, rng):
    encoded = smooth.encode(inputs[:1], 8, attention="windowed_future_null", radius=2)
    assert encoded.predict([{"a": rng.random(8)}, {}])[1][0].shape == (1, 21, 8)
    with pytest.raises(ValueError, match="future 0, series 0: a: expected 8 values"):
        encoded.predict([{"a": rng.random(7)}])
    with pytest.raises(ValueError, match=r"future 1, series 0: expected covariates among \['a', 'c'\]"):
        encoded.predict([{}, {"b": rng.random(8)}])
    with pytest.raises(ValueError, match="expected covariates of 1 series, found 2"):
        encoded.predict([[{}, {}]])
    with pytest.raises(ValueError, match="is empty"):
        encoded.predict([])
    for futures, text in (({"a": rng.random(8)}, "`futures`: expected a list of futures, found dict"),
                          ("a", "`futures`: expected a list of futures, found str"),
                          ([{}, None], "future 1: expected a list of dicts, found NoneType"),
                          ([[{}], [None]], "future 1, series 0: expected a dict, found NoneType")):
        with pytest.raises(TypeError, match=text):
            encoded.predict(futures)


@pytest.mark.filterwarnings("ignore:the weights were trained for")
def test_null_future_by_default(smooth, inputs, rng):
    """Weights trained with full attention, left to themselves; full attention that is asked for can't be had."""
    known = futures(rng, 8, 1)
    ours = smooth.encode(inputs, 8).predict(known)[0]
    null = smooth.encode(inputs, 8, attention="windowed_future_null", radius=float("inf")).predict(known)[0]
    assert all(np.array_equal(a, b) for a, b in zip(ours, null))
    with pytest.raises((ValueError, NotImplementedError), match="windowed_future"):
        smooth.encode(inputs, 8, attention="full")


def test_categories_that_the_past_never_had_are_told(smooth, inputs):
    encoded = smooth.encode(inputs, 2, attention="windowed_future_null")
    with pytest.warns(UserWarning, match="future 1, series 0: c: categories that the past never had") as told:
        encoded.predict([[{"c": ["x", "y"]}] * 2, [{"c": ["x", "new"]}, {"c": ["y", "y"]}]])
    assert [warning.filename for warning in told] == [__file__]


def test_categories_without_a_rank_are_told(smooth):
    """Of several targets: only series with several have ranks."""
    one = {"target": wave(40), "past_covariates": {"c": np.array(["x", "z"] * 20)}}
    two = {"target": np.stack([wave(40), wave(40, 9)]), "past_covariates": {"c": np.array(["x", "y"] * 20)}}
    encoded = smooth.encode([one, two], 2, attention="windowed_future_null")
    text = "future 0, series 1: c: categories that the past never had"
    with pytest.warns(UserWarning, match=text) as told:
        encoded.predict([[{}, {"c": ["x", "z"]}]])
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoded.predict([[{"c": ["x", "z"]}, {"c": ["x", "y"]}]])


@pytest.mark.parametrize("ahead", [np.array([True, False]), np.array([True, 0], object), [True, False]])
def test_booleans_ahead_of_numbers_are_told_once(smooth, inputs, ahead):
    pattern = {"attention": "windowed_future_null"}
    encoded = smooth.encode(inputs, 2, **pattern)

    def predict(values):
        known = [{"a": values}, {"a": [0, 1]}]
        yield lambda: encoded.predict([known] * 2)[1]
        yield lambda: smooth.predict([{**item, "future_covariates": future} for item, future in zip(inputs, known)], 2,
                                     **pattern)

    text = "^covariate 'a': numbers in the past, booleans in the known future: True counts as 1, False as 0$"
    for ours, plain in zip(predict(ahead), predict([1, 0])):
        with pytest.warns(UserWarning, match=text) as told:
            found = ours()
        assert [warning.filename for warning in told] == [__file__]
        for a, b in zip(found, plain()):
            np.testing.assert_array_equal(a, b)


def test_missing_values_of_a_future_are_told(smooth, inputs, rng):
    encoded = smooth.encode(inputs[:1], 3, attention="windowed_future_null")
    text = "^3 values of known futures, the first in future 1, series 0: a, are missing and count as unknown$"
    with pytest.warns(UserWarning, match=text) as told:
        encoded.predict([{"a": rng.random(3)}, {"a": [np.nan] * 3}])
    assert [warning.filename for warning in told] == [__file__]


@pytest.mark.filterwarnings("ignore:the weights were trained for")
def test_futures_are_read_as_those_of_predict(smooth, inputs):
    encoded = smooth.encode(inputs[:1], 3, attention="windowed_future_null")
    expected = encoded.predict([{"a": [1, 2.5, 3]}])[0][0]
    for spelled in (["1", "2.5", "3"], np.array(["1", "2.5", "3"]), np.array([1, "2.5", 3], object)):
        np.testing.assert_array_equal(encoded.predict([{"a": spelled}])[0][0], expected)
    with pytest.raises(ValueError, match="Expected numbers, found 'x' in future 1, series 0: a"):
        encoded.predict([{}, {"a": ["1", "x", "3"]}])
    masked = np.ma.masked_array(["x", "y", "y"], [0, 0, 1])
    with pytest.warns(UserWarning, match="1 value of known futures, the first in future 0, series 0: c, is missing"):
        np.testing.assert_array_equal(encoded.predict([{"c": masked}])[0][0],
                                      encoded.predict([{"c": ["x", "y", None]}])[0][0])


@pytest.mark.filterwarnings("ignore:the weights were trained for")
def test_arrays_may_change_after_they_are_encoded(smooth, rng):
    numbers = [rng.random(40), rng.random(40), rng.random(4)]
    item = {"target": numbers[0], "past_covariates": {"a": numbers[1]}, "future_covariates": {"a": numbers[2]}}
    encoded = smooth.encode([item], 4, attention="windowed_future_null")
    expected = encoded.predict([{}])[0][0]
    for array in numbers:
        array[:] = 0
    np.testing.assert_array_equal(encoded.predict([{}])[0][0], expected)


@pytest.mark.filterwarnings("ignore:the weights were trained for")
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickle.dumps])
def test_an_encoded_context_is_not_copied(smooth, inputs, way):
    encoded = smooth.encode(inputs, 3, attention="windowed_future_null")
    with pytest.raises(TypeError, match="an EncodedContext can't be pickled or copied"):
        way({"context": encoded} if way is not copy.copy else encoded)
    for kind in (_native.Context, _native.Forecast, _native.Embedding):
        kind.__new__(kind).__del__()


def test_what_encode_and_its_forecasts_warn_of(inputs, caplog):
    opened = chronos2.Chronos2Pipeline.from_pretrained(GOLDEN / "model-smooth" / "weights", threads=1)
    with pytest.warns(UserWarning, match="not for windowed_future_null at radius inf") as told:
        opened.encode(inputs, 2)
    assert [warning.filename for warning in told] == [__file__]
    with pytest.warns(UserWarning, match="series 1 holds no observed value") as told:
        encoded = opened.encode([wave(20), np.full(20, np.nan)], 2)
    assert [warning.filename for warning in told] == [__file__]
    with caplog.at_level(logging.WARNING):
        encoded.predict_quantiles([[{}, {}]], [0.001, 0.5])
    assert "not within the range of quantiles" in caplog.text
