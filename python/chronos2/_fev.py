"""Forecasts of fev's evaluation windows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

try:
    import fev
except ImportError:
    raise ImportError("fev is required for predict_fev. Please install it with `pip install fev`.") from None

from ._told import warn

if TYPE_CHECKING:
    from .pipeline import Chronos2Pipeline


def predict(pipeline: Chronos2Pipeline, task: fev.Task, batch_size: int, as_univariate: bool,
            finetune: dict[str, Any] | None, options: dict[str, Any]) -> tuple[list[Any], float]:
    rows = 1 if as_univariate else sum(map(len, (task.target_columns, task.past_dynamic_columns,
                                                 task.known_dynamic_columns)))
    if batch_size < rows:
        warn(f"batch_size ({batch_size}) is smaller than num_variates ({rows}) in the task. Setting "
             "batch_size = num_variates = num_targets + num_covariates")
        batch_size = rows
    if finetune is not None:
        pipeline = _finetuned(pipeline, task.get_window(0), as_univariate, {"batch_size": batch_size, **finetune})
    predictions, seconds = [], 0.0
    for window in task.iter_windows():
        past, future, targets = _tables(window, as_univariate)
        start = time.monotonic()
        forecast = pipeline.predict_df(past, future, id_column=window.id_column,
                                       timestamp_column=window.timestamp_column, target=targets,
                                       prediction_length=window.horizon, quantile_levels=task.quantile_levels,
                                       batch_size=batch_size, **options)
        seconds += time.monotonic() - start
        predictions.append(fev.utils.convert_forecast_df_to_predictions(
            forecast, horizon=window.horizon, quantile_levels=task.quantile_levels,
            target_columns=window.target_columns))
    return predictions, seconds


def _tables(window: Any, as_univariate: bool) -> tuple[Any, Any, list[str]]:
    """Past, known future or None, and names of targets."""
    past, future, _ = fev.convert_input_data(window, adapter="pandas", as_univariate=as_univariate)
    if as_univariate:
        return past[[window.id_column, window.timestamp_column, "target"]], None, ["target"]
    return past, future if window.known_dynamic_columns else None, list(window.target_columns)


def _finetuned(pipeline: Chronos2Pipeline, window: Any, as_univariate: bool, options: dict[str, Any]) -> Any:
    from chronos.chronos2.preprocess import from_data_frame

    past, future, targets = _tables(window, as_univariate)
    inputs = from_data_frame(past, target_columns=targets, prediction_length=window.horizon, future_df=future,
                             id_column=window.id_column, timestamp_column=window.timestamp_column)
    return pipeline.fit(inputs, **{**options, "prediction_length": window.horizon})
