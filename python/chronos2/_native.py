"""The C library as Python objects: models, sessions, series, forecasts. Nothing else in the package calls it but
_stream, for tables.

cffi releases the interpreter's lock during a call. NumPy arrays are handed over by address and kept alive by the
object that refers to them.
"""

from __future__ import annotations

import os
import re
import sys
from datetime import date, datetime
from numbers import Number, Real
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Mapping, NamedTuple, Sequence

import numpy as np

from ._interface import ffi
from ._told import warn

PACKAGE = Path(__file__).parent
BUNDLED_MODEL = PACKAGE / "models" / "chronos2-micro"


def _open_library() -> Any:
    suffix = "dylib" if sys.platform == "darwin" else "so"
    path = os.environ.get("CHRONOS2_LIBRARY") or str(PACKAGE / f"libchronos2.{suffix}")
    library = ffi.dlopen(path)
    if library.chronos2_abi_version() != library.CHRONOS2_ABI_VERSION:
        raise ImportError(f"{path}: expected binary interface {library.CHRONOS2_ABI_VERSION}, found "
                          f"{library.chronos2_abi_version()}")
    return library


lib = _open_library()


class Chronos2Error(RuntimeError):
    """The engine refused: a model that isn't one, a forecast that isn't finite in float64. One that is beyond float32
    alone is infinite, with a warning."""


_ERRORS = {
    lib.CHRONOS2_ERROR_ARGUMENT: ValueError,
    lib.CHRONOS2_ERROR_MEMORY: MemoryError,
    lib.CHRONOS2_ERROR_IO: OSError,
    lib.CHRONOS2_ERROR_FORMAT: ValueError,
    lib.CHRONOS2_ERROR_UNSUPPORTED: NotImplementedError,
}


def text(value: Any) -> str:
    return ffi.string(value).decode("utf-8", "replace") if value else ""


def named(kind: str, name: str) -> int:
    """Value of an enum of chronos2.h by its name; an unknown name is a ValueError that lists them."""
    found = ffi.new(f"chronos2_{kind} *")
    check(getattr(lib, f"chronos2_{kind}_named")(name.encode(), found))
    return found[0]


def season_of(freq: str | None) -> int:
    """Steps of a season at a frequency as pandas spells it; 1 where it has none."""
    steps = ffi.new("size_t *", 1)
    if freq is not None:
        check(lib.chronos2_frequency_season(freq.encode(), steps))
    return steps[0]


def default_options(kind: str) -> Any:
    """Options as their initialiser starts them."""
    name = f"chronos2_{kind}_options"
    return ffi.new(f"{name} *", {"size": ffi.sizeof(name)})


def check(status: int) -> None:
    """Raises what a status other than CHRONOS2_OK means, with the library's text."""
    if status != lib.CHRONOS2_OK:
        raise _ERRORS.get(status, Chronos2Error)(text(lib.chronos2_last_error()))


# ---- Arrays of structs ----------------------------------------------------------------------------


def _structs(name: str, fields: Sequence[str], rows: Sequence[tuple[int, ...]]) -> np.ndarray:
    """An array of C structs. Each row gives the named fields, pointers as addresses; the others are 0."""
    known = dict(ffi.typeof(name).fields)
    layout = np.dtype({"names": list(fields), "formats": [f"i{ffi.sizeof(known[field].type)}" for field in fields],
                       "offsets": [known[field].offset for field in fields], "itemsize": ffi.sizeof(name)})
    array = np.zeros(len(rows), layout)
    for field, values in zip(fields, zip(*rows)):
        array[field] = values
    return array


def _address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def is_column(array: np.ndarray) -> bool:
    """Whether chronos2_column can describe the array's rows as they lie."""
    return (array.dtype in (np.float64, np.float32) and array.dtype.isnative and array.flags.aligned
            and all(step % array.itemsize == 0 and step != 0 for step in array.strides))


class Covariate(NamedTuple):
    """Numbers (as is_column allows), or the addresses of `labels` (uintp; 0 is missing)."""

    name: str
    past: np.ndarray
    future: np.ndarray | None = None
    labels: Labels | None = None


