"""Synthetic series for pretraining. Everything is drawn from one numpy Generator, so a seed fixes the data.

A series has a frequency (its periods), a kind (exponential smoothing, structural, random walk, coloured noise, cycles,
counts, or a blend of two) and flaws (outliers, level shifts, rounding). `group` relates several; `batch` cuts them.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.signal import lfilter

# Periods in steps and how often: quarterly, monthly, weekly, daily, business days, hourly, 30, 15, 10 and 5 minutes.
FREQUENCIES = [((), 1.0), ((4,), 2.0), ((12,), 4.0), ((52,), 3.0), ((7,), 2.0), ((7, 365), 1.0), ((365,), 0.5),
               ((5,), 0.7), ((24,), 1.5), ((24, 168), 3.5), ((48,), 0.5), ((48, 336), 1.0), ((96,), 0.5),
               ((96, 672), 0.7), ((144,), 0.5), ((288,), 0.3)]
YEAR = {52: 365.25 / 7, 365: 365.25}  # a year is no whole number of steps


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _unit(x: np.ndarray) -> np.ndarray:
    return (x - x.mean()) / (x.std() + 1e-9)


def _white(rng: np.random.Generator, n: int) -> np.ndarray:
    """White noise of about unit scale: normal, heavy-tailed, or of changing volatility."""
    kind = rng.random()
    if kind < 0.6:
        return rng.normal(size=n)
    if kind < 0.85:
        return np.clip(rng.standard_t(rng.uniform(2.5, 6), n), -12, 12) / 1.4
    volatility = lfilter([0.2], [1, -0.95], rng.normal(size=n))
    return rng.normal(size=n) * np.exp(np.clip(volatility, -2, 2)) / 1.3


def _noise(rng: np.random.Generator, n: int) -> np.ndarray:
    """White or autoregressive noise of about unit scale."""
    e = _white(rng, n)
    if rng.random() < 0.45:
        return e
    phi = rng.uniform(0.2, 0.97)
    return lfilter([np.sqrt(1 - phi * phi)], [1, -phi], e)


def _coloured(rng: np.random.Generator, n: int, beta: float) -> np.ndarray:
    """Noise of spectrum 1/f^beta: beta 2 moves like a random walk, beta 4 like a smooth Gaussian process."""
    f = np.maximum(np.fft.rfftfreq(2 * n), rng.uniform(0.2, 2) / n)
    spectrum = (rng.normal(size=f.size) + 1j * rng.normal(size=f.size)) * f ** (-beta / 2)
    return _unit(np.fft.irfft(spectrum, 2 * n)[:n])


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
        knots = rng.uniform(0, 1, rng.integers(1, 5))
        return rng.normal(0, 2) * t + sum(rng.normal(0, 3) * np.maximum(t - k, 0) for k in knots)
    return _coloured(rng, n, rng.uniform(1.6, 4)) * rng.uniform(0.3, 1.5)


def _humps(rng: np.random.Generator, period: int) -> np.ndarray:
    x = np.arange(period) / period
    shape = np.zeros(period)
    for _ in range(rng.integers(1, 4)):
        distance = np.abs((x - rng.uniform() + 0.5) % 1 - 0.5)
        shape += rng.uniform(0.3, 1) * np.exp(-0.5 * (distance / rng.uniform(0.02, 0.2)) ** 2)
    return shape


def _profile(rng: np.random.Generator, period: int) -> np.ndarray:
    """One period of a seasonal shape, unit variance."""
    x = np.arange(period) / period
    kind = rng.random()
    if period <= 12 and kind < 0.6:  # a level for each phase, as months or weekdays have
        shape = rng.normal(size=period) * (1 if rng.random() < 0.7 else rng.gamma(0.5, 2, period))
    elif kind < 0.45:
        top = int(rng.integers(1, max(2, min(8, period // 2 + 1))))
        shape = sum(rng.normal() / k ** rng.uniform(0.3, 1.5) * np.cos(2 * np.pi * (k * x + rng.uniform()))
                    for k in range(1, top + 1))
    elif kind < 0.75:  # a day's traffic, a year's tourism
        shape = _humps(rng, period)
    elif kind < 0.9:  # working and idle phases
        shape = np.where((x + rng.uniform()) % 1 < rng.uniform(0.15, 0.85), 1.0, 0.0) * (1 + 0.5 * _humps(rng, period))
    else:
        shape = np.cumsum(_unit(rng.normal(size=period)))
    return _unit(np.asarray(shape, float) + 0.02 * rng.normal(size=period)) * (1 if rng.random() < 0.8 else -1)


def _week(rng: np.random.Generator, day: int) -> np.ndarray:
    """Seven days of `day` steps: a daily shape whose size, level and shape differ at the week's end."""
    work, rest = _profile(rng, day), _profile(rng, day)
    rest = work + rng.uniform(0, 1) * (rest - work)
    level = 0.15 * rng.normal(size=7)
    level[5:] += rng.normal(-0.5, 0.6, size=2) * rng.uniform(0, 1.5)
    size = 1 + 0.1 * rng.normal(size=7)
    size[5:] *= rng.uniform(0.3, 1.1)
    days = [level[d] + size[d] * (rest if d >= 5 else work) for d in range(7)]
    return _unit(np.concatenate(days))


