"""Tables in and out of chronos2_predict_stream, as Arrow C streams.

    with model.session() as session:
        for batch in Stream(session, past, future, options):
            ...

A table is anything with `__arrow_c_stream__`. `Table` makes one of NumPy arrays, without pyarrow.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
from typing import Any, Callable, Iterator, NamedTuple, Sequence

import numpy as np

from ._interface import ffi
from ._native import Chronos2Error, PredictOptions, Raised, Session, check, default_options, lib, text
from ._told import warn

# ---- Capsules -------------------------------------------------------------------------------------

_STREAM, _SCHEMA, _ARRAY = b"arrow_array_stream", b"arrow_schema", b"arrow_array"
_STRUCTS = {_STREAM: "struct ArrowArrayStream *", _SCHEMA: "struct ArrowSchema *", _ARRAY: "struct ArrowArray *"}

_python = ctypes.PyDLL(None)
_python.PyCapsule_New.restype = ctypes.py_object
_python.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_python.PyCapsule_GetPointer.restype = ctypes.c_void_p
_python.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_pointer_of_dying = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", _python))
_name_of_dying = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)(("PyCapsule_GetName", _python))

_in_capsules: dict[int, Any] = {}  # structs by their address


@ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
def _free_capsule(capsule: int) -> None:
    name = _name_of_dying(capsule)
    struct = _in_capsules.pop(_pointer_of_dying(capsule, name), None)
    if struct is not None and struct.release:
        struct.release(struct)


def _capsule(struct: Any, name: bytes) -> Any:
    """A capsule that owns a struct, unless a consumer moves its content away."""
    address = int(ffi.cast("uintptr_t", struct))
    _in_capsules[address] = struct
    return _python.PyCapsule_New(address, name, ctypes.cast(_free_capsule, ctypes.c_void_p))


def _struct(capsule: Any, name: bytes) -> Any:
    return ffi.cast(_STRUCTS[name], _python.PyCapsule_GetPointer(capsule, name))


# ---- Tables of NumPy arrays -----------------------------------------------------------------------


class Column(NamedTuple):
    """A column of a table: values, or indices of a dictionary's texts."""

    name: str
    values: np.ndarray  # contiguous: numbers that Arrow has too, or int64 time stamps
    format: str  # as Arrow has it
    missing: np.ndarray | None = None  # rows, as booleans
    dictionary: Sequence[str] | None = None


_NULLABLE = 2  # ARROW_FLAG_NULLABLE
_FORMATS = {"int8": "c", "uint8": "C", "int16": "s", "uint16": "S", "int32": "i", "uint32": "I", "int64": "l",
            "uint64": "L", "float32": "f", "float64": "g"}


def numbers(name: str, values: np.ndarray) -> Column:
    """A column of numbers; in place where Arrow has them so."""
    if values.dtype.name not in _FORMATS or not values.dtype.isnative:
        values = values.astype(np.float64)
    values = np.ascontiguousarray(values)
    return Column(name, values, _FORMATS[values.dtype.name])


_tokens = itertools.count(1)
_kept: dict[int, Any] = {}  # what structs refer to, by their private_data


def _keep(struct: Any, *things: Any) -> None:
    token = next(_tokens)
    _kept[token] = things
    struct.private_data = ffi.cast("void *", token)


def _let_go(struct: Any) -> None:
    _kept.pop(int(ffi.cast("uintptr_t", struct.private_data)), None)
    struct.release = ffi.NULL


def _release(struct: Any) -> None:
    below = [struct.children[i] for i in range(struct.n_children)]
    for child in [*below, struct.dictionary]:
        if child and child.release:
            child.release(child)
    _let_go(struct)


_release_schema = ffi.callback("void(struct ArrowSchema *)", _release)
_release_array = ffi.callback("void(struct ArrowArray *)", _release)


@ffi.callback("void(struct ArrowArrayStream *)")
def _release_stream(stream: Any) -> None:
    _let_go(stream)


def _table_of(stream: Any) -> Table:
    return _kept[int(ffi.cast("uintptr_t", stream.private_data))][0]


def _fill(stream: Any, fill: Callable[[Table, Any], None], out: Any) -> int:
    table = _table_of(stream)
    try:
        fill(table, out)
    except BaseException as error:
        table.raised = error
        return errno.EIO
    return 0


@ffi.callback("int(struct ArrowArrayStream *, struct ArrowSchema *)", error=errno.EIO)
def _get_schema(stream: Any, out: Any) -> int:
    return _fill(stream, Table.fill_schema, out)


@ffi.callback("int(struct ArrowArrayStream *, struct ArrowArray *)", error=errno.EIO)
def _get_next(stream: Any, out: Any) -> int:
    return _fill(stream, Table.fill_array, out)


