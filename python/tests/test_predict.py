"""Forms of input, shapes, arguments and errors of predict, predict_quantiles and embed."""

import logging
import re
import sys
import warnings
from decimal import Decimal

import numpy as np
import pytest
from conftest import wave

import chronos2
from chronos2._model import list_levels
from chronos2._native import Covariate, Series, SeriesTable


def shapes(outputs):
    return [output.shape for output in outputs]


def covariate_inputs(rng, horizon, lengths=(10, 99, 17)):
    return [{"target": rng.random(n), "past_covariates": {"a": rng.random(n), "b": rng.random(n)},
             "future_covariates": {"a": rng.random(horizon)}} for n in lengths]


@pytest.mark.parametrize("inputs, horizon, targets", [
    (np.random.rand(4, 1, 16), 7, [1] * 4),
    (np.random.rand(4, 3, 37), 27, [3] * 4),
    ([np.random.rand(100), np.random.rand(2, 150), np.random.rand(120)], 68, [1, 2, 1]),
    ([np.random.rand(2, 30).tolist()], 3, [2]),
    ([{"target": np.random.rand(n)} for n in (10, 110, 17)], 5, [1] * 3),
    ([{"target": np.random.rand(2, n)} for n in (10, 110, 17)], 16, [2] * 3),
    ([{"target": np.random.rand(n), "past_covariates": {"a": np.random.rand(n)}} for n in (10, 17)], 10, [1] * 2),
    (covariate_inputs(np.random.default_rng(1), 15), 15, [1] * 3),
], ids=["array", "multivariate", "list", "nested", "dicts", "dicts-multivariate", "past", "future"])
def test_every_form_of_input_is_forecast(smooth, inputs, horizon, targets):
    assert shapes(smooth.predict(inputs, prediction_length=horizon)) == [(n, 21, horizon) for n in targets]
    levels = [0.02, 0.1, 0.5, 0.77]
    quantiles, mean = smooth.predict_quantiles(inputs, horizon, levels)
    assert shapes(quantiles) == [(n, horizon, 4) for n in targets]
    assert shapes(mean) == [(n, horizon) for n in targets]
    for quantile, median in zip(quantiles, mean):
        np.testing.assert_array_equal(quantile[..., 2], median)


def test_an_array_equals_the_list_of_its_series(smooth, rng):
    inputs = rng.random((3, 2, 40))
    for a, b, c in zip(smooth.predict(inputs, 5), smooth.predict(list(inputs), 5),
                       smooth.predict([{"target": x} for x in inputs], 5)):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


@pytest.mark.parametrize("dtype", ["int64", "int16", "float32", "float16", "bool"])
def test_types_of_numbers(smooth, rng, dtype):
    values = (rng.random(48) * 9).astype(dtype)
    np.testing.assert_array_equal(smooth.predict([values], 4)[0], smooth.predict([values.astype(np.float64)], 4)[0])


