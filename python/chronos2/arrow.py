"""Forecasts over streams of Arrow record batches, 1,024 series at a time, or fewer that have a million rows.

    for batch in chronos2.arrow.forecast(batches, prediction_length=24):
        ...

It is what Spark's tasks run (chronos2.spark), and what a worker of Ray or Dask calls on its share of the rows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from inspect import signature
from itertools import chain
from typing import Any, NamedTuple

try:
    import pyarrow as pa
except ImportError:
    raise ImportError("chronos2.arrow needs pyarrow: pip install pyarrow") from None

from . import _hub
from ._model import DEFAULT_LEVELS, check_radius, list_levels, resolve_attention, true_or_false
from ._native import Raised
from ._progress import following
from ._stream import Stream, StreamOptions, columns_of
from ._told import warn
from .pipeline import Chronos2Pipeline, at_least_one


def forecast(
    batches: Any, model: Any = None, future: Any = None, *, id_column: str = "item_id",
    timestamp_column: str = "timestamp", target: str | Sequence[str] = "target", prediction_length: int | None = None,
    quantile_levels: Iterable[float] = DEFAULT_LEVELS, freq: Any = None, on_error: str = "raise",
    **predict_kwargs: Any,
) -> pa.RecordBatchReader:
    """Forecasts rows in long format as they come, by the rules of `Chronos2Pipeline.predict_df`.

    Parameters
    ----------
    batches
        Record batches or tables in an iterator, or one object with `__arrow_c_stream__`. The first tells the columns
        and their types, which later ones must fit. Rows of a series are together; an id that comes again later is an
        error. Time stamps are timestamps or dates.
    model
        A pipeline, or a folder or name that `Chronos2Pipeline.from_pretrained` opens, once a process; None: the bundled
        checkpoint.
    future
        Known covariates, as `batches`: prediction_length rows of each id. Those that come before their turn are kept.
    freq
        Frequency as pandas writes it, or one of its offsets; None: of each series its own, which takes three rows or
        more.
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
                prediction_length, list_levels(quantile_levels), spell_freq(freq), on_error, predict_kwargs)
    plan.check()
    keys = (id_column, timestamp_column, *plan.target)
    rows = plan.run(Producer(batches, "batches", keys), open_once(model),
                    None if future is None else Producer(future, "future", keys))
    return pa.RecordBatchReader.from_batches(next(rows), rows)


def open_once(model: Any) -> Chronos2Pipeline:
    """The pipeline itself, or that of a folder or name, which this process opens once."""
    return model if isinstance(model, Chronos2Pipeline) else opened(**_hub.opening(model))


@lru_cache(maxsize=1)
def opened(**opening: Any) -> Chronos2Pipeline:
    """A pipeline by the arguments of `from_pretrained`; the last one is kept."""
    return Chronos2Pipeline.from_pretrained(**opening)


def spell_freq(freq: Any) -> str | None:
    """A text is for the library to read, which needs no pandas."""
    if freq is None or isinstance(freq, str):
        return freq
    from ._frames import spell_freq as spell

    return spell(freq)


_COUNTS = ("batch_size", "context_length", "max_output_patches")
_BOOLEANS = ("cross_learning", "predict_batches_jointly", "extend_context", "limit_prediction_length", "reg_global")


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

    def check(self) -> None:
        """Raises what is wrong with the options, whatever the model and the rows are."""
        if self.on_error not in ("raise", "null"):
            raise ValueError(f"on_error: expected 'raise' or 'null', found {self.on_error!r}")
        unknown = set(self.options) - {*signature(Chronos2Pipeline._options).parameters, "progress", "after_batch"}
        if unknown:
            raise TypeError(f"Unexpected keyword arguments: {sorted(unknown)}.")
        given = {name: value for name, value in self.options.items() if value is not None}
        booleans = {name: true_or_false(name, given[name]) for name in _BOOLEANS if name in given}
        for name in ("cross_learning", "predict_batches_jointly"):
            if booleans.get(name):
                raise ValueError(f"{name}: items that are independent can't learn from each other")
        if "radius" in given:
            check_radius(given["radius"])
        if "attention" in given:
            resolve_attention(*map(given.get, ("attention", "radius", "reg_global"))).code
        unrolled = list_levels(given.get("unrolled_quantiles", ()), "unrolled_quantiles")
        counts = {"prediction_length": self.prediction_length, **{name: self.options.get(name) for name in _COUNTS}}
        for name, value in counts.items():
            if value is not None:
                at_least_one(name, value)
        for name, levels in (("quantile_levels", self.quantile_levels), ("unrolled_quantiles", unrolled)):
            for level in levels:
                if not 0 <= level <= 1:
                    raise ValueError(f"{name}: expected a number in [0, 1], found {level}")
                if levels.count(level) > 1:
                    raise ValueError(f"{name}: {level} is there twice")

    def run(self, past: Producer, pipeline: Chronos2Pipeline, future: Producer | None = None,
            future_column: str | None = None, known: Sequence[str] = ()) -> Iterator[Any]:
        """The schema of the forecasts, then their record batches. `future_column`: of booleans, true in the rows of the
        past that are the future's, which tell the covariates `known`."""
        options = dict(self.options)
        watching = following(options.pop("progress", None), options.pop("after_batch", None))
        predict, attention = pipeline._options(self.prediction_length, **options)
        native = StreamOptions(predict, self.id_column, self.timestamp_column, self.target, self.quantile_levels,
                               self.freq, independent=True, error_column=self.on_error == "null",
                               future_column=future_column, known=known)
        with pipeline.model.session(attention) as session, watching as after:
            with closing(Stream(session, past, future, native, after)) as stream:
                spelled = pa.schema(stream)
                names = [*spelled.names[:4], *map(str, self.quantile_levels), "error"]
                schema = pa.schema([field.with_name(name) for field, name in zip(spelled, names)])
                yield schema
                for batch in stream:
                    yield pa.RecordBatch.from_arrays(pa.record_batch(batch).columns, schema=schema)


