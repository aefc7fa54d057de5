"""Batches for pretraining: single series, or groups of related ones, some with a known future.

    batch(seed, step) is all there is to it: the same two numbers give the same batch on one kind of processor
    with one version of NumPy and SciPy.

All groups of a batch have the same number of rows, so that group attention needs no mask.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.signal import lfilter

from series import coloured, log_uniform, noise, profile, series, unit, week

PATCH = 16
LONGEST = 8192


def _covariate(rng: np.random.Generator, n: int) -> np.ndarray:
    """Something known beside the target: days off, promotions, a category, a price, the weather, another series."""
    kind = rng.random()
    if kind < 0.35:  # events
        return (rng.random(n) < rng.uniform(0.03, 0.4)).astype(float)
    if kind < 0.55:  # states that last: promotions, categories, prices
        length = log_uniform(rng, 3, max(4, n / 6))
        state = np.cumsum(rng.random(n) < 1 / length)
        levels = int(rng.choice([2, 2, 3, 5, n]))
        value = np.arange(levels) if levels < n else rng.normal(size=levels)
        return value[rng.integers(0, levels, n)[state]].astype(float)
    if kind < 0.8:
        return unit(noise(rng, n))
    return unit(series(rng, n))


def _effect(rng: np.random.Generator, cause: np.ndarray, plain: bool) -> np.ndarray:
    """What a covariate adds to the target: at once and in proportion if `plain`, else also bent, later or fading."""
    if plain:
        return unit(cause) * rng.choice([-1, 1]) * log_uniform(rng, 0.5, 2)
    kind = rng.random()
    if kind < 0.08:
        cause = np.maximum(cause, np.median(cause))
    elif kind < 0.12:
        cause = unit(cause) ** 2
    lag = rng.random()
    if lag < 0.3:  # before, at once and after: the day after an event, a purchase brought forward
        weight = rng.normal(size=4) * (rng.random(4) < 0.4)
        weight[int(rng.choice([0, 1, 1, 1, 2, 3]))] += rng.choice([-1.5, 1.5])
        padded = np.pad(cause, (2, 1), mode="edge")
        cause = sum(w * padded[3 - j: 3 - j + len(cause)] for j, w in enumerate(weight))
    elif lag < 0.36:
        shift = int(rng.integers(1, 8))
        cause = np.concatenate([np.full(shift, cause[0]), cause[:-shift]])
    elif lag < 0.42:
        fade = rng.uniform(0.3, 0.9)
        cause = lfilter([1 - fade], [1, -fade], cause)
    return unit(cause) * rng.choice([-1, 1]) * log_uniform(rng, 0.3, 2)


def _driven(rng: np.random.Generator, n: int, k: int, plain: bool) -> tuple[np.ndarray, np.ndarray]:
    """Row 0 is driven by k - 1 covariates, most of them known. Gives rows and which are known."""
    own = log_uniform(rng, 0.02, 0.5 if plain else 1.5)  # from nothing but their effect to hardly any
    rows = np.stack([unit(series(rng, n)) * own, *[_covariate(rng, n) for _ in range(k - 1)]])
    known = np.zeros(k, bool)
    for j in range(1, k):
        if j == 1 or rng.random() < 0.7:
            rows[0] += _effect(rng, rows[j], plain)
        known[j] = plain or rng.random() < 0.9
    if not plain and rng.random() < 0.15:
        rows[0] = np.exp(np.clip(unit(rows[0]) * rng.uniform(0.2, 1), -8, 8))
    return rows, known


def _load(rng: np.random.Generator, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """A load with its weather and calendar: a weekly shape, days off that look like Sundays, heating and cooling by a
    temperature of its own year, day and weather. The covariates: temperature, days off, hour, weekday, or nothing to
    do with it."""
    day = int(rng.choice([1, 24, 24, 24, 48, 96]))
    if n < 8 * day:
        day = 1
    t = np.arange(n) + int(rng.integers(0, 365 * day))
    date, phase = t // day, t % day
    off = rng.random(date[-1] + 1) < rng.uniform(0, 0.06)
    weekday = (date + rng.integers(0, 7)) % 7
    free = off[date] | (weekday >= 5)
    days = unit(week(rng, day) if day > 1 else profile(rng, 7)).reshape(7, day)
    shape = days[np.where(off[date], 6, weekday), phase]
    weather = lfilter([1], [1, -rng.uniform(0.6, 0.95) ** (1 / day)], rng.normal(size=n))
    temperature = (12 + rng.uniform(2, 14) * np.sin(2 * np.pi * (date / 365.25 + rng.uniform()))
                   + rng.uniform(1, 6) * np.sin(2 * np.pi * (phase / day - 0.35)) * (day > 1)
                   + rng.uniform(1, 5) * unit(weather))
    felt = lfilter([1 - (fade := rng.uniform(0, 0.9))], [1, -fade], temperature - temperature[0]) + temperature[0]
    need = (rng.uniform(0, 1) * np.maximum(rng.uniform(12, 18) - felt, 0)
            + rng.uniform(0, 1.5) * np.maximum(felt - rng.uniform(18, 24), 0))
    y = (shape * rng.uniform(0.3, 1.5) + rng.uniform(0.2, 1.5) * unit(need) * (1 + 0.2 * shape)
         + rng.uniform(0, 0.5) * coloured(rng, n, 2) + rng.uniform(0.02, 0.3) * noise(rng, n))
    if rng.random() < 0.5:
        y = np.exp(np.clip(y * rng.uniform(0.1, 0.4), -8, 8))
    angle = 2 * np.pi * phase / day
    pool = [temperature, free.astype(float), off[date].astype(float), weekday.astype(float),
            phase.astype(float) if rng.random() < 0.5 else np.sin(angle), unit(series(rng, n))]
    chosen = [0, *rng.permutation(np.arange(1, len(pool)))] if rng.random() < 0.8 else rng.permutation(len(pool))
    rows = np.stack([y, *[pool[i] for i in chosen[: k - 1]]])
    known = np.ones(k, bool)
    known[0] = False
    known[1:] = rng.random(k - 1) < 0.95
    return rows, known


def _mixed(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    """Series that share what moves them, the last one late."""
    rows = np.stack([unit(series(rng, n)) for _ in range(k)])
    rows = (np.eye(k) + 0.6 * rng.normal(size=(k, k))) @ rows
    late = np.roll(rows[0], int(rng.integers(0, 24))) * rng.normal(0, 1)
    rows[-1] = late + rng.uniform(0.05, 0.5) * rng.normal(size=n)
    return rows


def group(rng: np.random.Generator, n: int, k: int, plain: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rows [k, n] of related series, and which of them are known in the future [k]."""
    kind = rng.random()
    if plain or kind < 0.55:
        return _driven(rng, n, k, plain)
    if kind < 0.8:
        return _load(rng, n, k)
    return _mixed(rng, n, k), np.zeros(k, bool)


