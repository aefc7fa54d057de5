"""This package under the names of chronos-forecasting, for programs whose imports can't be changed."""

from __future__ import annotations

import sys
from types import ModuleType

from . import pipeline


def install_as_chronos() -> None:
    """Makes `from chronos import Chronos2Pipeline` and `from chronos.chronos2.pipeline import ...` mean this package.

    Call it before anything imports chronos-forecasting. The other pipelines of that package, its datasets and its
    training are not there afterwards.
    """
    present = sys.modules.get("chronos")
    if present is not None and not getattr(present, "_is_chronos2_c", False):
        raise RuntimeError("install_as_chronos: chronos-forecasting is imported already")
    names = {"BaseChronosPipeline", "Chronos2Pipeline", "ForecastType"}
    for path in ("chronos", "chronos.base", "chronos.chronos2", "chronos.chronos2.pipeline"):
        module = ModuleType(path, f"chronos2's pipelines under the name {path}.")
        module.__path__ = []  # type: ignore[attr-defined]
        module._is_chronos2_c = True  # type: ignore[attr-defined]
        for name in names:
            setattr(module, name, getattr(pipeline, name))
        sys.modules[path] = module
        parent, _, child = path.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
