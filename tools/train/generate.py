"""Synthetic series for pretraining: trend x seasonality + noise of many kinds, groups and covariates.

Everything is drawn from one numpy Generator, so a seed fixes the data.
"""

from __future__ import annotations

import numpy as np

PERIODS = [4, 7, 12, 24, 24, 24, 48, 52, 96, 168, 12, 7]


def _noise(rng: np.random.Generator, n: int) -> np.ndarray:
    """White, heavy-tailed or autoregressive noise of unit scale."""
    kind = rng.integers(4)
    e = rng.standard_t(3, n) / 1.7 if kind == 0 else rng.normal(size=n)
    if kind >= 2:
        phi = rng.uniform(0.2, 0.95)
        out = np.empty(n)
        last = 0.0
        for i in range(n):
            last = phi * last + e[i]
            out[i] = last
        e = out * np.sqrt(1 - phi * phi)
    return e


def _trend(rng: np.random.Generator, n: int) -> np.ndarray:
    t = np.linspace(0, 1, n)
    kind = rng.integers(7)
    if kind == 0:
        return np.zeros(n)
    if kind == 1:
        return rng.normal(0, 2) * t
    if kind == 2:
        return rng.normal(0, 2) * (1 - np.exp(-t * rng.uniform(1, 6)))
    if kind == 3:
        return rng.normal(0, 1) * (np.exp(t * rng.uniform(0.5, 2.5)) - 1)
    if kind == 4:
        return rng.normal(0, 2) / (1 + np.exp(-(t - rng.uniform()) * rng.uniform(4, 20)))
    if kind == 5:
        knots = np.sort(rng.uniform(0, 1, rng.integers(1, 5)))
        return rng.normal(0, 2) * t + sum(rng.normal(0, 3) * np.maximum(t - k, 0) for k in knots)
    return np.cumsum(rng.normal(0, 1, n)) / np.sqrt(n) * rng.uniform(0.5, 3)


def _profile(rng: np.random.Generator, period: int) -> np.ndarray:
    """One period of a seasonal shape, unit variance: harmonics, peaks, or a level for each phase."""
    x = np.arange(period) / period
    kind = rng.integers(4)
    if kind == 0 or period <= 4:
        shape = rng.normal(size=period)
    elif kind == 1:
        shape = sum(
            rng.normal(0, 1 / k) * np.cos(2 * np.pi * (k * x + rng.uniform())) for k in range(1, rng.integers(2, 7))
        )
    elif kind == 2:  # humps, as of a day's traffic or a year's tourism
        shape = np.zeros(period)
        for _ in range(rng.integers(1, 4)):
            distance = np.abs((x - rng.uniform() + 0.5) % 1 - 0.5)
            shape += rng.uniform(0.3, 1) * np.exp(-0.5 * (distance / rng.uniform(0.03, 0.2)) ** 2)
    else:  # working and idle phases
        shape = np.where((x + rng.uniform()) % 1 < rng.uniform(0.15, 0.85), 1.0, 0.0) + 0.2 * rng.normal(size=period)
    return (shape - shape.mean()) / (shape.std() + 1e-9) * rng.choice([-1, 1])


def _season(rng: np.random.Generator, n: int, period: int) -> np.ndarray:
    t = np.arange(n) + rng.integers(period)
    s = _profile(rng, period)[t % period]
    if rng.random() < 0.3:  # slowly drifting amplitude
        s = s * np.exp(np.cumsum(rng.normal(0, 1, n)) / np.sqrt(n) * rng.uniform(0.1, 0.7))
    return s


