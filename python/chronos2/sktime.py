"""A forecaster of sktime's kind: `fit`, `predict`, `predict_quantiles`, and all that sktime builds on them.

    from chronos2.sktime import Chronos2Forecaster

    y_pred = Chronos2Forecaster().fit(y).predict(fh=[1, 2, 3])
"""

from __future__ import annotations

from typing import Any

import numpy as np

try:
    import pandas as pd
    from sktime.forecasting.base import BaseForecaster, ForecastingHorizon
except ImportError:
    raise ImportError("chronos2.sktime needs sktime: pip install sktime") from None

from . import _frames
from ._told import warn
from .pipeline import Chronos2Pipeline


class Chronos2Forecaster(BaseForecaster):
    """Chronos-2 without PyTorch. Columns of y are forecast jointly; columns of X are covariates, known ahead where
    `predict` is given them. Rows of y are consecutive steps. Where X has no row its values are missing, with a warning.
    `update` adds rows, or replaces them, whatever `update_params` is: nothing is trained. It refuses X whose
    columns are not those of `fit`, and y's where y has several.

    Parameters
    ----------
    model
        A folder, a name of a hub, or None for the bundled checkpoint.
    context_length
        Use at most this many last observations; None: as many as the model was made for.
    options
        A dict of other arguments of `Chronos2Pipeline.from_pretrained`: dtype, threads, attention, ... Of them
        return_type has no effect, as forecasts are tables.

    Examples
    --------
    >>> from sktime.datasets import load_airline
    >>> from chronos2.sktime import Chronos2Forecaster
    >>> y_pred = Chronos2Forecaster().fit(load_airline()).predict(fh=[1, 2, 3])
    """

    _tags = {
        "authors": ["chronos2.c"],
        "y_inner_mtype": "pd.DataFrame",
        "X_inner_mtype": "pd.DataFrame",
        "capability:multivariate": True,
        "capability:exogenous": True,
        "capability:missing_values": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:insample": False,
        "capability:update": True,
        "requires-fh-in-fit": False,
        "X-y-must-have-same-index": False,
        "python_dependencies": None,
    }

    def __init__(self, model: str | None = None, context_length: int | None = None,
                 options: dict[str, Any] | None = None) -> None:
        self.model, self.context_length, self.options = model, context_length, options
        super().__init__()

    def _fit(self, y: pd.DataFrame, X: pd.DataFrame | None = None, fh: Any = None) -> Chronos2Forecaster:
        options = {**(self.options or {}), "return_type": "numpy"}
        self._pipeline = Chronos2Pipeline.from_pretrained(self.model, **options)
        self._learn(y, X)
        return self

    def _update(self, y: pd.DataFrame, X: pd.DataFrame | None = None,
                update_params: bool = True) -> Chronos2Forecaster:
        if "numpy" in self._y_mtype_last_seen or "ndarray" in self._y_mtype_last_seen:
            raise TypeError("update: expected y with an index, which says where its rows belong, found an array")
        if len(y.columns) == len(self._y_past.columns) == 1:
            y = y.set_axis(self._y_past.columns, axis=1)  # a series is the same whatever its name
        if set(y.columns) != set(self._y_past.columns):
            raise ValueError(f"y: expected the columns that it had in fit, {list(self._y_past.columns)}, found "
                             f"{list(y.columns)}")
        if X is not None and set(X.columns) != set(self._columns):
            raise ValueError(f"X: expected the columns that it had in fit, {self._columns}, found {list(X.columns)}")
        self._learn(_joined(self._y_past, y), self._X_past if X is None else _joined(self._X_past, X[self._columns]))
        self._set_cutoff(_spaced_like(self.cutoff, self._y_past.index))  # sktime's has no frequency after one row
        return self

    def _learn(self, y: pd.DataFrame, X: pd.DataFrame | None) -> None:
        """Keeps what was observed, apart from the caller's frames; forecasts take of it what is up to the cutoff."""
        _check_steps(y.index)
        if X is not None:
            names = [str(name) for name in X.columns]
            if len(set(names)) < len(names):
                raise ValueError(f"X: expected columns whose names differ as texts, found {list(X.columns)}")
            missing = y.index[~y.index.isin(X.index)]
            if len(missing) == len(y):
                raise ValueError(_no_rows(y.index, "y"))
            if len(missing):
                warn(f"X: {len(missing)} of the {len(y)} steps of y have no row, {missing[0]} the first: its "
                     "values are missing there")
        self._y_past, self._X_past = y.copy(), None if X is None else X.copy()
        self._columns = [] if X is None else list(X.columns)

    def _past(self) -> dict[str, Any]:
        """The series up to the cutoff, from which steps are counted."""
        index, end = self._y_past.index, self.cutoff[0]
        if end not in index:
            raise ValueError(f"y: expected rows up to the cutoff, {end}, found them up to {index[-1]}")
        y = self._y_past[index <= end]
        series: dict[str, Any] = {"target": y.to_numpy(np.float64).T}
        if self._X_past is not None:
            X = self._X_past.reindex(y.index)
            series["past_covariates"] = {str(name): X[name].to_numpy() for name in X.columns}
        return series

    def _steps(self, fh: Any) -> np.ndarray:
        """Steps ahead; those of lengths of time and of time stamps are counted in the frequency of y."""
        if not isinstance(fh.to_pandas(), (pd.TimedeltaIndex, pd.DatetimeIndex)):
            return fh.to_relative(self.cutoff).to_numpy().astype(np.int64)
        asked = fh.to_absolute_index(self.cutoff)
        between = pd.period_range if isinstance(asked, pd.PeriodIndex) else pd.date_range
        ahead = between(self.cutoff[0], asked.max(), freq=self.cutoff.freq)
        steps = ahead.get_indexer(asked)
        if (steps < 1).any():
            raise ValueError(f"fh: expected steps of the frequency {self.cutoff.freqstr} after {self.cutoff[0]}, found "
                             f"{asked[steps < 1][0]}")
        return steps.astype(np.int64)

    def _forecast(self, fh: Any, X: pd.DataFrame | None, levels: list[float]) -> tuple[np.ndarray, pd.Index]:
        """[steps of fh][columns of y][levels], and their index."""
        steps = self._steps(fh)
        series = self._past()
        if X is not None:
            new = set(X.columns) - set(self._columns)
            if new:
                raise ValueError(f"X: expected columns that it had in fit, {self._columns}, found "
                                 f"{sorted(map(str, new))}")
            ahead = ForecastingHorizon(np.arange(1, steps.max() + 1), is_relative=True).to_absolute_index(self.cutoff)
            X = _rows_at(X, ahead, "the forecast")
            series["future_covariates"] = {str(name): X[name].to_numpy() for name in self._columns if name in X.columns}
        quantiles, _ = self._pipeline.predict_quantiles([series], int(steps.max()), levels,
                                                        context_length=self.context_length)
        return quantiles[0][:, steps - 1].swapaxes(0, 1), fh.to_absolute_index(self.cutoff)

    def _predict(self, fh: Any, X: pd.DataFrame | None = None) -> pd.DataFrame:
        values, index = self._forecast(fh, X, [0.5])
        return pd.DataFrame(values[..., 0].astype(np.float64), index, self._get_varnames())

    def _predict_quantiles(self, fh: Any, X: pd.DataFrame | None, alpha: list[float]) -> pd.DataFrame:
        values, index = self._forecast(fh, X, list(alpha))
        columns = pd.MultiIndex.from_product([self._get_varnames(), list(alpha)])
        return pd.DataFrame(values.reshape(len(values), -1).astype(np.float64), index, columns)

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """For sktime's own checks."""
        return [{}, {"context_length": 30, "options": {"threads": 1, "dtype": "bfloat16"}}]


