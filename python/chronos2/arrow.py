"""Forecasts over streams of Arrow record batches, in the memory of a few hundred series.

    for batch in chronos2.arrow.forecast(batches, prediction_length=24):
        ...

It is what Spark's tasks run (chronos2.spark), and what a worker of Ray or Dask calls on its share of the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

try:
    import pyarrow as pa
    import pyarrow.compute as pc
except ImportError:
    raise ImportError("chronos2.arrow needs pyarrow: pip install pyarrow") from None

from ._model import DEFAULT_LEVELS
from ._native import Chronos2Error
from .pipeline import Chronos2Pipeline

# Series that are forecast together: enough for full passes on every thread.
_SERIES_TOGETHER, _ROWS_TOGETHER = 1024, 1 << 20


def forecast(
    batches: Any, model: Any = None, future: Any = None, *, id_column: str = "item_id",
    timestamp_column: str = "timestamp", target: str | Sequence[str] = "target", prediction_length: int | None = None,
    quantile_levels: Sequence[float] = DEFAULT_LEVELS, freq: str | None = None, on_error: str = "raise",
    **predict_kwargs: Any,
) -> pa.RecordBatchReader:
    """Forecasts rows in long format as they come, by the rules of `Chronos2Pipeline.predict_df`.

    Parameters
    ----------
    batches
        Record batches or tables in an iterator, or one object with `__arrow_c_stream__`. Rows of a series are together;
        an id that comes again later is an error.
    model
        A pipeline, or a folder or name that `Chronos2Pipeline.from_pretrained` opens, once a process; None: the bundled
        checkpoint.
    future
        Known covariates, as `batches`: the same ids in the same order, prediction_length rows each.
    freq
        Frequency as pandas writes it; None: of each series its own, which takes three rows or more.
    on_error
        "raise": a series that can't be forecast is an error that names it. "null": it has one row of nulls, and a
        column `error` that says why; the others are forecast as without it.
    **predict_kwargs
        As for `Chronos2Pipeline.predict`, but for cross_learning: a forecast must not depend on where a stream is cut.

    Returns
    -------
    A reader of record batches, which is an iterator of them: the columns of `predict_df`, ids and time stamps of the
    types that came in.
    """
    plan = Plan(id_column, timestamp_column, (target,) if isinstance(target, str) else tuple(target),
                prediction_length, tuple(quantile_levels), freq, on_error, predict_kwargs)
    schema, past = _read(batches)
    known, ahead = (None, None) if future is None else _read(future)
    plan.check(schema, known)
    pieces = whole_series(past, id_column)
    pairs = ((table, None) for table in pieces) if ahead is None else _beside(pieces, ahead, id_column)
    return pa.RecordBatchReader.from_batches(plan.schema(schema), plan.run(pairs, open_once(model)))


def open_once(model: Any) -> Chronos2Pipeline:
    """The pipeline itself, or that of a folder or name, which this process opens once."""
    return model if isinstance(model, Chronos2Pipeline) else _opened(model)


@lru_cache(maxsize=1)
def _opened(name: Any) -> Chronos2Pipeline:
    return Chronos2Pipeline.from_pretrained(name)


class Plan(NamedTuple):
    """What is forecast, and how. It can be pickled."""

    id_column: str
    timestamp_column: str
    target: tuple[str, ...]
    prediction_length: int | None
    quantile_levels: tuple[float, ...]
    freq: str | None
    on_error: str
    options: dict[str, Any]

    def check(self, past: pa.Schema, future: pa.Schema | None = None) -> None:
        """Raises what is wrong with the columns, whatever the rows hold."""
        if self.on_error not in ("raise", "null"):
            raise ValueError(f"on_error: expected 'raise' or 'null', found {self.on_error!r}")
        if self.options.get("cross_learning"):
            raise ValueError("cross_learning: series of a stream are forecast apart; use predict_df")
        keys = {self.id_column, self.timestamp_column}
        missing = (keys | set(self.target)) - set(past.names)
        if missing:
            raise ValueError(f"batches do not contain all expected columns. Missing columns: {sorted(missing)}")
        for name in self.target:
            if not _is_number(past.field(name).type):
                raise ValueError(f"Target column {name!r} must be numeric, got {past.field(name).type}")
        texts = [name for name in past.names if name not in keys and not _is_number(past.field(name).type)]
        if len(self.target) > 1 and texts:
            raise ValueError(f"categories beside several targets: {texts}: their codes would depend on where the "
                             "stream is cut; give numbers")
        if future is not None:
            self._check_future(set(past.names), set(future.names), keys)

    def _check_future(self, past: set[str], future: set[str], keys: set[str]) -> None:
        if not keys <= future:
            raise ValueError("future does not contain all expected columns. Missing columns: "
                             f"{sorted(keys - future)}")
        if future & set(self.target):
            raise ValueError(f"future cannot contain target columns. Target columns found: "
                             f"{sorted(future & set(self.target))}")
        if not future <= past:
            raise ValueError(f"future cannot contain columns not present in the past. Extra columns: "
                             f"{sorted(future - past)}")

    def schema(self, past: pa.Schema) -> pa.Schema:
        """Of the result."""
        time = past.field(self.timestamp_column).type
        fields = [(self.id_column, _plain(past.field(self.id_column).type)),
                  (self.timestamp_column, time if pa.types.is_temporal(time) else pa.timestamp("us")),
                  ("target_name", pa.string()), ("predictions", pa.float32()),
                  *((str(level), pa.float32()) for level in self.quantile_levels)]
        return pa.schema(fields + ([("error", pa.string())] if self.on_error == "null" else []))

    def run(self, pieces: Iterable[tuple[pa.Table, pa.Table | None]],
            pipeline: Chronos2Pipeline) -> Iterator[pa.RecordBatch]:
        """Forecasts pieces: whole series, and their known futures."""
        self._try_options(pipeline)
        for past, future in pieces:
            if future is not None:
                future, names = _split_strangers(past, future, self.id_column)
                for name in names:
                    yield self._bad(name, "it has a future and no past", past.schema)
            if len(past) > 0:
                yield from self._forecast(past, future, pipeline)

    def _try_options(self, pipeline: Chronos2Pipeline) -> None:
        """Raises what no series could be forecast with."""
        rows = np.arange(3 if self.freq is None else 1)
        table = pa.table({self.id_column: 0 * rows, self.timestamp_column: rows.astype("datetime64[s]"),
                          **{name: 0.0 * rows for name in self.target}})
        self._predict(pipeline, table, None, {**self.options, "after_batch": None})

    def _predict(self, pipeline: Chronos2Pipeline, past: pa.Table, future: pa.Table | None,
                 options: dict[str, Any]) -> pa.Table:
        return pipeline.predict_df(past, future, self.id_column, self.timestamp_column, list(self.target),
                                   self.prediction_length, self.quantile_levels, freq=self.freq, **options)

    def _forecast(self, past: pa.Table, future: pa.Table | None,
                  pipeline: Chronos2Pipeline) -> Iterator[pa.RecordBatch]:
        """Forecasts a piece; where that fails, its halves, until the bad series is alone."""
        bounds = _bounds(past[self.id_column])
        try:
            if self.freq is None and len(bounds) > 2 and np.diff(bounds).min() < 3:
                raise ValueError("a series of fewer than 3 rows would take the frequency of the others")
            result = self._predict(pipeline, past, future, self.options)
        except (ValueError, Chronos2Error) as error:
            if len(bounds) == 2:
                reason = str(error).removeprefix(f"item '{past[self.id_column][0].as_py()}': ")
                yield self._bad(past[self.id_column][0], reason, past.schema, error)
                return
            for half in _halves(past, future, bounds, self.id_column):
                yield from self._forecast(*half, pipeline)
            return
        schema = self.schema(past.schema)
        if self.on_error == "null":
            result = result.append_column("error", pa.nulls(len(result), pa.string()))
        yield from result.cast(schema).to_batches()

    def _bad(self, name: pa.Scalar, reason: str, past: pa.Schema, cause: Exception | None = None) -> pa.RecordBatch:
        """The row of a series that can't be forecast."""
        if self.on_error == "raise":
            raise (ValueError if cause is None else type(cause))(f"series {name.as_py()!r}: {reason}") from cause
        schema = self.schema(past)
        columns = [[None]] * len(schema)
        columns[0], columns[-1] = [name.as_py()], [reason]
        return pa.RecordBatch.from_arrays([pa.array(*pair) for pair in zip(columns, schema.types)], schema=schema)


