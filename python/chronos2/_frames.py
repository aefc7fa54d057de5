"""Tables in long format: their series, and forecasts as a table of the same kind. By chronos-forecasting's rules."""

from __future__ import annotations

import sys
import warnings
from typing import Any, Sequence

import numpy as np

try:
    import pandas as pd
    from pandas.api import types
except ImportError:
    raise ImportError("predict_df needs pandas: pip install pandas") from None

from ._native import Covariate, Labels, Series, SeriesList, is_column


class Frames:
    """A table of the past and one of the known future, checked and in order."""

    def __init__(self, df: Any, future_df: Any, *, id_column: str, timestamp_column: str, target: str | list[str],
                 horizon: int, validate: bool, freq: str | None) -> None:
        self._kind, self._id, self._time, self._horizon = df, id_column, timestamp_column, horizon
        self._targets = list(target) if isinstance(target, (list, tuple)) else [target]
        past, future = _to_pandas(df), None if future_df is None else _to_pandas(future_df)
        if validate:
            self._validate_past(past)
            past = self._in_order(past, None)
            if future is not None:
                self._validate_future(past, future)
                future = self._in_order(future, past[id_column].unique())
        self._past, self._future = past, future
        self._bounds = self._item_bounds()
        self._stamps = self._future_stamps(freq)
        if validate and future is not None and (pd.DatetimeIndex(future[timestamp_column]) != self._stamps).any():
            raise ValueError("future_df timestamps do not match the expected prediction timestamps. You can disable "
                             "this check by setting `validate_inputs=False`")

    # ---- Checks -----------------------------------------------------------------------------------

    def _validate_past(self, df: pd.DataFrame) -> None:
        missing = {self._id, self._time, *self._targets} - set(df.columns)
        if missing:
            raise ValueError(f"df does not contain all expected columns. Missing columns: {missing}")
        for column in self._targets:
            if not types.is_numeric_dtype(df[column]):
                raise ValueError(f"Target column '{column}' must be numeric, got dtype {df[column].dtype}")
        for column in (self._id, self._time):
            if df[column].isna().any():
                raise ValueError(f"df has a missing value in column '{column}'")

    def _validate_future(self, df: pd.DataFrame, future: pd.DataFrame) -> None:
        missing = {self._id, self._time} - set(future.columns)
        if missing:
            raise ValueError(f"future_df does not contain all expected columns. Missing columns: {missing}")
        found = [c for c in future.columns if c in self._targets]
        if found:
            raise ValueError(f"future_df cannot contain target columns. Target columns found: {found}")
        extra = [c for c in future.columns if c not in df.columns]
        if extra:
            raise ValueError(f"future_df cannot contain columns not present in df. Extra columns: {extra}")
        if set(df[self._id]) != set(future[self._id]):
            raise ValueError("future_df must have the same time series IDs as df")
        wrong = int((np.bincount(pd.factorize(future[self._id])[0]) != self._horizon).sum())
        if wrong:
            raise ValueError(f"future_df must contain prediction_length={self._horizon} rows per item. Found {wrong} "
                             "items with a different number of rows.")

    def _in_order(self, df: pd.DataFrame, items: Any) -> pd.DataFrame:
        """By items as they first appear (or as `items` has them), then by time."""
        if not types.is_datetime64_any_dtype(df[self._time]):
            df = df.assign(**{self._time: pd.to_datetime(df[self._time])})
        codes = pd.factorize(df[self._id])[0] if items is None else pd.Index(items).get_indexer(df[self._id])
        time, steps = pd.DatetimeIndex(df[self._time]).asi8, np.diff(codes)
        if np.all((steps > 0) | ((steps == 0) & (np.diff(time) >= 0))):
            return df
        return df.iloc[np.lexsort([time, codes])].reset_index(drop=True)

    def _item_bounds(self) -> np.ndarray:
        """First row of each item, and the number of rows."""
        codes, items = pd.factorize(self._past[self._id])
        bounds = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1, [len(codes)]])
        if len(bounds) - 1 != len(items):
            raise ValueError("df: rows of an item are not together; with `validate_inputs=False` they must be sorted")
        return bounds

    # ---- Time -------------------------------------------------------------------------------------

    def _infer_frequency(self, time: pd.DatetimeIndex) -> str:
        day = pd.Timedelta(days=1) // pd.Timedelta(1, time.unit)
        found, regular = set(), {}
        for first, end in zip(self._bounds[:-1], self._bounds[1:]):
            if end - first < 3:
                continue
            steps = np.diff(time.asi8[first:end])
            step = int(steps[0])
            if 0 < step <= day and (steps == step).all():  # depends on the step alone
                if step not in regular:
                    regular[step] = _infer_freq(time[first:end])
                frequency = regular[step]
            else:
                frequency = _infer_freq(time[first:end])
            if frequency is None:
                raise ValueError(f"Could not infer frequency for series {self._past[self._id].iloc[first]}")
            found.add(frequency)
        if len(found) > 1:
            raise ValueError(f"All time series must have the same frequency, found {sorted(found)}")
        if not found:
            raise ValueError("Could not infer frequency: no time series has at least 3 regularly-spaced observations. "
                             "Please provide an explicit `freq`.")
        return found.pop()

    def _future_stamps(self, freq: str | None) -> pd.DatetimeIndex:
        """[items * horizon]"""
        time = pd.DatetimeIndex(self._past[self._time])
        offset = pd.tseries.frequencies.to_offset(freq or self._infer_frequency(time))
        last = time[self._bounds[1:] - 1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
            steps = [last + step * offset for step in range(1, self._horizon + 1)]
        items = len(last)
        order = np.arange(items * self._horizon).reshape(self._horizon, items).T.ravel()
        return steps[0].append(steps[1:])[order]

    # ---- Series -----------------------------------------------------------------------------------

    def inputs(self) -> SeriesList:
        targets = [_numbers(self._past[column]) for column in self._targets]
        skipped = {self._id, self._time, *self._targets}
        columns = [self._covariate(column) for column in self._past.columns if column not in skipped]
        return SeriesList(
            Series([target[first:end] for target in targets], [c.cut(item, first, end, self._horizon) for c in columns])
            for item, (first, end) in enumerate(zip(self._bounds[:-1], self._bounds[1:])))

    def _covariate(self, name: str) -> _Column:
        past = self._past[name]
        future = self._future[name] if self._future is not None and name in self._future.columns else None
        if types.is_numeric_dtype(past) and not types.is_bool_dtype(past):
            return _Column(str(name), _numbers(past), None if future is None else _numbers(future))
        past = past.astype("category")
        categories = past.cat.categories
        labels = Labels(categories)
        if future is not None:
            codes = categories.get_indexer(future)
            future = labels.at(np.where((codes < 0) & ~future.isna().to_numpy(), len(categories), codes))
        return _Column(str(name), labels.at(past.cat.codes), future, labels)

    def result(self, median: list[np.ndarray | None], quantiles: list[np.ndarray | None],
               levels: Sequence[float]) -> Any:
        """ids, time stamps, target_name, predictions, a column a level: a row an item, target and step."""
        items, targets = len(self._bounds) - 1, len(self._targets)
        ids = self._past[self._id].to_numpy()[self._bounds[:-1]]
        rows = np.arange(items * self._horizon).reshape(items, self._horizon)
        frame = pd.DataFrame({self._id: np.repeat(ids, targets * self._horizon),
                              self._time: self._stamps[np.repeat(rows, targets, axis=0).ravel()]})
        frame["target_name"] = np.tile(np.repeat(self._targets, self._horizon), items)
        shape = (targets, self._horizon)
        frame["predictions"] = _stack(median, shape).ravel()
        values = _stack(quantiles, (*shape, len(levels))).reshape(len(frame), len(levels))
        for index, level in enumerate(levels):
            frame[str(level)] = values[:, index]
        return _like(frame, self._kind)


class _Column(Covariate):
    """A covariate of all items, one after another."""

    def cut(self, item: int, first: int, end: int, horizon: int) -> Covariate:
        known = None if self.future is None else self.future[item * horizon:(item + 1) * horizon]
        return Covariate(self.name, self.past[first:end], known, self.labels)


def _stack(arrays: list[np.ndarray | None], shape: tuple[int, ...]) -> np.ndarray:
    """NaN where a series was skipped."""
    return np.stack([np.full(shape, np.nan, np.float32) if array is None else array for array in arrays])


def _infer_freq(time: pd.DatetimeIndex) -> str | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # later versions of pandas return an offset
        found = pd.infer_freq(time)
    return getattr(found, "freqstr", found)


def _numbers(column: pd.Series) -> np.ndarray:
    values = column.to_numpy() if isinstance(column.dtype, np.dtype) else column.to_numpy(np.float64, na_value=np.nan)
    return values if is_column(values) else np.ascontiguousarray(values, np.float64)


# ---- Other kinds of tables ------------------------------------------------------------------------


def _to_pandas(table: Any) -> pd.DataFrame:
    if isinstance(table, pd.DataFrame):
        return table
    if not hasattr(table, "__arrow_c_stream__"):
        raise TypeError("df: expected a pandas DataFrame or a table with __arrow_c_stream__ (polars, pyarrow, DuckDB), "
                        f"found {type(table).__name__}")
    return _pyarrow().table(table).to_pandas()


def _like(frame: pd.DataFrame, kind: Any) -> Any:
    """The frame as a table of that kind."""
    if isinstance(kind, pd.DataFrame):
        return frame
    chronos2_forecast = _pyarrow().Table.from_pandas(frame, preserve_index=False)
    polars, duckdb = sys.modules.get("polars"), sys.modules.get("duckdb")
    if polars is not None and isinstance(kind, polars.DataFrame):
        return polars.from_arrow(chronos2_forecast)
    if duckdb is not None and isinstance(kind, duckdb.DuckDBPyRelation):  # on its connection, by the variable's name
        return kind.query(kind.alias, "from chronos2_forecast").set_alias("chronos2_forecast")
    return chronos2_forecast


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError:
        raise ImportError("tables other than pandas' need pyarrow: pip install pyarrow") from None
    return pyarrow
