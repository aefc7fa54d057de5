"""Chronos2Pipeline.evaluate beside fev's own code: on the shared tasks, real series of seven kinds, and on arrays with gaps.

It runs on PYTHONPATH's package, else on that in build/python (`make python`).
"""

import json
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, TASKS, each_task
from fev.metrics import AVAILABLE_METRICS

sys.path.append(str(ROOT / "build" / "python"))
import chronos2  # noqa: E402
from chronos2 import _metrics  # noqa: E402

LEVELS = [k / 10 for k in range(1, 10)]
TOLERANCE, SERIES, WINDOWS = 1e-9, 20, 2


@pytest.fixture(scope="module")
def pipeline():
    return chronos2.Chronos2Pipeline.from_pretrained(threads=2, return_type="numpy")


def fev_scores(past, truth, point, quantiles, season):
    """[D][length], [N][D][H], [N][D][H], [N][D][H][Q]"""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return {name: float(metric().compute(
            y_true=truth.transpose(0, 2, 1), y_pred=point.transpose(0, 2, 1),
            y_past=np.concatenate([p.T for p in past]), y_past_lengths=np.array([p.shape[1] for p in past]),
            q_pred=quantiles.transpose(0, 2, 1, 3), seasonality=season, quantile_levels=LEVELS))
            for name, metric in AVAILABLE_METRICS.items()}


def assert_close(found, expected, what):
    if np.isnan(expected):
        assert np.isnan(found), what
    else:
        assert found == pytest.approx(expected, rel=TOLERANCE, abs=1e-12), what


@each_task
def test_shared_tasks(pipeline, task):
    horizon, season = min(task["horizon"], 24), task["seasonality"]
    items = [json.loads(line) for line in (TASKS / task["dataset_path"]).read_text().splitlines()[:SERIES]]
    series = [np.array(item["target"], np.float64) for item in items]
    series = [s for s in series if len(s) > (WINDOWS + 1) * horizon]
    found = pipeline.evaluate(series, horizon, windows=WINDOWS, seasonality=season, quantile_levels=LEVELS)
    overall, single = [], {}
    for window in reversed(range(WINDOWS)):
        cut = [len(s) - (window + 1) * horizon for s in series]
        past = [s[:c][None] for s, c in zip(series, cut)]
        truth = np.stack([s[c:c + horizon][None] for s, c in zip(series, cut)])
        quantiles, median = (np.stack(a).astype(np.float64) for a in pipeline.predict_quantiles(past, horizon, LEVELS))
        overall.append(fev_scores(past, truth, median, quantiles, season))
        for i in range(len(series)):
            one = slice(i, i + 1)
            for name, value in fev_scores(past[one], truth[one], median[one], quantiles[one], season).items():
                single.setdefault((i, name), []).append(value)
    assert set(found.overall["metric"]) == set(AVAILABLE_METRICS)
    for name, value in zip(found.overall["metric"], found.overall["model"]):
        assert_close(value, np.mean([window[name] for window in overall]), name)
    rows = pd.DataFrame(found.series).set_index(["item_id", "metric"])["model"]
    assert len(rows) == len(single)
    for key, values in single.items():
        is_weighed = key[1] in ("WQL", "WAPE", "WAPEB")  # divided by 0 where the truth is 0 throughout
        there = [value for value in values if not (np.isnan(value) or (is_weighed and np.isinf(value)))]
        assert_close(rows[key], np.mean(there) if there else np.nan, key)


def test_gaps_and_several_targets():
    rng, season = np.random.default_rng(5), 3
    past = [rng.normal(size=(2, length)).cumsum(1) for length in (4, 9, 30)]
    for row in past:
        row[rng.random(row.shape) < 0.2] = np.nan
    truth = rng.normal(size=(3, 2, 6))
    truth[rng.random(truth.shape) < 0.2] = np.nan
    point, quantiles = rng.normal(size=(3, 2, 6)), np.sort(rng.normal(size=(3, 2, 6, 9)))
    found = {name: score.overall for name, score in _metrics.scores(
        _metrics.Scored(past, truth, point, quantiles, LEVELS, season)).items()}
    for name, value in fev_scores(past, truth, point, quantiles, season).items():
        assert_close(found[name], value, name)
    naive = _metrics.seasonal_naive(np.array([np.nan, 1, 2, np.nan, 4]), season, 5)
    assert naive.tolist() == [2, 2, 4, 2, 2] and _metrics.seasonal_naive(past[0][0][:0], 3, 2).tolist() == [0, 0]
