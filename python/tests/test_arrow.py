"""chronos2.arrow: streams of record batches, cut anywhere."""

import gc
import os
import shutil
import subprocess
import sys
import weakref

import numpy as np
import pytest
from conftest import GOLDEN, SMOOTH, write_adapter

pa = pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")

import chronos2  # noqa: E402
from chronos2 import arrow  # noqa: E402


def test_modules_are_imported_when_they_are_used():
    code = "import chronos2; print(callable(chronos2.arrow.forecast), hasattr(chronos2, 'arow'))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "True False\n"


def test_a_module_whose_library_is_missing_is_no_attribute():
    """What looks at all attributes must not fail, and an import says what is missing."""
    code = """if True:
        import sys
        sys.modules["sktime"] = None
        import chronos2
        print(hasattr(chronos2, "sktime"))
        try:
            from chronos2 import sktime
        except ImportError as error:
            print("sktime" in str(error))"""
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\nTrue\n"


def table(count, rng, shortest=3, covariates=()):
    """Series of odd lengths, together but in no order of their ids."""
    parts = []
    for item in rng.permutation(count):
        length = int(rng.integers(shortest, 60))
        stamps = pd.date_range("2024-03-01", periods=length, freq="h", unit="us")
        parts.append(pd.DataFrame({"item_id": f"s{item}", "timestamp": stamps, "target": rng.normal(size=length),
                                   **{name: rng.random(length) for name in covariates}}))
    return pa.Table.from_pandas(pd.concat(parts), preserve_index=False)


def future_of(past, horizon, rng, names):
    parts = []
    for item, group in past.to_pandas().groupby("item_id", sort=False):
        stamps = pd.date_range(group["timestamp"].iloc[-1], periods=horizon + 1, freq="h", unit="us")[1:]
        parts.append(pd.DataFrame({"item_id": item, "timestamp": stamps, **{n: rng.random(horizon) for n in names}}))
    return pa.Table.from_pandas(pd.concat(parts), preserve_index=False)


def named(rows, item):
    return rows.set_column(0, "item_id", pa.array([item] * len(rows), rows["item_id"].type))


def changed(past, item, **columns):
    frame = past.to_pandas()
    for name, value in columns.items():
        frame.loc[frame["item_id"] == item, name] = value
    return pa.Table.from_pandas(frame, preserve_index=False)


@pytest.mark.parametrize("rows", [1, 7, 64, 100_000])
def test_a_stream_is_forecast_as_its_table_is(smooth, rng, rows):
    past = table(41, rng)
    expected = smooth.predict_df(past, prediction_length=4)
    reader = arrow.forecast(past.to_batches(rows), smooth, prediction_length=4)
    assert reader.schema.field("timestamp").type == past.schema.field("timestamp").type
    result = reader.read_all()
    assert result.equals(expected.cast(result.schema))


def test_a_table_may_be_given_and_the_result_is_a_stream_too(smooth, rng):
    past = table(5, rng)
    result = arrow.forecast(past, smooth, prediction_length=3, freq="h", quantile_levels=[0.2])
    assert pa.table(result).column_names == ["item_id", "timestamp", "target_name", "predictions", "0.2"]
    assert arrow.forecast(past.slice(0, 0), smooth, prediction_length=3).read_all().num_rows == 0


