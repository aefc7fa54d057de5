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


class Score(NamedTuple):
    """By one metric."""

    overall: float  # over all series and steps, then the mean of the targets
    series: np.ndarray  # of each series and target alone: [N][D]; NaN where it would be divided by 0
    gaps: int  # observed steps at which there is no error: they are left out
    beyond: int  # observed steps at which the error is infinite


def scores(s: Scored) -> dict[str, Score]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a mean of nothing is NaN
        scales = {power: np.array([[_seasonal_error(row, s.seasonality, power) for row in past] for past in s.past])
                  for power in (1, 2)}
        blank = np.nanmean(np.abs(s.truth), 2) == 0
        return {name: _score(metric, s, scales, blank) for name, metric in METRICS.items()}


def _score(metric: Metric, s: Scored, scales: dict[int, np.ndarray], blank: np.ndarray) -> Score:
    error = _errors(metric, s, scales)
    there = ~np.isnan(s.truth)
    gaps, beyond = (int((found(error).any(-1) & there).sum()) for found in (np.isnan, np.isinf))
    if metric.unit:  # as fev has it
        error = np.where(np.isinf(error), np.nan, error)
    series = _mean(metric, s, error, (2,))
    return Score(float(_mean(metric, s, error, (0, 2)).mean()), np.where(blank, np.nan, series) if metric.weighed else
                 series, gaps, beyond)


def _forecast(metric: Metric, s: Scored) -> np.ndarray:
    return s.quantiles if metric.error == "pinball" else s.point[..., None]


def _errors(metric: Metric, s: Scored, scales: dict[int, np.ndarray]) -> np.ndarray:
    """Of each step and level: [N][D][H][Q]; NaN where there is none, infinite where it or its divisor is."""
    truth, forecast = s.truth[..., None], _forecast(metric, s)
    if metric.error == "logarithmic":
        error = (np.log1p(truth) - np.log1p(forecast)) ** 2
    elif metric.error == "pinball":
        error = 2 * np.abs((truth - forecast) * ((truth <= forecast) - np.asarray(s.levels)))
    else:
        error = np.abs(forecast - truth) ** (2 if metric.error == "squared" else 1)
    if not metric.unit:
        return error
    if metric.unit == "season":
        size = scales[2 if metric.error == "squared" else 1][:, :, None, None]
    else:
        size = np.abs(truth) if metric.unit == "truth" else (np.abs(truth) + np.abs(forecast)) / 2
    return np.where(np.isinf(size), np.inf, np.where(size > 0, error / size, np.nan))


def _mean(metric: Metric, s: Scored, error: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Of errors, as the metric has it, then of the levels."""
    truth = s.truth[..., None]
    value = np.nanmean(error, axes)
    if metric.biased:
        value = value + np.abs(np.nanmean(np.where(np.isnan(error), np.nan, _forecast(metric, s) - truth), axes))
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
