"""Tables in long format: pandas and what has `__arrow_c_stream__`, as chronos2_predict_stream takes them, and its
forecasts as a table of the same kind."""

from __future__ import annotations

import re
import sys
import warnings
from datetime import timedelta
from numbers import Number
from typing import Any, Iterable, Iterator, Sequence
from uuid import uuid4

import numpy as np

try:
    import pandas as pd
    from pandas.api import types
except ImportError:
    raise ImportError("predict_df needs pandas: pip install pandas") from None

from ._native import TRUTHS, all_numbers, dated, dates_in, holds_booleans, mixed
from ._stream import Batch, Column, Stream, Table, columns_of, numbers
from ._told import warn


class Frames:
    """A table of the past and one of the known future: pandas' as NumPy columns, others as they are."""

    def __init__(self, df: Any, future_df: Any, id_column: str, timestamp_column: str, targets: Sequence[str]) -> None:
        if not targets:
            raise ValueError("target: expected at least one column")
        self._kind, self._id, self._time, self._targets = df, id_column, timestamp_column, targets
        keys = [str(name) for name in (id_column, timestamp_column, *targets)]
        self.future = None if future_df is None else _plain(future_df, "future_df", keys)
        self.past = _plain(df, "df", [*keys, *_names(self.future)])
        if any(isinstance(table, pd.DataFrame) or _has_texts(table, timestamp_column)
               for table in (self.past, self.future) if table is not None):
            self._convert(*(None if table is None else _to_pandas(table, keys[0])
                            for table in (self.past, self.future)))

    # ---- pandas -----------------------------------------------------------------------------------

    def _convert(self, df: pd.DataFrame, future: pd.DataFrame | None) -> None:
        self._items: Any = None
        self._stamps = pd.DatetimeIndex([])
        self._categories: dict[str, pd.Index | None] = {}
        self.past = Table([self._past_column(str(name), df.iloc[:, i]) for i, name in enumerate(df.columns)])
        if future is not None:
            self.future = Table([self._future_column(str(name), future.iloc[:, i])
                                 for i, name in enumerate(future.columns)])

    def _past_column(self, name: str, column: pd.Series) -> Column:
        is_target = name in map(str, self._targets)
        if not is_target:
            check_cells(name, column)
        if name == str(self._id):
            codes, self._items = _factorize(column)
            return _ids(name, codes, self._items)
        if name == str(self._time):
            self._stamps = times(name, column)
            return _stamps(name, self._stamps)
        if is_target or (types.is_numeric_dtype(column) and not types.is_bool_dtype(column)):
            self._categories[name] = None
            return numbers(name, target_numbers(name, column))
        is_object, is_chosen = column.dtype == object, isinstance(column.dtype, pd.CategoricalDtype)
        column = column.astype("category")
        if is_object and all_numbers(column.cat.categories):
            warn(f"column '{name}': numbers in a column of objects count as categories; astype(float) makes them "
                 "numbers")
        if not is_chosen and (said := mixed(f"column '{name}'", column.cat.categories)):
            warn(said)
        self._categories[name] = column.cat.categories
        return _categories(name, column.cat.codes.to_numpy(), len(column.cat.categories))

    def _future_column(self, name: str, column: pd.Series) -> Column:
        check_cells(name, column)
        if name == str(self._id) and self._items is not None:
            codes = pd.Index(self._items).get_indexer(column)
            return _ids(name, np.where((codes < 0) & ~column.isna().to_numpy(), len(self._items), codes), self._items)
        if name == str(self._time):
            return _stamps(name, times(name, column))
        if name not in self._categories:  # the library refuses it
            return numbers(name, np.zeros(len(column)))
        categories = self._categories[name]
        if categories is None:
            if holds_booleans(column.to_numpy()):
                warn(f"column '{name}': {TRUTHS}")
            return numbers(name, _numbers(name, column))
        if isinstance(categories, pd.DatetimeIndex) and not types.is_datetime64_any_dtype(column):
            categories, column = categories.astype(object), column.map(dated)  # pandas would guess dates
        codes = categories.get_indexer(column)
        codes = np.where((codes < 0) & ~column.isna().to_numpy(), len(categories), codes)
        return _categories(name, codes, len(categories))

    def _frame(self, batches: Iterable[Batch], horizon: int, levels: Sequence[float]) -> pd.DataFrame:
        """Ids and time stamps in the types that the past has. Batches are let go as they come."""
        each, row = len(self._targets) * horizon, 0
        stamps = np.empty(len(self._items) * each, np.int64)
        names = ["predictions", *map(str, levels)]
        values = [np.empty(len(stamps), np.float32) for _ in names]
        for batch in batches:
            rows = slice(row, row := row + len(batch))
            stamps[rows] = batch.integers(1)
            for place, column in enumerate(values):
                column[rows] = batch.floats(3 + place)
        index = pd.DatetimeIndex(stamps.view(f"M8[{self._stamps.unit}]"))
        if self._stamps.tz is not None:
            index = index.tz_localize("UTC").tz_convert(self._stamps.tz)
        frame = pd.DataFrame({self._id: np.repeat(pd.Index(self._items).to_numpy(), each), self._time: index})
        frame["target_name"] = pd.Index(list(self._targets))[
            np.tile(np.repeat(np.arange(len(self._targets)), horizon), len(self._items))]
        for name, column in zip(names, values):
            frame[name] = column
        return frame

    def _within(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The library's word for stamps beyond their type is that of Arrow's."""
        try:
            yield from batches
        except ValueError as error:
            if "can't hold steps" not in str(error):
                raise
            unit, steps = self._stamps.unit, str(error).rpartition("can't hold ")[2]
            why = ("the forecast goes beyond what datetime64[ns] holds, until 2262-04-11" if unit == "ns" else
                   f"datetime64[{unit}] can't hold {steps}")
            raise ValueError(f"column '{self._time}': {why}: .dt.as_unit() gives other units") from None

    # ---- Results ----------------------------------------------------------------------------------

    def result(self, stream: Stream, horizon: int, levels: Sequence[float]) -> Any:
        """ids, time stamps, target_name, predictions, a column a level: a row an item, target and step."""
        if isinstance(self.past, Table):
            frame = self._frame(self._within(stream), horizon, levels)
            return frame if isinstance(self._kind, pd.DataFrame) else self._like(_pyarrow().Table.from_pandas(
                frame, preserve_index=False))
        arrow = _pyarrow()
        batches = [arrow.record_batch(batch) for batch in stream]
        table = arrow.Table.from_batches(batches, arrow.schema(stream))
        return self._like(table.rename_columns([*table.column_names[:4], *map(str, levels)]))

    def _like(self, table: Any) -> Any:
        """The forecast as a table of the past's kind."""
        polars, duckdb = sys.modules.get("polars"), sys.modules.get("duckdb")
        if polars is not None and isinstance(self._kind, polars.DataFrame):
            return polars.from_arrow(table)
        if duckdb is not None and isinstance(self._kind, duckdb.DuckDBPyRelation):
            return _relation(table, self._kind)
        return table


def _relation(table: Any, past: Any) -> Any:
    """A relation of an Arrow table on the connection of another relation. DuckDB finds the table as a variable, if the
    catalog has no such name; the view that `query` makes of the past stays in some versions."""
    name = f"chronos2_{uuid4().hex}"
    view = f"{name}_past"
    globals()[name] = table
    try:
        return past.query(view, f"from {name}").set_alias("chronos2_forecast")
    finally:
        del globals()[name]
        past.query(view, f"drop view {view}")


_SLICE = 1 << 16  # rows


# ---- Columns --------------------------------------------------------------------------------------


def check_cells(name: str, column: pd.Series) -> None:
    """Refuses what has no hash, which no column may hold."""
    for kind in set(map(type, column)) if column.dtype == object else ():
        if kind.__hash__ is None:
            raise ValueError(f"column '{name}': expected one value a row, found {kind.__name__}")


def times(name: str, column: pd.Series) -> pd.DatetimeIndex:
    """Texts are read as pandas reads a column: in one format."""
    is_category = isinstance(column.dtype, pd.CategoricalDtype)
    values = column.cat.remove_unused_categories().cat.categories if is_category else column
    kinds = set(map(type, values.dropna())) if values.dtype == object else ()
    if types.is_numeric_dtype(values) or any(issubclass(kind, (Number, np.bool_)) for kind in kinds):
        raise ValueError(f"column '{name}': expected time stamps, found numbers; pd.to_datetime(..., unit=...) says "
                         "what they count")
    if types.is_datetime64_any_dtype(column):
        return pd.DatetimeIndex(column)
    stamps = pd.DatetimeIndex(pd.to_datetime(column))
    _check_order(name, values)
    return stamps


def _check_order(name: str, values: Iterable[Any]) -> None:
    """Refuses texts that are other time stamps where the day is first. A year of four digits has the month behind it,
    though pandas would read it otherwise."""
    texts = pd.Series([v for v in values if isinstance(v, str) and not _YEAR_FIRST.match(v)], dtype=object)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the order and of formats
        try:
            month_first, day_first = pd.to_datetime(texts), pd.to_datetime(texts, dayfirst=True)
        except ValueError:  # only one of them is possible
            return
    differs = (month_first != day_first).to_numpy() & month_first.notna().to_numpy()
    if differs.any():
        at = int(differs.argmax())
        raise ValueError(f"column '{name}': '{texts[at]}' is {month_first[at]} or {day_first[at]}, as nothing says "
                         "whether the day or the month is first; pd.to_datetime(..., format=...) does")


_YEAR_FIRST = re.compile(r"\s*\d{4}")


def _numbers(name: str, column: pd.Series) -> np.ndarray:
    if (types.is_datetime64_any_dtype(column) or types.is_timedelta64_dtype(column)
            or types.is_complex_dtype(column)):
        raise ValueError(f"column '{name}': expected numbers, found {column.dtype}")
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf":
        return column.to_numpy()
    try:
        if column.dtype == object and dates_in(column):
            raise ValueError
        return column.to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise ValueError(f"column '{name}': expected numbers, found values of {column.dtype} that are none") from None


def target_numbers(name: str, column: pd.Series) -> np.ndarray:
    if not types.is_numeric_dtype(column):
        raise ValueError(f"Target column '{name}' must be numeric, got dtype {column.dtype}")
    return _numbers(name, column)


def _ids(name: str, codes: np.ndarray, items: Any) -> Column:
    """Ids by their texts, for messages, and by their codes where texts are not enough to tell them apart."""
    texts = [str(item) for item in items]
    try:
        "".join(texts).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"column '{name}': expected ids of characters, found {error.object[error.start]!a} in one, "
                         "which is half of a surrogate pair") from None
    short = len(items) < np.iinfo(np.int16).max
    codes, missing = _present(codes.astype(np.int16 if short else np.int32, copy=False))
    if len(set(texts)) < len(texts):
        return Column(name, codes, "s" if short else "i", missing)
    other = "another"  # an id that the past doesn't have
    while other in texts:
        other += " one"
    return Column(name, codes, "s" if short else "i", missing, [*texts, other])