@ffi.callback("const char *(struct ArrowArrayStream *)")
def _get_last_error(_stream: Any) -> Any:
    return ffi.NULL


class Table(Raised):
    """One record batch of columns of the same length."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns, self._given = columns, False

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        self._given = False
        stream = ffi.new(_STRUCTS[_STREAM])
        _keep(stream, self)
        stream.get_schema, stream.get_next = _get_schema, _get_next
        stream.get_last_error, stream.release = _get_last_error, _release_stream
        return _capsule(stream, _STREAM)

    @staticmethod
    def _schema(schema: Any, format: str, name: str, children: Sequence[Any] = (), dictionary: Any = None) -> Any:
        keep = [ffi.new("char[]", value.encode()) for value in (format, name)]
        schema.format, schema.name = keep
        schema.metadata, schema.flags, schema.n_children = ffi.NULL, _NULLABLE, len(children)
        pointers = ffi.new("struct ArrowSchema *[]", children) if children else ffi.NULL
        schema.children, schema.dictionary = pointers, dictionary or ffi.NULL
        schema.release = _release_schema
        _keep(schema, keep, children, pointers, dictionary)
        return schema

    def fill_schema(self, out: Any) -> None:
        children = []
        for column in self._columns:
            words = None
            if column.dictionary is not None:
                words = self._schema(ffi.new(_STRUCTS[_SCHEMA]), "U", "")
            children.append(self._schema(ffi.new(_STRUCTS[_SCHEMA]), column.format, column.name, dictionary=words))
        self._schema(out, "+s", "", children)

    @staticmethod
    def _array(array: Any, length: int, buffers: Sequence[np.ndarray | None], nulls: int = 0,
               children: Sequence[Any] = (), dictionary: Any = None) -> Any:
        pointers = ffi.new("const void *[]", [
            ffi.NULL if buffer is None else ffi.cast("void *", buffer.__array_interface__["data"][0])
            for buffer in buffers])
        below = ffi.new("struct ArrowArray *[]", children) if children else ffi.NULL
        array.length, array.null_count, array.offset = length, nulls, 0
        array.n_buffers, array.n_children, array.buffers, array.children = len(buffers), len(children), pointers, below
        array.dictionary, array.release = dictionary or ffi.NULL, _release_array
        _keep(array, buffers, pointers, children, below, dictionary)
        return array

    def fill_array(self, out: Any) -> None:
        if self._given:
            out.release = ffi.NULL
            return
        self._given = True
        children = []
        for column in self._columns:
            words = None
            if column.dictionary is not None:
                encoded = [word.encode() for word in column.dictionary]
                offsets = np.concatenate([[0], np.cumsum([len(word) for word in encoded])]).astype(np.int64)
                words = self._array(ffi.new(_STRUCTS[_ARRAY]), len(encoded),
                                    [None, offsets, np.frombuffer(b"".join(encoded) + b"\0", np.uint8)])
            nulls = 0 if column.missing is None else int(column.missing.sum())
            valid = np.packbits(~column.missing, bitorder="little") if nulls else None
            children.append(self._array(ffi.new(_STRUCTS[_ARRAY]), len(column.values), [valid, column.values], nulls,
                                        dictionary=words))
        self._array(out, len(self._columns[0].values) if self._columns else 0, [None], children=children)


def columns_of(schema: Any, kept: Sequence[str], said: str) -> list[int]:
    """Places of a pyarrow schema's columns, but for the row index that pandas wrote; `kept`: columns that are used."""
    try:
        written = schema.pandas_metadata["index_columns"]
    except (ValueError, TypeError, KeyError):  # there is none, or it is damaged
        written = None
    written = written if isinstance(written, list) else []
    index = [name for name in schema.names if name in written and name not in kept]
    if index:
        warn(f"{said}: the row index {', '.join(map(repr, index))} that pandas wrote is no covariate, and is left out")
    return [place for place, name in enumerate(schema.names) if name not in index]


# ---- Forecasts ------------------------------------------------------------------------------------


ALL_SERIES = 2**31  # of a table, in one call