def test_types_of_ids_and_time_are_kept(smooth, rng):
    frame = table(6, rng).to_pandas()
    frame["item_id"] = frame["item_id"].str[1:].astype("int32")
    days = frame.groupby("item_id").cumcount()
    frame["timestamp"] = (pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")).dt.date
    past = pa.Table.from_pandas(frame, preserve_index=False)
    result = arrow.forecast(past, smooth, prediction_length=2).read_all()
    assert result.schema.field("item_id").type == pa.int32() and result.schema.field("timestamp").type == pa.date32()
    coded = past.set_column(0, "item_id", past["item_id"].cast(pa.string()).dictionary_encode())
    named = arrow.forecast(coded, smooth, prediction_length=2).read_all()
    assert named["item_id"].to_pylist() == [str(i) for i in result["item_id"].to_pylist()]
    assert named["predictions"].equals(result["predictions"])


def test_known_futures_come_beside(smooth, rng):
    past = table(11, rng, covariates=["x", "known"])
    future = future_of(past, 5, rng, ["known"])
    expected = smooth.predict_df(past, future, prediction_length=5)
    result = arrow.forecast(past.to_batches(13), smooth, future.to_batches(8), prediction_length=5).read_all()
    assert result.equals(expected.cast(result.schema))
    coded = future.set_column(0, "item_id", future["item_id"].cast(pa.string()).dictionary_encode())
    assert arrow.forecast(past, smooth, coded, prediction_length=5).read_all().equals(result)
    for wrong in (future.slice(0, 50), future.slice(5), pa.concat_tables([future, named(future.slice(0, 5), "new")])):
        with pytest.raises(ValueError, match="future_df must have the same time series IDs as df"):
            arrow.forecast(past, smooth, wrong, prediction_length=5).read_all()


def test_bad_series_are_reported_and_the_others_forecast(smooth, rng):
    past = table(30, rng)
    frame = changed(past, "s7", target=np.inf).to_pandas()
    gap = frame.index[frame["item_id"] == "s12"][1]
    past = pa.Table.from_pandas(frame.drop(index=gap), preserve_index=False)
    good = past.filter(pa.compute.invert(pa.compute.is_in(past["item_id"], value_set=pa.array(["s7", "s12"]))))
    result = arrow.forecast(past, smooth, prediction_length=4, on_error="null").read_all().to_pandas()
    said = result[result["error"].notna()].set_index("item_id")
    assert sorted(said.index) == ["s12", "s7"] and said.drop(columns="error").isna().all(axis=None)
    assert "infinite" in said.loc["s7", "error"] and "Could not infer frequency" in said.loc["s12", "error"]
    rest = result[result["error"].isna()].drop(columns="error").reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, arrow.forecast(good, smooth, prediction_length=4).read_all().to_pandas())
    with pytest.raises(ValueError, match="(item 's7': target|Could not infer frequency for series s12)"):
        arrow.forecast(past, smooth, prediction_length=4).read_all()


def test_bad_futures_are_reported_and_the_others_forecast(smooth, rng):
    past = table(9, rng, covariates=["known"])
    future = future_of(past, 4, rng, ["known"])
    expected = arrow.forecast(past, smooth, future, prediction_length=4).read_all().to_pandas()
    frame = future.to_pandas()
    frame["item_id"] = frame["item_id"].replace("s3", "new")
    frame = frame.drop(index=frame.index[frame["item_id"] == "s5"][1])
    result = arrow.forecast(past, smooth, pa.Table.from_pandas(frame, preserve_index=False), prediction_length=4,
                            on_error="null").read_all().to_pandas()
    said = result[result["error"].notna()].set_index("item_id")["error"]
    assert sorted(said.index) == ["new", "s3", "s5"] and said["new"] == "it has a future and no past"
    assert "same time series IDs" in said["s3"] and "prediction_length=4 rows per item" in said["s5"]
    rest = result[result["error"].isna()].drop(columns="error").reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, expected[~expected["item_id"].isin(["s3", "s5"])].reset_index(drop=True))


def test_a_series_does_not_take_the_frequency_of_others(smooth, rng):
    past = table(6, rng)
    short = pa.concat_tables([past, named(past.slice(0, 2), "short")])
    with pytest.raises(ValueError, match="Could not infer frequency for series short: .*explicit `freq`"):
        arrow.forecast(short, smooth, prediction_length=4).read_all()
    assert arrow.forecast(short, smooth, prediction_length=4, freq="h").read_all().num_rows == 7 * 4


@pytest.mark.parametrize("options, text", [
    ({"on_error": "skip"}, "on_error: expected 'raise' or 'null'"),
    ({"cross_learning": True}, "cross_learning"),
    ({"prediction_length": 0}, "prediction_length: expected at least 1"),
    ({"freq": "fortnight"}, "expected a frequency as pandas spells it, found 'fortnight'"),
    ({"target": "y"}, "Missing columns: {'y'}"),
    ({"target": "item"}, "must be numeric"),
    ({"target": ["target", "x"]}, "column 'item': categories beside several targets"),
    ({"future": "x"}, "Missing columns"),
    ({"future": "target"}, "cannot contain target columns"),
    ({"future": "new"}, "Extra columns: \\['new'\\]"),
])
def test_what_no_series_could_be_forecast_with_is_an_error(smooth, rng, options, text):
    past = table(3, rng, covariates=["x"])
    past = past.append_column("item", past["item_id"])
    if "future" in options:
        columns = {"x": ["x"], "target": ["item_id", "timestamp", "target"],
                   "new": ["item_id", "timestamp", "new"]}[options["future"]]
        options = {"future": past.append_column("new", past["x"]).select(columns)}
    with pytest.raises(ValueError, match=text):
        arrow.forecast(past, smooth, **{"prediction_length": 2, "on_error": "null", **options}).read_all()