def series(rng: np.random.Generator, n: int) -> np.ndarray:
    """One series of n steps."""
    kind = rng.random()
    if kind < 0.08:  # random walk, arithmetic or geometric
        steps = _noise(rng, n) * rng.uniform(0.002, 0.03)
        walk = np.cumsum(steps + rng.normal(0, 0.001))
        return np.exp(walk) if rng.random() < 0.5 else 3 + walk
    if kind < 0.16:  # counts, some intermittent
        rate = np.exp(rng.normal(1.0, 1.2) + 0.3 * _trend(rng, n))
        if rng.random() < 0.5:
            rate = rate * np.exp(rng.uniform(0.1, 0.5) * _season(rng, n, int(rng.choice(PERIODS))))
        rate = np.minimum(rate, 1e4)
        if rng.random() < 0.4:
            return rng.poisson(rate) * (rng.random(n) < rng.uniform(0.1, 0.7))
        return rng.poisson(rate * rng.gamma(5, 0.2, n)).astype(float)
    if kind < 0.22:  # autoregressive with long swings
        phi = rng.uniform(0.9, 0.999)
        e = rng.normal(size=n)
        y = np.empty(n)
        last = e[0] / np.sqrt(1 - phi * phi)
        for i in range(n):
            last = phi * last + e[i]
            y[i] = last
        return y
    y = _trend(rng, n) * rng.uniform(0, 1.5)
    season = np.zeros(n)
    if kind < 0.95:
        period = int(rng.choice(PERIODS)) if rng.random() < 0.85 else int(rng.integers(3, 60))
        season = _season(rng, n, period)
        if rng.random() < 0.5:
            season = season * rng.uniform(0.5, 1) + rng.uniform(0.2, 1) * _season(rng, n, 7 * period)
    strength = rng.uniform(0.2, 2.0)
    noise = _noise(rng, n) * rng.choice([0.05, 0.15, 0.3, 0.6, 1.0])
    if rng.random() < 0.4:
        scale = rng.uniform(0.1, 0.4)
        y = np.exp(np.clip(scale * (y + strength * season + noise), -6, 6))
    else:
        y = y + strength * season + noise
    if rng.random() < 0.1:
        y = y + rng.normal(0, 2) * (np.arange(n) > rng.integers(n))
    if rng.random() < 0.1:
        spikes = rng.random(n) < 0.01
        y = y + spikes * rng.normal(0, 6, n)
    return y


def group(rng: np.random.Generator, n: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows [k, n] of related series and their known future [k, horizon] (NaN = unknown)."""
    k = int(rng.integers(2, 5))
    rows = np.stack([series(rng, n) for _ in range(k)])
    rows = (rows - rows.mean(1, keepdims=True)) / (rows.std(1, keepdims=True) + 1e-9)
    known = np.full((k, horizon), np.nan)
    if rng.random() < 0.6:  # row 0 is driven by known covariates
        for j in range(1, k):
            if rng.random() < 0.4:
                rows[j] = rng.random(n) < rng.uniform(0.05, 0.4)
            rows[0] += rng.normal(0, 1.2) * np.roll(rows[j], int(rng.integers(0, 2)))
            known[j] = rows[j, -horizon:]
    else:
        mix = np.eye(k) + 0.6 * rng.normal(size=(k, k))
        rows = mix @ rows
        lag = int(rng.integers(0, 8))
        rows[-1] = np.roll(rows[0], lag) + 0.2 * rng.normal(size=n)
    return rows, known


def batch(rng: np.random.Generator, tokens: int, max_context: int, max_patches: int) -> dict[str, np.ndarray]:
    """A batch of about `tokens` observations: context, target, known future and group ids."""
    patches = int(rng.choice([1, 1, 2, 2, 3, 4, max_patches]))
    horizon = patches * 16
    context = int(np.clip(np.exp(rng.uniform(np.log(16), np.log(max_context))), 10, max_context))
    n = context + horizon
    count = max(4, tokens // n)
    grouped = rng.random() < 0.2
    rows, known, ids = [], [], []
    while len(rows) < count:
        if grouped:
            r, f = group(rng, n, horizon)
        else:
            r, f = series(rng, n)[None], np.full((1, horizon), np.nan)
        ids += [ids[-1] + 1 if ids else 0] * len(r)
        rows += list(r)
        known += list(f)
    x = np.stack(rows).astype(np.float32)
    for i in range(len(x)):  # short histories and gaps
        if rng.random() < 0.25:
            x[i, : rng.integers(0, max(1, context - 8))] = np.nan
        if rng.random() < 0.1:
            x[i, :context][rng.random(context) < rng.uniform(0, 0.4)] = np.nan
    known = np.stack(known).astype(np.float32)
    target = x[:, context:].copy()
    target[~np.isnan(known)] = np.nan
    return {"context": x[:, :context], "target": target, "known": known, "groups": np.array(ids)}