def _season(rng: np.random.Generator, n: int, periods: tuple[int, ...]) -> np.ndarray:
    """Seasonal component of about unit variance, its amplitude and shape fixed or slowly changing."""
    total = np.zeros(n)
    if not periods:
        return total
    t = np.arange(n) + rng.integers(0, 100000)
    exact = rng.random() < 0.6

    def repeat(make) -> np.ndarray:
        shape = make()
        year = YEAR.get(len(shape), len(shape)) if exact else len(shape)
        phase = (t / year % 1 * len(shape)).astype(int) if year != len(shape) else t % len(shape)
        y = shape[phase]
        change = rng.random()
        if change < 0.25:  # amplitude drifts
            y = y * np.exp(rng.uniform(0.1, 0.6) * _coloured(rng, n, rng.uniform(2, 4)))
        elif change < 0.35:  # one shape turns into another
            mix = np.clip(np.linspace(-0.2, 1.2, n), 0, 1) * rng.uniform(0.2, 1)
            y = y * (1 - mix) + make()[phase] * mix
        return y

    if len(periods) == 2 and periods[1] == 7 * periods[0]:
        total = repeat(lambda: _week(rng, periods[0]))
        if n > 1500 and rng.random() < 0.2:
            total = total * (1 + 0.4 * np.sin(2 * np.pi * t / (52 * periods[1])))
    else:
        for i, period in enumerate(periods):
            total = total + repeat(lambda p=period: _profile(rng, p)) * (1 if i == 0 else rng.uniform(0.3, 2))
    return total / (total.std() + 1e-9)


