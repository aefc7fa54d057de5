"""Synthetic series of one variable. Everything is drawn from one numpy Generator, so a seed fixes the data.

A series has a frequency (its periods), a kind (exponential smoothing, structural, composed kernels, daylight, random
walk, coloured noise, cycles, counts, or a blend of two) and flaws (outliers, level shifts, rounding).
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

# Periods in steps and how often: quarterly, monthly, weekly, daily, business days, hourly, 30, 15, 10 and 5 minutes.
FREQUENCIES = [((), 1.0), ((4,), 2.0), ((12,), 4.0), ((52,), 3.0), ((7,), 2.0), ((7, 365), 1.0), ((365,), 0.7),
               ((5,), 0.7), ((24,), 1.5), ((24, 168), 3.5), ((48,), 0.5), ((48, 336), 1.0), ((96,), 0.5),
               ((96, 672), 0.7), ((144,), 0.5), ((144, 1008), 0.4), ((288,), 0.5), ((288, 2016), 0.5)]
YEAR = {52: 365.25 / 7, 365: 365.25}  # a year is no whole number of steps


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def unit(x: np.ndarray) -> np.ndarray:
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


def noise(rng: np.random.Generator, n: int) -> np.ndarray:
    """White or autoregressive noise of about unit scale."""
    e = _white(rng, n)
    if rng.random() < 0.45:
        return e
    phi = rng.uniform(0.2, 0.97)
    return lfilter([np.sqrt(1 - phi * phi)], [1, -phi], e)


def coloured(rng: np.random.Generator, n: int, beta: float) -> np.ndarray:
    """Noise of spectrum 1/f^beta: beta 2 moves like a random walk, beta 4 like a smooth Gaussian process."""
    f = np.maximum(np.fft.rfftfreq(2 * n), rng.uniform(0.2, 2) / n)
    spectrum = (rng.normal(size=f.size) + 1j * rng.normal(size=f.size)) * f ** (-beta / 2)
    return unit(np.fft.irfft(spectrum, 2 * n)[:n])


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
    return coloured(rng, n, rng.uniform(1.6, 4)) * rng.uniform(0.3, 1.5)


def _humps(rng: np.random.Generator, period: int) -> np.ndarray:
    x = np.arange(period) / period
    shape = np.zeros(period)
    for _ in range(rng.integers(1, 4)):
        distance = np.abs((x - rng.uniform() + 0.5) % 1 - 0.5)
        shape += rng.uniform(0.3, 1) * np.exp(-0.5 * (distance / rng.uniform(0.02, 0.2)) ** 2)
    return shape


def profile(rng: np.random.Generator, period: int) -> np.ndarray:
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
        shape = np.cumsum(unit(rng.normal(size=period)))
    return unit(np.asarray(shape, float) + 0.02 * rng.normal(size=period)) * (1 if rng.random() < 0.8 else -1)


def week(rng: np.random.Generator, day: int) -> np.ndarray:
    """Seven days of `day` steps: a daily shape whose size, level and shape differ at the week's end."""
    work, rest = profile(rng, day), profile(rng, day)
    rest = work + rng.uniform(0, 1) * (rest - work)
    level = 0.15 * rng.normal(size=7)
    level[5:] += rng.normal(-0.5, 0.6, size=2) * rng.uniform(0, 1.5)
    size = 1 + 0.1 * rng.normal(size=7)
    size[5:] *= rng.uniform(0.3, 1.1)
    days = [level[d] + size[d] * (rest if d >= 5 else work) for d in range(7)]
    return unit(np.concatenate(days))


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
            y = y * np.exp(rng.uniform(0.1, 0.6) * coloured(rng, n, rng.uniform(2, 4)))
        elif change < 0.35:  # one shape turns into another
            mix = np.clip(np.linspace(-0.2, 1.2, n), 0, 1) * rng.uniform(0.2, 1)
            y = y * (1 - mix) + make()[phase] * mix
        return y

    if len(periods) == 2 and periods[1] == 7 * periods[0]:
        total = repeat(lambda: week(rng, periods[0]))
        if n > 1500 and rng.random() < 0.2:
            total = total * (1 + 0.4 * np.sin(2 * np.pi * t / (52 * periods[1])))
    else:
        for i, period in enumerate(periods):
            total = total + repeat(lambda p=period: profile(rng, p)) * (1 if i == 0 else rng.uniform(0.3, 2))
    return total / (total.std() + 1e-9)


