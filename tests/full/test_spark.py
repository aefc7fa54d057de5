"""chronos2.spark on a cluster of two executors on this machine: the forecasts of one process, whatever dies on the way.

It runs on PYTHONPATH's package, else on that in build/python (`make python`).
"""

import os
import re
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet  # noqa: F401 (pa.parquet)
import pytest
from conftest import ROOT

PACKAGE = os.environ.get("PYTHONPATH", "").split(os.pathsep)[0] or str(ROOT / "build" / "python")
sys.path.append(PACKAGE)
import chronos2  # noqa: E402
from chronos2 import arrow, spark as chronos2_spark  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas")
HORIZON = 3
LEVELS = [0.1, 0.5, 0.9]
ASKED = {"prediction_length": HORIZON, "quantile_levels": LEVELS}


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    import pyspark
    from pyspark import cloudpickle
    from pyspark.sql import SparkSession

    home = tmp_path_factory.mktemp("spark")  # executors work in a folder of it
    for entry in Path(pyspark.__file__).parent.iterdir():
        if entry.name != "work":
            (home / entry.name).symlink_to(entry)

    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # executors can't import this file
    os.environ.update(SPARK_HOME=str(home), SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=sys.executable)
    session = (SparkSession.builder.master("local-cluster[2,1,1024]").appName("chronos2")
               .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", 6)
               .config("spark.sql.session.timeZone", "UTC").config("spark.executorEnv.PYTHONPATH", PACKAGE)
               .config("spark.sql.execution.arrow.maxRecordsPerBatch", 1000)
               .config("spark.sql.execution.arrow.pyspark.enabled", "true").getOrCreate())
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def pipeline():
    return chronos2.Chronos2Pipeline.from_pretrained(threads=1)


def table(count, covariates=(), longest=39):
    """Series of odd lengths; the rows of all are mixed."""
    rng = np.random.default_rng(21)
    lengths = rng.integers(3, longest + 1, count)
    item = np.repeat(np.arange(count), lengths)
    step = np.concatenate([np.arange(n) for n in lengths])
    frame = pd.DataFrame({"item_id": [f"series {i}" for i in item],
                          "timestamp": pd.Timestamp("2024-01-01") + pd.to_timedelta(step, unit="h"),
                          "target": 50 + rng.normal(size=len(item)),
                          **{name: rng.random(len(item)) for name in covariates}})
    return frame.sample(frac=1, random_state=1, ignore_index=True)


def in_order(rows):
    """Results of Spark (or a pyarrow table) as an Arrow table, by id and time."""
    rows = rows.toArrow() if hasattr(rows, "toArrow") else rows
    return rows.sort_by([("item_id", "ascending"), ("timestamp", "ascending")]).combine_chunks()


def of_one_process(frame, pipeline, **options):
    rows = pa.Table.from_pandas(frame.sort_values(["item_id", "timestamp"]), preserve_index=False)
    return in_order(arrow.forecast(rows, pipeline, **ASKED, **options).read_all())


def assert_same(found, expected):
    """Every id and step once, every bit the same."""
    assert found.num_rows == expected.num_rows and found.column_names == expected.column_names
    for name in expected.column_names:
        kind = expected[name].type if name != "timestamp" else pa.timestamp("us")
        assert found[name].cast(kind, safe=False).equals(expected[name].cast(kind)), name


def test_many_series_are_forecast_as_by_one_process(spark, pipeline):
    frame = table(4001)
    result = chronos2_spark.forecast(spark.createDataFrame(frame), **ASKED)
    assert result.columns == ["item_id", "timestamp", "target_name", "predictions", "0.1", "0.5", "0.9"]
    assert [t for _, t in result.dtypes] == ["string", "timestamp", "string"] + ["float"] * 4
    found = in_order(result)
    assert_same(found, of_one_process(frame, pipeline))
    assert len(set(found["item_id"].to_pylist())) == 4001


