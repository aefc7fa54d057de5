"""chronos2.spark, as far as it runs without a cluster: tests/full/test_spark.py has one."""

import warnings

import pytest
from conftest import write_adapter

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
    ({"predict_batches_jointly": True}, ValueError, "^predict_batches_jointly: items that are independent"),
    ({"extend_context": "x"}, TypeError, "extend_context: expected True or False, found 'x'"),
    ({"limit_prediction_length": 1}, TypeError, "limit_prediction_length: expected True or False, found 1"),
    ({"attention": "foo"}, ValueError, "attention.*expected .*, found 'foo'"),
    ({"attention": "full", "radius": 3}, ValueError, "radius and reg_global belong to a windowed attention"),
    ({"radius": -1}, ValueError, "^radius: expected a whole number of at most 1e9 tokens, or infinity, found -1"),
    ({"attention": "windowed_future_global", "radius": 2.5}, ValueError, "^radius: expected a whole .*, found 2.5"),
    ({"attention": "windowed_future_global", "radius": 2e9}, ValueError, "^radius: expected a whole .* 2000000000$"),
    ({"radius": float("nan")}, ValueError, "^radius: expected a whole number .*, found nan"),
    ({"radius": "x"}, TypeError, "^radius: expected a number, found 'x'"),
    ({"radius": True}, TypeError, "^radius: expected a number, found True"),
    ({"unrolled_quantiles": [2]}, ValueError, r"^unrolled_quantiles: expected a number in \[0, 1\], found 2"),
    ({"unrolled_quantiles": [0.1, 0.1]}, ValueError, "^unrolled_quantiles: 0.1 is there twice"),
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


def test_workers_open_the_folders_that_the_driver_sees(tmp_path, monkeypatch):
    """Also that of an adapter's base; names of a hub are theirs to look up."""
    pytest.importorskip("pyspark")
    from chronos2 import spark

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base").mkdir()
    write_adapter(tmp_path / "adapter", "base")
    write_adapter(tmp_path / "of-a-hub", "someone/base")
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "near").mkdir()
    write_adapter(tmp_path / "beside" / "adapter", "near")
    for model, folder, base in (("base", "base", None), ("~/base", "base", None), ("adapter", "adapter", "base"),
                                (tmp_path / "of-a-hub", "of-a-hub", None),
                                ("beside/adapter", "beside/adapter", "beside/near")):
        opening = spark._opening(model)
        assert opening.pop("pretrained_model_name_or_path") == str(tmp_path / folder)
        assert opening == ({} if base is None else {"base_model": str(tmp_path / base)})
    for model, name in (("someone/smooth", "someone/smooth"), ("chronos2-micro", None), (None, None), ("", "")):
        assert spark._opening(model) == {"pretrained_model_name_or_path": name}


def test_the_trial_of_the_bundled_model_warns_of_nothing():
    """Its levels are none of the caller's model."""
    pytest.importorskip("pyspark")
    from chronos2 import arrow, spark
    from pyspark.sql import types

    plan = arrow.Plan("item_id", "timestamp", ("target",), 3, (0.001, 0.5), None, "raise", {})
    kinds = (types.StringType(), types.TimestampNTZType(), types.DoubleType())
    names = ["item_id", "timestamp", "target"]
    rows = types.StructType([types.StructField(f"c{place}", kind) for place, kind in enumerate(kinds)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spark._try(plan, rows, names, None, [])
