"""What `pipeline.model` is: the weights, their configuration, and how sessions over them are opened."""

from __future__ import annotations

import operator
import os
import reprlib
import sys
import threading
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Iterator

import numpy as np

from . import _hub, _native
from ._told import warn

_DTYPES = {"auto": "fp32", "fp32": "fp32", "float32": "fp32", "bf16": "bf16", "bfloat16": "bf16", "int8": "int8"}
_TORCH_NAMES = {"fp32": "float32", "bf16": "bfloat16", "int8": "int8"}
_BACKENDS = {"eager": "reference", "sdpa": "fused", "flash_attention_2": "fused"}
DEFAULT_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def resolve_dtype(dtype: Any) -> str:
    """"fp32", "bf16" or "int8" of a name or a torch dtype; None and "auto" are fp32."""
    name = "auto" if dtype is None else str(dtype).rsplit(".", 1)[-1]
    if name not in _DTYPES:
        raise ValueError(f"dtype: expected float32, bfloat16 or int8, found {dtype}")
    return _DTYPES[name]


def one_dtype(dtype: Any, torch_dtype: Any) -> str:
    """That of two names of one argument."""
    if dtype is not None and torch_dtype is not None and resolve_dtype(dtype) != resolve_dtype(torch_dtype):
        raise ValueError(f"dtype and torch_dtype: expected one of them, found {dtype} and {torch_dtype}")
    return resolve_dtype(torch_dtype if dtype is None else dtype)


def true_or_false(name: str, value: Any) -> bool:
    """An option that is a boolean; 'false' is none."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False, found {reprlib.repr(value)}")
    return bool(value)


def whole_number(name: str, value: Any) -> int:
    """True is none."""
    try:
        if not isinstance(value, (bool, np.bool_)):
            return operator.index(value)
    except TypeError:
        pass
    raise TypeError(f"{name}: expected a whole number, found {reprlib.repr(value)}")


def list_names(name: str, values: Any) -> list[Any]:
    """A text is one name, not those of its letters."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"{name}: expected a list of names, found {reprlib.repr(values)}")
    return list(values)


def check_text(name: str, value: Any, example: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a text as {example}, found {reprlib.repr(value)}")


def list_levels(levels: Any, name: str = "quantile_levels") -> tuple[float, ...]:
    """Those of a list, or of anything else that has several."""
    if isinstance(levels, (str, bytes)) or not isinstance(levels, Iterable) or getattr(levels, "ndim", 1) != 1:
        raise TypeError(f"{name}: expected a list of numbers, found {reprlib.repr(levels)}")
    return tuple(_level(name, level) for level in levels)


_NARROW = {"float16": np.float16, "float32": np.float32}


def _level(name: str, level: Any) -> float:
    """A float, whose text is the name of its column. That of NumPy's or torch's float32 or float16 is the one that it
    is written as: 0.1, though float32 has 0.10000000149011612 for it."""
    kind = str(getattr(level, "dtype", "")).rsplit(".", 1)[-1]
    try:
        if kind != "bool" and not isinstance(level, (str, bytes, bool)):
            return float(str(_NARROW.get(kind, float)(float(level))))
    except (TypeError, ValueError, OverflowError):
        pass
    raise TypeError(f"{name}: expected a list of numbers, found {reprlib.repr(level)} in it")


def check_radius(radius: Any) -> float:
    """As the library takes it."""
    try:
        number = None if isinstance(radius, (bool, np.bool_)) else float(radius)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None:
        raise TypeError(f"radius: expected a number, found {reprlib.repr(radius)}")
    if number != np.inf and not (0 <= number <= 1e9 and number.is_integer()):
        raise ValueError(f"radius: expected a whole number of at most 1e9 tokens, or infinity, found {number:.15g}")
    return number


def resolve_attention(attention: str | None, radius: float | None, reg_global: bool | None,
                      opened: _native.Attention = _native.Attention()) -> _native.Attention:
    """A pattern as asked for. What is None is as a pipeline was `opened`; a windowed pattern without a radius has the
    published one."""
    if attention is not None:
        check_text("attention", attention, "'full'")
    if radius is not None:
        radius = check_radius(radius)
    name = (opened.name if attention is None else attention).replace("-", "_")
    is_global = opened.reg_global if reg_global is None else true_or_false("reg_global", reg_global)
    if name.startswith("windowed"):
        default = opened.radius if opened.name.startswith("windowed") else float(_native.lib.CHRONOS2_STANDARD_RADIUS)
        return _native.Attention(name, default if radius is None else radius, is_global)
    if radius is not None or reg_global:
        raise ValueError(f"radius and reg_global belong to a windowed attention, found attention={name!r}")
    return _native.Attention(name)


class Chronos2Model:
    """A model in memory. Threads share it; every call takes a session of its own from it."""

    def __init__(self, folder: Path, *, adapter: Path | None = None, dtype: str = "fp32", cache: str | None = None,
                 attention: _native.Attention = _native.Attention(), threads: int = 0,
                 attn_implementation: str = "sdpa", isa: str = "auto", device: str = "cpu") -> None:
        if attn_implementation not in _BACKENDS:
            raise ValueError(f"attn_implementation: expected one of {sorted(_BACKENDS)}, found {attn_implementation!r}")
        self.folder, self.adapter = folder.absolute(), adapter and adapter.absolute()  # the process may go elsewhere
        self.attention = attention
        self._dtype, self._threads, self._isa, self._device = dtype, threads, isa, device
        self._backend = _BACKENDS[attn_implementation]
        self.native = _native.Model(folder, dtype=dtype, adapter=adapter, cache=cache, threads=threads, isa=isa,
                                    skip_packing=self._backend == "reference")
        config = _hub.read_json(folder / "config.json")
        self.chronos_config = SimpleNamespace(**config.get("chronos_config", {}))
        self.config = SimpleNamespace(**config, _attn_implementation=attn_implementation)
        self._idle: list[_native.Session] = []
        self._warned: set[str] = set()
        with self.session():  # what can't be opened is said now
            pass

    @property
    def dtype(self) -> Any:
        torch = sys.modules.get("torch")
        return getattr(torch, _TORCH_NAMES[self._dtype]) if torch else _TORCH_NAMES[self._dtype]

    @property
    def device(self) -> Any:
        torch = sys.modules.get("torch")
        return torch.device(self._device) if torch else self._device

    @contextmanager
    def session(self, attention: _native.Attention | None = None, encodes: bool = False) -> Iterator[_native.Session]:
        """A session for one call. Calls at the same time have different ones; a forked process opens its own, because
        an inherited one has no worker threads."""
        attention = attention or self.attention
        try:
            session = self._idle.pop()  # atomic: no lock that a fork could leave locked
            if session.process != os.getpid():
                raise IndexError
            session.set_attention(attention)
        except IndexError:
            session = _native.Session(self.native, attention, threads=self._threads, backend=self._backend,
                                      isa=self._isa, device=self._device)
        self._warn_if_untrained(self.native.encoding(attention) if encodes else attention)
        yield session
        if len(self._idle) < threading.active_count():
            self._idle.append(session)

    def _warn_if_untrained(self, asked: _native.Attention) -> None:
        said = self.native.caveat(asked)
        if said and said not in self._warned:
            self._warned.add(said)
            warn(said)
