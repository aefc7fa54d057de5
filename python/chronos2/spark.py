"""Forecasts of Spark data frames: each task forecasts the series of its partition as they come.

    forecasts = chronos2.spark.forecast(spark.table("sales"), prediction_length=24, id_column="shop")

The package must be installed where the executors' Python runs, and the model's folder readable there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

try:
    import pyarrow as pa
    from pyspark import TaskContext
    from pyspark.sql import Column, DataFrame, functions as F, types as T
except ImportError:
    raise ImportError("chronos2.spark needs pyspark and pyarrow: pip install pyspark pyarrow") from None

from . import arrow
from ._model import DEFAULT_LEVELS, list_levels
from .pipeline import Chronos2Pipeline, at_least_one

_AHEAD = "__chronos2_ahead"


def forecast(
    df: DataFrame, model: Any = None, future: DataFrame | None = None, *, id_column: str = "item_id",
    timestamp_column: str = "timestamp", target: str | Sequence[str] = "target", prediction_length: int | None = None,
    quantile_levels: Sequence[float] = DEFAULT_LEVELS, freq: str | None = None, on_error: str = "raise",
    partitions: int | None = None, **predict_kwargs: Any,
) -> DataFrame:
    """Forecasts rows in long format by the rules of `Chronos2Pipeline.predict_df`: one shuffle by id, a sort within
    partitions, and a forecast of every partition, in the memory of 1,024 series, or fewer that have a million rows,
    and of the longest one.

    Parameters
    ----------
    df
        Columns of ids, time stamps (timestamp, timestamp_ntz, date or their text) and targets. The others are
        covariates: known ahead where `future` has them.
    model
        A folder or name that `Chronos2Pipeline.from_pretrained` opens on the executors, once a Python worker; a
        pipeline, which they open as it was opened here; None: the bundled checkpoint. A worker has as many threads as
        its task has processors (`spark.task.cpus`), unless the pipeline was opened with a number.
    future
        Known covariates: prediction_length rows of each id. It is shuffled along with `df`.
    freq
        Frequency as pandas writes it; None: of each series its own, which takes three rows or more.
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
                      prediction_length, list_levels(quantile_levels), freq, on_error, predict_kwargs)
    plan.check()
    count = None if partitions is None else at_least_one("partitions", partitions)
    _check(plan, df, future)
    known = None if future is None else [name for name in future.columns if name not in (id_column, timestamp_column)]
    schema = _schema(plan, df)
    rows = df if future is None else _together(df, future)
    if isinstance(df.schema[timestamp_column].dataType, T.StringType):
        rows = rows.withColumn(timestamp_column, _column(timestamp_column).cast(T.TimestampNTZType()))
    order = [id_column, *([_AHEAD] if future is not None else []), timestamp_column]
    count = count or int(df.sparkSession.conf.get("spark.sql.shuffle.partitions"))
    placed = rows.repartition(count, _column(id_column)).sortWithinPartitions(*map(_column, order))
    return placed.mapInArrow(_Work(plan, _opening(model), known), schema)


def _column(name: str) -> Column:
    return F.col("`" + name.replace("`", "``") + "`")


def _check(plan: arrow.Plan, df: DataFrame, future: DataFrame | None) -> None:
    """Raises what is wrong with the columns, before anything runs. The executors check the rest."""
    keys = {plan.id_column, plan.timestamp_column}
    missing = (keys | set(plan.target)) - set(df.columns)
    if missing:
        raise ValueError(f"df does not contain all expected columns. Missing columns: {sorted(missing)}")
    for name in plan.target:
        kind = df.schema[name].dataType
        if not isinstance(kind, (T.IntegralType, T.FloatType, T.DoubleType, T.BooleanType)):
            raise ValueError(f"Target column {name!r} must be numeric, got {kind.simpleString()}")
    if future is None:
        return
    for said, names in (("does not contain all expected columns. Missing columns", keys - set(future.columns)),
                        ("cannot contain target columns. Target columns found", set(future.columns) & set(plan.target)),
                        ("cannot contain columns not present in the past. Extra columns",
                         set(future.columns) - set(df.columns))):
        if names:
            raise ValueError(f"future {said}: {sorted(names)}")


def _schema(plan: arrow.Plan, df: DataFrame) -> T.StructType:
    time = df.schema[plan.timestamp_column].dataType
    if isinstance(time, T.StringType):
        time = T.TimestampNTZType()
    if not isinstance(time, (T.TimestampType, T.TimestampNTZType, T.DateType)):
        raise ValueError(f"column {plan.timestamp_column!r}: expected timestamp, timestamp_ntz, date or string, found "
                         f"{time.simpleString()}")
    fields = [T.StructField(plan.id_column, df.schema[plan.id_column].dataType),
              T.StructField(plan.timestamp_column, time), T.StructField("target_name", T.StringType()),
              T.StructField("predictions", T.FloatType()),
              *(T.StructField(str(level), T.FloatType()) for level in plan.quantile_levels)]
    return T.StructType(fields + ([T.StructField("error", T.StringType())] if plan.on_error == "null" else []))


def _together(df: DataFrame, future: DataFrame) -> DataFrame:
    """Rows of both frames, so that one shuffle brings a series' past and future to one task."""
    return df.withColumn(_AHEAD, F.lit(False)).unionByName(future.withColumn(_AHEAD, F.lit(True)),
                                                           allowMissingColumns=True)


# ---- In the executors' Python -----------------------------------------------------------------------


def _opening(model: Any) -> dict[str, Any]:
    """Arguments of from_pretrained for the workers."""
    if not isinstance(model, Chronos2Pipeline):
        here = model is not None and Path(model).is_dir()
        return {"pretrained_model_name_or_path": str(Path(model).resolve()) if here else model}
    return model.opening()


@lru_cache(maxsize=1)
def _opened(opening: tuple[tuple[str, Any], ...]) -> Chronos2Pipeline:
    return Chronos2Pipeline.from_pretrained(**dict(opening))


class _Work:
    """What a task does with the batches of its partition."""

    def __init__(self, plan: arrow.Plan, opening: dict[str, Any], known: list[str] | None) -> None:
        self._plan, self._opening, self._known = plan, opening, known

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        batches = iter(batches)
        first = next(batches, None)
        if first is None:
            return
        threads = self._opening.get("threads") or TaskContext.get().cpus()
        pipeline = _opened(tuple({**self._opening, "threads": threads}.items()))
        ahead = {} if self._known is None else {"future_column": _AHEAD, "known": self._known}
        rows = self._plan.run(arrow.Producer(chain([first], batches), "batches"), pipeline, **ahead)
        next(rows)  # the schema
        yield from rows