def test_known_futures_are_shuffled_along(spark, pipeline):
    frame = table(60, ["price", "past"])
    last = frame.groupby("item_id")["timestamp"].max()
    future = pd.concat([pd.DataFrame({
        "item_id": item, "timestamp": pd.date_range(t, periods=HORIZON + 1, freq="h")[1:],
        "price": np.linspace(0, i, HORIZON)}) for i, (item, t) in enumerate(last.items())])
    found = in_order(chronos2_spark.forecast(spark.createDataFrame(frame), pipeline, spark.createDataFrame(future),
                                             partitions=3, **ASKED))
    ordered = pa.Table.from_pandas(future.sort_values(["item_id", "timestamp"]), preserve_index=False)
    assert_same(found, of_one_process(frame, pipeline, future=ordered))
    more = future.assign(item_id=future["item_id"].replace("series 7", "series 7b"))
    found = chronos2_spark.forecast(spark.createDataFrame(frame), None, spark.createDataFrame(more), partitions=3,
                                    on_error="null", **ASKED)
    said = {row["item_id"]: row["error"] for row in found.where("error is not null").collect()}
    assert said == {"series 7": "future_df must have the same time series IDs as df",
                    "series 7b": "it has a future and no past"}
    assert found.where("error is null").count() == 59 * HORIZON


def test_time_stamps_may_be_texts_and_dates(spark, pipeline):
    frame = table(20)
    texts = frame.assign(timestamp=frame["timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S"))
    found = in_order(chronos2_spark.forecast(spark.createDataFrame(texts), partitions=2, **ASKED))
    assert_same(found, of_one_process(frame, pipeline))
    first = pd.Timestamp("2024-01-01")
    days = frame.assign(timestamp=(first + (frame["timestamp"] - first) * 24).dt.date)
    found = chronos2_spark.forecast(spark.createDataFrame(days), partitions=2, **ASKED)
    assert dict(found.dtypes)["timestamp"] == "date"
    assert in_order(found)["predictions"].equals(of_one_process(frame, pipeline)["predictions"])


@pytest.mark.parametrize("text", ["2024-01-01T{}:00:00Z", "2024-01-01 {}:00:00+05:00", "2024-01-01 {}:00 UTC",
                                  "2024-01-01 {}:00:00 Europe/Berlin", "01/01/2024 {}:00",
                                  "2024-01-01 {}:00:00.1234567"])
@pytest.mark.parametrize("whose", ["df", "future"])
def test_texts_of_time_stamps_that_spark_would_not_read_as_they_are_are_refused(spark, text, whose):
    from pyspark.errors import PySparkException

    frame = pd.DataFrame({"item_id": "a", "timestamp": [f"2024-01-01 {hour:02d}:00" for hour in range(9)],
                          "target": np.arange(9.0)})
    rows = {"df": frame[:6], "future": frame[6:].drop(columns="target")}
    wrong = rows[whose]["timestamp"].tolist()
    wrong[1] = text.format(wrong[1][11:13])  # among others that are well
    rows[whose] = rows[whose].assign(timestamp=wrong)
    past, future = (spark.createDataFrame(table) for table in rows.values())
    with pytest.raises(PySparkException, match=rf"{whose}: column 'timestamp': expected time stamps as .*, without an "
                                               f"offset or a zone, found '{re.escape(wrong[1])}'"):
        chronos2_spark.forecast(past, None, future, freq="h", partitions=1, **ASKED).collect()