def _smoothing(rng: np.random.Generator, n: int, periods: tuple[int, ...]) -> np.ndarray:
    """A path of the additive-error exponential smoothing state space model (Hyndman et al. 2008, chapter 2)."""
    m = periods[0] if periods else 1
    e = _white(rng, n) * log_uniform(rng, 0.03, 0.8)
    alpha = rng.beta(1, 1.5) if rng.random() < 0.8 else 0.02
    level = lfilter([0, alpha], [1, -1], e)
    if rng.random() < 0.6:  # a slope, often damped, sometimes fixed
        phi = 1.0 if rng.random() < 0.3 else rng.uniform(0.85, 0.995)
        beta = 0.0 if phi == 1 else alpha * rng.uniform(0, 0.25)
        slope = lfilter([0, beta], [1, -phi], e)
        slope = slope + rng.normal(0, 1) * log_uniform(rng, 0.2, 4) / max(n, 30) * phi ** np.arange(n)
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
        rate = rate + 0.3 * coloured(rng, n, 2)
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
    pull = 1 - log_uniform(rng, 0.0005, 0.03) if rng.random() < 0.2 else 1.0
    walk = lfilter([1], [1, -pull], step)
    if rng.random() < 0.5:
        return np.exp(np.clip(walk * log_uniform(rng, 0.0005, 0.05), -8, 8))
    return walk + rng.normal(0, 50)


def _cycle(rng: np.random.Generator, n: int) -> np.ndarray:
    """Ups and downs of no strict period, as sunspots show: a stochastic cycle (Harvey 1989, section 2.3)."""
    damping = 1 - log_uniform(rng, 0.002, 0.1)
    angle = 2 * np.pi / log_uniform(rng, 5, max(8, min(120, n / 4)))
    burn = 200
    y = lfilter([1], [1, -2 * damping * np.cos(angle), damping**2], _white(rng, n + burn))[burn:]
    y = unit(y)
    if rng.random() < 0.5:
        y = np.exp(y * rng.uniform(0.2, 0.8))
    return y + rng.normal(size=n) * log_uniform(rng, 0.01, 0.3) + _trend(rng, n) * rng.uniform(0, 0.5)


def _curve(rng: np.random.Generator, n: int, periods: tuple[int, ...]) -> np.ndarray:
    """A strong trend with a clean season on it, as gases in the air or a growing service show."""
    t = np.linspace(0, 1, n)
    rise = rng.normal(0, 1) * (t + rng.uniform(0, 1) * t * t) if rng.random() < 0.6 else _trend(rng, n)
    y = rise * log_uniform(rng, 0.5, 8)
    return y + _season(rng, n, periods) * log_uniform(rng, 0.1, 1) + noise(rng, n) * log_uniform(rng, 0.01, 0.2)


def _structural(rng: np.random.Generator, n: int, periods: tuple[int, ...]) -> np.ndarray:
    y = _trend(rng, n) * rng.uniform(0, 1.5)
    season = _season(rng, n, periods) * log_uniform(rng, 0.2, 2.5)
    rest = noise(rng, n) * log_uniform(rng, 0.005, 1.2)
    if rng.random() < 0.3:
        rest = rest * (0.3 + np.abs(season))
    return y + season + rest


def _frequency(rng: np.random.Generator, n: int) -> tuple[int, ...]:
    """Periods that a series of n steps can show at least once and a half."""
    odd = rng.random()
    if odd < 0.16:  # a period that no calendar has: shifts, machines, opening hours
        period = round(log_uniform(rng, 2, max(3, min(2100, n / 2))))
        longer = int(rng.integers(5, 8)) * period
        return (period, longer) if odd < 0.05 and 1.5 * longer <= n else (period,)
    fit = [(p, w) for p, w in FREQUENCIES if not p or max(p) * 1.5 <= n]
    weight = np.array([w * (np.sqrt(p[-1]) if n > 400 and p else 2.0) for p, w in fit])
    return fit[rng.choice(len(fit), p=weight / weight.sum())][0]


