"""One past, many futures: contexts that are encoded once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import _inputs, _native
from ._model import DEFAULT_LEVELS, list_levels
from ._told import warn

if TYPE_CHECKING:
    from .pipeline import Chronos2Pipeline


class EncodedContext:
    """What `Chronos2Pipeline.encode` returns. Each forecast costs the future tokens alone."""

    def __init__(self, pipeline: Chronos2Pipeline, series: Sequence[_native.Series], options: _native.PredictOptions,
                 attention: _native.Attention | None) -> None:
        self._pipeline, self._options, self._attention = pipeline, options, attention
        self._series = [item.copy() for item in series]  # forecasts read them: the caller's may change
        with pipeline.model.session(attention, encodes=True) as session:
            self._context = session.encode(_native.SeriesTable(self._series, options.horizon), options)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        raise TypeError("an EncodedContext can't be pickled or copied: it lies in the library's memory; encode again")

    @property
    def nbytes(self) -> int:
        """Memory of the encoded contexts."""
        return self._context.nbytes

    def _forecast(self, futures: Sequence[Any]) -> _native.Forecast:
        if not isinstance(futures, (list, tuple)):
            raise TypeError(f"`futures`: expected a list of futures, found {type(futures).__name__}")
        if len(futures) == 0:
            raise ValueError("`futures` is empty. Please provide at least one future.")
        series: list[_native.Series] = []
        truths: set[str] = set()
        for number, future in enumerate(futures):
            series += self._with_future(self._checked(future, number), number, truths)
        for name in sorted(truths):
            warn(f"covariate '{name}': {_native.TRUTHS}")
        with self._pipeline.model.session(self._attention, encodes=True) as session:
            table = _native.SeriesTable(series, self._options.horizon)
            forecast = session.predict_from(self._context, table, self._options)
        for said in forecast.losses(series, self._options.context_length):
            warn(said)
        return forecast

    def _checked(self, future: Any, number: int) -> Sequence[Mapping[str, Any]]:
        """Known covariates of each series, by names that it has."""
        known = [future] if isinstance(future, Mapping) else future
        if not isinstance(known, (list, tuple)):
            raise TypeError(f"future {number}: expected a list of dicts, found {type(known).__name__}")
        if len(known) != len(self._series):
            raise ValueError(f"future {number}: expected covariates of {len(self._series)} series, found {len(known)}")
        for index, (past, group) in enumerate(zip(self._series, known)):
            if not isinstance(group, Mapping):
                raise TypeError(f"future {number}, series {index}: expected a dict, found {type(group).__name__}")
            names = {covariate.name for covariate in past.covariates}
            if not set(group) <= names:
                raise ValueError(f"future {number}, series {index}: expected covariates among {sorted(names)}, found "
                                 f"{sorted(group)}")
        return known

    def _with_future(self, known: Sequence[Mapping[str, Any]], number: int, truths: set[str]) -> list[_native.Series]:
        """The series with the futures that are named; other covariates keep that which came with the context. Adds to
        `truths` names of numbers among whose futures are booleans."""
        named: dict[str, dict[int, _native.Covariate]] = {}
        for index, (past, group) in enumerate(zip(self._series, known)):
            for c in past.covariates:
                if c.name in group:
                    values = self._values(c, group[c.name], number, index)
                    if values is not None and c.labels is None and _native.holds_booleans(
                            _inputs.to_array(group[c.name])):
                        truths.add(c.name)
                    named.setdefault(c.name, {})[index] = c._replace(future=values)
        for column in named.values():
            self._label(column, number)
        unknown = [(name, index, count) for name, column in named.items() for index, c in column.items()
                   if (count := _inputs.missing_ahead(c)) > 0]
        if unknown:
            warn(_inputs.say_unknown(sum(count for *_, count in unknown), f"future {number}, series "
                                     f"{unknown[0][1]}: {unknown[0][0]}"))
        return [past._replace(covariates=[named.get(c.name, {}).get(index, c) for c in past.covariates])
                for index, past in enumerate(self._series)]

    def _values(self, c: _native.Covariate, value: Any, number: int, index: int) -> Any:
        where = f" in future {number}, series {index}: {c.name}"
        if _inputs.is_unknown(value, where):
            return None
        values = (_inputs.to_array(value, where) if c.labels is not None else
                  _inputs.to_numbers(value, where, spelled=True))  # as predict reads them
        if values.shape != (self._options.horizon,):
            raise ValueError(f"future {number}, series {index}: {c.name}: expected {self._options.horizon} values, "
                             f"found shape {values.shape}")
        return values

    def _label(self, column: dict[int, _native.Covariate], number: int) -> None:
        """Futures of one covariate, by their series: values become labels where the past has them."""
        labels = next(iter(column.values())).labels
        if labels is None:
            return
        name = next(iter(column.values())).name
        ranked = _native.ranked_labels((c, len(past.target)) for past in self._series for c in past.covariates
                                       if c.name == name and c.labels is not None)
        futures = {index: c.future for index, c in column.items() if c.future is not None}
        for index, codes in labels.of_futures(futures).items():
            column[index] = column[index]._replace(future=codes)
            if _native.unseen_labels(column[index], len(self._series[index].target), ranked):
                warn(f"future {number}, series {index}: {name}: categories that the past never "
                     "had, so that their effect is unknown")

    def predict(self, futures: Sequence[Any], *, return_type: str | None = None) -> list[list[Any]]:
        """Forecasts at the model's own quantile levels.

        Parameters
        ----------
        futures
            One element a future: a list with one dict of known covariates {name: (prediction_length,)} a series, or
            that dict itself where one series was encoded. Covariates that are left out have the future that came with
            the context; None is an unknown one.

        Returns
        -------
        One list a future, with one float32 array (targets, levels, prediction_length) a series.
        """
        return self._split(self._pipeline._give(self._forecast(futures).quantiles(), return_type))

    def predict_quantiles(self, futures: Sequence[Any], quantile_levels: Sequence[float] = DEFAULT_LEVELS,
                          *, return_type: str | None = None) -> tuple[list[list[Any]], list[list[Any]]]:
        """As `predict`, at any quantile levels: arrays (targets, prediction_length, levels), and the medians."""
        quantile_levels = list_levels(quantile_levels)
        forecast = self._forecast(futures)
        self._pipeline._warn_of_levels(quantile_levels)
        return (self._split(self._pipeline._give(forecast.at_levels(quantile_levels), return_type)),
                self._split(self._pipeline._give(forecast.median(), return_type)))

    def _split(self, arrays: list[Any]) -> list[list[Any]]:
        count = len(self._series)
        return [arrays[first:first + count] for first in range(0, len(arrays), count)]