def test_types_of_past_and_future_are_not_mixed(spark, pipeline):
    from pyspark.sql import functions

    frame = table(4, ["price"]).assign(kind=lambda f: (f["timestamp"].dt.hour % 3).astype(str),
                                       item_id=lambda f: f["item_id"].str[7:])
    last = frame.groupby("item_id")["timestamp"].max()
    future = pd.concat([pd.DataFrame({
        "item_id": item, "timestamp": pd.date_range(t, periods=HORIZON + 1, freq="h")[1:],
        "price": np.arange(HORIZON), "kind": "1"}) for item, t in last.items()])

    def forecast(past, ahead):
        return chronos2_spark.forecast(spark.createDataFrame(past), pipeline, spark.createDataFrame(ahead),
                                       partitions=2, **ASKED)

    expected = pipeline.predict_df(frame, future, **ASKED)
    found = in_order(forecast(frame, future)).to_pandas()  # whole numbers ahead of others
    np.testing.assert_array_equal(found["predictions"], expected.sort_values(["item_id", "timestamp"])["predictions"])
    for past, ahead, said in [
        (frame, future.assign(kind=1), "column 'kind': expected string as in df, found bigint"),
        (frame.assign(kind=1), future, "column 'kind': expected bigint as in df, found string"),
        (frame, future.assign(item_id=future["item_id"].astype(int)),
         "column 'item_id': expected string as in df, found bigint"),
        (frame.assign(item_id=frame["item_id"].astype(int)), future.assign(item_id="00" + future["item_id"]),
         "column 'item_id': expected bigint as in df, found string"),
        (frame.assign(kind=True), future.assign(kind=1), "column 'kind': expected boolean as in df, found bigint"),
        (frame, future.assign(timestamp=future["timestamp"].dt.date),
         "column 'timestamp': expected timestamp as in df, found date")]:
        with pytest.raises(ValueError, match=f"^future: {said}$"):
            forecast(past, ahead)
    small = spark.createDataFrame(future.assign(item_id=future["item_id"].astype(int)))
    small = small.withColumn("item_id", small["item_id"].cast("int")).withColumn("kind", functions.lit(None))
    wide = spark.createDataFrame(frame.assign(item_id=frame["item_id"].astype(int)))
    again = chronos2_spark.forecast(wide, pipeline, small, partitions=2, **ASKED)
    assert dict(again.dtypes)["item_id"] == "bigint" and again.count() == 4 * HORIZON


def test_types_that_hold_the_other_s_values_are_brought_together(spark, pipeline):
    from pyspark.errors import PySparkException

    frame = table(4, ["price"]).assign(item_id=lambda f: f["item_id"].str[7:].astype(np.int32), blank=np.nan)
    last = frame.groupby("item_id")["timestamp"].max()
    future = pd.concat([pd.DataFrame({
        "item_id": item, "timestamp": pd.date_range(t, periods=HORIZON + 1, freq="h")[1:],
        "price": np.linspace(0, 1, HORIZON), "blank": 2.5}) for item, t in last.items()])
    expected = of_one_process(frame, pipeline, future=pa.Table.from_pandas(
        future.sort_values(["item_id", "timestamp"]), preserve_index=False))
    past = spark.createDataFrame(frame).withColumn("blank", functions_of_spark().lit(None))
    ahead = spark.createDataFrame(future.astype({"item_id": np.int64}))
    assert dict(past.dtypes)["item_id"] == "int" and dict(ahead.dtypes)["item_id"] == "bigint"
    assert dict(past.dtypes)["blank"] == "void"
    found = chronos2_spark.forecast(past, pipeline, ahead, partitions=2, **ASKED)
    assert dict(found.dtypes)["item_id"] == "int"
    assert_same(in_order(found), expected)
    for ansi in ("true", "false"):  # without it Spark's casts wrap: this id would be that of series 1
        spark.conf.set("spark.sql.ansi.enabled", ansi)
        try:
            beyond = spark.createDataFrame(future.assign(item_id=future["item_id"].astype(np.int64) + (1 << 32)))
            with pytest.raises(PySparkException, match="future: column 'item_id': expected int as in df, found 4294967"):
                chronos2_spark.forecast(past, pipeline, beyond, partitions=2, **ASKED).collect()
        finally:
            spark.conf.unset("spark.sql.ansi.enabled")


def functions_of_spark():
    from pyspark.sql import functions

    return functions