def test_rows_of_a_series_must_be_together(smooth, rng):
    past = table(3, rng)
    with pytest.raises(ValueError, match="rows of item '.*' come again after another item's"):
        arrow.forecast([past, past.slice(0, 4)], smooth, prediction_length=2).read_all()
    with pytest.raises(ValueError, match="at least one"):
        arrow.forecast([], smooth)
    with pytest.raises(TypeError, match="found DataFrame"):
        arrow.forecast([past.to_pandas()], smooth)


def test_what_the_producer_raises_comes_through(smooth, rng):
    def batches():
        yield table(3, rng)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        arrow.forecast(batches(), smooth, prediction_length=2).read_all()


def with_column(rows, name, values):
    return rows.set_column(rows.column_names.index(name), name, values)


def test_later_batches_are_read_by_the_names_and_types_of_the_first(smooth, rng):
    past = table(12, rng, covariates=["x"])
    past = with_column(past, "x", pa.array(rng.integers(0, 9, len(past)).astype(float)))
    expected = arrow.forecast(past, smooth, prediction_length=3).read_all()
    first, later = past.slice(0, 100), past.slice(100)
    coded = with_column(later, "item_id", later["item_id"].cast(pa.string()).dictionary_encode())
    for other in (later.select(["x", "target", "timestamp", "item_id"]),
                  with_column(later, "x", later["x"].cast("int8")),
                  with_column(later, "item_id", later["item_id"].cast(pa.large_string())), coded,
                  with_column(later, "timestamp", later["timestamp"].cast(pa.timestamp("s")))):
        assert arrow.forecast([first, other], smooth, prediction_length=3).read_all().equals(expected)
    assert arrow.forecast([first.slice(0, 0), past], smooth, prediction_length=3).read_all().equals(expected)


def test_later_decimals_may_be_of_another_precision_and_scale(smooth, rng):
    past = table(12, rng)
    past = with_column(past, "target", pa.array(past["target"].to_numpy().round(2)).cast(pa.decimal128(10, 2)))
    expected = arrow.forecast(past, smooth, prediction_length=3).read_all()
    first, later = past.slice(0, 100), past.slice(100)
    for kind in (pa.decimal128(12, 2), pa.decimal128(12, 4), pa.decimal128(8, 2), pa.decimal256(40, 2)):
        other = with_column(later, "target", later["target"].cast(kind))
        assert arrow.forecast([first, other], smooth, prediction_length=3).read_all().equals(expected)


@pytest.mark.parametrize("name, first, later, text", [
    ("target", pa.decimal128(10, 2), pa.array(["1.001"]).cast(pa.decimal128(10, 3)),
     r"expected decimal128\(10, 2\) as in the first, found decimal128\(10, 3\): .*data loss"),
    ("target", pa.decimal128(10, 2), pa.array(["123456789"]).cast(pa.decimal128(12, 2)),
     r"expected decimal128\(10, 2\) as in the first, found decimal128\(12, 2\): .*precision"),
    ("target", pa.decimal128(10, 2), [0.5], r"expected decimal128\(10, 2\) as in the first, found double"),
    ("target", "f8", pa.array(["0.5"]).cast(pa.decimal128(10, 2)), "expected double as in the first, found decimal"),
    ("target", "f8", ["a"], "expected double as in the first, found (large_)?string"),
    ("target", "f8", [[1.0]], "expected double as in the first, found list"),
    ("target", "f4", [0.1], "expected float as in the first, found double"),
    ("target", "f4", pa.array([0.1]).dictionary_encode(), "expected float as in the first, found dictionary"),
    ("target", "f2", [4097], "expected halffloat as in the first, found int64"),
    ("target", "f2", pa.array([4097]).dictionary_encode(), "expected halffloat as in the first, found dictionary"),
    ("target", "i8", [0.5], "expected int64 as in the first, found double: .*truncated"),
    ("target", "f8", [True], "expected double as in the first, found bool"),
    ("timestamp", None, [pd.Timestamp("2024-01-01", tz="UTC")], r"expected timestamp\[us\] as in the first, found "
                                                                r"timestamp\[\ws, tz=UTC\]"),
    ("timestamp", None, [7], r"expected timestamp\[us\] as in the first, found int64"),
    ("item_id", None, [7], "expected (large_)?string as in the first, found int64"),
])
def test_later_batches_of_other_types_are_refused(smooth, rng, name, first, later, text):
    past = table(2, rng)
    if isinstance(first, pa.DataType):
        past = with_column(past, name, pa.array(past[name].to_numpy().round(2)).cast(first))
    elif first is not None:
        past = with_column(past, name, pa.array(past[name].to_numpy().astype(first)))
    other = with_column(past.slice(0, 1), name, pa.array(later))
    with pytest.raises(ValueError, match=f"^batches: batch 2: column '{name}': {text}"):
        arrow.forecast([past, other], smooth, prediction_length=3).read_all()