class Series(NamedTuple):
    target: Sequence[np.ndarray]  # [targets][length], each as is_column allows
    covariates: Sequence[Covariate] = ()

    def copy(self) -> Series:
        """With arrays of its own."""
        return Series([row.copy() for row in self.target], [
            c._replace(past=c.past.copy(), future=None if c.future is None else c.future.copy())
            for c in self.covariates])


def is_missing(value: Any) -> bool:
    """None, NaN, and what pandas calls missing."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA
        return True


def dates_in(values: Iterable[Any]) -> str | None:
    """The type of NumPy's dates or lengths of time that are among objects: NumPy would take them for numbers."""
    kinds = set(map(type, values))
    return next((kind.__name__ for kind in kinds if issubclass(kind, (np.datetime64, np.timedelta64))), None)


TRUTHS = "numbers in the past, booleans in the known future: True counts as 1, False as 0"


def holds_booleans(values: np.ndarray) -> bool:
    """Whether an array is of booleans, or of objects some of which are."""
    return values.dtype == bool or (values.dtype == object and any(isinstance(v, (bool, np.bool_)) for v in values.flat))


def _counts(kind: type) -> bool:
    """Whether labels of a type are numbers; booleans and lengths of time are none."""
    return issubclass(kind, Number) and not issubclass(kind, (bool, np.timedelta64))


def all_numbers(labels: Iterable[Any]) -> bool:
    """Whether all labels, one at least, are numbers."""
    kinds = set(map(type, labels))
    return bool(kinds) and all(map(_counts, kinds))


def _is_number(label: Any) -> bool:
    """Whether a label is a number, or a text that spells one as the program reads it."""
    if not isinstance(label, str):
        return _counts(type(label))
    return "\0" not in label and lib.chronos2_text_is_number(label.encode("utf-8", "surrogatepass"))


def mixed(subject: str, labels: Iterable[Any]) -> str | None:
    """What is to be said of categories some of which are numbers, as the program says it; None where all are or none.
    The subject: "column 'x'"."""
    labels = list(labels)
    odd = next((label for label in labels if not _is_number(label)), None)
    if odd is None or not any(map(_is_number, labels)):
        return None
    shown = re.sub(r"[\0-\x1f\x7f]", lambda control: f"\\x{ord(control[0]):02x}", str(odd))
    return f"{subject} is read as categories: '{shown}' is no number"


def common_type(arrays: Mapping[int, np.ndarray]) -> np.dtype:
    """The type that numpy.concatenate makes of arrays; objects where it makes none."""
    try:
        return np.result_type(*{values.dtype for values in arrays.values()})
    except (TypeError, ValueError):  # dates beside numbers; no arrays
        return np.dtype(object)


def joined(arrays: Mapping[int, np.ndarray]) -> Mapping[int, np.ndarray]:
    """Arrays of their common type: numbers beside an array of texts are texts."""
    common = common_type(arrays)
    return arrays if common.kind in "OM" else {i: values.astype(common, copy=False) for i, values in arrays.items()}


def objects(values: np.ndarray) -> list[Any]:
    """The labels of an array. A date is the same in every unit, among objects too."""
    if values.dtype.kind == "M":
        whole = values.astype("M8[us]")
        values = np.where(whole == values, whole.astype(object), values.astype(object))
    return [_object(value) for value in values.astype(object).tolist()]


def _object(value: Any) -> Any:
    if isinstance(value, np.datetime64):
        return objects(np.array([value]))[0]
    return datetime(*value.timetuple()[:3]) if type(value) is date else value


_DATE = re.compile(r"\d{4}-\d\d-\d\d([ T][\d:.]+)?")  # NumPy reads "today" too


def dated(label: Any) -> Any:
    """A date as `objects` has it, also of a text in ISO 8601; any other label as it is."""
    if not isinstance(label, str):
        return _object(label)
    if not _DATE.fullmatch(label):
        return label
    try:
        return _object(np.datetime64(label))
    except ValueError:
        return label