def test_columns_may_have_any_names(spark, pipeline):
    frame = table(5, ["p.q", "future"])
    names = {"item_id": "a.b`c", "timestamp": "t s.", "target": "é"}
    last = frame.groupby("item_id")["timestamp"].max()
    future = pd.concat([pd.DataFrame({
        "item_id": item, "timestamp": pd.date_range(t, periods=HORIZON + 1, freq="h")[1:],
        "p.q": np.linspace(0, 1, HORIZON)}) for item, t in last.items()])
    found = chronos2_spark.forecast(
        spark.createDataFrame(frame.rename(columns=names)), None, spark.createDataFrame(future.rename(columns=names)),
        id_column="a.b`c", timestamp_column="t s.", target="é", partitions=2, **ASKED)
    assert found.columns == ["a.b`c", "t s.", "target_name", "predictions", "0.1", "0.5", "0.9"]
    ordered = pa.Table.from_pandas(future.sort_values(["item_id", "timestamp"]), preserve_index=False)
    expected = of_one_process(frame, pipeline, future=ordered)
    assert in_order(found.toDF(*expected.column_names))["predictions"].equals(expected["predictions"])
    twice = spark.createDataFrame(frame).toDF("item_id", "timestamp", "target", "x", "x")
    with pytest.raises(ValueError, match="^df: several columns are named 'x'"):
        chronos2_spark.forecast(twice, **ASKED)


def test_arguments_that_predict_df_takes(spark, pipeline):
    frame = table(5)
    expected = of_one_process(frame, pipeline)
    for freq in (pd.offsets.Hour(), pd.Timedelta(hours=1), "h"):
        assert_same(in_order(chronos2_spark.forecast(spark.createDataFrame(frame), freq=freq, partitions=1, **ASKED)),
                    expected)
    rows = spark.createDataFrame(frame.assign(target=frame["target"].round(3)))
    decimals = rows.withColumn("target", rows["target"].cast("decimal(10,3)"))
    assert in_order(chronos2_spark.forecast(decimals, partitions=1, **ASKED))["predictions"].equals(
        in_order(chronos2_spark.forecast(rows, partitions=1, **ASKED))["predictions"])
    for said, tables in (("df", (frame, None, None)), ("df", (None,)), ("future", (rows, None, frame))):
        with pytest.raises(TypeError, match=f"^{said}: expected a Spark data frame, found "):
            chronos2_spark.forecast(*tables, **ASKED)


def test_executors_open_the_commit_of_a_pipeline(spark, pipeline, tmp_path):
    """After its branch has moved to one that can't be opened, and without the token."""
    commit, root = 40 * "c", tmp_path / "models--someone--micro"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(commit)
    (root / "snapshots").mkdir()
    (root / "snapshots" / commit).symlink_to(ROOT / "models" / "chronos2-micro")
    opened = chronos2.Chronos2Pipeline.from_pretrained("someone/micro", cache_dir=tmp_path, token="hf_secret",
                                                       threads=1)
    (root / "refs" / "main").write_text(40 * "d")
    assert "hf_secret" not in str(chronos2_spark._opening(opened))
    frame = table(5)
    assert_same(in_order(chronos2_spark.forecast(spark.createDataFrame(frame), opened, partitions=1, **ASKED)),
                of_one_process(frame, pipeline))


def test_bad_series_among_many(spark, pipeline, tmp_path):
    """CHRONOS2_SPARK_SERIES=1000000 makes them a million, of up to eight steps; it takes minutes and 8 GB."""
    count = int(os.environ.get("CHRONOS2_SPARK_SERIES", 500))
    frame = table(count, longest=39 if count < 100000 else 8)
    frame.loc[frame["item_id"] == "series 77", "target"] = np.inf
    frame.to_parquet(tmp_path / "past.parquet", coerce_timestamps="us")
    past = spark.read.parquet(str(tmp_path / "past.parquet"))
    chronos2_spark.forecast(past, on_error="null", **ASKED).write.parquet(str(tmp_path / "forecasts"))
    found = in_order(pa.parquet.read_table(tmp_path / "forecasts"))
    bad = found.filter(pa.compute.is_valid(found["error"])).to_pylist()
    assert [(row["item_id"], row["predictions"], row["timestamp"]) for row in bad] == [("series 77", None, None)]
    assert "target: value 0 is infinite" in bad[0]["error"]
    assert_same(found.filter(pa.compute.is_null(found["error"])).drop_columns("error"),
                of_one_process(frame[frame["item_id"] != "series 77"], pipeline))