def _check_steps(index: pd.Index) -> None:
    """Rows are forecast as consecutive steps, as sktime counts them: of a frequency, or whole numbers."""
    if len(index) < 2:
        return
    if isinstance(index, pd.DatetimeIndex):
        regular = index.freq is not None or _frames.infer_freq(index) is not None
    elif isinstance(index, pd.PeriodIndex):
        regular = (index == pd.period_range(index[0], periods=len(index), freq=index.freq)).all()
    else:
        regular = (np.diff(index.to_numpy()) == 1).all()
    if not regular:
        raise ValueError("y: expected rows of consecutive steps; asfreq() brings time stamps to a frequency, with "
                         "missing values where rows are missing")


def _rows_at(X: pd.DataFrame, index: pd.Index, whose: str) -> pd.DataFrame:
    """Rows of X at the steps of an index; missing values where it has none."""
    if not index.isin(X.index).any():
        raise ValueError(_no_rows(index, whose))
    return X.reindex(index)


def _no_rows(index: pd.Index, whose: str) -> str:
    return f"X: expected rows at the steps of {whose}, {index[0]} to {index[-1]}, found none"


def _joined(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Rows of both; where both have one, the new one."""
    if type(old.index) is not type(new.index) and not all(pd.api.types.is_integer_dtype(f.index) for f in (old, new)):
        raise TypeError(f"update: expected rows with the index that they had in fit, {type(old.index).__name__}, found "
                        f"{type(new.index).__name__}")
    rows = pd.concat([old[~old.index.isin(new.index)], new]).sort_index()
    rows.index = _spaced_like(rows.index, old.index)
    return rows


def _spaced_like(index: pd.Index, other: pd.Index) -> pd.Index:
    """Time stamps with the frequency of others, which too few of them don't tell."""
    if not isinstance(index, pd.DatetimeIndex) or index.freq is not None:
        return index
    freq = other.freq or _frames.infer_freq(other)
    try:
        return pd.DatetimeIndex(index, freq=freq)
    except ValueError:  # they have a gap
        return index
