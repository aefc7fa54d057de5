"""Forecasts over streams of Arrow record batches, 1,024 series at a time, or fewer that have a million rows.

    for batch in chronos2.arrow.forecast(batches, prediction_length=24):
        ...

It is what Spark's tasks run (chronos2.spark), and what a worker of Ray or Dask calls on its share of the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from inspect import signature
from itertools import chain
from typing import Any, NamedTuple

try:
    import pyarrow as pa
except ImportError:
    raise ImportError("chronos2.arrow needs pyarrow: pip install pyarrow") from None

from ._model import DEFAULT_LEVELS, list_levels, true_or_false
from ._progress import following
from ._stream import Stream, StreamOptions
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
        Record batches or tables in an iterator, or one object with `__arrow_c_stream__`. Rows of a series are together;
        an id that comes again later is an error. Time stamps are timestamps or dates.
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
    rows = plan.run(Producer(batches, "batches"), open_once(model),
                    None if future is None else Producer(future, "future"))
    return pa.RecordBatchReader.from_batches(next(rows), rows)


def open_once(model: Any) -> Chronos2Pipeline:
    """The pipeline itself, or that of a folder or name, which this process opens once."""
    return model if isinstance(model, Chronos2Pipeline) else _opened(model)


@lru_cache(maxsize=1)
def _opened(name: Any) -> Chronos2Pipeline:
    return Chronos2Pipeline.from_pretrained(name)


def spell_freq(freq: Any) -> str | None:
    """A text is for the library to read, which needs no pandas."""
    if freq is None or isinstance(freq, str):
        return freq
    from ._frames import spell_freq as spell

    return spell(freq)


_COUNTS = ("batch_size", "context_length", "max_output_patches")


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
        if true_or_false("cross_learning", self.options.get("cross_learning", False)):
            raise ValueError("cross_learning: items that are independent can't learn from each other")
        counts = {"prediction_length": self.prediction_length, **{name: self.options.get(name) for name in _COUNTS}}
        for name, value in counts.items():
            if value is not None:
                at_least_one(name, value)
        for place, level in enumerate(self.quantile_levels):
            if not 0 <= level <= 1:
                raise ValueError(f"quantile_levels: expected a number in [0, 1], found {level}")
            if level in self.quantile_levels[:place]:
                raise ValueError(f"quantile_levels: {level} is there twice")

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
            try:
                stream = Stream(session, past, future, native, after)
                spelled = pa.schema(stream)
                names = [*spelled.names[:4], *map(str, self.quantile_levels), "error"]
                schema = pa.schema([field.with_name(name) for field, name in zip(spelled, names)])
                yield schema
                for batch in stream:
                    yield pa.RecordBatch.from_arrays(pa.record_batch(batch).columns, schema=schema)
            except Exception:
                for producer in (past, future):
                    if producer is not None and producer.raised is not None:
                        raise producer.raised from None
                raise


class Producer:
    """Whatever forecast() takes as a stream, which keeps what it raises."""

    def __init__(self, batches: Any, name: str) -> None:
        self._batches, self._name = batches, name
        self.raised: BaseException | None = None

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        if hasattr(self._batches, "__arrow_c_stream__"):
            return self._batches.__arrow_c_stream__(requested_schema)
        if not isinstance(self._batches, Iterable):
            raise TypeError(f"{self._name}: expected pyarrow record batches or tables, found "
                            f"{type(self._batches).__name__}")
        each = chain.from_iterable(b.to_batches() if isinstance(b, pa.Table) else [b] for b in self._batches)
        first = next(each, None)
        if first is None:
            raise ValueError(f"{self._name}: expected at least one, which tells the columns")
        if not isinstance(first, pa.RecordBatch):
            raise TypeError(f"{self._name}: expected pyarrow record batches or tables, found {type(first).__name__}")
        reader = pa.RecordBatchReader.from_batches(first.schema, self._watched(chain([first], each)))
        return reader.__arrow_c_stream__(requested_schema)

    def _watched(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except BaseException as error:
            self.raised = error
            raise