def test_a_task_that_fails_four_times_says_which_series_and_why(spark, tmp_path):
    from pyspark.errors import PySparkException

    frame = table(1100)  # a bad one after the first 1024
    frame.loc[frame["item_id"] == "series 999", "target"] = np.inf
    attempts = str(tmp_path / "attempts")

    def after_batch():
        from pyspark import TaskContext

        with open(attempts, "a", encoding="ascii") as file:
            print(TaskContext.get().attemptNumber(), file=file)

    with pytest.raises(PySparkException, match="ValueError: item 'series 999': target: value 0 is infinite"):
        chronos2_spark.forecast(spark.createDataFrame(frame), partitions=1, after_batch=after_batch, **ASKED).collect()
    assert sorted(set(Path(attempts).read_text().split())) == ["0", "1", "2", "3"]


def once(marker, action):
    """For after_batch: does something in the first task that comes by, in the middle of its forecast."""

    def after_batch():
        try:
            Path(marker).touch(exist_ok=False)
        except FileExistsError:
            return
        action(marker)

    return after_batch


def kill_worker(marker):
    Path(marker).write_text(str(os.getpid()))
    os.kill(os.getpid(), signal.SIGKILL)


def kill_executor(marker):
    """The JVM is the parent of the daemon that forked this worker."""
    status = Path(f"/proc/{os.getppid()}/stat").read_text()
    executor = int(status.rsplit(")", 1)[1].split()[1])
    Path(marker).write_text(str(executor))
    os.kill(executor, signal.SIGKILL)
    time.sleep(60)  # this worker dies with it, in the middle of the forecast


def test_what_is_killed_in_the_middle_of_a_forecast_is_done_again(spark, pipeline, tmp_path):
    frame = table(600)
    rows, expected = spark.createDataFrame(frame), of_one_process(frame, pipeline)
    for action in (kill_worker, kill_executor):
        marker = tmp_path / action.__name__
        found = chronos2_spark.forecast(rows, after_batch=once(str(marker), action), batch_size=16, **ASKED)
        assert_same(in_order(found), expected)
        killed = int(marker.read_text())
        deadline = time.monotonic() + 30
        while Path(f"/proc/{killed}").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not Path(f"/proc/{killed}").exists()


@pytest.mark.parametrize("options, text", [
    ({"target": "y"}, "Missing columns"), ({"target": "item_id"}, "must be numeric"),
    ({"timestamp_column": "number"}, "expected timestamp, timestamp_ntz, date or string"),
    ({"on_error": "skip"}, "expected 'raise' or 'null'"),
    ({"freq": "fortnight"}, "expected a frequency as pandas spells it, found 'fortnight'"),
    ({"target": ["target", "target"]}, "column 'target' can't be two of id, time stamp and targets"),
    ({"target": ["target", "number"]}, "column 'kind': categories beside several targets"),
    ({"id_column": "number"}, "column 'number': expected ids that are text or integers, found float64"),
    ({"id_column": "predictions"}, "id_column: the forecasts have a column 'predictions' of their own"),
    ({"id_column": "1.0", "quantile_levels": [1]}, "id_column: the forecasts have a column '1.0' of their own")])
@pytest.mark.parametrize("ahead", [False, True])
def test_what_is_wrong_with_the_columns_is_said_before_anything_runs(spark, options, text, ahead):
    frame = table(2, ["number"]).assign(kind="a", predictions="b", **{"1.0": "c"})
    rows = spark.createDataFrame(frame)
    keys = [options.get("id_column", "item_id"), options.get("timestamp_column", "timestamp")]
    future = rows.select(*(f"`{name}`" for name in keys)) if ahead else None
    with pytest.raises(ValueError, match=text):
        chronos2_spark.forecast(rows, None, future, **{**ASKED, **options})


def test_types_that_are_no_covariates_are_said_before_anything_runs(spark):
    functions = functions_of_spark()
    rows = spark.createDataFrame(table(2))
    for value, said in ((functions.array(functions.lit(1)), "expected numbers, texts or booleans, found array<int>"),
                        (functions.lit("2024-01-01").cast("date"), "expected numbers, text, booleans or .*found date")):
        with pytest.raises(ValueError, match=f"column 'x': {said}"):
            chronos2_spark.forecast(rows.withColumn("x", value), **ASKED)
