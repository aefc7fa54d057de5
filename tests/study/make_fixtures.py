"""Writes statistics.json and metrics.json: what SciPy and fev say about small made-up inputs.

    python tests/study/make_fixtures.py

Needs numpy, scipy and fev (written with numpy 2.4.6, scipy 1.17.1, fev 0.10.0). Infinite and missing numbers are the texts "inf", "-inf", "nan".
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
from fev.metrics import AVAILABLE_METRICS
from scipy import stats

HERE = Path(__file__).parent


def number(x):
    x = float(x)
    if math.isnan(x):
        return "nan"
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    return x


def numbers(xs):
    return [number(x) for x in np.asarray(xs).ravel()]


def paired(a, b):
    a, b = np.asarray(a, float), np.asarray(b, float)
    d = a - b
    n = len(d)
    row = {"a": numbers(a), "b": numbers(b)}
    t, p = stats.ttest_rel(a, b) if n else (np.nan, np.nan)
    low, high = (np.nan, np.nan)
    if n > 1:
        half = stats.t.ppf(0.975, n - 1) * np.sqrt(d.var(ddof=1) / n)
        low, high = d.mean() - half, d.mean() + half
    row["mean"] = number(d.mean() if n else np.nan)
    row["deviation"] = number(d.std(ddof=1) if n > 1 else np.nan)
    row["median"] = number(np.median(d) if n else np.nan)
    row |= {"t": number(t), "p": number(p), "low": number(low), "high": number(high)}
    return row


def statistics(rng):
    cases = []
    for i in range(300):
        n = int(rng.integers(2, 14))
        scale = 10.0 ** rng.integers(-3, 4)
        a = np.round(rng.normal(size=n) * scale, 5)
        shift = [0, 0.1, 3, 1000][i % 4] * scale
        cases.append(paired(a, np.round(a + rng.normal(size=n) * scale * 0.1 - shift, 5)))
    for n in (8, 9, 127, 128, 129, 300):
        cases.append(paired(rng.integers(-9, 9, n) / 8, rng.integers(-9, 9, n) / 8))
    cases += [
        paired([], []),
        paired([1.5], [1.0]),
        paired([1.0, 2.0], [1.0, 2.0]),
        paired([1.0, 2.0], [0.5, 1.5]),
        paired([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]),
        paired([0.1, 0.2, 0.3], [0.0, 0.1, 0.2]),
        paired([1.0, 2.0], [1.0, 2.5]),
        paired([np.nan, 1.0, 2.0], [0.0, 1.0, 1.0]),
        paired([np.inf, 1.0, 2.0], [0.0, 1.0, 1.0]),
        paired([-np.inf, 1.0], [0.0, 1.0]),
        paired([np.inf, np.inf], [np.inf, 1.0]),
        paired([1e308, -1e308], [-1e308, 1e308]),
        paired([1e-300, 2e-300, 4e-300], [0.0, 0.0, 0.0]),
        paired([5.0] * 9, [4.0] * 9),
        paired([0.0] * 20, [0.0] * 20),
    ]
    student = []
    for df in (1, 2, 3, 5, 7, 10, 26, 27, 100, 1000, 100000):
        for t in (0.0, 0.01, 0.5, 1.0, 1.9, 2.5, 7.0, 30.0, 1e4):
            student.append({"df": df, "t": t, "p": number(2 * stats.t.sf(t, df))})
    quantile = []
    for df in (1, 2, 3, 7, 26, 100, 1000):
        for p in (0.9, 0.5, 0.1, 0.05, 0.01, 1e-6):
            quantile.append({"df": df, "p": p, "t": number(stats.t.isf(p / 2, df))})
    return {"paired": cases, "student": student, "quantile": quantile}


def window(rng, lengths, horizon, dims, levels, seasonality, missing, style):
    past = [rng.normal(size=(n, dims)).round(3) * 10 for n in lengths]
    truth = (rng.normal(size=(len(lengths), horizon, dims)) * 10).round(3)
    point = (rng.normal(size=truth.shape) * 10).round(3)
    quantiles = np.sort((rng.normal(size=truth.shape + (len(levels),)) * 10).round(3), axis=-1)
    if style == "positive":
        past, truth, point = [np.abs(x) for x in past], np.abs(truth), np.abs(point)
    if style == "flat":
        past[0][:] = 4.0
        truth[0] = 0.0
    if style == "ties":
        quantiles[..., 0] = truth
    if style == "zero":
        truth[:] = 0.0
    if missing:
        for x in past:
            x[rng.random(x.shape) < missing] = np.nan
        truth[rng.random(truth.shape) < missing] = np.nan
    if style == "all missing":
        past[-1][:] = np.nan
        truth[-1] = np.nan
    scores = {}
    flat = np.concatenate(past) if past else np.empty((0, dims))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for name, metric in AVAILABLE_METRICS.items():
            if metric.needs_quantiles and not levels:
                continue
            scores[name] = number(
                metric().compute(
                    y_true=truth,
                    y_pred=point,
                    y_past=flat,
                    y_past_lengths=np.array([len(x) for x in past]),
                    q_pred=quantiles,
                    seasonality=seasonality,
                    quantile_levels=levels,
                )
            )
    return {
        "horizon": horizon,
        "targets": dims,
        "seasonality": seasonality,
        "levels": levels,
        "past": [numbers(x.T) for x in past],
        "truth": [numbers(x.T) for x in truth],
        "point": [numbers(x.T) for x in point],
        "quantiles": [numbers(np.moveaxis(x, 1, 0)) for x in quantiles],
        "scores": scores,
    }


def metrics(rng):
    nine = [round(0.1 * i, 1) for i in range(1, 10)]
    return [
        window(rng, [20, 20, 20], 4, 1, nine, 3, 0, ""),
        window(rng, [20, 20, 20], 4, 1, nine, 3, 0, "positive"),
        window(rng, [20, 7, 31], 5, 1, nine, 7, 0.2, ""),
        window(rng, [3, 9], 2, 1, nine, 5, 0, ""),
        window(rng, [3, 2], 2, 1, nine, 5, 0, ""),
        window(rng, [12, 15, 4], 3, 2, nine, 4, 0.1, ""),
        window(rng, [12, 12], 3, 3, [0.5], 1, 0, "flat"),
        window(rng, [12, 13], 3, 1, [0.1, 0.9], 1, 0, "flat"),
        window(rng, [10, 10], 3, 1, [0.25, 0.5], 2, 0, "ties"),
        window(rng, [10, 10], 3, 1, [0.5], 2, 0, "zero"),
        window(rng, [10, 10], 3, 1, [0.5], 2, 0.3, "all missing"),
        window(rng, [10], 3, 1, [0.5], 2, 0, "all missing"),
        window(rng, [30, 5, 18, 2], 6, 1, [], 4, 0.4, ""),
    ]


def main():
    rng = np.random.default_rng(7)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        (HERE / "statistics.json").write_text(json.dumps(statistics(rng), separators=(",", ":")) + "\n")
        (HERE / "metrics.json").write_text(json.dumps(metrics(rng), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
