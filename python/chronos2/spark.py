"""Forecasts of Spark data frames: each task forecasts the series of its partition as they come.

    forecasts = chronos2.spark.forecast(spark.table("sales"), prediction_length=24, id_column="shop")

The package must be installed where the executors' Python runs, and the model's folder readable there.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

try:
    import pyarrow as pa
    from pyspark import TaskContext
    from pyspark.sql import Column, DataFrame, functions as F, types as T
except ImportError:
    raise ImportError("chronos2.spark needs pyspark and pyarrow: pip install pyspark pyarrow") from None

from . import _hub, arrow
from ._model import DEFAULT_LEVELS, list_levels
from .pipeline import Chronos2Pipeline, at_least_one


def forecast(
    df: DataFrame, model: Any = None, future: DataFrame | None = None, *, id_column: str = "item_id",
    timestamp_column: str = "timestamp", target: str | Sequence[str] = "target", prediction_length: int | None = None,
    quantile_levels: Sequence[float] = DEFAULT_LEVELS, freq: Any = None, on_error: str = "raise",
    partitions: int | None = None, **predict_kwargs: Any,
) -> DataFrame:
    """Forecasts rows in long format by the rules of `Chronos2Pipeline.predict_df`: one shuffle by id, a sort within
    partitions, and a forecast of every partition, in the memory of 1,024 series, or fewer that have a million rows,
    and of the longest one.

    Parameters
    ----------
    df
        Columns of ids, time stamps (timestamp, timestamp_ntz, date, or texts without an offset) and targets. The
        others are covariates: known ahead where `future` has them.
    model
        A folder or name that `Chronos2Pipeline.from_pretrained` opens on the executors, once a Python worker; a
        pipeline, which they open as it was opened here (a hub's at the same commit, without its token); None: the
        bundled checkpoint. A worker has as many threads as its task has processors (`spark.task.cpus`), unless the
        pipeline was opened with a number.
    future
        Known covariates: prediction_length rows of each id, of the types that `df` has. Numbers may be of any, ids of
        any integer type where they are integers in `df`, and a covariate that is void in one of both of any in the
        other. It is shuffled along with `df`.
    freq
        Frequency as pandas writes it, or one of its offsets; None: of each series its own, which takes three rows or
        more.
    on_error
        "raise": a series that can't be forecast fails its task with an error that names it. "null": it has one row of
        nulls, and a column `error` that says why; the others are forecast as without it.
    partitions
        Of the shuffle, and so tasks; None: spark.sql.shuffle.partitions.
    **predict_kwargs
        As for `Chronos2Pipeline.predict`, but for cross_learning. `after_batch` is called in the Python workers.

    Returns
    -------
    A data frame (nothing is forecast until it is used): id, time stamp, target_name, predictions (the median), a column
    a quantile level, and `error` under on_error="null". A forecast is the same, bit for bit, in whatever partition.
    """
    plan = arrow.Plan(id_column, timestamp_column, (target,) if isinstance(target, str) else tuple(target),
                      prediction_length, list_levels(quantile_levels), arrow.spell_freq(freq), on_error, predict_kwargs)
    plan.check()
    count = None if partitions is None else at_least_one("partitions", partitions)
    _check(plan, df, future)
    names = list(df.columns)
    short = {name: f"c{place}" for place, name in enumerate(names)}
    rows = _numbered(df, short, timestamp_column, "df")
    schema = _schema(plan, df, rows.schema[short[timestamp_column]].dataType)
    order, ahead, known = [short[id_column], short[timestamp_column]], None, []
    if future is not None:
        ahead = _free("future", names)
        known = [name for name in future.columns if name not in (id_column, timestamp_column)]
        rows = _together(plan, rows, _numbered(future, short, timestamp_column, "future"), short)
        order.insert(1, _AHEAD)
        names.append(ahead)
    _try(plan, rows.schema, names, ahead, known)
    count = count or int(df.sparkSession.conf.get("spark.sql.shuffle.partitions"))
    placed = rows.repartition(count, order[0]).sortWithinPartitions(*order)
    return placed.mapInArrow(_Work(plan, _opening(model), names, ahead, known), schema)


def _check(plan: arrow.Plan, df: DataFrame, future: DataFrame | None) -> None:
    """Raises what is wrong with the tables, before anything runs."""
    for said, table in (("df", df), ("future", future)):
        if table is None and said == "future":
            continue
        if not hasattr(table, "mapInArrow"):
            raise TypeError(f"{said}: expected a Spark data frame, found {type(table).__module__}."
                            f"{type(table).__qualname__}")
        for name in table.columns:
            if table.columns.count(name) > 1:
                raise ValueError(f"{said}: several columns are named {name!r}")
    keys = {plan.id_column, plan.timestamp_column}
    missing = (keys | set(plan.target)) - set(df.columns)
    if missing:
        raise ValueError(f"df does not contain all expected columns. Missing columns: {sorted(missing)}")
    for name in plan.target:
        kind = df.schema[name].dataType
        if not isinstance(kind, (T.NumericType, T.BooleanType)):
            raise ValueError(f"Target column {name!r} must be numeric, got {kind.simpleString()}")
    if future is None:
        return
    for said, names in (("does not contain all expected columns. Missing columns", keys - set(future.columns)),
                        ("cannot contain target columns. Target columns found", set(future.columns) & set(plan.target)),
                        ("cannot contain columns not present in the past. Extra columns",
                         set(future.columns) - set(df.columns))):
        if names:
            raise ValueError(f"future {said}: {sorted(names)}")


def _schema(plan: arrow.Plan, df: DataFrame, time: T.DataType) -> T.StructType:
    if not isinstance(time, (T.TimestampType, T.TimestampNTZType, T.DateType)):
        raise ValueError(f"column {plan.timestamp_column!r}: expected timestamp, timestamp_ntz, date or string, found "
                         f"{time.simpleString()}")
    fields = [T.StructField(plan.id_column, df.schema[plan.id_column].dataType),
              T.StructField(plan.timestamp_column, time), T.StructField("target_name", T.StringType()),
              T.StructField("predictions", T.FloatType()),
              *(T.StructField(str(level), T.FloatType()) for level in plan.quantile_levels)]
    return T.StructType(fields + ([T.StructField("error", T.StringType())] if plan.on_error == "null" else []))


def _free(name: str, names: Sequence[str]) -> str:
    while name in names:
        name += "_"
    return name


# What Spark reads as a time stamp, but for offsets and zones, which it would drop, and digits after the microseconds.
_PLAIN_TIME = (r"^\s*[+-]?\d{4,6}(-\d\d?(-\d\d?([ T](\d\d?:\d\d?(:\d\d?(\.\d{0,6}0*)?)?)?)?)?)?\s*$")


def _numbered(table: DataFrame, short: dict[str, str], timestamp_column: str, said: str) -> DataFrame:
    """Columns named c0, c1, ..., since mapInArrow takes no dots in names, and texts of time stamps read."""
    rows, time = table.toDF(*(short[name] for name in table.columns)), short[timestamp_column]
    if not isinstance(rows.schema[time].dataType, T.StringType):
        return rows
    text = F.col(time)
    refused = F.raise_error(F.concat(
        F.lit(f"{said}: column {timestamp_column!r}: expected time stamps as 2024-01-31 18:30:00, without an offset or "
              "a zone, found '"), text, F.lit("'; to_timestamp() reads others")))
    return rows.withColumn(time, F.when(text.isNull() | text.rlike(_PLAIN_TIME), text.cast(T.TimestampNTZType()))
                           .otherwise(refused.cast(T.TimestampNTZType())))


_AHEAD = "ahead"
_RANGES = {kind: (-(1 << bits), (1 << bits) - 1) for kind, bits in (
    (T.ByteType, 7), (T.ShortType, 15), (T.IntegerType, 31), (T.LongType, 63))}
_INTEGERS = tuple(_RANGES)


def _together(plan: arrow.Plan, past: DataFrame, future: DataFrame, short: dict[str, str]) -> DataFrame:
    """Rows of both frames, so that one shuffle brings a series' past and future to one task. Their types are made the
    same here: unionByName would turn texts into numbers, of the past too."""
    for name, column in short.items():
        if column not in future.columns:
            continue
        ours, theirs = past.schema[column].dataType, future.schema[column].dataType
        is_key = name in (plan.id_column, plan.timestamp_column)
        if ours == theirs:
            continue
        if isinstance(theirs, T.NullType) and not is_key:
            future = future.withColumn(column, F.col(column).cast(ours))
        elif isinstance(ours, T.NullType) and not is_key:
            past = past.withColumn(column, F.col(column).cast(theirs))
        elif is_key and isinstance(ours, _INTEGERS) and isinstance(theirs, _INTEGERS):
            future = future.withColumn(column, _narrowed(name, F.col(column), ours))
        elif not is_key and isinstance(ours, T.NumericType) and isinstance(theirs, T.NumericType):
            past, future = (rows.withColumn(column, F.col(column).cast("double")) for rows in (past, future))
        else:
            raise ValueError(f"future: column {name!r}: expected {ours.simpleString()} as in df, found "
                             f"{theirs.simpleString()}")
    return past.withColumn(_AHEAD, F.lit(False)).unionByName(future.withColumn(_AHEAD, F.lit(True)),
                                                             allowMissingColumns=True)


def _narrowed(name: str, column: Column, kind: T.DataType) -> Column:
    """Integers as those of another type, whose casts wrap where Spark is not in ANSI mode."""
    narrow = column.cast(kind)
    wrong = F.raise_error(F.concat(F.lit(f"future: column {name!r}: expected {kind.simpleString()} as in df, found "),
                                   column.cast("string")))
    fits = column.isNull() | column.between(*_RANGES[type(kind)])
    return F.when(fits, narrow).otherwise(wrong.cast(kind))


_ARROW = {T.BooleanType: pa.bool_(), T.ByteType: pa.int8(), T.ShortType: pa.int16(), T.IntegerType: pa.int32(),
          T.LongType: pa.int64(), T.FloatType: pa.float32(), T.DoubleType: pa.float64(),
          T.DecimalType: pa.decimal128(38, 9), T.StringType: pa.string(), T.DateType: pa.date32(),
          T.TimestampType: pa.timestamp("us", "UTC"), T.TimestampNTZType: pa.timestamp("us"), T.NullType: pa.null()}


def _try(plan: arrow.Plan, schema: T.StructType, names: list[str], ahead: str | None, known: list[str]) -> None:
    """Raises what the library says of the columns and the frequency, before anything runs: a task's work without rows,
    by the bundled model. Options of the model's are left to the tasks."""
    fields = []
    for name, field in zip(names, schema):
        kind = next((kind for spark, kind in _ARROW.items() if isinstance(field.dataType, spark)), None)
        if kind is None:
            raise ValueError(f"column {name!r}: expected numbers, texts or booleans, found "
                             f"{field.dataType.simpleString()}")
        fields.append(pa.field(name, kind))
    empty = pa.RecordBatch.from_pylist([], schema=pa.schema(fields))
    work = _Work(plan._replace(prediction_length=1, options={}), {"threads": 1}, names, ahead, known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are of the bundled model: the tasks warn of the caller's
        for _ in work([empty]):
            pass


# ---- In the executors' Python -----------------------------------------------------------------------


def _opening(model: Any) -> dict[str, Any]:
    """Arguments of from_pretrained for the workers."""
    return model.opening() if isinstance(model, Chronos2Pipeline) else _hub.opening(model)


class _Work:
    """What a task does with the batches of its partition."""

    def __init__(self, plan: arrow.Plan, opening: dict[str, Any], names: list[str], ahead: str | None,
                 known: list[str]) -> None:
        self._plan, self._opening, self._names, self._ahead, self._known = plan, opening, names, ahead, known

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        batches = map(self._named, batches)
        first = next(batches, None)
        if first is None:
            return
        threads = self._opening.get("threads") or TaskContext.get().cpus()
        pipeline = arrow.opened(**{**self._opening, "threads": threads})
        rows = self._plan.run(arrow.Producer(chain([first], batches), "batches", self._names), pipeline,
                              future_column=self._ahead, known=self._known)
        next(rows)  # the schema
        yield from rows

    def _named(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """By the caller's names, in place of c0, c1, ..."""
        schema = pa.schema([field.with_name(name) for field, name in zip(batch.schema, self._names)])
        return pa.RecordBatch.from_arrays(batch.columns, schema=schema)