class StreamOptions(NamedTuple):
    """chronos2_stream_options."""

    predict: PredictOptions
    id_column: str = "item_id"
    timestamp_column: str = "timestamp"
    targets: Sequence[str] = ("target",)
    quantile_levels: Sequence[float] = ()
    freq: str | None = None
    batch_series: int = 0
    skip_validation: bool = False
    gather: bool = False
    fill_gaps: bool = False
    independent: bool = False
    error_column: bool = False
    future_column: str | None = None
    known: Sequence[str] = ()

    def native(self, on_warning: Any) -> tuple[Any, Any]:
        """The struct, and what it refers to."""
        options, predict = default_options("stream"), self.predict.native()
        texts = [ffi.new("char[]", str(name).encode()) for name in (self.id_column, self.timestamp_column,
                                                                    *self.targets)]
        targets, levels = ffi.new("char *[]", texts[2:]), ffi.new("double[]", list(map(float, self.quantile_levels)))
        options.predict, options.id_column, options.timestamp_column = predict, texts[0], texts[1]
        options.targets, options.target_count = targets, len(self.targets)
        options.quantile_levels, options.level_count = levels, len(self.quantile_levels)
        more = [None if name is None else ffi.new("char[]", name.encode())
                for name in (self.freq, self.future_column, *self.known)]
        known = ffi.new("char *[]", more[2:])
        options.freq, options.future_column = (name or ffi.NULL for name in more[:2])
        options.known_covariates, options.known_count = known, len(self.known)
        options.batch_series, options.on_warning = self.batch_series, on_warning
        for name in ("skip_validation", "gather", "fill_gaps", "independent", "error_column"):
            setattr(options, name, getattr(self, name))
        return options, (predict, texts, targets, levels, more, known)


_ERRORS = {errno.EINVAL: ValueError, errno.ENOMEM: MemoryError, errno.ENOTSUP: NotImplementedError,
           errno.EDOM: Chronos2Error, errno.ECANCELED: Chronos2Error}


def _said(message: str) -> str:
    """The library names an option of its own, which Python spells otherwise."""
    return message.replace(", or the option to gather", "; predict_df with validate_inputs=True gathers them")


class Batch:
    """Rows of a forecast: ids, time stamps, target names, predictions, a column a level. `__arrow_c_array__` gives them
    away."""

    def __init__(self, stream: Stream, array: Any) -> None:
        self._stream, self._array = stream, array

    def __del__(self) -> None:
        if self._array.release:
            self._array.release(self._array)

    def __len__(self) -> int:
        return self._array.length

    def integers(self, column: int) -> np.ndarray:
        """A copy of a column of int64."""
        return np.frombuffer(ffi.buffer(self._array.children[column].buffers[1], 8 * len(self)), np.int64).copy()

    def floats(self, column: int) -> np.ndarray:
        """A copy of a column of float32, NaN where a value is missing."""
        array = self._array.children[column]
        values = np.frombuffer(ffi.buffer(array.buffers[1], 4 * len(self)), np.float32).copy()
        if array.null_count:
            valid = np.frombuffer(ffi.buffer(array.buffers[0], len(self) // 8 + 1), np.uint8)
            values[np.unpackbits(valid, count=len(self), bitorder="little") == 0] = np.nan
        return values

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        moved = ffi.new(_STRUCTS[_ARRAY], self._array[0])
        self._array.release = ffi.NULL
        return self._stream.__arrow_c_schema__(), _capsule(moved, _ARRAY)


class _Warnings(Raised):
    """Where the library's warnings go, and what they raise where they are errors."""

    def tell(self, _user: Any, message: Any) -> None:
        warn(text(message))


class Stream:
    """Forecasts of tables: an iterator of record batches. The session is its own until it is closed. No callback refers
    to it, so that it is freed before its session and model."""

    def __init__(self, session: Session, past: Any, future: Any, options: StreamOptions,
                 after: Callable[[int, int], Any] | None = None) -> None:
        self._session, self._after, warnings = session, after, _Warnings()
        self._callers = [warnings, *(table for table in (past, future) if isinstance(table, Raised))]
        self._warn = ffi.callback("chronos2_warning_fn", warnings.tell, onerror=warnings.keep)
        tables = [None if table is None else table.__arrow_c_stream__() for table in (past, future)]
        pointers = [ffi.NULL if capsule is None else _struct(capsule, _STREAM) for capsule in tables]
        native, _keep_alive = options.native(self._warn)
        self._out = ffi.new(_STRUCTS[_STREAM])
        status = lib.chronos2_predict_stream(session.pointer, *pointers, native, self._out)
        self._raise_kept()
        check(status)

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Frees what the forecasts hold, and releases the tables."""
        if getattr(self, "_out", None) and self._out.release:
            self._out.release(self._out)

    def _raise_kept(self) -> None:
        for caller in self._callers:
            caller.raise_kept()

    def __arrow_c_schema__(self) -> Any:
        schema = ffi.new(_STRUCTS[_SCHEMA])
        if self._out.get_schema(self._out, schema) != 0:
            raise MemoryError(text(self._out.get_last_error(self._out)))
        return _capsule(schema, _SCHEMA)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            array = ffi.new(_STRUCTS[_ARRAY])
            code = self._session.watch(lambda: self._out.get_next(self._out, array), self._after)
            batch = Batch(self, array)
            self._raise_kept()
            if code != 0:
                raise _ERRORS.get(code, OSError)(_said(text(self._out.get_last_error(self._out))))
            if not array.release:
                return
            yield batch
