"""Writes from_csv/, statistics.json, inference.json and metrics.json: what SciPy, statsmodels and fev say about made-up inputs.

    python tests/study/make_fixtures.py [from_csv|statistics|inference|metrics ...]

Needs numpy, pandas, scipy, statsmodels and fev (written with numpy 2.4.6, scipy 1.17.1, statsmodels 0.15.0, fev 0.10.0). Infinite and missing numbers are the texts "inf", "-inf", "nan".
"""

import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

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


class Random:
    """study/random.h: splitmix64."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        mask = 2**64 - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return (z ^ (z >> 31)) % n


def made_up(seed):
    """a[n], b[n], margin; the same as make_case in tests/test_study_inference.c. Whole numbers times a power of two:
    narrow ranges give ties, zeros and no variance, wide shifts tiny p, one in 25 has an infinity or a NaN."""
    rng = Random(seed)
    n = rng.below(3) if rng.below(20) == 0 else 2 + rng.below(200 if seed % 10 == 0 else 30)
    exponent = rng.below(41) - 20
    span = [1, 3, 20, 2001, 2**30][rng.below(5)]
    shift = [0, 0, 1, span // 3, 10 * span, 1000 * span][rng.below(6)]
    b = [rng.below(span) for _ in range(n)]
    a = [b[i] + rng.below(span) - span // 2 + shift for i in range(n)]
    margin = np.ldexp(float(rng.below(2 * span)), exponent)
    a, b = np.ldexp(np.array(a, float), exponent), np.ldexp(np.array(b, float), exponent)
    if n and rng.below(25) == 0:
        at = rng.below(n)
        a[at] = [np.inf, -np.inf, np.nan][rng.below(3)]
    return a, b, margin


def inference_case(seed):
    """[n, t, p, low 95, TOST p, low 90, smallest margin, Wilcoxon's statistic, its p]"""
    a, b, margin = made_up(seed)
    d, n = a - b, len(a)
    out = [np.nan] * 8
    if n > 1:
        result = stats.ttest_rel(a, b)
        wide, narrow = result.confidence_interval(0.95), result.confidence_interval(0.9)
        out[:3] = result.statistic, result.pvalue, wide.low
        # statsmodels computes variances by another route, so zero ones not exactly: those are SciPy's one-sided tests
        if np.ptp(d) > 0 or not np.isfinite(d).all():
            out[3] = ttost_paired(a, b, -margin, margin)[0]
        else:
            one = stats.ttest_1samp(d, -margin, alternative="greater").pvalue
            other = stats.ttest_1samp(d, margin, alternative="less").pvalue
            out[3] = np.maximum(one, other)
        out[4], out[5] = narrow.low, np.maximum(np.abs(narrow.low), np.abs(narrow.high))
    if n == 1 and d[0] == 0:
        out[6:] = 0, 1  # SciPy refuses a single zero, and says this of two
    elif n:
        out[6:] = stats.wilcoxon(d)
    return [n, *numbers(out)]


def redraw(x, draws, confidence, seed):
    """c2_bootstrap in Python."""
    rng, n, inner = Random(seed), len(x), len(x[0])
    means = []
    for _ in range(draws):
        total = 0.0
        for _ in range(n):
            unit = rng.below(n)
            total += x[unit][rng.below(inner) if inner > 1 else 0]
        means.append(total / n)
    return np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])


def inference(rng):
    holm = []
    for i in range(40):
        p = np.round(rng.random(int(rng.integers(1, 9))) ** 3, 4)
        p[rng.random(len(p)) < 0.15] = np.nan
        adjusted, known = p.copy(), ~np.isnan(p)
        if known.any():
            adjusted[known] = multipletests(p[known], method="holm")[1]
        holm.append({"p": numbers(p), "adjusted": numbers(adjusted)})
    drawn = []
    for n, inner, draws, confidence in ((2, 1, 50, 0.95), (8, 1, 400, 0.95), (8, 5, 300, 0.9), (27, 10, 200, 0.95)):
        x = np.round(rng.normal(size=(n, inner)), 3)
        low, high = redraw(x.tolist(), draws, confidence, n)
        drawn.append({"x": numbers(x), "n": n, "draws": draws, "confidence": confidence, "low": low, "high": high})
    x = np.round(rng.normal(size=25), 3)
    interval = stats.bootstrap((x,), np.mean, n_resamples=200000, method="percentile", rng=rng).confidence_interval
    scipy_drawn = {"x": numbers(x), "low": interval.low, "high": interval.high}
    return {"cases": [inference_case(i) for i in range(1000)], "holm": holm, "drawn": drawn, "bootstrap": scipy_drawn}


def window(rng, lengths, horizon, dims, levels, seasonality, missing, style):
    from fev.metrics import AVAILABLE_METRICS

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