class Producer(Raised):
    """Whatever forecast() takes as a stream, which keeps what it raises. `keys`: columns that are used where they are
    in a row index of pandas too."""

    def __init__(self, batches: Any, name: str, keys: Sequence[str]) -> None:
        self._batches, self._name, self._keys = batches, name, keys

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        batches = self._batches
        pandas = sys.modules.get("pandas")
        if pandas is not None and isinstance(batches, pandas.DataFrame):
            batches = pa.Table.from_pandas(self._with_keys(batches), preserve_index=False)
        if isinstance(batches, (pa.Table, pa.RecordBatch)):
            batches = [batches]
        if hasattr(batches, "__arrow_c_stream__") and not isinstance(batches, pa.RecordBatchReader):
            return batches.__arrow_c_stream__(requested_schema)
        if not isinstance(batches, Iterable):
            raise self._other(batches)
        each = ((place, batch) for place, given in enumerate(batches, 1) for batch in self._listed(given))
        if isinstance(batches, pa.RecordBatchReader):
            schema = batches.schema
        else:
            first = next(each, None)
            if first is None:
                raise ValueError(f"{self._name}: expected at least one, which tells the columns")
            schema, each = first[1].schema, chain([first], each)
        schema = _with_room(schema)
        columns = columns_of(schema, self._keys, self._name)
        reader = pa.RecordBatchReader.from_batches(pa.schema([schema.field(place) for place in columns]),
                                                   self._watched(each, schema, columns))
        return reader.__arrow_c_stream__(requested_schema)

    def _with_keys(self, frame: Any) -> Any:
        """A frame whose keys are columns, those of its row index too."""
        names = [name for name in frame.index.names if name is not None and name not in frame.columns]
        left = [name for name in names if name not in self._keys]
        if left:
            warn(f"{self._name}: the row index {', '.join(map(repr, left))} is no covariate, and is left out; "
                 "reset_index() makes columns of it")
        keys = [name for name in names if name in self._keys]
        return frame.reset_index(keys) if keys else frame

    def _listed(self, batches: Any) -> list[pa.RecordBatch]:
        """The record batches of a table; one without rows has one too, which tells the columns."""
        if isinstance(batches, pa.Table):
            return batches.to_batches() or [pa.RecordBatch.from_pylist([], schema=batches.schema)]
        if not isinstance(batches, pa.RecordBatch):
            raise self._other(batches)
        return [batches]

    def _other(self, found: Any) -> TypeError:
        return TypeError(f"{self._name}: expected pyarrow record batches or tables, found {type(found).__name__}")

    def _watched(self, batches: Iterable[tuple[int, pa.RecordBatch]], schema: pa.Schema,
                 columns: Sequence[int]) -> Iterator[pa.RecordBatch]:
        try:
            for place, batch in batches:
                batch = batch if batch.schema.equals(schema) else self._like(batch, schema, place)
                yield batch.select(columns)
        except BaseException as error:
            self.raised = error
            raise

    def _like(self, batch: pa.RecordBatch, schema: pa.Schema, place: int) -> pa.RecordBatch:
        """A later batch with the columns of the first, by their names: who reads the stream is told one schema."""
        said = f"{self._name}: batch {place}: "
        if sorted(batch.schema.names) != sorted(schema.names) or len(set(schema.names)) < len(schema.names):
            raise ValueError(f"{said}expected the columns {schema.names} of the first, found {batch.schema.names}")
        return pa.RecordBatch.from_arrays([_cast(batch.column(field.name), field, said) for field in schema],
                                          schema=schema)


def _with_room(schema: pa.Schema) -> pa.Schema:
    """A schema whose dictionaries may grow: pandas counts the categories of a batch in as few bits as they need."""
    for place, field in enumerate(schema):
        kind = field.type
        if pa.types.is_dictionary(kind) and kind.index_type.bit_width < 32:
            schema = schema.set(place, field.with_type(pa.dictionary(pa.int32(), kind.value_type, kind.ordered)))
    return schema


def _cast(values: pa.Array, field: pa.Field, said: str) -> pa.Array:
    """Values of a type that holds the same kind of things, where none of them changes."""
    said += f"column {field.name!r}: expected {field.type} as in the first, found {values.type}"
    found, expected = _held(values.type), _held(field.type)
    narrows = pa.types.is_floating(expected) and (
        found.bit_width > expected.bit_width if pa.types.is_floating(found)
        else pa.types.is_integer(found) and expected == pa.float16())  # a cast that pyarrow does not check
    if found != expected and (narrows or _kind(found) not in ("null", _kind(expected))):
        raise ValueError(said)
    try:
        return values.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"{said}: {error}") from None


def _held(type: pa.DataType) -> pa.DataType:
    """That of a dictionary's values."""
    return type.value_type if pa.types.is_dictionary(type) else type


def _kind(type: pa.DataType) -> str:
    """Numbers are one kind, decimals and texts two others, time stamps with and without a zone two more. Any other type
    is its own kind."""
    t = pa.types
    if t.is_integer(type) or t.is_floating(type):
        return "number"
    if t.is_decimal(type):
        return "decimal"
    if t.is_string(type) or t.is_large_string(type) or str(type) == "string_view":
        return "text"
    if t.is_timestamp(type):
        return "instant" if type.tz else "time stamp"
    return str(type)