def _factorize(column: pd.Series) -> tuple[np.ndarray, Any]:
    """As pandas.factorize, but in slices: as a whole it takes three times the memory of the codes."""
    codes, items, places = np.empty(len(column), np.int32), [pd.Index(column.iloc[:0])], {}
    keeps_objects = column.dtype == object  # of which pandas.factorize and Index.append make numbers
    for start in range(0, len(column), _SLICE):
        rows = column.iloc[start:start + _SLICE]
        part, found = pd.factorize(rows.to_numpy() if keeps_objects else rows)
        seen = len(places)
        known = np.array([places.setdefault(item, len(places)) for item in found], np.int32)
        codes[start:start + _SLICE] = np.append(known, -1)[part]
        items.append(found[known >= seen])
    return codes, pd.Index(np.concatenate(items), dtype=object) if keeps_objects else items[0].append(items[1:])


def _present(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Codes that are none below 0, and which rows are missing; a copy only where some are."""
    missing = codes < 0
    return (np.where(missing, 0, codes), missing) if missing.any() else (codes, None)


def _categories(name: str, codes: np.ndarray, count: int) -> Column:
    """Categories by their codes. Code `count`: one that the past doesn't have."""
    words = [str(code) for code in range(max(count, int(codes.max(initial=-1)) + 1))]
    codes, missing = _present(codes)
    return Column(name, codes.astype(np.int32), "i", missing, words)


def _stamps(name: str, stamps: pd.DatetimeIndex) -> Column:
    return Column(name, np.ascontiguousarray(stamps.asi8), f"ts{_UNITS[stamps.unit]}:{_zone(stamps.tz)}", stamps.isna())


def spell_freq(freq: Any) -> str | None:
    """A frequency as pandas spells it now. An offset may be more than its text says: hours, holidays or normalize."""
    if freq is None:
        return None
    offset = pd.tseries.frequencies.to_offset(freq)
    text: str = offset.freqstr
    if offset == pd.offsets.CustomBusinessDay(offset.n):  # without holidays
        return pd.offsets.BusinessDay(offset.n).freqstr
    if isinstance(freq, str):
        return text
    if offset == pd.offsets.Week(offset.n):  # of no weekday, but its text is that of Sundays
        return f"{7 * offset.n}D"
    try:
        is_told = pd.tseries.frequencies.to_offset(text) == offset
    except ValueError:  # the library refuses it
        is_told = True
    if not is_told:
        raise ValueError(f"freq: expected an offset that its text tells, found {offset!r} whose hours, holidays or "
                         f"normalize '{text}' leaves out")
    return text


def infer_freq(stamps: pd.Series) -> str | None:
    """As pandas does and spells it; None where it finds none, or one that the stamps don't follow: it takes the last
    Fridays of months for the fourth."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas will return an offset
        try:
            index = pd.DatetimeIndex(stamps)
            freq = spell_freq(pd.infer_freq(index))
        except ValueError:  # fewer than three
            return None
    return freq if freq and (index == pd.date_range(index[0], periods=len(index), freq=freq)).all() else None


def concat(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True)


_UNITS = {"s": "s", "ms": "m", "us": "u", "ns": "n"}


def _zone(zone: Any) -> str:
    """A time zone as Arrow names it."""
    if zone is None:
        return ""
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    offset = None if name else zone.utcoffset(None)
    if name is None and offset is None:
        raise ValueError(f"expected a time zone with a name or a fixed offset, found {zone}")
    if name:
        return name
    minutes, rest = divmod(offset, timedelta(minutes=1))
    if rest:
        raise ValueError(f"expected an offset from UTC of whole minutes, found {zone}")
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


# ---- Other kinds of tables ------------------------------------------------------------------------


def _plain(table: Any, name: str, keys: Sequence[str]) -> Any:
    """A pandas DataFrame, or a pyarrow Table without the row index that pandas wrote, but for columns that are keys.
    There is one column of each."""
    plain = table if isinstance(table, pd.DataFrame) else _read(table, name, keys)
    names = _names(plain)
    for key in keys:
        if names.count(key) > 1:
            raise ValueError(f"{name}: several columns are named '{key}'")
    return plain


def _read(table: Any, name: str, keys: Sequence[str]) -> Any:
    found = TypeError(f"{name}: expected a pandas DataFrame or a table with __arrow_c_stream__ (polars, pyarrow, "
                      f"DuckDB), found {type(table).__name__}")
    if isinstance(table, pd.Series) or not hasattr(table, "__arrow_c_stream__"):
        raise found
    arrow = _pyarrow()
    if isinstance(table, arrow.RecordBatchReader):  # it compares its batches with its schema, and its stream does not
        return _without_index(table.read_all(), name, keys)
    if not hasattr(arrow.RecordBatchReader, "from_stream"):  # before pyarrow 15
        return _without_index(arrow.table(table), name, keys)
    try:
        reader = arrow.RecordBatchReader.from_stream(table)
    except (TypeError, arrow.ArrowInvalid) as error:
        if hasattr(table, "columns"):
            raise TypeError(f"{name}: pyarrow can't read this {type(table).__name__}: {error}") from error
        raise found from error  # a column is a stream too, but its schema is none of a table
    return _without_index(reader.read_all(), name, keys)  # errors of reading are the stream's own


def _without_index(table: Any, name: str, keys: Sequence[str]) -> Any:
    """Without the metadata, by which to_pandas would make an index of a key."""
    return table.select(columns_of(table.schema, keys, name)).replace_schema_metadata(None)


def _names(table: Any) -> list[str]:
    """Of the columns of a plain table; none has none."""
    if table is None:
        return []
    return list(map(str, table.columns)) if isinstance(table, pd.DataFrame) else table.column_names


def _to_pandas(table: Any, id_column: str) -> pd.DataFrame:
    """Decimals are numbers, as in tables that the library reads, and ids are as they are."""
    if isinstance(table, pd.DataFrame):
        return table
    arrow = _pyarrow()
    for place, field in enumerate(table.schema):
        if arrow.types.is_decimal(field.type) and field.name != id_column:
            table = table.set_column(place, field.name, table.column(place).cast(arrow.float64()))
    return table.to_pandas()


def to_pandas(table: Any, name: str, keys: Sequence[Any]) -> pd.DataFrame:
    """Any kind of table. Its rows are numbered, since pandas refuses an index with the name of a column."""
    names = [str(key) for key in keys]
    return _to_pandas(_plain(table, name, names), names[0]).reset_index(drop=True)


def _has_texts(table: Any, column: str) -> bool:
    """Whether a column of time stamps holds texts, which pandas reads."""
    return column in table.column_names and "string" in str(table.schema.field(column).type)


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError:
        raise ImportError("tables other than pandas' need pyarrow: pip install pyarrow") from None
    return pyarrow
