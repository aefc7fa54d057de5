"""Every metric of a study beside fev's own code: seasonal naive and the model on the shared tasks, real series of 7 kinds."""

import csv
import json
import warnings

import numpy as np
import pytest
import yaml
from conftest import TASKS, each_task, needs_tasks, tasks
from fev.metrics import AVAILABLE_METRICS

LEVELS = [k / 10 for k in range(1, 10)]
TOLERANCE = 1e-9  # relative


def read(prefix, table):
    with open(f"{prefix}__{table}.csv", newline="") as stream:
        return {row["task_name"]: row for row in csv.DictReader(stream)}


@pytest.fixture(scope="module")
def study(program, tmp_path_factory):
    if not TASKS.is_dir():
        pytest.skip("../shared/data/cbii is not here")
    prefix = tmp_path_factory.mktemp("study") / "p"
    program("study", "--tasks", TASKS, "--radii", "8", "--perf-repeats", "1", "--arms", "none", "--max-series-per-window",
            "1", "--out-prefix", prefix)
    return {"model": read(prefix, "perf_full"), "naive": read(prefix, "baselines")}


def seasonal_naive(past, season, horizon):
    """Forward filled, then 0; the last season again, or the last value where there is less than a season."""
    filled = past.copy()
    for i in range(len(filled)):
        if np.isnan(filled[i]):
            filled[i] = filled[i - 1] if i else 0
    last = filled[-season:] if len(filled) >= season else filled[-1:]
    return np.resize(last, horizon)


def model(program, folder, items, horizon, *attention):
    """Median [n][H] and quantiles [n][H][9] by `forecast`, with all digits."""
    with open(folder / "past.jsonl", "w") as stream:
        for i, item in enumerate(items):  # names of their own: some of the data's come twice
            target = [None if np.isnan(v) else v for v in item["past"]]
            stream.write(json.dumps({"item_id": str(i), "start": item["start"], "freq": item["freq"], "target": target}))
            stream.write("\n")
    levels = ",".join(map(str, LEVELS))
    program("forecast", folder / "past.jsonl", "--horizon", horizon, "--quantile-levels", levels, "--digits", "17", "-o",
            folder / "out.csv", *attention)
    with open(folder / "out.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    values = {}
    for row in rows:
        values.setdefault(row["item_id"], []).append([float(row[c]) for c in ["predictions", *map(str, LEVELS)]])
    table = np.array([values[str(i)] for i in range(len(items))])
    return table[:, :, 0], table[:, :, 1:]


def scores(items, point, quantiles, season):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return {name: float(metric().compute(
            y_true=np.array([i["truth"] for i in items])[:, :, None], y_pred=point[:, :, None],
            y_past=np.concatenate([i["past"] for i in items])[:, None],
            y_past_lengths=np.array([len(i["past"]) for i in items]), q_pred=quantiles[:, :, None, :],
            seasonality=season, quantile_levels=LEVELS)) for name, metric in AVAILABLE_METRICS.items()}


def items_of(task):
    items = [json.loads(line) for line in (TASKS / task["dataset_path"]).read_text().splitlines()]
    for item in items:
        values = np.array(item["target"], np.float64)
        item["past"], item["truth"] = values[:-task["horizon"]], values[-task["horizon"]:]
    return items


@needs_tasks
def test_comparison(program, tmp_path):
    """Every metric that fev has can be compared by: the mean log ratio and the mean difference are those of its scores."""
    chosen = [dict(t, dataset_path=str(TASKS / t["dataset_path"])) for t in tasks
              if t["dataset_config"] in ("exchange_rate", "ETTh", "monash_m1_yearly")]
    assert len(chosen) == 3
    (tmp_path / "tasks.yaml").write_text(yaml.safe_dump({"tasks": chosen}))
    program("study", "--tasks", tmp_path, "--radii", "2", "--perf-repeats", "1", "--arms", "none", "--max-series-per-window",
            "1", "--metrics", ",".join(AVAILABLE_METRICS), "--out-prefix", tmp_path / "p")
    full, sparse = [], []
    for task in chosen:
        items = items_of(task)
        for found, attention in ((full, ()), (sparse, ("--attention", "windowed_future_global", "--radius", "2"))):
            forecast = model(program, tmp_path, items, task["horizon"], *attention)
            found.append(scores(items, *forecast, task["seasonality"]))
    with open(tmp_path / "p__equivalence.csv", newline="") as stream:
        rows = {row["metric"]: row for row in csv.DictReader(stream)}
    with open(tmp_path / "p__perf_ttest_r2.csv", newline="") as stream:
        tests = next(csv.DictReader(stream))
    assert list(rows) == list(AVAILABLE_METRICS)
    for i, metric in enumerate(AVAILABLE_METRICS):
        pairs = np.array([[f[metric], s[metric]] for f, s in zip(full, sparse)])
        pairs = pairs[np.isfinite(pairs).all(axis=1)]
        assert int(rows[metric]["n"]) == len(pairs) > 0
        logs = np.log(pairs[:, 1] / pairs[:, 0])
        assert float(rows[metric]["mean_log_ratio"]) == pytest.approx(logs.mean(), rel=TOLERANCE, abs=TOLERANCE), metric
        column = "mean_delta" if i == 0 else f"mean_delta_{metric}"
        assert float(tests[column]) == pytest.approx((pairs[:, 1] - pairs[:, 0]).mean(), rel=TOLERANCE), metric


@each_task
def test_metrics(program, study, tmp_path, task):
    horizon, season = task["horizon"], task["seasonality"]
    items = items_of(task)
    point = np.array([seasonal_naive(i["past"], season, horizon) for i in items])
    forecasts = {"naive": (point, np.repeat(point[:, :, None], len(LEVELS), axis=2)),
                 "model": model(program, tmp_path, items, horizon)}
    worst = 0.0
    for name, (point, quantiles) in forecasts.items():
        row = study[name][task["dataset_config"]]
        for metric, expected in scores(items, point, quantiles, season).items():
            if np.isnan(expected):
                assert row[metric] == "", (name, metric)
                continue
            assert float(row[metric]) == pytest.approx(expected, rel=TOLERANCE), (name, metric)
            worst = max(worst, abs(float(row[metric]) / expected - 1) if expected else 0)
    print(f"{task['dataset_config']}, {len(items)} series: 14 metrics, largest relative difference {worst:.2g}")