def test_categories_may_grow_from_batch_to_batch(smooth, rng):
    """Pandas counts up to 127 of them in 8 bits, more in 16."""
    past = table(150, rng)
    expected = arrow.forecast(past, smooth, prediction_length=1).read_all()
    batches = [pa.Table.from_pandas(part.to_pandas().astype({"item_id": "category"}), preserve_index=False)
               for part in (past.slice(0, 1), past.slice(1))]
    assert [str(part.schema.field("item_id").type.index_type) for part in batches] == ["int8", "int16"]
    found = arrow.forecast(batches, smooth, prediction_length=1).read_all()
    assert found["item_id"].to_pylist() == expected["item_id"].to_pylist()
    assert found["predictions"].equals(expected["predictions"])


def test_later_batches_of_other_columns_are_refused(smooth, rng):
    past = table(2, rng)
    for other in (past.drop_columns("target"), past.append_column("x", past["target"]),
                  past.append_column("target", past["target"])):
        reader = pa.RecordBatchReader.from_batches(past.schema, iter(other.to_batches()))
        for place, batches in (2, [past, other]), (1, reader):
            with pytest.raises(ValueError, match=rf"^batches: batch {place}: expected the columns \['item_id', "
                                                 r"'timestamp', 'target'\] of the first, found \["):
                arrow.forecast(batches, smooth, prediction_length=3).read_all()


def test_tables_without_rows_are_tables(smooth, rng):
    past = table(2, rng)
    for empty in ([past.slice(0, 0)], iter([past.slice(0, 0), past.slice(0, 0)]),
                  [pa.Table.from_batches([], past.schema)], pa.Table.from_batches([], past.schema)):
        assert arrow.forecast(empty, smooth, prediction_length=3).read_all().num_rows == 0


def test_the_row_index_of_pandas_is_no_covariate(smooth, rng):
    past = table(6, rng)
    frame = past.to_pandas().iloc[::-1].sort_values(["item_id", "timestamp"])  # of other row numbers
    expected = arrow.forecast(pa.Table.from_pandas(frame, preserve_index=False), smooth, prediction_length=3).read_all()
    assert arrow.forecast(frame, smooth, prediction_length=3).read_all().equals(expected)
    indexed = pa.Table.from_pandas(frame)
    for batches in (indexed, indexed.to_batches(50), indexed.to_reader(), iter([indexed])):
        with pytest.warns(UserWarning, match="^batches: the row index '__index_level_0__' that pandas wrote is no "):
            assert arrow.forecast(batches, smooth, prediction_length=3).read_all().equals(expected)
    for keys in (["item_id", "timestamp"], ["timestamp"]):
        keyed = frame.set_index(keys)
        for given in (keyed, pa.Table.from_pandas(keyed)):
            found = arrow.forecast(given, smooth, prediction_length=3).read_all()
            assert found.cast(expected.schema).equals(expected)
    doubled = frame.set_index("timestamp", drop=False)
    assert arrow.forecast(doubled, smooth, prediction_length=3).read_all().equals(expected)