# ---- Streams --------------------------------------------------------------------------------------


def _read(batches: Any) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Schema and record batches of whatever forecast() takes."""
    if hasattr(batches, "__arrow_c_stream__"):
        reader = pa.RecordBatchReader.from_stream(batches)
        return reader.schema, iter(reader)
    each = chain.from_iterable(b.to_batches() if isinstance(b, pa.Table) else [b] for b in batches)
    first = next(each, None)
    if first is None:
        raise ValueError("batches: expected at least one, which tells the columns")
    if not isinstance(first, pa.RecordBatch):
        raise TypeError(f"batches: expected pyarrow record batches or tables, found {type(first).__name__}")
    return first.schema, chain([first], each)


def whole_series(batches: Iterable[pa.RecordBatch], id_column: str, series: int = _SERIES_TOGETHER,
                 rows: int = _ROWS_TOGETHER) -> Iterator[pa.Table]:
    """Cuts a stream between series: tables of so many of them, or fewer that have so many rows. The last series of a
    batch is carried over, because the next batch may go on with it."""
    held: list[pa.RecordBatch] = []
    held_rows = held_series = 0
    seen: set[Any] = set()
    last = None
    for batch in batches:
        if len(batch) == 0:
            continue
        ids, begin = batch.column(id_column), 0
        bounds = _bounds(ids)
        names = ids.take(pa.array(bounds[:-1])).to_pylist()
        for start, name in zip(bounds.tolist(), names):
            if start == 0 and held and name == last:
                continue
            if name in seen:
                raise ValueError(f"batches: rows of a series must be together; {name!r} comes again")
            seen.add(name)
            if held_series >= series or held_rows + start - begin >= rows:
                yield pa.Table.from_batches([*held, batch.slice(begin, start - begin)])
                held, held_rows, held_series, begin = [], 0, 0, start
            held_series += 1
        held.append(batch.slice(begin))
        held_rows, last = held_rows + len(batch) - begin, names[-1]
    if held:
        yield pa.Table.from_batches(held)


def _beside(pasts: Iterator[pa.Table], ahead: Iterator[pa.RecordBatch], id_column: str) -> Iterator[Any]:
    """Pieces of the past with as many series of the future, whose ids are the same."""
    futures = whole_series(ahead, id_column, series=1)
    for past in pasts:
        known = []
        for start in _bounds(past[id_column])[:-1]:
            expected = past[id_column][int(start)].as_py()
            table = next(futures, None)
            found = None if table is None else table[id_column][0].as_py()
            if table is None or found != expected:
                raise ValueError(f"future: expected series {expected!r} as in the past, found "
                                 f"{'the end' if table is None else repr(found)}")
            known.append(table)
        yield past, pa.concat_tables(known)
    if next(futures, None) is not None:
        raise ValueError("future: more series than in the past")


def _bounds(ids: Any) -> np.ndarray:
    """First rows of the runs of equal ids, and the number of rows."""
    ids = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    ids = ids.dictionary_decode() if pa.types.is_dictionary(ids.type) else ids
    ends = pc.run_end_encode(ids, run_end_type=pa.int64()).run_ends
    return np.concatenate([[0], ends.to_numpy()])


def _halves(past: pa.Table, future: pa.Table | None, bounds: np.ndarray, id_column: str) -> Iterator[Any]:
    middle = int(bounds[(len(bounds) - 1) // 2])
    for half in (past.slice(0, middle), past.slice(middle)):
        yield half, None if future is None else future.filter(_of(future, half, id_column))


def _split_strangers(past: pa.Table, future: pa.Table, id_column: str) -> tuple[pa.Table, list[pa.Scalar]]:
    """Rows of the future that have a past, and the ids of the others."""
    known = _of(future, past, id_column)
    return future.filter(known), list(pc.unique(future.filter(pc.invert(known))[id_column]))


def _of(table: pa.Table, other: pa.Table, id_column: str) -> Any:
    """Which rows have an id of the other table."""
    ids = table[id_column].cast(_plain(table[id_column].type))
    return pc.is_in(ids, value_set=pc.unique(other[id_column].cast(ids.type)))


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
