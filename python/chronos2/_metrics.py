"""Accuracy of forecasts as the package fev (0.10) defines it, and the seasonal-naive baseline.

Shapes: N series, D targets, H steps, Q quantile levels. A missing truth is left out.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple, Sequence

import numpy as np


class Metric(NamedTuple):
    error: str  # of a step: absolute, squared, logarithmic, pinball
    unit: str = ""  # what it is divided by: season (the past's seasonal error), truth, or both (mean of truth, forecast)
    weighed: bool = False  # the mean error is divided by the mean |truth|
    biased: bool = False  # the absolute mean of the signed errors is added
    rooted: bool = False


METRICS = {
    "MASE": Metric("absolute", "season"), "WQL": Metric("pinball", weighed=True), "MAE": Metric("absolute"),
    "WAPE": Metric("absolute", weighed=True), "MSE": Metric("squared"), "RMSE": Metric("squared", rooted=True),
    "RMSSE": Metric("squared", "season", rooted=True), "MAEB": Metric("absolute", biased=True),
    "WAPEB": Metric("absolute", weighed=True, biased=True), "RMSLE": Metric("logarithmic", rooted=True),
    "MAPE": Metric("absolute", "truth"), "SMAPE": Metric("absolute", "both"), "MQL": Metric("pinball"),
    "SQL": Metric("pinball", "season"),
}


class Scored(NamedTuple):
    """Forecasts, and what came."""

    past: Sequence[np.ndarray]  # [N] of [D][length]
    truth: np.ndarray  # [N][D][H]
    point: np.ndarray  # [N][D][H]
    quantiles: np.ndarray  # [N][D][H][Q]
    levels: Sequence[float]
    seasonality: int


def overall(scored: Scored) -> dict[str, float]:
    """Each metric: over all series and steps, then the mean of the targets."""
    return {name: float(values.mean()) for name, values in _scores(scored, (0, 2)).items()}


def by_series(scored: Scored) -> dict[str, np.ndarray]:
    """Each metric of each series and target alone: [N][D]."""
    return _scores(scored, (2,))


def _scores(s: Scored, axes: tuple[int, ...]) -> dict[str, np.ndarray]:
    scales = {power: np.array([[_seasonal_error(row, s.seasonality, power) for row in past] for past in s.past])
              for power in (1, 2)}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a mean of nothing is NaN
        return {name: _score(metric, s, scales, axes) for name, metric in METRICS.items()}


def _score(metric: Metric, s: Scored, scales: dict[int, np.ndarray], axes: tuple[int, ...]) -> np.ndarray:
    truth = s.truth[..., None]
    forecast, levels = (s.quantiles, np.asarray(s.levels)) if metric.error == "pinball" else (s.point[..., None], 0.0)
    if metric.error == "logarithmic":
        error = (np.log1p(truth) - np.log1p(forecast)) ** 2
    elif metric.error == "pinball":
        error = 2 * np.abs((truth - forecast) * ((truth <= forecast) - levels))
    else:
        error = np.abs(forecast - truth) ** (2 if metric.error == "squared" else 1)
    if metric.unit == "season":
        error = error / scales[2 if metric.error == "squared" else 1][:, :, None, None]
    elif metric.unit:
        error = error / (np.abs(truth) if metric.unit == "truth" else (np.abs(truth) + np.abs(forecast)) / 2)
    error = np.where(np.isfinite(error), error, np.nan)
    value = np.nanmean(error, axes)
    if metric.biased:
        value = value + np.abs(np.nanmean(np.where(np.isnan(error), np.nan, forecast - truth), axes))
    if metric.weighed:
        value = value / np.nanmean(np.abs(truth), axes)
    return (np.sqrt(value) if metric.rooted else value).mean(-1)


def _seasonal_error(past: np.ndarray, season: int, power: int) -> float:
    """Mean |y(t) - y(t - season)|, or of its square, over the pairs that are observed; NaN if there are none."""
    differences = past[season:] - past[:-season]
    differences = np.abs(differences[~np.isnan(differences)]) ** power
    return float(differences.mean()) if len(differences) else np.nan


def seasonal_naive(past: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The last season again, or the last value where there is less; missing values take the one before them, or 0."""
    last = np.maximum.accumulate(np.where(np.isnan(past), -1, np.arange(len(past))))
    filled = np.where(last < 0, 0.0, past[last])
    return np.resize(filled[-season:] if len(filled) >= season else filled[-1:], horizon)


def bands(levels: Sequence[float]) -> list[tuple[int, int]]:
    """Places of the levels of symmetric bands, the widest first."""
    places = {round(level, 9): place for place, level in enumerate(levels)}
    return [(place, places[round(1 - level, 9)]) for level, place in sorted(places.items())
            if level < 0.5 and round(1 - level, 9) in places]