@pytest.mark.parametrize("view", [lambda b: b[::2].T, lambda b: b[::-1].T, lambda b: b.T, lambda b: b[:, 1],
                                  lambda b: np.broadcast_to(b[:, :1], b.shape).T, lambda b: b.astype(">f8").T,
                                  lambda b: np.frombuffer(b"x" + b.tobytes(), "u1")[1:].view(b.dtype)],
                         ids=["step", "backwards", "transposed", "column", "broadcast", "big-endian", "unaligned"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arrays_as_they_lie(smooth, rng, view, dtype):
    """Engine reads strides in place; what it can't read is copied."""
    array = view(rng.random((60, 3)).astype(dtype))
    plain = np.array(array, np.float64, order="C")
    np.testing.assert_array_equal(smooth.predict([array], 4)[0], smooth.predict([plain], 4)[0])
    past = {"target": plain.ravel()[:60], "past_covariates": {"a": np.atleast_2d(array)[0][:60]}}
    past["target"] = past["target"][:len(past["past_covariates"]["a"])]
    copied = {**past, "past_covariates": {"a": np.atleast_2d(plain)[0][:60]}}
    np.testing.assert_array_equal(smooth.predict([past], 4)[0], smooth.predict([copied], 4)[0])


def test_none_nan_and_masks_are_missing_values(smooth, rng):
    values = rng.random(40)
    values[5] = np.nan
    mask = np.ma.masked_array(np.nan_to_num(values, nan=1e9), np.isnan(values))
    expected = smooth.predict([values], 4)[0]
    for other in (mask, [None if np.isnan(v) else v for v in values]):
        np.testing.assert_array_equal(smooth.predict([other], 4)[0], expected)


def test_rows_with_masks(smooth):
    rows = np.ma.masked_array(np.stack([wave(30)] * 2), np.arange(30) % 7 == [[1], [2]])
    np.testing.assert_array_equal(smooth.predict([list(rows)], 4)[0], smooth.predict([rows.filled(np.nan)], 4)[0])


MASKED = np.arange(30) % 5 == 1


@pytest.mark.parametrize("values, missing", [
    (wave(30), np.nan), (np.array(["a", "b", "c"])[np.arange(30) % 3], None), (np.arange(30) % 3 == 0, None),
    (np.datetime64("2024-01-01") + np.arange(30) % 3, np.datetime64("NaT")),
    (np.array([True, "a", None], object)[np.arange(30) % 3], None), (np.arange(30), np.nan)],
    ids=["floats", "texts", "booleans", "dates", "objects", "integers"])
@pytest.mark.parametrize("sequence", [list, tuple])
def test_masked_elements_of_lists_are_missing(smooth, values, missing, sequence):
    gaps = values.astype(float if missing is np.nan else values.dtype if missing is not None else object)
    gaps[MASKED] = missing
    elements = sequence(np.ma.masked if bad else value for value, bad in zip(values, MASKED))

    def forecast(past):
        return smooth.predict([{"target": wave(30), "past_covariates": {"x": past}}], 3)[0]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(forecast(elements), forecast(gaps))
        if missing is np.nan:
            for target, expected in ((elements, gaps), ([elements, values], [gaps, values]),
                                     ([list(elements), list(values)], [gaps, values])):
                np.testing.assert_array_equal(smooth.predict([{"target": target}], 3)[0],
                                              smooth.predict([{"target": np.stack(expected)}], 3)[0])


def test_only_masked_elements(smooth):
    with pytest.warns(UserWarning, match="^series 0 holds no observed value$") as told:
        smooth.predict([[np.ma.masked] * 9], 3)
    assert len(told) == 1


@pytest.mark.parametrize("values, missing", [
    (np.array(["a", "b", "c"])[np.arange(30) % 3], None), (np.arange(30) % 3 == 0, None),
    (np.datetime64("2024-01-01") + np.arange(30) % 3, np.datetime64("NaT")),
    (np.array([True, "a", None], object)[np.arange(30) % 3], None), (np.arange(30) % 3, np.nan)],
    ids=["texts", "booleans", "dates", "objects", "numbers"])
def test_masked_covariates_are_of_the_kind_of_their_values(smooth, values, missing):
    def forecast(past, future):
        item = {"target": wave(30), "past_covariates": {"x": past}, "future_covariates": {"x": future}}
        return smooth.predict([item], 3)[0]

    none = np.zeros(30, bool)
    expected = forecast(values, values[:3])
    np.testing.assert_array_equal(forecast(np.ma.masked_array(values), np.ma.masked_array(values[:3])), expected)
    np.testing.assert_array_equal(forecast(np.ma.masked_array(values, none), values[:3]), expected)
    gaps = values.astype(float if missing is np.nan else values.dtype if missing is not None else object)
    gaps[MASKED] = missing
    np.testing.assert_array_equal(forecast(np.ma.masked_array(values, MASKED), values[:3]), forecast(gaps, values[:3]))


@pytest.mark.parametrize("values, error, text", [
    (np.arange("2024-01-01", "2024-01-31", dtype="M8[D]"), ValueError, "found datetime64"),
    (np.arange(30).astype("m8[D]"), ValueError, "found timedelta64"), (wave(30) + 1j, ValueError, "found complex128"),
    (np.array(["1"] * 30), TypeError, "Expected numbers, found texts")])
def test_masked_targets_of_other_kinds_are_refused_as_plain_ones(smooth, values, error, text):
    for target in (values, np.ma.masked_array(values, MASKED), np.ma.masked_array(values)):
        with pytest.raises(error, match=text):
            smooth.predict([target], 4)


def test_masked_booleans_are_targets(smooth):
    values = np.arange(30) % 3 == 0
    np.testing.assert_array_equal(smooth.predict([np.ma.masked_array(values, MASKED)], 4)[0],
                                  smooth.predict([np.where(MASKED, np.nan, values)], 4)[0])


def test_series_of_one_list_may_differ_in_covariates(smooth, rng):
    inputs = [{"target": rng.random((2, 30)), "past_covariates": {"a": rng.random(30)}}, {"target": rng.random(20)}]
    both = smooth.predict(inputs, 4)
    for one, item in zip(both, inputs):
        np.testing.assert_array_equal(one, smooth.predict([item], 4)[0])


def test_categories_are_labels_whatever_their_type(smooth, rng):
    target, codes, future = rng.random(60), rng.integers(0, 3, 60), rng.integers(0, 4, 5)
    results = []
    for names in (np.array(["ant", "bee", "cat", "new"]), np.array([False, True, None, "z"], object),
                  np.array(["2020-01-01", "2020-01-02", "2020-01-03", "2021-01-01"], "datetime64[D]")):
        item = {"target": target, "past_covariates": {"x": names[codes]}, "future_covariates": {"x": names[future]}}
        results.append(smooth.predict([item], 5)[0])
    np.testing.assert_array_equal(results[0], results[2])  # the other has a missing value
    without = smooth.predict([target], 5)[0]
    assert not np.array_equal(results[0], without) and not np.array_equal(results[1], without)


def test_categories_of_several_targets_follow_their_order(smooth, rng):
    """Texts in the order of 0, 1, ... 11 as numbers; as texts "10" would come before "2"."""
    codes = np.concatenate([np.arange(12), rng.integers(0, 12, 40)])
    target = rng.random((2, 52))
    texts = {"target": target, "past_covariates": {"x": np.array([f"{code:02}" for code in codes])}}
    objects = {"target": target, "past_covariates": {"x": codes.astype(object)}}
    np.testing.assert_array_equal(smooth.predict([texts], 4)[0], smooth.predict([objects], 4)[0])


def test_an_unknown_future_is_a_past_covariate(smooth, rng):
    past = {"target": rng.random(30), "past_covariates": {"a": rng.random(30)}}
    for unknown in (None, [], np.array([])):
        item = {**past, "future_covariates": {"a": unknown}}
        np.testing.assert_array_equal(smooth.predict([item], 4)[0], smooth.predict([past], 4)[0])


def test_prepared_inputs(smooth, rng):
    item = covariate_inputs(rng, 6, lengths=(40,))[0]
    prepared = {"context": np.stack([item["target"], item["past_covariates"]["b"], item["past_covariates"]["a"]]),
                "future_covariates": np.full((3, 6), np.nan), "n_targets": 1, "n_covariates": 2,
                "n_future_covariates": 1}
    prepared["future_covariates"][2] = item["future_covariates"]["a"]
    np.testing.assert_allclose(smooth.predict([prepared], 6)[0], smooth.predict([item], 6)[0], rtol=1e-4)
    with pytest.raises(TypeError, match="missing required keys"):
        smooth.predict([{"context": prepared["context"]}], 6)


def prepared(future, targets=1, covariates=1, known=1, rows=2):
    return {"context": np.stack([wave(40, 24 - 9 * row) for row in range(rows)]), "future_covariates": future,
            "n_targets": targets, "n_covariates": covariates, "n_future_covariates": known}


def known_ahead(length):
    return np.stack([np.full(length, np.nan), np.arange(length)])


@pytest.mark.parametrize("horizon", [12, 40])
def test_prepared_futures_shorter_than_the_forecast_are_unknown_beyond(smooth, horizon):
    """As upstream has them. What lies behind the array is not read."""
    whole = known_ahead(horizon)
    whole[:, 8:] = np.nan
    text = f"^{horizon - 8} values of known futures, the first in covariate '1' of series 0, are missing and count as"
    with pytest.warns(UserWarning, match=text) as told:
        expected = smooth.predict([prepared(whole)], horizon)[0]
        for behind in (np.nan, 1e6):
            array = np.full((2, 64), behind)
            array[:, :8] = whole[:, :8]
            np.testing.assert_array_equal(smooth.predict([prepared(array[:, :8])], horizon)[0], expected)
            assert smooth.predict_bytes([prepared(array[:, :8])], horizon) > 0
    assert len(told) == 3
    np.testing.assert_array_equal(smooth.embed([prepared(whole[:, :8])])[0][0], smooth.embed([prepared(whole)])[0][0])


def test_prepared_futures_longer_than_the_forecast_are_told(smooth):
    with pytest.warns(UserWarning, match="^series 1 has known values beyond prediction_length=4, which are left out$"):
        longer = smooth.predict([prepared(known_ahead(4)), prepared(known_ahead(6))], 4)
    np.testing.assert_array_equal(*longer)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smooth.predict([prepared(np.full((2, 6), np.nan), known=0)], 4)


@pytest.mark.parametrize("one", [1.0, np.float32(1), np.int64(1), np.array(1), np.array(1.0)], ids=repr)
def test_counts_of_prepared_inputs_are_whole_numbers_of_any_type(smooth, one):
    expected = smooth.predict([prepared(known_ahead(4))], 4)[0]
    np.testing.assert_array_equal(smooth.predict([prepared(known_ahead(4), one, one, one)], 4)[0], expected)


@pytest.mark.parametrize("item, error, text", [
    (prepared(known_ahead(4), 0, 2), ValueError, "'n_targets', at least 1, .* got 0 and 2 of 2"),
    (prepared(known_ahead(4), 2, 1), ValueError, "to be the rows of 'context' together, got 2 and 1 of 2"),
    (prepared(known_ahead(4), 3, -1), ValueError, "got 3 and -1 of 2"),
    (prepared(known_ahead(4), known=2), ValueError, "'n_future_covariates' between 0 and n_covariates=1, got 2"),
    (prepared(known_ahead(4), known=-1), ValueError, "between 0 and n_covariates=1, got -1"),
    (prepared(known_ahead(4), known=0), ValueError, "Expected NaN in all rows of 'future_covariates' but the last"),
    (prepared(np.zeros((2, 4))), ValueError, "Expected NaN in all rows of .* but the last n_future_covariates=1"),
    (prepared(known_ahead(4), targets=1.5), TypeError, "'n_targets' .*: expected a whole number, found 1.5"),
    (prepared(known_ahead(4), targets=np.nan), TypeError, "'n_targets' .*: expected a whole number, found nan"),
    (prepared(known_ahead(4), targets=np.inf), TypeError, "'n_targets' .*: expected a whole number, found inf"),
    (prepared(known_ahead(4), targets=np.ones(2)), TypeError, "'n_targets' .*: expected a whole number, found array"),
    (prepared(known_ahead(4), targets=True), TypeError, "'n_targets' .*: expected a whole number, found True"),
    (prepared(known_ahead(4), targets="1"), TypeError, "'n_targets' .*: expected a whole number, found '1'"),
    (wave(40), TypeError, "Expected prepared inputs in all elements, found ndarray"),
])
def test_prepared_inputs_that_can_not_be(smooth, item, error, text):
    with pytest.raises(error, match=text) as raised:
        smooth.predict([prepared(known_ahead(4)), item], 4)
    assert "element at index 1" in str(raised.value)


@pytest.mark.parametrize("series, text", [
    (Series([np.ones(9)], [Covariate("x", np.ones(9), np.ones(3))]), "covariate 'x': expected 4 values of its future"),
    (Series([np.ones(9)], [Covariate("x", np.ones(8))]), "covariate 'x': expected 9 values, found 8"),
    (Series([np.ones(9), np.ones(8)]), "target 1: expected 9 values, found 8"),
])
def test_no_array_is_handed_over_that_is_too_short(series, text):
    with pytest.raises(ValueError, match=f"series 1: {text}"):
        SeriesTable([Series([np.ones(5)]), series], 4)


@pytest.mark.parametrize("inputs, text", [
    (np.zeros(16), "Expected 3-d tensor with shape"),
    (np.zeros((4, 3)), "Expected 3-d tensor with shape"), ([], "is empty"),
    (np.zeros((0, 1, 4)), "is empty"),
    ([np.zeros((0, 9))], "series 0: expected at least one target"),
    ([np.zeros((1, 2, 100)), np.zeros(120)], "Each element should be 1-d.*index 0"),
    ([{"target": np.zeros(10)}, {"target": np.zeros(17), "extra": []}], "Found invalid keys.*index 1"),
    ([{"target": np.zeros(10)}, {"past_covariates": {}}], "index 1 does not contain the required key 'target'"),
    ([{"target": np.zeros(10)}, {"target": np.zeros((1, 2, 17))}], "Target must be 1-d or 2-d"),
    ([{"target": np.zeros(10), "past_covariates": np.zeros(10)}], "Found invalid type for `past_covariates`"),
    ([{"target": np.zeros(17), "past_covariates": {"a": np.zeros(10)}}], "`past_covariates` must be 1-d with length"),
    ([{"target": np.zeros(10), "past_covariates": {"a": np.zeros(10)}, "future_covariates": np.zeros(10)}],
     "Found invalid type for `future_covariates`"),
    ([{"target": np.zeros(10), "past_covariates": {"a": np.zeros(10)}, "future_covariates": {"b": np.zeros(10)}}],
     "Expected keys in `future_covariates`"),
    ([{"target": np.zeros(10), "past_covariates": {"a": np.zeros(10)}, "future_covariates": {"a": np.zeros(7)}}],
     "`future_covariates` must be 1-d with length"),
    ([{"target": np.zeros(10), "past_covariates": {"a": np.zeros(10)}, "future_covariates": {"a": np.array(7)}}],
     "`future_covariates` must be 1-d with length"),
    ([np.array([1.0, np.inf])], "series 0: target: value 1 is infinite"),
])
def test_wrong_inputs_say_what_is_wrong(smooth, inputs, text):
    with pytest.raises(ValueError, match=text):
        smooth.predict(inputs, prediction_length=10)


@pytest.mark.parametrize("inputs", [[np.array(["1", "2", "3"])], [np.arange(3.0), np.array([1, "2"], object)],
                                    np.array([[["1", "2"]]]), [[["1", "2"]]],
    [{"target": ["1", "2", "3"]}],
    [{"context": [["1", "2", "3"]], "future_covariates": np.full((1, 4), np.nan), "n_targets": 1, "n_covariates": 0,
      "n_future_covariates": 0}]])
def test_texts_are_no_targets(smooth, inputs):
    with pytest.raises(TypeError, match="Expected numbers, found texts"):
        smooth.predict(inputs, 4)


@pytest.mark.parametrize("inputs, text", [
    ([wave(9), {"target": wave(9)}], "Expected arrays in all elements, as the first is one, found dict in .* index 1"),
    ([{"target": wave(9)}, wave(200000)], "Expected dicts in all elements, as the first is one, found ndarray in .* 1"),
    ([wave(9), [1, object()]], "Expected numbers, found object in element at index 1"),
    ([wave(9), [[1, 2], [3]]], "Expected rows of the same length in element at index 1"),
    ([[[1, 2], [3]]], "Expected rows of the same length in element at index 0"),
    ([{"target": wave(9), "past_covariates": {"x": wave(9)}, "future_covariates": {"x": ["1", "a"]}}],
     "Expected numbers, found 'a' in the future of 'x' of element at index 0"),
    ([{"target": wave(9), "past_covariates": {"x": wave(9) + 1j}}], "numbers, found complex128 in 'x' of .* 0"),
    ([{"target": wave(9), "past_covariates": {"x": np.arange(9).astype("m8[D]")}}], "found timedelta64.* in 'x' of .* 0"),
])
def test_elements_that_do_not_fit_are_named(smooth, inputs, text):
    with pytest.raises((TypeError, ValueError), match=text) as raised:
        smooth.predict(inputs, 2)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_a_table_is_no_series(smooth, kind):
    """NumPy has a table's rows for the rows of an array, whose rows are targets."""
    library = pytest.importorskip(kind)
    table = getattr(library, {"pyarrow": "table"}.get(kind, "DataFrame"))({"a": wave(9), "b": wave(9)})
    for inputs, where in (([table], "element at index 0"), ([wave(9), table], "element at index 1"),
                          ([{"target": table}], "`target` of element at index 0"),
                          ([{"target": wave(9), "past_covariates": {"x": table}}], "'x' of .* at index 0")):
        for call in (smooth.predict, smooth.evaluate):
            with pytest.raises(TypeError, match=f"Expected an array, found {type(table).__name__} in .*{where}"):
                call(inputs, 2)


def test_a_list_of_numbers_is_not_a_list_of_series(smooth):
    with pytest.raises(TypeError, match="One series is a list of one array"):
        smooth.predict([1.0, 2.0, 3.0], 4)


@pytest.mark.parametrize("arguments, error", [
    ({"prediction_length": 0}, ValueError), ({"batch_size": 0}, ValueError), ({"context_length": 0}, ValueError),
    ({"no_such_argument": 1}, TypeError), ({"return_type": "jax"}, ValueError),
    ({"unrolled_quantiles": [0.123]}, ValueError), ({"unrolled_quantiles": [], "max_output_patches": 1}, ValueError),
    ({"reg_global": "no", "attention": "windowed_future_global"}, TypeError), ({"reg_global": 0}, TypeError),
    ({"radius": 4}, ValueError), ({"attention": "sparse"}, ValueError), ({"unrolled_quantiles": 0.5}, TypeError),
    ({"cross_learning": "false"}, TypeError), ({"cross_learning": None}, TypeError), ({"cross_learning": 1}, TypeError),
    ({"limit_prediction_length": 1}, TypeError), ({"extend_context": "no"}, TypeError),
])
def test_wrong_arguments(smooth, arguments, error):
    with pytest.raises(error):
        smooth.predict([np.arange(20.0)], **arguments)


def test_options_that_are_no_booleans_or_lists_are_named(smooth):
    series = [wave(30)]
    for call in (smooth.predict, smooth.encode):
        with pytest.raises(TypeError, match="cross_learning: expected True or False, found 'false'"):
            call(series, 2, cross_learning="false")
    with pytest.raises(TypeError, match="^predict_batches_jointly: expected True or False, found 'false'"):
        smooth.predict(series, 2, predict_batches_jointly="false")
    with pytest.raises(TypeError, match="^radius: expected a number, found 'x'$"):
        smooth.predict(series, 2, attention="windowed_future_global", radius="x")
    encoded = smooth.encode(series, 2, attention="windowed_future_null")
    for call in (lambda **asked: smooth.predict_quantiles(series, 2, **asked),
                 lambda **asked: smooth.evaluate(series, 2, **asked),
                 lambda **asked: encoded.predict_quantiles([{}], **asked)):
        with pytest.raises(TypeError, match="quantile_levels: expected a list of numbers, found 0.5"):
            call(quantile_levels=0.5)
        for level in ("0.1", b"0.1", True, None):
            with pytest.raises(TypeError, match=f"quantile_levels: expected a list of numbers, found {level!r} in it$"):
                call(quantile_levels=[0.5, level])
    with pytest.raises(TypeError, match="^unrolled_quantiles: expected a list of numbers, found '0.1' in it$"):
        smooth.predict(series, 2, unrolled_quantiles=["0.1"])
    for horizon in (2, 100):
        with pytest.raises(ValueError, match="^unrolled_quantiles: 0.5 is there twice$"):
            smooth.predict(series, horizon, unrolled_quantiles=[0.5, 0.1, 0.5])


def test_horizons_beyond_one_pass_warn_or_are_refused(smooth):
    longest = smooth.model_prediction_length
    with pytest.warns(UserWarning, match="We recommend keeping prediction length"):
        assert smooth.predict([wave(40)], longest + 1)[0].shape == (1, 21, longest + 1)
    with pytest.raises(ValueError, match="limit_prediction_length=False"):
        smooth.predict([wave(40)], longest + 1, limit_prediction_length=True)
    assert smooth.predict([wave(40)])[0].shape == (1, 21, longest)


def test_options_of_rollouts(smooth):
    series, horizon = [wave(60)], 2 * smooth.model_prediction_length
    with pytest.warns(UserWarning, match="We recommend"):
        default = smooth.predict(series, horizon)[0]
        same = smooth.predict(series, horizon, unrolled_quantiles=[0.9, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
                              max_output_patches=smooth.max_output_patches)[0]
        median = smooth.predict(series, horizon, unrolled_quantiles=[0.5])[0]
        single = smooth.predict(series, horizon, max_output_patches=1)[0]
    first = smooth.model_prediction_length
    np.testing.assert_array_equal(smooth.predict(series, unrolled_quantiles=[])[0], smooth.predict(series)[0])
    np.testing.assert_array_equal(default, same)
    np.testing.assert_array_equal(default[..., :first], median[..., :first])
    assert not np.array_equal(default, median) and not np.array_equal(default, single)
    np.testing.assert_array_equal(smooth.predict(series, 40, max_output_patches=1)[0][..., :16],
                                  smooth.predict(series, 16)[0])


def test_a_series_that_fails_may_be_skipped(smooth):
    series = [wave(30), np.array([1.0, np.inf]), wave(40)]
    with pytest.warns(UserWarning, match="no forecast: series 1: target: value 1 is infinite"):
        outputs = smooth.predict(series, 4, on_error="skip")
    assert outputs[1] is None
    np.testing.assert_array_equal(outputs[2], smooth.predict(series[2:], 4)[0])
    with pytest.raises(ValueError, match="on_error"):
        smooth.predict(series, 4, on_error="ignore")


def test_contexts_beyond_the_model(smooth):
    limit = smooth.model_context_length
    series = wave(limit + 200)
    with pytest.warns(UserWarning, match="Resetting context_length"):
        cut = smooth.predict([series], 4, context_length=limit + 100)[0]
    np.testing.assert_array_equal(cut, smooth.predict([series[-limit:]], 4)[0])
    extended = smooth.predict([series], 4, context_length=limit + 100, extend_context=True)[0]
    assert not np.array_equal(cut, extended)


def test_cross_learning_and_batch_size(smooth, rng):
    inputs = [rng.random(30) for _ in range(5)]
    alone = np.stack(smooth.predict(inputs, 4))
    np.testing.assert_array_equal(alone, np.stack(smooth.predict(inputs, 4, batch_size=2)))
    together = np.stack(smooth.predict(inputs, 4, cross_learning=True))
    assert not np.array_equal(alone, together)
    said = "5 rows are more than batch_size 2: series inform each other within 3 passes only"
    with pytest.warns(UserWarning, match=said):
        passes = np.stack(smooth.predict(inputs, 4, cross_learning=True, batch_size=2))
    assert not np.array_equal(together, passes)
    with warnings.catch_warnings():  # a series that is left out takes no place in a pass
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "no forecast")
        smooth.predict([inputs[0], np.full(4, np.inf)], 2, cross_learning=True, batch_size=1, on_error="skip")
    with pytest.warns(UserWarning, match=said):
        smooth.encode(inputs, 4, cross_learning=True, batch_size=2)
    with pytest.warns(FutureWarning, match="use `cross_learning=True` to enable the cross-learning mode.$"):
        np.testing.assert_array_equal(together, np.stack(smooth.predict(inputs, 4, predict_batches_jointly=True)))


def test_levels_outside_the_trained_ones_warn(smooth, caplog):
    with caplog.at_level(logging.WARNING):
        quantiles, _ = smooth.predict_quantiles([wave(40)], 4, [0.001, 0.5])
    assert "not within the range of quantiles" in caplog.text
    assert caplog.text.rstrip().endswith("This may significantly affect the quality of the predictions.")
    np.testing.assert_array_equal(quantiles[0][0, :, 0], smooth.predict([wave(40)], 4)[0][0, 0])
    with pytest.raises(ValueError):
        smooth.predict_quantiles([wave(40)], 4, [1.5])


def test_levels_are_what_they_are_written_as():
    """Those of narrower types are taken as 0.1, not as the 0.10000000149011612 that float32 has for it."""
    for kind in (float, np.float64, np.float32, np.float16):
        assert list_levels(np.array([0.1, 0.5], kind)) == list_levels([kind(0.1), np.array(0.5, kind)]) == (0.1, 0.5)
    assert list_levels([Decimal("0.1"), 1]) == (0.1, 1.0)
    with pytest.raises(TypeError, match="^quantile_levels: expected a list of numbers, found array.True. in it$"):
        list_levels([np.array(True)])


def test_levels_of_torch_are_what_they_are_written_as():
    torch = pytest.importorskip("torch")
    for kind in (torch.float64, torch.float32, torch.float16):
        levels = torch.tensor([0.1, 0.9], dtype=kind)
        assert list_levels(levels) == list_levels(list(levels)) == (0.1, 0.9)
    with pytest.raises(TypeError, match="^quantile_levels: expected a list of numbers, found tensor.True. in it$"):
        list_levels(torch.tensor([True]))


def test_embeddings_have_a_token_a_patch_and_two_more(smooth, rng):
    values, scales = smooth.embed([rng.random(100), rng.random((2, 150)), rng.random(120)])
    width = values[0].shape[-1]
    assert shapes(values) == [(1, 12, width), (2, 12, width), (1, 12, width)]
    assert [loc.shape for loc, _ in scales] == [(1, 1), (2, 1), (1, 1)]
    np.testing.assert_allclose(smooth.embed([wave(64)])[1][0][0], wave(64).mean(), rtol=1e-6)


def test_attributes(pipeline):
    assert pipeline.model_context_length == 2048 and pipeline.default_context_length == 2048
    assert pipeline.max_output_patches == pipeline.model_output_patch_size == 16
    assert pipeline.model_prediction_length == 256
    assert len(pipeline.quantiles) == 21 and pipeline.quantiles.index(0.5) == 10
    assert pipeline.forecast_type is chronos2.ForecastType.QUANTILES
    assert set(pipeline.dtypes) == {"bfloat16", "float32"}
    assert pipeline.model is pipeline.inner_model and pipeline.model.config.d_model == 160
    assert pipeline.model.chronos_config.context_length == 2048


def test_memory_of_a_forecast_is_known_before(smooth):
    inputs = [wave(100)] * 40
    one, many = smooth.predict_bytes(inputs[:1], 8), smooth.predict_bytes(inputs, 8)
    assert 40 * 21 * 8 * 8 < many and one < many < smooth.predict_bytes(inputs, 800, batch_size=1000)
    with pytest.raises(ValueError, match="prediction_length"):
        smooth.predict_bytes(inputs, 0)


# ---- What would be silently wrong ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["prediction_length", "context_length", "batch_size", "max_output_patches"])
@pytest.mark.parametrize("value", [2.5, 4.0, "4", True])
def test_numbers_that_are_not_whole(smooth, name, value):
    with pytest.raises(TypeError, match=f"{name}: expected a whole number, found {value!r}"):
        smooth.predict([wave(30)], **{"prediction_length": 4, name: value})


@pytest.mark.parametrize("inputs, text", [
    ([np.full(20, np.nan), wave(20)], "series 0 holds no observed value"),
    ([wave(20), np.zeros(0)], "series 1 holds no observed value"),
    ([np.full((2, 20), np.nan)] * 3, "3 series, 0 the first, hold no"),
    ([{"target": [None, None]}], "series 0 holds no observed value")])
def test_series_without_an_observed_value(smooth, inputs, text):
    for call in (lambda: smooth.predict_quantiles(inputs, 4, [0.5]), lambda: smooth.embed(inputs)):
        with pytest.warns(UserWarning, match=text) as told:
            call()
        assert [warning.filename for warning in told] == [__file__]


def test_series_that_end_or_begin_without_a_value_have_one(smooth):
    gaps = wave(30)
    gaps[-20:] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smooth.predict([gaps[::-1], np.stack([wave(30), np.full(30, np.nan)])], 4)
        smooth.embed([gaps])


# The words are those of tables and of the program, whose items have names.
LACKS = [
    ([wave(9), np.append(wave(9), np.nan)],
     "^series 1 ends in missing targets, for 1 step: the forecast begins after the last row, not after the last obs"),
    ([np.append(wave(9), [np.nan] * k) for k in (2, 3)],
     "^2 series, 0 the first, end in missing targets, for 3 steps at most: "),
    ([{"target": np.stack([np.append(wave(11 - k), [np.nan] * k) for k in (2, 4, 2)])}],
     "^series 0 ends in .* for 2 steps:"),
    ([{"target": wave(9)}, {"target": wave(9), "past_covariates": {"a": wave(9), "x": np.full(9, np.nan)}}],
     "^series 1 has a covariate without an observed value in the past, 'x' the first: its effect is unknown$"),
    ([{"target": wave(9), "past_covariates": {name: [None] * 9}} for name in "xy"],
     "^2 series, 0 the first, have a covariate without an observed value in the past, 'x' the first: "),
    ([{"target": wave(9), "past_covariates": {"x": wave(9)}, "future_covariates": {"x": [1, np.nan]}}],
     "^1 value of known futures, the first in covariate 'x' of series 0, is missing and counts as unknown$"),
    ([{"target": wave(9), "past_covariates": {"x": ["a"] * 9}, "future_covariates": {"x": [None, None]}}],
     "^2 values of known futures, the first in covariate 'x' of series 0, are missing and count as unknown$"),
    ([{"context": np.stack([wave(9)] * 2), "future_covariates": np.array([[np.nan, np.nan], [1, np.nan]]),
       "n_targets": 1, "n_covariates": 1, "n_future_covariates": 1}],
     "^1 value of known futures, the first in covariate '1' of series 0, "),
]


@pytest.mark.filterwarnings("ignore:the weights were trained for")
@pytest.mark.parametrize("inputs, text", LACKS)
def test_what_series_lack_is_told(smooth, inputs, text):
    for call in (lambda: smooth.predict(inputs, 2), lambda: smooth.predict_quantiles(inputs, 2, [0.5]),
                 lambda: smooth.encode(inputs, 2)):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            warnings.filterwarnings("ignore", "the weights were trained for")
            call()
        assert [warning.filename for warning in told] == [__file__] and re.search(text, str(told[0].message))


@pytest.mark.filterwarnings("ignore:the weights were trained for")
def test_warnings_name_the_line_of_the_call(smooth):
    inputs, longest = [wave(30)], smooth.model_context_length
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        line = sys._getframe().f_lineno
        smooth.predict(inputs, 2, context_length=longest + 1)
        smooth.predict_quantiles(inputs, 2, context_length=longest + 1)
        smooth.predict_bytes(inputs, 2, context_length=longest + 1)
        smooth.embed(inputs, context_length=longest + 1)
        smooth.encode(inputs, 2, context_length=longest + 1)
        smooth.evaluate(inputs, 2, context_length=longest + 1)
    told = [warning for warning in told if "Resetting context_length" in str(warning.message)]
    assert [(warning.filename, warning.lineno - line) for warning in told] == [(__file__, i) for i in range(1, 7)]


def test_a_missing_category_that_the_past_has_is_known(smooth):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smooth.predict([{"target": wave(9), "past_covariates": {"x": ["a", "b", None] * 3},
                         "future_covariates": {"x": [None, "a"]}}], 2)


@pytest.mark.parametrize("inputs, text", [
    ({"target": wave(9)}, "found dict. One series is a list of one dict"), (7, "found int"),
    (type("Table", (), {"columns": ["a"]})(), "found Table. Tables are for predict_df and evaluate")])
def test_what_is_no_list_of_series(smooth, inputs, text):
    for call in (smooth.predict, smooth.evaluate) if not hasattr(inputs, "columns") else (smooth.predict,):
        with pytest.raises(TypeError, match=f"Expected a 3-d array, a list of arrays or a list of dicts, {text}"):
            call(inputs, 2)


@pytest.mark.filterwarnings("ignore:the weights were trained for")
@pytest.mark.parametrize("inputs, text", [
    ([wave(30), wave(30) * 1e300],
     "^84 numbers are beyond the range of float32, so infinite, the first of series 1$"),
    ([wave(30), wave(30) * 1e-60],
     "^series 1 varies so little around its level that float32 rounds the bands: "),
    ([wave(30) + 1e12, np.stack([wave(30) * 1e-320, wave(30)])],
     "^2 series, 0 the first, vary so little around their level that float32 rounds the bands: "),
])
def test_what_float32_can_not_hold_is_told(smooth, inputs, text):
    encoded = smooth.encode(inputs, 4)
    for call in (lambda: smooth.predict(inputs, 4), lambda: smooth.predict_quantiles(inputs, 4, [0.1, 0.9]),
                 lambda: encoded.predict([[{}, {}]])):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            call()
        assert [warning.filename for warning in told] == [__file__] and re.search(text, str(told[0].message))


def test_what_float32_holds_is_not_told(smooth):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smooth.predict([np.full(30, 1e12), np.zeros(30), wave(30) * 1e30, wave(30) * 1e-30, np.zeros(1)], 4)
        smooth.predict([wave(30)], 4, context_length=1)  # a context that doesn't vary
        smooth.encode([wave(30), np.append(wave(30), np.ones(5))], 4, context_length=5).predict([[{}, {}]])


def test_an_embedding_beyond_float32_is_told(smooth):
    with pytest.warns(UserWarning, match="^means or deviations of 1 series, 1 the first, are beyond the range") as told:
        assert np.isinf(smooth.embed([wave(30), wave(30) * 1e300])[1][1]).all()
    assert [warning.filename for warning in told] == [__file__]


def test_a_generator_is_a_list_of_series(smooth):
    np.testing.assert_array_equal(smooth.predict((wave(n) for n in (9, 20)), 2), smooth.predict([wave(9), wave(20)], 2))


def test_missing_values_of_pandas(smooth):
    pd = pytest.importorskip("pandas")
    expected = smooth.predict([np.array([1, 0, np.nan, 1] * 5)], 2)[0]
    for values in (pd.Series([True, False, None, True] * 5, dtype="boolean"), np.array([1, 0, pd.NA, 1] * 5, object)):
        np.testing.assert_array_equal(smooth.predict([values], 2)[0], expected)


@pytest.mark.parametrize("value", [np.datetime64("2024-01-01"), np.timedelta64(3, "D")])
def test_dates_among_objects_are_no_numbers(smooth, value):
    wrong, ahead = np.array([value] * 9 + [None], object), np.array([value, None], object)
    known = {"target": wave(10), "past_covariates": {"x": wave(10)}, "future_covariates": {"x": ahead}}
    for inputs in ([wrong], [[None, value]], [{"target": wrong}], [known]):
        with pytest.raises(TypeError, match=f"^Expected numbers, found {type(value).__name__}"):
            smooth.predict(inputs, 2)


def test_numbers_among_objects_count_as_categories_and_that_is_said(smooth):
    """As upstream does with an array that NumPy makes one of objects."""
    def predict(values):
        return smooth.predict([{"target": wave(12), "past_covariates": {"x": values}}], 2)[0]

    codes = np.arange(12) % 3
    said = r"^covariate 'x': numbers in an array of objects count as categories; astype\(float\) makes them numbers$"
    for values in ([None, *codes[1:]], codes.astype(object), [Decimal(int(code)) for code in codes]):
        with pytest.warns(UserWarning, match=said):
            found = predict(values)
        texts = np.where([value is None for value in values], None, codes.astype(str).astype(object))
        np.testing.assert_array_equal(found, predict(texts))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spans = np.array([np.timedelta64(int(code), "D") for code in codes], object)
        for values in (codes, codes > 1, (codes > 1).astype(object), texts, spans):
            predict(values)


def kinds(past, future, **more):
    return {"target": wave(len(past)), "past_covariates": {"kind": np.array(past, object)},
            "future_covariates": {"kind": np.array(future, object)}, **more}


@pytest.mark.parametrize("inputs, text", [
    ([kinds(["a", "b"] * 9, ["a", "z"])], "'kind': categories that the past never had.*1 future values.*series 0"),
    ([kinds(["a", "b"] * 9, ["a", "b"]), kinds(["a"] * 18, ["b", "b"])], "2 future values, the first of series 1"),
    ([kinds([True, False] * 9, [1, 0])], "2 future values"), ([kinds(["1", "2"] * 9, [1, 2])], "2 future values"),
    ([kinds(["a", "b"] * 9, ["a", "z"], target=np.stack([wave(18)] * 2))], "1 future values"),
    ([kinds(["a", "z"] * 9, ["a", "a"]), kinds(["a", "b"] * 9, ["a", "z"], target=np.stack([wave(18)] * 2))],
     "1 future values, the first of series 1")])
def test_categories_that_the_past_never_had(smooth, inputs, text):
    with pytest.warns(UserWarning, match=text) as told:
        smooth.predict(inputs, 2)
    assert [warning.filename for warning in told] == [__file__]


def test_categories_that_the_past_had(smooth):
    several = [kinds(["a", "b", None] * 6, ["a", None]), kinds(["a"] * 18, ["b", "a"])]
    for item in several:
        item["target"] = np.stack([item["target"]] * 2)  # codes are those of all series
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*numbers in an array of objects count as categories")
        smooth.predict([kinds([1, 2.0] * 9, [1.0, 2])], 2)
        smooth.predict([kinds([True, None] * 9, [None, np.True_])], 2)
        smooth.predict(several, 2)


# ---- Labels as numpy and pandas tell them apart ---------------------------------------------------


def labelled(past, future=None, targets=1, dtype=object):
    """A series of one covariate whose values say how high it is."""
    step = np.arange(60)
    target = 10 + 5 * (step % 3) + np.cos(step)
    item = {"target": target if targets == 1 else np.stack([target, target[::-1] ** 2]),
            "past_covariates": {"x": np.array([past[k] for k in step % 3], dtype)}}
    return item if future is None else {**item, "future_covariates": {"x": np.array(future, dtype)}}


def test_booleans_of_one_series_beside_numbers_of_another_are_numbers(smooth):
    numbers, booleans = labelled([1, 0, 0], [1, 0], dtype=int), labelled([1, 0, 0], [1, 0], dtype=bool)
    expected = smooth.predict([numbers], 2)[0]
    for mixed in ([numbers, booleans], [booleans, numbers]):
        with pytest.warns(UserWarning, match="'x': numbers in some items, booleans in others: True counts") as told:
            results = smooth.predict(mixed, 2)
        assert [warning.filename for warning in told] == [__file__]
        for result in results:
            np.testing.assert_array_equal(result, expected)
    assert not np.array_equal(smooth.predict([booleans], 2)[0], expected)


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("mixed, plain", [
    (([0, True, False], [True, 1.0, False]), (["0", "1", "0"], ["1", "1", "0"])),
    (([False, 1, 0], [1, 0, True]), (["0", "1", "0"], ["1", "0", "1"])),
    (([2.5, "a", 1], [1, "a", 2.5]), (["1", "2", "0"], ["0", "2", "1"])),  # pandas has texts behind numbers
    (([10, "2", 9], ["2", 10, "9"]), (["1", "2", "0"], ["2", "1", "z"])),
    (([1, True, 0], [True, False, False]), (["1", "1", "0"], ["z", "z", "z"])),  # its categories are 0 and 1
    (([True, False, False], [1, 0, 0]), (["1", "0", "0"], ["z", "z", "z"])),
    (([True, False, False], [True, 1, 0]), (["1", "0", "0"], ["1", "1", "0"])),
])
@pytest.mark.filterwarnings("ignore:.*categories that the past never had")
def test_labels_of_several_types(smooth, mixed, plain, targets):
    mixed, plain = (smooth.predict([labelled(*labels, targets)], 3)[0] for labels in (mixed, plain))
    np.testing.assert_array_equal(mixed, plain)


@pytest.mark.parametrize("targets", [1, 2])
def test_numbers_of_one_series_beside_texts_of_another_are_texts(smooth, targets):
    numbers, texts = labelled([10, 9, 2], [9, 2], targets, int), labelled(["10", "9", "a"], ["9", "a"], targets, str)
    both = labelled(["10", "9", "2"], ["9", "2"], targets, str)
    for mixed, plain in zip(smooth.predict([numbers, texts], 2), smooth.predict([both, texts], 2)):
        np.testing.assert_array_equal(mixed, plain)


@pytest.mark.parametrize("targets", [1, 2])
def test_dates_are_the_same_in_every_unit(smooth, targets):
    days = np.array(["2024-01-01", "2024-01-02", "2023-01-01"], "M8[D]")
    expected = smooth.predict([labelled(["1", "2", "0"], ["2", "0"], targets)], 2)[0]
    forms = [days.astype(f"M8[{unit}]") for unit in ("D", "s", "us", "ns")]
    texts = [*(days.astype("U") for days in forms), days.astype("U").astype(object)]
    forms += [days.astype(object), days.astype("M8[us]").astype(object), np.array([*days], object)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for past in forms:
            for future in forms + texts:
                item = {**labelled(past, None, targets, past.dtype), "future_covariates": {"x": future[1:]}}
                np.testing.assert_array_equal(smooth.predict([item], 2)[0], expected)
    for past, future in ((days, np.array(["today", "02/01/2024"])), (texts[0], days[1:])):
        with pytest.warns(UserWarning, match="categories that the past never had, .*: 2 future values"):
            smooth.predict([{**labelled(past, None, targets, past.dtype), "future_covariates": {"x": future}}], 2)
    exact = days.astype("M8[ns]") + np.arange(3)
    item, expected = labelled(exact, exact[1:], dtype=exact.dtype), labelled(["1", "2", "0"], ["2", "0"])
    np.testing.assert_array_equal(smooth.predict([item], 2)[0], smooth.predict([expected], 2)[0])


def test_times_are_no_numbers(smooth):
    days = np.arange("2024-01-01", "2024-02-01", dtype="M8[D]")
    for inputs in ([days], [days - days[0]], [{"target": days}], [np.ones(9) + 1j]):
        with pytest.raises(ValueError, match="expected numbers, found (datetime64|timedelta64|complex128)"):
            smooth.predict(inputs, 2)


def test_names_of_covariates_may_be_numbers(smooth):
    named = [smooth.predict([{"target": wave(30), "past_covariates": {name: wave(30, 7)}}], 2) for name in (5, "5")]
    np.testing.assert_array_equal(*named)


def test_unknown_arguments_are_named(smooth):
    with pytest.raises(TypeError, match=r"Unexpected keyword arguments: \['horizon'\]"):
        smooth.predict([wave(30)], horizon=2)


def test_levels_are_anything_that_holds_several(smooth):
    listed = smooth.predict_quantiles([wave(40)], 5, [0.1, 0.5])[0][0]
    for levels in ((0.1, 0.5), np.array([0.1, 0.5]), {0.1: "low", 0.5: "middle"}, (level for level in (0.1, 0.5))):
        assert np.array_equal(smooth.predict_quantiles([wave(40)], 5, levels)[0][0], listed)
    long = smooth.predict([wave(40)], 100, unrolled_quantiles=[0.1, 0.5, 0.9])[0]
    for levels in ({0.9, 0.1, 0.5}, (level for level in (0.5, 0.1, 0.9))):
        assert np.array_equal(smooth.predict([wave(40)], 100, unrolled_quantiles=levels)[0], long)
