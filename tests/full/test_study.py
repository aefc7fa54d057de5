"""`chronos2 study` end to end: its MASE of full and of sparse attention from PyTorch's forecasts of the same windows."""

import csv
import math
import sys

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from chronos import Chronos2Pipeline
from conftest import ROOT
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

sys.path.insert(0, str(ROOT / "tools" / "golden"))
from oracle import time_attention  # noqa: E402

MODEL = ROOT / "models" / "chronos2-micro"
SPARSE = ROOT / "models" / "chronos2-micro-r8"
TASKS = 4


def mase(past, truth, forecast, season):
    error = np.nanmean(np.abs(truth - forecast), axis=1)
    scale = np.array([np.nanmean(np.abs(p[season:] - p[:-season])) for p in past])
    return np.nanmean(error / scale)


def windows(task):
    """(pasts, truths) of each rolling window, as fev cuts them: the last num_windows horizons."""
    frame = pd.read_csv(ROOT / "datasets" / task["dataset_path"], parse_dates=["timestamp"], index_col="timestamp")
    series = [g["target"] for _, g in frame.groupby("item_id", sort=True)]
    if task["dataset_config"] == "climate_normals_hourly":  # an hour is absent from the file: a missing value
        series = [s.asfreq("h") for s in series]
    series = [s.to_numpy(np.float64) for s in series]
    horizon, count = task["horizon"], task.get("num_windows", 1)
    for index in range(count):
        cut = -(count - index) * horizon
        yield [s[:cut] for s in series], np.stack([s[len(s) + cut:][:horizon] for s in series])


@pytest.fixture(scope="module")
def study(program, tmp_path_factory):
    prefix = tmp_path_factory.mktemp("study") / "p"
    program("study", "--tasks", ROOT / "datasets", "-m", MODEL, "--max-tasks", TASKS, "--radii", "8",
            "--perf-repeats", "1", "--sparse-model", SPARSE, "--out-prefix", prefix)
    return prefix


@pytest.mark.parametrize("arm,folder,pattern,radius", [
    ("full", MODEL, "full", 0), ("global_r8", MODEL, "windowed_future_global", 8),
    ("global_rinf", MODEL, "windowed_future_global", math.inf), ("visible_r8", MODEL, "windowed_future_visible", 8),
    ("visible_rinf", MODEL, "windowed_future_visible", math.inf), ("sparse_full", SPARSE, "full", 0),
    ("sparse_global_r8", SPARSE, "windowed_future_global", 8)])
def test_accuracy(study, arm, folder, pattern, radius):
    tasks = yaml.safe_load((ROOT / "datasets" / "tasks.yaml").read_text())["tasks"][:TASKS]
    with open(f"{study}__arms.csv", newline="") as stream:
        rows = {row["task_name"]: row for row in csv.DictReader(stream) if row["arm"] == arm}
    pipeline = Chronos2Pipeline.from_pretrained(folder, dtype=torch.float32)
    for task in tasks:
        scores = []
        for past, truth in windows(task):
            inputs = [torch.tensor(p, dtype=torch.float32) for p in past]
            with time_attention(pipeline.model, -(-task["horizon"] // 16), pattern, radius):
                _, mean = pipeline.predict_quantiles(inputs, prediction_length=task["horizon"], quantile_levels=[0.5])
            scores.append(mase(past, truth, np.concatenate([m.numpy() for m in mean]), task["seasonality"]))
        ours = float(rows[task["dataset_config"]]["MASE"])
        assert ours == pytest.approx(np.mean(scores), rel=1e-4), task["dataset_config"]


@pytest.mark.parametrize("metric", ["MASE", "WQL"])
def test_equivalence(study, metric):
    """P__equivalence.csv from the scores in P__arms.csv, by SciPy and statsmodels."""
    arms = pd.read_csv(f"{study}__arms.csv").pivot(index="task_name", columns="arm", values=metric)
    logs = np.log(arms.div(arms["full"], axis=0)).drop(columns="full")
    rows = pd.read_csv(f"{study}__equivalence.csv", keep_default_na=False).set_index(["metric", "arm"]).loc[metric]
    assert sorted(rows.index) == sorted(logs.columns)
    for arm, x in logs.items():
        row, n, margin = rows.loc[arm].to_dict(), len(x), np.log(1.01)
        number = lambda name: float(row[name])  # noqa: E731
        if (x == 0).all():  # at an unlimited radius these are full attention, without known covariates
            assert arm in ("visible_rinf", "null_rinf") and str(row["equivalent"]) == "True"
            assert row["p_difference"] == "" and number("p_equivalence") == 0 and number("p_wilcoxon") == 1
            continue
        test = stats.ttest_1samp(x, 0)
        interval = {90: test.confidence_interval(0.9), 95: test.confidence_interval(0.95)}
        equal = ttost_paired(x.to_numpy(), np.zeros(n), -margin, margin)[0]
        assert number("n") == n
        assert number("p_difference") == pytest.approx(test.pvalue, rel=1e-9)
        assert number("p_equivalence") == pytest.approx(equal, rel=1e-9)
        assert str(row["equivalent"]) == str(bool(equal < 0.05))
        assert number("p_wilcoxon") == pytest.approx(stats.wilcoxon(x).pvalue, rel=1e-9)
        for level, (low, high) in interval.items():
            assert number(f"low_{level}_percent") == pytest.approx(100 * np.expm1(low), rel=1e-6, abs=1e-9)
            assert number(f"high_{level}_percent") == pytest.approx(100 * np.expm1(high), rel=1e-6, abs=1e-9)
        assert number("smallest_margin_percent") == pytest.approx(
            100 * np.expm1(max(-interval[90].low, interval[90].high)), rel=1e-6, abs=1e-9)
    families = [[a for a in logs.columns if a.startswith(kind)] for kind in ("global_", "visible_", "null_")]
    for whole in families:
        for name in ("p_difference", "p_equivalence", "p_wilcoxon"):
            family = [a for a in whole if rows.loc[a, name] != ""]
            adjusted = multipletests([float(rows.loc[a, name]) for a in family], method="holm")[1]
            assert [float(rows.loc[a, f"{name}_holm"]) for a in family] == pytest.approx(list(adjusted), rel=1e-12)
