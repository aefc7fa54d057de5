"""One past, many futures: the same bits as a forecast of each."""

import numpy as np
import pytest
from conftest import wave

PATTERNS = [("windowed_future_null", float("inf")), ("windowed_future_global", 4.0)]


@pytest.fixture
def inputs(rng):
    return [{"target": wave(n), "past_covariates": {"a": rng.random(n), "c": rng.choice(["x", "y"], n)}}
            for n in (90, 50)]


def futures(rng, horizon, count):
    return [[{"a": rng.random(horizon), "c": rng.choice(["x", "y", "new"], horizon)} for _ in range(2)]
            for _ in range(count)]


@pytest.mark.filterwarnings("ignore:the weights were not trained", "ignore:.*categories that the past never had")
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


@pytest.mark.filterwarnings("ignore:the weights were not trained")
def test_what_a_future_leaves_out_is_unknown(smooth, inputs, rng):
    pattern = {"attention": "windowed_future_null", "radius": 2}
    item = {**inputs[0], "future_covariates": {"a": rng.random(16)}}
    ours = smooth.encode([item], 16, **pattern).predict([{}])[0][0]
    np.testing.assert_array_equal(ours, smooth.predict(inputs[:1], 16, **pattern)[0])


@pytest.mark.filterwarnings("ignore:the weights were not trained")
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


@pytest.mark.filterwarnings("ignore:the weights were not trained")
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