def _composed(rng: np.random.Generator, n: int) -> np.ndarray:
    """Sums and products of random draws from simple kernels, after KernelSynth (Ansari et al. 2024, section 4.2): here
    by their spectra, so that a draw costs n log n. Often almost without noise."""

    def draw() -> np.ndarray:
        kind = rng.random()
        if kind < 0.15:
            return rng.normal() * np.linspace(-1.7, 1.7, n)
        if kind < 0.4:  # smooth
            return coloured(rng, n, rng.uniform(3, 8))
        if kind < 0.5:  # rough
            return coloured(rng, n, rng.uniform(1, 3))
        period = rng.choice([p for ps in [_frequency(rng, n)] for p in (ps or (round(log_uniform(rng, 4, n / 2)),))])
        phase = 2 * np.pi * np.arange(n) / period
        top = int(rng.integers(1, 6))
        wave = sum(rng.normal() * k ** -rng.uniform(0.5, 2) * np.cos(k * phase + rng.uniform(0, 2 * np.pi))
                   for k in range(1, top + 1))
        if kind < 0.65:  # locally periodic
            wave = wave * (1 + rng.uniform(0.2, 1) * coloured(rng, n, rng.uniform(3, 6)))
        return unit(wave)

    y = draw()
    for _ in range(int(rng.integers(0, 4))):
        y = y * draw() if rng.random() < 0.3 else y + draw() * log_uniform(rng, 0.2, 2)
    return unit(y) + rng.normal(size=n) * log_uniform(rng, 0.001, 0.3)


def _daylight(rng: np.random.Generator, n: int) -> np.ndarray:
    """Nothing at night, by day a hump that clouds cut: sunshine, solar power, footfall in opening hours."""
    fit = [p for p in (24, 48, 96, 144, 288) if 3 * p <= n] or [max(4, n // 3)]
    day = int(rng.choice(fit))
    t = np.arange(n) + rng.integers(0, day)
    year = np.sin(2 * np.pi * (np.arange(n) / day + rng.uniform(0, 365)) / 365)
    half = rng.uniform(0.18, 0.3) + rng.uniform(0, 0.06) * year
    height = np.cos(np.clip((t / day % 1 - 0.5) / half, -1, 1) * np.pi / 2) ** rng.uniform(0.7, 2)
    height = np.where(np.abs(t / day % 1 - 0.5) < half, height, 0.0)
    sky = 1 - rng.uniform(0.2, 0.9) / (1 + np.exp(-rng.uniform(1, 4) * (coloured(rng, n, rng.uniform(1.2, 2)) - rng.normal())))
    if rng.random() < 0.5:  # a whole day is bright or dull
        of_day = rng.beta(rng.uniform(0.8, 4), rng.uniform(0.4, 2), n // day + 2)
        sky = sky * of_day[t // day]
    return height * sky * (1 + 0.3 * year) * log_uniform(rng, 0.5, 50)


def series(rng: np.random.Generator, n: int) -> np.ndarray:
    """One series of n steps."""
    periods = _frequency(rng, n)
    kind = rng.random()
    if kind < 0.29:
        y = _smoothing(rng, n, periods)
    elif kind < 0.53:
        y = _structural(rng, n, periods)
    elif kind < 0.61:
        y = _curve(rng, n, periods)
    elif kind < 0.71:
        y = _composed(rng, n)
    elif kind < 0.74:
        return _daylight(rng, n)  # zeros stay zeros
    elif kind < 0.88:
        y = _walk(rng, n)
    elif kind < 0.9:
        y = coloured(rng, n, rng.uniform(0.5, 4)) + rng.uniform(0, 0.3) * rng.normal(size=n)
    elif kind < 0.93:
        y = _cycle(rng, n)
    elif kind < 0.97:
        y = _counts(rng, n, periods)
    else:
        share = rng.dirichlet([1, 1])
        y = share[0] * unit(_smoothing(rng, n, periods)) + share[1] * unit(_structural(rng, n, _frequency(rng, n)))
    if kind < 0.61 and rng.random() < 0.5:  # multiplicative: trend x season x noise
        y = np.exp(np.clip(y * log_uniform(rng, 0.05, 0.6), -8, 8))
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