def _kind(labels: Iterable[Any]) -> type | None:
    """bool or Real where all labels are that."""
    kinds = {bool if isinstance(label, (bool, np.bool_)) else Real if isinstance(label, Real) else None
             for label in labels}
    return kinds.pop() if len(kinds) == 1 else None


class Labels:
    """Categories of a covariate, as texts that sort as their codes do. Code len(categories): none of them."""

    def __init__(self, categories: Iterable[Any]) -> None:
        self.codes = {value: code for code, value in enumerate(categories)}
        digits = len(str(len(self.codes)))
        self._text = ffi.new("char[]", b"".join(b"%0*d\0" % (digits, code) for code in range(len(self.codes) + 1)))
        self._base, self._width = int(ffi.cast("uintptr_t", self._text)), digits + 1

    def at(self, codes: Any) -> np.ndarray:
        """Addresses of the texts of codes; a negative code is a missing value."""
        codes = np.asarray(codes, np.int64)
        return np.where(codes < 0, 0, self._base + codes * self._width).astype(np.uintp)

    def of(self, values: np.ndarray) -> np.ndarray:
        """Addresses of the texts of values."""
        return self._of(objects(values), self.codes)

    def of_futures(self, futures: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
        """As `of`, of each series' future; but pandas reads texts as dates where it compares them with an index of dates,
        and finds nothing where it compares an index of booleans with one of numbers."""
        values = {index: objects(array) for index, array in joined(futures).items()}
        if self.codes and all(isinstance(label, datetime) for label in self.codes):
            values = {index: list(map(dated, future)) for index, future in values.items()}
        found = dict.fromkeys(value for future in values.values() for value in future if not is_missing(value))
        codes = {} if {_kind(self.codes), _kind(found)} == {bool, Real} else self.codes
        return {index: self._of(future, codes) for index, future in values.items()}

    def _of(self, values: list[Any], codes: dict[Any, int]) -> np.ndarray:
        none = len(self.codes)
        return self.at([-1 if is_missing(value) else codes.get(value, none) for value in values])


def ranked_labels(column: Iterable[tuple[Covariate, int]]) -> np.ndarray:
    """The labels of a covariate that have a rank: those in the pasts of series with several targets. Its series, and how
    many targets they have."""
    return np.unique(np.concatenate([np.empty(0, np.uintp), *(c.past for c, targets in column if targets > 1)]))


def unseen_labels(covariate: Covariate, targets: int, ranked: np.ndarray) -> int:
    """Number of future categories that the series' own past never had; with several targets, that have no rank."""
    if covariate.labels is None or covariate.future is None:
        return 0
    known = covariate.past if targets == 1 else ranked
    return int(((covariate.future != 0) & ~np.isin(covariate.future, known)).sum())


def _check_lengths(series: Sequence[Series], horizon: int) -> None:
    """The library is told no lengths but those of the first target and of the horizon."""
    for index, s in enumerate(series):
        length = len(s.target[0]) if len(s.target) else 0
        for place, row in enumerate(s.target):
            if len(row) != length:
                raise ValueError(f"series {index}: target {place}: expected {length} values, found {len(row)}")
        for c in s.covariates:
            if len(s.target) and len(c.past) != length:
                raise ValueError(f"series {index}: covariate '{c.name}': expected {length} values, found {len(c.past)}")
            if c.future is not None and len(c.future) < horizon:
                raise ValueError(f"series {index}: covariate '{c.name}': expected {horizon} values of its future, "
                                 f"found {len(c.future)}")


class SeriesTable:
    """chronos2_series[count]: where the values of series lie. It keeps them alive."""

    def __init__(self, series: Sequence[Series], horizon: int) -> None:
        _check_lengths(series, horizon)
        self.series = series
        self._names: dict[str, Any] = {}
        arrays = [array for s in series for array in s.target]
        arrays += [array for s in series for c in s.covariates if c.labels is None
                   for array in (c.past, c.future) if array is not None]
        self._columns = _structs("chronos2_column", ("values", "stride", "type"), [
            (_address(a), a.strides[0] // a.itemsize, a.itemsize == 4) for a in arrays])
        first, step = _address(self._columns), self._columns.itemsize
        columns = iter(range(first, first + step * len(arrays), step))
        targets = [[next(columns) for _ in s.target] for s in series]
        covariates = [self._covariate(c, columns) for s in series for c in s.covariates]
        self._covariates = _structs("chronos2_covariate", (
            "name", "past_column", "future_column", "past_text", "future_text"), covariates)
        first, rows = _address(self._covariates), []
        for s, places in zip(series, targets):
            length = len(s.target[0]) if places else 0
            rows.append((length, len(places), places[0] if places else 0, len(s.covariates), first))
            first += len(s.covariates) * self._covariates.itemsize
        self._rows = _structs("chronos2_series", (
            "length", "targets", "target_column", "covariates", "covariate"), rows)
        self.pointer = ffi.cast("const chronos2_series *", _address(self._rows))

    def __len__(self) -> int:
        return len(self.series)

    def _covariate(self, c: Covariate, columns: Iterator[int]) -> tuple[int, ...]:
        if c.name not in self._names:
            self._names[c.name] = ffi.new("char[]", str(c.name).encode())
        name = int(ffi.cast("uintptr_t", self._names[c.name]))
        if c.labels is not None:
            return (name, 0, 0, _address(c.past), 0 if c.future is None else _address(c.future))
        return (name, next(columns), 0 if c.future is None else next(columns), 0, 0)


# ---- Models ---------------------------------------------------------------------------------------


class Model:
    """Weights and their configuration: immutable, shared by threads and sessions."""

    def __init__(self, folder: Path, *, dtype: str = "fp32", adapter: Path | None = None, cache: str | None = None,
                 threads: int = 0, isa: str = "auto", skip_packing: bool = False) -> None:
        keep = [ffi.new("char[]", os.fsencode(value)) if value else ffi.NULL for value in (adapter, cache, isa)]
        options = default_options("model")
        options.skip_packing = skip_packing
        options.adapter, options.cache, options.isa = keep
        options.dtype, options.threads = named("dtype", dtype), threads
        self._handle = ffi.new("chronos2_model **")
        check(lib.chronos2_model_open(os.fsencode(folder), options, self._handle))
        if lib.chronos2_model_warning(self.pointer):
            warn(text(lib.chronos2_model_warning(self.pointer)))
        config = lib.chronos2_model_config(self.pointer)
        self.quantiles = [config.quantile_levels[i] for i in range(config.quantiles)]
        self.patch, self.context_length, self.d_model = config.patch, config.context_length, config.d_model
        self.max_output_patches = config.max_output_patches

    def __del__(self, close: Any = lib.chronos2_model_close) -> None:  # at exit, `lib` may be gone
        if getattr(self, "_handle", None):
            close(self._handle)

    @property
    def pointer(self) -> Any:
        return self._handle[0]

    def caveat(self, asked: Attention) -> str | None:
        """What to tell a user who asks for a pattern that the weights were not trained for; None if they were."""
        return text(lib.chronos2_model_caveat(self.pointer, asked.native())) or None

    def encoding(self, asked: Attention) -> Attention:
        """The pattern of contexts that are encoded under what was asked for; "auto" where none can be."""
        pattern = lib.chronos2_model_context_pattern(self.pointer, asked.native())
        return Attention(text(lib.chronos2_attention_name(pattern.attention)), pattern.radius, pattern.reg_global)

    def runs_full(self) -> bool:
        """Whether "auto" is full attention."""
        return lib.chronos2_model_pattern(self.pointer, 0).attention == lib.CHRONOS2_FULL

    def patterns(self) -> int:
        """How many the weights were trained for."""
        return lib.chronos2_model_patterns(self.pointer)

    def trained_for(self) -> str:
        return text(lib.chronos2_model_trained_text(self.pointer))


# ---- Sessions -------------------------------------------------------------------------------------


class Attention(NamedTuple):
    """A pattern as asked for."""

    name: str = "auto"
    radius: float = 0.0
    reg_global: bool = False

    @property
    def code(self) -> int:
        return named("attention", self.name)

    def native(self) -> Any:
        return ffi.new("chronos2_pattern *", (self.code, self.radius, self.reg_global))[0]


class PredictOptions(NamedTuple):
    horizon: int
    context_length: int = 0
    batch_size: int = 256
    cross_learning: bool = False
    extend_context: bool = False
    max_output_patches: int = 0
    unrolled_quantiles: Any = None  # of rising()
    skip_errors: bool = False

    def native(self) -> Any:
        options = default_options("predict")
        for field in self._fields[:6]:
            setattr(options, field, getattr(self, field))
        if self.unrolled_quantiles is not None:
            options.unrolled_quantiles, options.unrolled_count = self.unrolled_quantiles, len(self.unrolled_quantiles)
        options.on_error = lib.CHRONOS2_ON_ERROR_SKIP if self.skip_errors else lib.CHRONOS2_ON_ERROR_FAIL
        return options


def rising(levels: Sequence[float]) -> Any:
    """double[] for PredictOptions."""
    return ffi.new("double[]", sorted(levels))


class Raised:
    """What a function raised that the library called, until the library's own call is over."""

    raised: BaseException | None = None

    def keep(self, _kind: Any, value: BaseException, _traceback: Any) -> None:
        self.raised = value

    def _take(self) -> BaseException | None:
        raised, self.raised = self.raised, None
        return raised

    def raise_kept(self) -> None:
        """No frame of the traceback refers to what is raised: such a cycle would keep sessions and models."""
        if self.raised is not None:
            raise self._take()  # type: ignore[misc]


class _Watch(Raised):
    """What a session calls after every pass. An exception there stops the call; so does an interrupt's."""

    after: Callable[[int, int], Any] | None = None

    def on_progress(self, _user: Any, done: int, total: int) -> int:
        if self.after is not None:
            self.after(done, total)
        return 0


class Session:
    """Memory and threads of one forecaster; one thread at a time uses it."""

    def __init__(self, model: Model, attention: Attention, *, threads: int = 0, backend: str = "fused",
                 isa: str = "auto", device: str = "cpu") -> None:
        self.model, self.attention, self.process = model, attention, os.getpid()
        options, name, place = (default_options("session"), ffi.new("char[]", isa.encode()),
                                ffi.new("char[]", device.encode()))
        options.attention, options.radius, options.reg_global = attention.code, attention.radius, attention.reg_global
        options.backend, options.isa, options.threads = named("backend", backend), name, threads
        options.device = place
        self._handle = ffi.new("chronos2_session **")
        check(lib.chronos2_session_open(model.pointer, options, self._handle))
        self._watch = _Watch()
        self._progress = ffi.callback("int(void *, size_t, size_t)", self._watch.on_progress, error=1,
                                      onerror=self._watch.keep)
        lib.chronos2_session_on_progress(self.pointer, self._progress, ffi.NULL)

    def __del__(self, close: Any = lib.chronos2_session_close) -> None:
        if getattr(self, "_handle", None):
            close(self._handle)

    @property
    def pointer(self) -> Any:
        return self._handle[0]

    def set_attention(self, attention: Attention) -> None:
        if attention != self.attention:
            check(lib.chronos2_session_set_attention(self.pointer, attention.code, attention.radius,
                                                     attention.reg_global))
            self.attention = attention

    def watch(self, call: Callable[[], int], after: Callable[[int, int], Any] | None = None) -> int:
        """What a call of the library returns that forecasts with this session. `after` is called after every pass, with
        the numbers of series that are done and of all; what it raises is raised here."""
        self._watch.after, self._watch.raised = after, None
        status = call()
        self._watch.after = None
        self._watch.raise_kept()
        return status

    def _call(self, function: Callable[..., int], *arguments: Any,
              after: Callable[[int, int], Any] | None = None) -> None:
        check(self.watch(lambda: function(self.pointer, *arguments), after))

    def predict(self, table: SeriesTable, options: PredictOptions,
                after: Callable[[int, int], Any] | None = None) -> Forecast:
        handle = ffi.new("chronos2_forecast **")
        self._call(lib.chronos2_predict, table.pointer, len(table), options.native(), handle, after=after)
        return Forecast(handle, len(self.model.quantiles))

    def predict_bytes(self, table: SeriesTable, options: PredictOptions) -> int:
        size = ffi.new("size_t *")
        self._call(lib.chronos2_predict_bytes, table.pointer, len(table), options.native(), size)
        return size[0]

    def embed(self, table: SeriesTable, options: PredictOptions) -> Embedding:
        handle = ffi.new("chronos2_embedding **")
        self._call(lib.chronos2_embed, table.pointer, len(table), options.native(), handle)
        return Embedding(handle, table, self.model.d_model)

    def encode(self, table: SeriesTable, options: PredictOptions) -> Context:
        handle = ffi.new("chronos2_context **")
        self._call(lib.chronos2_context_open, table.pointer, len(table), options.native(), handle)
        return Context(handle, self.model)

    def predict_from(self, context: Context, table: SeriesTable, options: PredictOptions) -> Forecast:
        handle = ffi.new("chronos2_forecast **")
        self._call(lib.chronos2_context_predict, context.pointer, table.pointer, len(table), options.native(), handle)
        return Forecast(handle, len(self.model.quantiles))


# ---- What calls return ----------------------------------------------------------------------------


def _doubles(pointer: Any, *shape: int) -> np.ndarray:
    """A view; valid while its owner lives."""
    return np.frombuffer(ffi.buffer(pointer, 8 * int(np.prod(shape))), np.float64).reshape(shape)


_FLOAT = np.finfo(np.float32)


def _narrow(values: Any) -> np.ndarray:
    """float32; what is beyond its range is infinite, which others tell of."""
    with np.errstate(over="ignore"):
        return np.asarray(values, np.float64).astype(np.float32)


def _is_coarse(values: np.ndarray) -> bool:
    """Whether at most a hundred values of float32 lie between the lowest and the highest, which differ."""
    low, high = values.min(), values.max()
    return bool(low < high and high - low <= 100 * float(np.spacing(np.float32(max(abs(low), abs(high))))))


def _varies(values: np.ndarray) -> bool:
    there = values[~np.isnan(values)]
    return bool((there != there[:1]).any())


class Context:
    """Encoded contexts of some series."""

    def __init__(self, handle: Any, model: Model) -> None:
        self._handle, self._model = handle, model

    def __del__(self, close: Any = lib.chronos2_context_close) -> None:
        if getattr(self, "_handle", None):
            close(self._handle)

    @property
    def pointer(self) -> Any:
        return self._handle[0]

    @property
    def nbytes(self) -> int:
        return lib.chronos2_context_bytes(self.pointer)


class Forecast:
    """Copies out of a chronos2_forecast: float32, a list element a series; None where it has no forecast."""

    def __init__(self, handle: Any, levels: int) -> None:
        self._handle, self._levels = handle, levels

    def __del__(self, close: Any = lib.chronos2_forecast_free) -> None:
        if getattr(self, "_handle", None):
            close(self._handle)

    def errors(self) -> dict[int, str]:
        """Why series have no forecast, by their index."""
        return {series: text(lib.chronos2_forecast_error(self._handle[0], series))
                for series in range(lib.chronos2_forecast_count(self._handle[0]))
                if lib.chronos2_forecast_status(self._handle[0], series) != lib.CHRONOS2_OK}

    def losses(self, series: Sequence[Series], context_length: int) -> Iterator[str]:
        """What of the forecasts of these series float32 can't hold: numbers beyond its range, and bands that it rounds,
        as `chronos2 forecast` finds them at the first step. A context that doesn't vary has bands without a width."""
        infinite: dict[int, int] = {}
        coarse: dict[int, None] = {}
        horizon = self.horizon
        for s, item in enumerate(series):
            if lib.chronos2_forecast_status(self._handle[0], s) != lib.CHRONOS2_OK:
                continue
            for t, past in enumerate(item.target):
                values = _doubles(lib.chronos2_forecast_quantiles(self._handle[0], s, t), self._levels, horizon)
                if max(values.max(), -values.min()) > _FLOAT.max:
                    infinite[s] = infinite.get(s, 0) + int(np.isinf(_narrow(values)).sum())
                elif _is_coarse(values[:, 0]) and _varies(past[-context_length:]):
                    coarse[s] = None
        if infinite:
            yield (f"{sum(infinite.values())} numbers are beyond the range of float32, so infinite, the first of series "
                   f"{min(infinite)}")
        if coarse:
            first = next(iter(coarse))
            yield ((f"series {first} varies so little around its" if len(coarse) == 1 else
                    f"{len(coarse)} series, {first} the first, vary so little around their") + " level that float32 "
                   "rounds the bands: subtract the mean and divide by the standard deviation before")

    def _each(self, shape: tuple[int, ...], read: Callable[[int, int], np.ndarray]) -> list[np.ndarray | None]:
        result: list[np.ndarray | None] = []
        for series in range(lib.chronos2_forecast_count(self._handle[0])):
            if lib.chronos2_forecast_status(self._handle[0], series) != lib.CHRONOS2_OK:
                result.append(None)
                continue
            out = np.empty((lib.chronos2_forecast_targets(self._handle[0], series), *shape), np.float32)
            for target in range(len(out)):
                out[target] = _narrow(read(series, target))
            result.append(out)
        return result

    @property
    def horizon(self) -> int:
        return lib.chronos2_forecast_horizon(self._handle[0])

    def quantiles(self) -> list[np.ndarray | None]:
        """[targets][levels of the model][horizon]"""
        shape = (self._levels, self.horizon)
        return self._each(shape, lambda s, t: _doubles(lib.chronos2_forecast_quantiles(self._handle[0], s, t), *shape))

    def median(self) -> list[np.ndarray | None]:
        """[targets][horizon]"""
        shape = (self.horizon,)
        return self._each(shape, lambda s, t: _doubles(lib.chronos2_forecast_median(self._handle[0], s, t), *shape))

    def at_levels(self, levels: Sequence[float]) -> list[np.ndarray | None]:
        """[targets][horizon][levels]"""
        asked = np.asarray(levels, np.float64)
        out = np.empty((self.horizon, len(asked)))
        levels_in, values_out = ffi.from_buffer("double[]", asked), ffi.from_buffer("double[]", out)

        def read(series: int, target: int) -> np.ndarray:
            check(lib.chronos2_forecast_at_levels(self._handle[0], series, target, levels_in, len(asked), values_out))
            return out

        return self._each(out.shape, read)


class Embedding:
    """Copies out of a chronos2_embedding: float32, a list element a series."""

    def __init__(self, handle: Any, table: SeriesTable, d_model: int) -> None:
        self._handle, self._d_model = handle, d_model
        self._targets = [len(s.target) for s in table.series]

    def __del__(self, close: Any = lib.chronos2_embedding_free) -> None:
        if getattr(self, "_handle", None):
            close(self._handle)

    def values(self) -> list[np.ndarray]:
        """[targets][tokens][d_model]"""
        result = []
        for series, targets in enumerate(self._targets):
            shape = (targets, lib.chronos2_embedding_tokens(self._handle[0], series), self._d_model)
            values = lib.chronos2_embedding_values(self._handle[0], series)
            result.append(np.frombuffer(ffi.buffer(values, 4 * int(np.prod(shape))), np.float32).reshape(shape).copy())
        return result

    def scales(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Location and scale, each [targets][1]"""
        result = []
        loc, scale = ffi.new("double *"), ffi.new("double *")
        for series, targets in enumerate(self._targets):
            pair = np.empty((2, targets, 1), np.float32)
            for target in range(targets):
                check(lib.chronos2_embedding_scale(self._handle[0], series, target, loc, scale))
                pair[:, target, 0] = _narrow((loc[0], scale[0]))
            result.append((pair[0], pair[1]))
        return result


def version() -> str:
    """Of the library."""
    return text(lib.chronos2_version())


def isa() -> str:
    """The instruction set that the library uses on this machine, or that CHRONOS2_ISA names."""
    name = lib.chronos2_isa_chosen(lib.CHRONOS2_FP32, ffi.NULL)
    if name == ffi.NULL:
        check(lib.CHRONOS2_ERROR_ARGUMENT)
    return text(name)