def test_a_named_row_index_that_is_left_out_is_told(smooth, rng):
    frame = table(4, rng, covariates=["temp", "x"]).to_pandas()
    expected = arrow.forecast(frame.drop(columns="temp"), smooth, prediction_length=3).read_all()
    for index in (["temp"], ["item_id", "temp"]):
        with pytest.warns(UserWarning, match="^batches: the row index 'temp' is no covariate, and is left out; "):
            found = arrow.forecast(frame.set_index(index), smooth, prediction_length=3).read_all()
        assert found.equals(expected)


@pytest.mark.parametrize("written", [b"{not json", b"\xff", b"[]", b"7", b"{}", b'{"index_columns": null}'])
def test_damaged_metadata_of_pandas_tells_no_row_index(smooth, rng, written):
    past = table(3, rng)
    damaged = past.replace_schema_metadata({b"pandas": written})
    expected = arrow.forecast(past, smooth, prediction_length=3).read_all()
    assert arrow.forecast(damaged, smooth, prediction_length=3).read_all().equals(expected)
    assert smooth.predict_df(damaged, prediction_length=3)["predictions"].equals(expected["predictions"])


@pytest.mark.parametrize("freq", [pd.offsets.Hour(), pd.Timedelta(hours=1), pd.Timedelta(minutes=60).to_pytimedelta()])
def test_frequencies_are_taken_as_predict_df_takes_them(smooth, rng, freq):
    past = table(3, rng)
    result = arrow.forecast(past, smooth, prediction_length=3, freq=freq).read_all()
    assert result.equals(arrow.forecast(past, smooth, prediction_length=3, freq="h").read_all())


@pytest.mark.parametrize("read", [list, next, bool], ids=["whole", "first", "nothing"])
def test_a_stream_leaves_nothing_behind(rng, read):
    """Reference counts free models after their sessions; a collector that finds a cycle takes any order."""
    past = table(40, rng)
    gc.collect()
    gc.disable()
    try:
        pipeline = chronos2.Chronos2Pipeline.from_pretrained(threads=1)
        left = weakref.ref(pipeline.model.native)
        reader = arrow.forecast(past.to_batches(9), pipeline, prediction_length=2)
        read(reader)
        del reader, pipeline
        assert left() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("batches", [5, None])
def test_what_is_no_stream_is_told(smooth, batches):
    with pytest.raises(TypeError, match="^batches: expected pyarrow record batches or tables, found "):
        arrow.forecast(batches, smooth)


def test_a_folder_is_opened_once():
    folder = os.fspath(GOLDEN / "model-smooth" / "weights")
    assert arrow.open_once(folder) is arrow.open_once(folder)


def test_a_folder_is_that_of_the_working_directory(tmp_path, monkeypatch):
    for place in "ab":
        for base in ("base", "model"):
            shutil.copytree(SMOOTH, tmp_path / place / base)
    write_adapter(tmp_path / "adapter", "base")
    for model, name in (("model", "model"), (tmp_path / "adapter", "base")):
        for place in "aab":
            monkeypatch.chdir(tmp_path / place)
            assert arrow.open_once(model).model.folder == tmp_path / place / name
    with pytest.raises(ValueError, match="the model's name is empty"):
        arrow.open_once("")
    shutil.copytree(SMOOTH, tmp_path / "b" / "chronos2-micro")
    with pytest.warns(UserWarning, match="^chronos2-micro is a folder here, which is opened in place of the bundled"):
        assert arrow.open_once("chronos2-micro").model.folder == tmp_path / "b" / "chronos2-micro"


def test_partitions_of_dask(smooth, rng):
    """Each partition is forecast where it is; none, one or many series may lie in it."""
    dask = pytest.importorskip("dask.dataframe")
    past = table(23, rng)

    def forecast(part):
        rows = part.sort_values(["item_id", "timestamp"])
        return arrow.forecast(pa.Table.from_pandas(rows, preserve_index=False), smooth, prediction_length=3,
                              quantile_levels=[0.1]).read_pandas()

    frame = dask.from_pandas(past.to_pandas(), npartitions=5).shuffle("item_id", npartitions=9)
    result = frame.map_partitions(forecast, meta=forecast(past.to_pandas())).compute(scheduler="threads")
    key = ["item_id", "timestamp"]
    expected = arrow.forecast(past, smooth, prediction_length=3, quantile_levels=[0.1]).read_pandas()
    pd.testing.assert_frame_equal(result.sort_values(key).reset_index(drop=True),
                                  expected.sort_values(key).reset_index(drop=True))