def from_csv(rng):
    """tests/study/from_csv/: the files of a made-up study of six tasks, its summaries as the published script makes
    them from the per-task files."""
    folder, names, radii = HERE / "from_csv", [f"task_{c}" for c in "abcdef"], (2, 8)
    folder.mkdir(exist_ok=True)
    tokens = np.array([12, 20, 40, 130, 200, 500])
    metric = rng.uniform(0.5, 3, size=6).round(6)

    def perf(mase, seconds, alloc, label):
        return pd.DataFrame(
            {"model_name": f"made/up__{label}", "task_name": names, "horizon": 24, "num_windows": 1, "seasonality": 7}
            | {"MASE": mase, "WQL": (mase / 7).round(6), "inference_time_s_median": seconds, "perf_repeats": 5}
            | {"peak_alloc_mb_median": alloc, "peak_reserved_mb_median": alloc * 1.25 + 50}
        )

    full = perf(metric, (tokens / 1000).round(4), tokens * 2.0, "full")
    full.to_csv(folder / "small__perf_full.csv", index=False)
    mass, compared, tested, summed = [], [], [], []
    for r in (1, *radii):
        edges = np.minimum(1, (2 * r + 1) / tokens)
        kept = (edges**0.5).round(6)
        mass.append(
            pd.DataFrame(
                {"task_name": names, "window_index": 0, "ctx_used": tokens * 16, "horizon": 24, "radius": r}
                | {"kept_mass_frac_ctxQ": kept, "dropped_mass_frac_ctxQ": 1 - kept, "kept_edges_frac_ctxQ": edges}
                | {"S_tokens": tokens, "ctx_tokens": tokens - 2, "future_tokens": 2, "q_sel_ctx_queries": tokens - 2}
                | {"exclude_reg_query": False, "probe_weight_sum": (tokens - 2) * 10.0}
            )
        )
    for r in radii:
        sparse = perf((metric * rng.normal(1 + 0.1 / r, 0.02, size=6)).round(6), (tokens / 1200).round(4), tokens * 1.5, f"sparse_r{r}_c256")
        sparse.sample(frac=1, random_state=r).to_csv(folder / f"small__perf_sparse_r{r}.csv", index=False)
        kept = ["MASE", "inference_time_s_median", "peak_alloc_mb_median", "peak_reserved_mb_median"]
        pair = full[["task_name", *kept]].merge(sparse[["task_name", *kept]], on="task_name", suffixes=("_full", "_sparse"))
        pair.insert(1, "radius", r)
        pair["delta_metric"] = pair.MASE_sparse - pair.MASE_full
        pair["speedup"] = pair.inference_time_s_median_full / pair.inference_time_s_median_sparse
        pair["delta_peak_alloc_mb"] = pair.peak_alloc_mb_median_sparse - pair.peak_alloc_mb_median_full
        pair["delta_peak_reserved_mb"] = pair.peak_reserved_mb_median_sparse - pair.peak_reserved_mb_median_full
        t, p = stats.ttest_rel(pair.MASE_sparse, pair.MASE_full)
        test = {"metric_col": "MASE", "radius": r, "chunk_size": 256, "backend": "torch", "n": 6}
        test |= {"mean_delta": pair.delta_metric.mean(), "sd_delta": pair.delta_metric.std(ddof=1), "t": t, "p": p}
        test |= {"test": "ttest_rel", "mean_speedup": pair.speedup.mean(), "median_speedup": pair.speedup.median()}
        test["mean_delta_peak_alloc_mb"] = pair.delta_peak_alloc_mb.mean()
        test["mean_delta_peak_reserved_mb"] = pair.delta_peak_reserved_mb.mean()
        pair.to_csv(folder / f"small__perf_compare_r{r}.csv", index=False)
        pd.DataFrame([test]).to_csv(folder / f"small__perf_ttest_r{r}.csv", index=False)
        compared.append(pair)
        tested.append({"radius": r} | test)
        summed.append(
            {"radius": r, "n_tasks": 6, "metric": "MASE", "mean_delta_metric": pair.delta_metric.mean()}
            | {"median_delta_metric": pair.delta_metric.median(), "max_abs_delta_metric": pair.delta_metric.abs().max()}
            | {"mean_speedup": pair.speedup.mean(), "median_speedup": pair.speedup.median()}
            | {"metric_full_mean": pair.MASE_full.mean(), "metric_sparse_mean": pair.MASE_sparse.mean(), "p_value": p}
        )
    pd.concat(mass).to_csv(folder / "small__mass_per_window.csv", index=False)
    pd.concat(compared).to_csv(folder / "small__perf_compare_all_radii.csv", index=False)
    pd.DataFrame(tested).to_csv(folder / "small__perf_radius_sweep_summary.csv", index=False)
    pd.DataFrame(summed).to_csv(folder / "small__perf_summary_by_radius.csv", index=False)


def main():
    if not sys.argv[1:] or "from_csv" in sys.argv[1:]:
        from_csv(np.random.default_rng(10))
    made = {"statistics": (statistics, 7), "inference": (inference, 8), "metrics": (metrics, 9)}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for name in [n for n in sys.argv[1:] if n != "from_csv"] if sys.argv[1:] else made:
            make, seed = made[name]
            text = json.dumps(make(np.random.default_rng(seed)), separators=(",", ":"))
            (HERE / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
