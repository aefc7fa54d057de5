"""Chronos-2 time-series forecasting in C, called as chronos-forecasting is.

    from chronos2 import Chronos2Pipeline

    pipeline = Chronos2Pipeline.from_pretrained()  # the bundled checkpoint; or a folder, or a name of a hub
    quantiles, median = pipeline.predict_quantiles([history], prediction_length=24, quantile_levels=[0.1, 0.5, 0.9])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._compatible import install_as_chronos
from ._evaluate import Evaluation
from ._native import Chronos2Error, isa, version
from ._plot import plot
from .pipeline import BaseChronosPipeline, Chronos2Pipeline, ForecastType
from .scenarios import EncodedContext

__version__ = version()
__all__ = ["BaseChronosPipeline", "Chronos2Error", "Chronos2Pipeline", "EncodedContext", "Evaluation", "ForecastType",
           "install_as_chronos", "isa", "plot", "version"]

if TYPE_CHECKING:  # a checker would take __getattr__ to give every name
    from . import arrow as arrow, sktime as sktime, spark as spark
else:
    def __getattr__(name: str) -> Any:
        """Modules that are imported when they are used first. One whose library is missing is no attribute."""
        if name not in ("arrow", "sktime", "spark"):
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        try:
            return import_module(f".{name}", __name__)
        except ImportError as error:
            raise AttributeError(f"module '{__name__}' has no attribute '{name}': {error}") from error