LAGS = (1, 4, 5, 7, 12, 24, 48, 52, 96, 144, 168, 288, 336, 365, 672, 1008, 2016)


def _pace(x: np.ndarray, steps: int) -> np.ndarray:
    """How far each row moves in so many steps, or from one season to the next where that is less, on average over its
    past and in units of its deviation. A season counts by as many periods as make up the steps."""
    n = x.shape[1]
    lags = {steps} | {s for s in (p * max(1, round(steps / p)) for p in LAGS) if s >= steps and 3 * s <= n}
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        moved = [np.nanmean(np.abs(x[:, lag:] - x[:, :-lag]), axis=1) for lag in sorted(lags)]
        pace = np.nanmin(moved, axis=0) / np.nanstd(x, axis=1)
    return np.where(np.isfinite(pace), pace, 1.0).astype(np.float32)


def draw_shape(rng: np.random.Generator) -> tuple[int, int, int]:
    """Context length (30% beyond 2,048), future patches, rows of a group."""
    patches = int(rng.choice([1, 1, 2, 2, 3, 4, 6, 11, 16]))
    low, high = (2048, LONGEST) if rng.random() < 0.3 else (20, 2048)
    context = int(log_uniform(rng, low, high))
    return context, patches, 1 if rng.random() < 0.55 else int(rng.choice([2, 2, 3, 3, 4, 5]))


def batch(seed: int, step: int, observations: int = 32768) -> dict[str, np.ndarray | int]:
    """context [B, n], known and target [B, patches * 16] (NaN = missing, unknown, not asked for), pace [B], size (rows
    of a group). About so many observations."""
    rng = np.random.default_rng([seed, step])
    context, patches, size = draw_shape(rng)
    horizon = patches * PATCH
    n = context + horizon
    rows, known = [], []
    for _ in range(max(2, observations // n // size)):
        r, k = group(rng, n, size, rng.random() < 0.35) if size > 1 else (series(rng, n)[None], np.zeros(1, bool))
        rows.append(r)
        known.append(k)
    x = np.concatenate(rows).astype(np.float32)
    future = np.where(np.concatenate(known)[:, None], x[:, context:], np.nan).astype(np.float32)
    for row in x:  # short histories and gaps
        if rng.random() < 0.2:
            row[: rng.integers(0, max(1, context - 8))] = np.nan
        if rng.random() < 0.06:
            row[:context][rng.random(context) < rng.uniform(0, 0.4)] = np.nan
    past = x[:, :context]
    target = np.where(np.isnan(future), x[:, context:], np.nan).astype(np.float32)
    return {"context": past, "target": target, "known": future, "size": size,
            "pace": _pace(past, min(horizon, context) // 2)}
