"""This package under the names of chronos-forecasting, for programs whose imports can't be changed."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from . import pipeline

_HERE = ("BaseChronosPipeline", "Chronos2Pipeline", "ForecastType")
# What programs that use Chronos-2 import on the way, and don't use then.
_ELSEWHERE = {"chronos": ("ChronosPipeline", "ChronosBoltPipeline", "Chronos2Model"),
              "chronos.chronos2": ("Chronos2Model",), "chronos.chronos2.model": ("Chronos2Model",),
              "chronos.chronos_bolt": ("ChronosBoltPipeline", "ChronosBoltModelForForecasting", "ResidualBlock")}


def install_as_chronos() -> None:
    """Makes `from chronos import Chronos2Pipeline` and `from chronos.chronos2.pipeline import ...` mean this package.

    Call it before anything imports chronos-forecasting. The other pipelines and the model classes of that package can
    be imported afterwards, but are errors when they are used; its datasets and its training are not there.
    `chronos.__version__` is that of the interface, 2.3.2.
    """
    present = sys.modules.get("chronos")
    if present is not None and not getattr(present, "_is_chronos2_c", False):
        raise RuntimeError("install_as_chronos: chronos-forecasting is imported already")
    for path in ("chronos", "chronos.base", "chronos.chronos2", "chronos.chronos2.model", "chronos.chronos2.pipeline",
                 "chronos.chronos_bolt"):
        module = ModuleType(path, f"chronos2's pipelines under the name {path}.")
        module.__path__ = []  # type: ignore[attr-defined]
        module.__spec__ = ModuleSpec(path, None, is_package=True)
        module._is_chronos2_c = True  # type: ignore[attr-defined]
        for name in _HERE:
            setattr(module, name, getattr(pipeline, name))
        for name in _ELSEWHERE.get(path, ()):
            setattr(module, name, type(name, (_Elsewhere,), {"__module__": path}))
        sys.modules[path] = module
        parent, _, child = path.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
    sys.modules["chronos"].__version__ = "2.3.2"  # type: ignore[attr-defined]


class _Elsewhere:
    """A class of chronos-forecasting that this package doesn't have."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} is chronos-forecasting's; `chronos` is chronos2 here")

    @classmethod
    def from_pretrained(cls, *_args: Any, **_kwargs: Any) -> Any:
        return cls()
