"""One past, many futures: contexts that are encoded once."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import _inputs, _native
from ._model import DEFAULT_LEVELS

if TYPE_CHECKING:
    from .pipeline import Chronos2Pipeline


class EncodedContext:
    """What `Chronos2Pipeline.encode` returns. Each forecast costs the future tokens alone."""

    def __init__(self, pipeline: Chronos2Pipeline, series: Sequence[_native.Series], options: _native.PredictOptions,
                 attention: _native.Attention | None) -> None:
        self._pipeline, self._series, self._options, self._attention = pipeline, series, options, attention
        with pipeline.model.session(attention) as session:
            self._context = session.encode(_native.SeriesTable(series), options)

    @property
    def nbytes(self) -> int:
        """Memory of the encoded contexts."""
        return self._context.nbytes

    def _forecast(self, futures: Sequence[Any]) -> _native.Forecast:
        if len(futures) == 0:
            raise ValueError("`futures` is empty. Please provide at least one future.")
        series = []
        for number, future in enumerate(futures):
            for index, (past, known) in enumerate(self._pairs(future, number)):
                series.append(self._with_future(past, known, number, index))
        with self._pipeline.model.session(self._attention) as session:
            return session.predict_from(self._context, _native.SeriesTable(series), self._options)

    def _pairs(self, future: Any, number: int) -> list[tuple[_native.Series, Any]]:
        known = [future] if isinstance(future, Mapping) else list(future)
        if len(known) != len(self._series):
            raise ValueError(f"future {number}: expected covariates of {len(self._series)} series, found {len(known)}")
        return list(zip(self._series, known))

    def _with_future(self, past: _native.Series, known: Mapping[str, Any], number: int, index: int) -> _native.Series:
        names = {covariate.name for covariate in past.covariates}
        if not set(known) <= names:
            raise ValueError(f"future {number}, series {index}: expected covariates among {sorted(names)}, found "
                             f"{sorted(known)}")
        covariates = [self._covariate(c, known, number, index) for c in past.covariates]
        for c in covariates:
            if _native.unseen_labels(c, len(past.target)):
                warnings.warn(f"future {number}, series {index}: {c.name}: categories that the past never had, so that "
                              "their effect is unknown", stacklevel=4)
        return past._replace(covariates=covariates)

    def _covariate(self, c: _native.Covariate, known: Mapping[str, Any], number: int, index: int) -> _native.Covariate:
        if c.name not in known:
            return c._replace(future=None)
        if c.labels is not None:
            values = c.labels.of(_inputs.to_array(known[c.name]))
        else:
            values = _inputs.to_numbers(known[c.name])
        if values.shape != (self._options.horizon,):
            raise ValueError(f"future {number}, series {index}: {c.name}: expected {self._options.horizon} values, "
                             f"found shape {values.shape}")
        return c._replace(future=values)

    def predict(self, futures: Sequence[Any], *, return_type: str | None = None) -> list[list[Any]]:
        """Forecasts at the model's own quantile levels.

        Parameters
        ----------
        futures
            One element a future: a list with one dict of known covariates {name: (prediction_length,)} a series, or
            that dict itself where one series was encoded. Covariates that are left out are unknown.

        Returns
        -------
        One list a future, with one float32 array (targets, levels, prediction_length) a series.
        """
        return self._split(self._pipeline._give(self._forecast(futures).quantiles(), return_type))

    def predict_quantiles(self, futures: Sequence[Any], quantile_levels: Sequence[float] = DEFAULT_LEVELS,
                          *, return_type: str | None = None) -> tuple[list[list[Any]], list[list[Any]]]:
        """As `predict`, at any quantile levels: arrays (targets, prediction_length, levels), and the medians."""
        forecast = self._forecast(futures)
        return (self._split(self._pipeline._give(forecast.at_levels(quantile_levels), return_type)),
                self._split(self._pipeline._give(forecast.median(), return_type)))

    def _split(self, arrays: list[Any]) -> list[list[Any]]:
        count = len(self._series)
        return [arrays[first:first + count] for first in range(0, len(arrays), count)]
