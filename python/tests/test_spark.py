"""chronos2.spark, as far as it runs without a cluster: tests/full/test_spark.py has one."""

import pytest

pytest.importorskip("pyarrow")


@pytest.mark.parametrize("options, error, text", [
    ({"cross_learning": True}, ValueError, "cross_learning: items that are independent"),
    ({"cross_learning": "false"}, TypeError, "cross_learning: expected True or False"),
    ({"contextlength": 3}, TypeError, r"Unexpected keyword arguments: \['contextlength'\]"),
    ({"prediction_length": 0}, ValueError, "prediction_length: expected at least 1, found 0"),
    ({"context_length": 2.5}, TypeError, "context_length: expected a whole number, found 2.5"),
    ({"quantile_levels": [0.1, 0.5, 0.1]}, ValueError, "quantile_levels: 0.1 is there twice"),
    ({"quantile_levels": [2]}, ValueError, r"quantile_levels: expected a number in \[0, 1\], found 2"),
    ({"quantile_levels": 0.5}, TypeError, "quantile_levels: expected a list of numbers, found 0.5"),
    ({"predict_batches_jointly": True}, ValueError, "cross_learning: items that are independent"),
    ({"extend_context": "x"}, TypeError, "extend_context: expected True or False, found 'x'"),
    ({"limit_prediction_length": 1}, TypeError, "limit_prediction_length: expected True or False, found 1"),
    ({"attention": "foo"}, ValueError, "attention.*expected .*, found 'foo'"),
    ({"attention": "full", "radius": 3}, ValueError, "radius and reg_global belong to a windowed attention"),
    ({"unrolled_quantiles": ["0.1"]}, TypeError, "unrolled_quantiles: expected a list of numbers, found '0.1' in it"),
    ({"on_error": "skip"}, ValueError, "on_error: expected 'raise' or 'null', found 'skip'"),
    ({"partitions": 0}, ValueError, "partitions: expected at least 1, found 0"),
])
def test_options_are_checked_before_a_plan_is_made(options, error, text):
    pytest.importorskip("pyspark")
    from chronos2 import arrow, spark

    for call in (spark.forecast, arrow.forecast) if "partitions" not in options else (spark.forecast,):
        with pytest.raises(error, match=text):
            call(None, **options)  # no table is looked at