def _smoothing(rng: np.random.Generator, n: int, periods: tuple[int, ...]) -> np.ndarray:
    """A path of the additive-error exponential smoothing state space model (Hyndman et al. 2008, chapter 2)."""
    m = periods[0] if periods else 1
    e = _white(rng, n) * _log_uniform(rng, 0.03, 0.8)
    alpha = rng.beta(1, 1.5) if rng.random() < 0.8 else 0.02
    level = lfilter([0, alpha], [1, -1], e)
    if rng.random() < 0.6:  # a slope, often damped, sometimes fixed
        phi = 1.0 if rng.random() < 0.3 else rng.uniform(0.85, 0.995)
        beta = 0.0 if phi == 1 else alpha * rng.uniform(0, 0.25)
        slope = lfilter([0, beta], [1, -phi], e)
        slope = slope + rng.normal(0, 1) * _log_uniform(rng, 0.2, 4) / max(n, 30) * phi ** np.arange(n)
        level = level + np.cumsum(slope)
    season = np.zeros(n)
    if periods and rng.random() < 0.9:
        season = _season(rng, n, periods) * rng.uniform(0.1, 1.2)
        gamma = (1 - alpha) * rng.uniform(0, 0.3) * (rng.random() < 0.4)
        late = np.concatenate([np.zeros(m), e])[: n]
        rows = -(-n // m)
        season = season + gamma * np.pad(late, (0, rows * m - n)).reshape(rows, m).cumsum(0).ravel()[:n]
    return level + season + e


def _counts(rng: np.random.Generator, n: int, periods: tuple[int, ...]) -> np.ndarray:
    rate = rng.normal(1.5, 1.5) + 0.4 * _trend(rng, n) + rng.uniform(0, 0.8) * _season(rng, n, periods)
    if rng.random() < 0.3:
        rate = rate + 0.3 * _coloured(rng, n, 2)
    rate = np.exp(np.clip(rate, -4, 9))
    if rng.random() < 0.5:
        rate = rate * rng.gamma(5, 0.2, n)
    y = rng.poisson(rate).astype(float)
    if rng.random() < 0.35:  # intermittent demand
        y = y * (rng.random(n) < rng.uniform(0.1, 0.7))
    return y


def _walk(rng: np.random.Generator, n: int) -> np.ndarray:
    """Prices and rates: the next value is the last one plus a surprise; seldom a drift, sometimes a slow pull back."""
    step = _white(rng, n)
    if rng.random() < 0.15:
        step = step + rng.normal(0, 0.05)
    if rng.random() < 0.15:  # days without a trade
        step = step * (rng.random(n) > rng.uniform(0, 0.4))
    pull = 1 - _log_uniform(rng, 0.0005, 0.03) if rng.random() < 0.2 else 1.0
    walk = lfilter([1], [1, -pull], step)
    if rng.random() < 0.5:
        return np.exp(np.clip(walk * _log_uniform(rng, 0.0005, 0.05), -8, 8))
    return walk + rng.normal(0, 50)


def _cycle(rng: np.random.Generator, n: int) -> np.ndarray:
    """Ups and downs of no strict period, as sunspots show: a stochastic cycle (Harvey 1989, section 2.3)."""
    damping = 1 - _log_uniform(rng, 0.002, 0.1)
    angle = 2 * np.pi / _log_uniform(rng, 5, max(8, min(120, n / 4)))
    burn = 200
    y = lfilter([1], [1, -2 * damping * np.cos(angle), damping**2], _white(rng, n + burn))[burn:]
    y = _unit(y)
    if rng.random() < 0.5:
        y = np.exp(y * rng.uniform(0.2, 0.8))
    return y + rng.normal(size=n) * _log_uniform(rng, 0.01, 0.3) + _trend(rng, n) * rng.uniform(0, 0.5)


def _curve(rng: np.random.Generator, n: int, periods: tuple[int, ...]) -> np.ndarray:
    """A strong trend with a clean season on it, as gases in the air or a growing service show."""
    t = np.linspace(0, 1, n)
    rise = rng.normal(0, 1) * (t + rng.uniform(0, 1) * t * t) if rng.random() < 0.6 else _trend(rng, n)
    y = rise * _log_uniform(rng, 0.5, 8)
    return y + _season(rng, n, periods) * _log_uniform(rng, 0.1, 1) + _noise(rng, n) * _log_uniform(rng, 0.01, 0.2)


def _structural(rng: np.random.Generator, n: int, periods: tuple[int, ...]) -> np.ndarray:
    y = _trend(rng, n) * rng.uniform(0, 1.5)
    season = _season(rng, n, periods) * _log_uniform(rng, 0.2, 2.5)
    noise = _noise(rng, n) * _log_uniform(rng, 0.005, 1.2)
    if rng.random() < 0.3:
        noise = noise * (0.3 + np.abs(season))
    return y + season + noise


def _frequency(rng: np.random.Generator, n: int) -> tuple[int, ...]:
    """Periods that a series of n steps can show at least once and a half."""
    if rng.random() < 0.12:
        return (int(rng.integers(2, max(3, min(400, n // 2)))),)
    fit = [(p, w) for p, w in FREQUENCIES if not p or max(p) * 1.5 <= n]
    weight = np.array([w * (np.sqrt(p[-1]) if n > 400 and p else 2.0) for p, w in fit])
    return fit[rng.choice(len(fit), p=weight / weight.sum())][0]


def series(rng: np.random.Generator, n: int) -> np.ndarray:
    """One series of n steps."""
    periods = _frequency(rng, n)
    kind = rng.random()
    if kind < 0.35:
        y = _smoothing(rng, n, periods)
    elif kind < 0.63:
        y = _structural(rng, n, periods)
    elif kind < 0.72:
        y = _curve(rng, n, periods)
    elif kind < 0.88:
        y = _walk(rng, n)
    elif kind < 0.9:
        y = _coloured(rng, n, rng.uniform(0.5, 4)) + rng.uniform(0, 0.3) * rng.normal(size=n)
    elif kind < 0.93:
        y = _cycle(rng, n)
    elif kind < 0.97:
        y = _counts(rng, n, periods)
    else:
        share = rng.dirichlet([1, 1])
        y = share[0] * _unit(_smoothing(rng, n, periods)) + share[1] * _unit(_structural(rng, n, _frequency(rng, n)))
    if kind < 0.72 and rng.random() < 0.5:  # multiplicative: trend x season x noise
        y = np.exp(np.clip(y * _log_uniform(rng, 0.05, 0.6), -8, 8))
    flaw = rng.random()
    scale = y.std() + 1e-9
    if flaw < 0.06:
        y = y + rng.normal(0, 1.5) * scale * (np.arange(n) > rng.integers(n))
    elif flaw < 0.14:
        y = y + (rng.random(n) < rng.uniform(0.002, 0.02)) * rng.normal(0, 4, n) * scale
    elif flaw < 0.18:
        y = np.round(y / (scale * rng.uniform(0.05, 0.5)))
    elif flaw < 0.21:
        y = np.maximum(y, np.quantile(y, rng.uniform(0.05, 0.5)))
    return y


def _covariate(rng: np.random.Generator, n: int) -> np.ndarray:
    """Something known beside the target: days off, promotions, a category, a price, the weather, another series."""
    kind = rng.random()
    if kind < 0.35:  # events
        return (rng.random(n) < rng.uniform(0.03, 0.4)).astype(float)
    if kind < 0.55:  # states that last: promotions, categories, prices
        length = _log_uniform(rng, 3, max(4, n / 6))
        state = np.cumsum(rng.random(n) < 1 / length)
        levels = int(rng.choice([2, 2, 3, 5, n]))
        value = np.arange(levels) if levels < n else rng.normal(size=levels)
        return value[rng.integers(0, levels, n)[state]].astype(float)
    if kind < 0.8:
        return _unit(_noise(rng, n))
    return _unit(series(rng, n))


def _effect(rng: np.random.Generator, cause: np.ndarray, plain: bool) -> np.ndarray:
    """What a covariate adds to the target: at once and in proportion if `plain`, else also bent, later or fading."""
    if plain:
        return _unit(cause) * rng.choice([-1, 1]) * _log_uniform(rng, 0.5, 2)
    kind = rng.random()
    if kind < 0.08:
        cause = np.maximum(cause, np.median(cause))
    elif kind < 0.12:
        cause = _unit(cause) ** 2
    lag = rng.random()
    if lag < 0.15:
        shift = int(rng.integers(1, 8))
        cause = np.concatenate([np.full(shift, cause[0]), cause[:-shift]])
    elif lag < 0.22:
        fade = rng.uniform(0.3, 0.9)
        cause = lfilter([1 - fade], [1, -fade], cause)
    return _unit(cause) * rng.choice([-1, 1]) * _log_uniform(rng, 0.3, 2)


def group(rng: np.random.Generator, n: int, horizon: int, plain: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rows [k, n] of related series and their known future [k, horizon] (NaN = unknown)."""
    k = int(rng.choice([2, 2, 2, 3, 3, 4]))
    known = np.full((k, horizon), np.nan)
    if plain or rng.random() < 0.75:  # row 0 is driven by covariates, most of them known in the future too
        own = _log_uniform(rng, 0.02, 0.5 if plain else 1.5)  # from nothing but their effect to hardly any
        rows = np.stack([_unit(series(rng, n)) * own, *[_covariate(rng, n) for _ in range(k - 1)]])
        for j in range(1, k):
            if j == 1 or rng.random() < 0.7:
                rows[0] += _effect(rng, rows[j], plain)
            if plain or rng.random() < 0.9:
                known[j] = rows[j, -horizon:]
        if not plain and rng.random() < 0.15:
            rows[0] = np.exp(np.clip(_unit(rows[0]) * rng.uniform(0.2, 1), -8, 8))
    else:
        rows = np.stack([_unit(series(rng, n)) for _ in range(k)])
        rows = (np.eye(k) + 0.6 * rng.normal(size=(k, k))) @ rows
        late = np.roll(rows[0], int(rng.integers(0, 24))) * rng.normal(0, 1)
        rows[-1] = late + rng.uniform(0.05, 0.5) * rng.normal(size=n)
    return rows, known


def _pace(x: np.ndarray, steps: int) -> np.ndarray:
    """How far each row moves in so many steps, or from one season to the next where that is less, on average over its
    past and in units of its deviation. A season counts by as many periods as make up the steps."""
    seasons = {period * max(1, round(steps / period)) for periods, _ in FREQUENCIES for period in periods}
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        moved = [np.nanmean(np.abs(x[:, lag:] - x[:, :-lag]), axis=1)
                 for lag in sorted({steps} | {s for s in seasons if s >= steps and 3 * s <= x.shape[1]})]
        pace = np.nanmin(moved, axis=0) / np.nanstd(x, axis=1)
    return np.where(np.isfinite(pace), pace, 1.0)


def draw_shape(
    rng: np.random.Generator, max_context: int, max_patches: int, grouped_share: float = 0.5
) -> tuple[int, int, bool]:
    """A batch's context length, its number of future patches and whether its series are related."""
    patches = int(rng.choice([1, 1, 2, 2, 3, 4, max_patches]))
    context = int(np.clip(_log_uniform(rng, 20, 2 * max_context), 20, max_context))
    return context, patches, rng.random() < grouped_share


def batch(
    rng: np.random.Generator, observations: int, context: int, patches: int, grouped: bool, lesson: bool = False
) -> dict[str, np.ndarray]:
    """A batch of about so many observations: context, target, known future, group ids and the pace of each row.
    A lesson holds nothing but covariates of plain effect: mixed with all else, a small model hardly finds out that
    other rows can tell it something."""
    horizon = patches * 16
    n = context + horizon
    count = max(4, observations // n)
    grouped = grouped or lesson
    rows, known, ids = [], [], []
    while len(rows) < count:
        if grouped:
            r, f = group(rng, n, horizon, lesson or rng.random() < 0.4)
        else:
            r, f = series(rng, n)[None], np.full((1, horizon), np.nan)
        ids += [ids[-1] + 1 if ids else 0] * len(r)
        rows += list(r)
        known += list(f)
    x = np.stack(rows).astype(np.float32)
    for i in range(len(x)):  # short histories and gaps
        if rng.random() < 0.2:
            x[i, : rng.integers(0, max(1, context - 8))] = np.nan
        if rng.random() < 0.06:
            x[i, :context][rng.random(context) < rng.uniform(0, 0.4)] = np.nan
    known = np.stack(known).astype(np.float32)
    target = x[:, context:].copy()
    target[~np.isnan(known)] = np.nan
    context = x[:, :context]
    pace = _pace(context.astype(float), min(horizon, context.shape[1]) // 2)
    return {"context": context, "target": target, "known": known, "groups": np.array(ids),
            "pace": pace.astype(np.float32)}
