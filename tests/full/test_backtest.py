"""chronos2 evaluate beside fev's own code: every metric, overall and by series, one window and several; coverage beside
NumPy's; and its page in a real browser."""

import csv
import json

import numpy as np
import pytest
from browser import check, colours
from conftest import ROOT, each_task, needs_tasks, tasks
from test_metrics import LEVELS, TOLERANCE, items_of, scores, seasonal_naive


def evaluate(program, folder, items, task, windows=1, stride=None, *more):
    """Scores by (item, forecaster), forecasts [windows][n] of (point, quantiles), and lines of the calibration."""
    with open(folder / "in.jsonl", "w") as stream:
        for i, item in enumerate(items):  # names of their own: some of the data's come twice
            target = [None if np.isnan(v) else v for v in np.array(item["target"], np.float64)]
            stream.write(json.dumps({"item_id": f"{i:05}", "start": item["start"], "freq": item["freq"],
                                     "target": target}) + "\n")
    program("evaluate", folder / "in.jsonl", "-n", task["horizon"], "--windows", windows, "--stride",
            stride or task["horizon"], "--seasonality", task["seasonality"], "-o", folder / "scores.csv",
            "--forecasts", folder / "forecasts.csv", "--calibration", folder / "bands.csv", *more)
    with open(folder / "scores.csv", newline="") as stream:
        found = {(row["item_id"], row["forecaster"]): row for row in csv.DictReader(stream)}
    with open(folder / "forecasts.csv", newline="") as stream:
        rows = [[float(row[c]) for c in ["predictions", *map(str, LEVELS)]] for row in csv.DictReader(stream)]
    with open(folder / "bands.csv", newline="") as stream:
        bands = list(csv.DictReader(stream))
    return found, np.array(rows).reshape(windows, len(items), task["horizon"], 1 + len(LEVELS)), bands


def cut(items, task, windows, stride):
    """Past and truth of each window, as fev cuts them."""
    out = []
    for w in range(windows):
        end = (windows - 1 - w) * stride
        out.append([])
        for item in items:
            values = np.array(item["target"], np.float64)
            at = len(values) - end - task["horizon"]
            out[-1].append({"past": values[:at], "truth": values[at:at + task["horizon"]]})
    return out


def same(row, expected, what):
    for metric, value in expected.items():
        if np.isnan(value):
            assert row[metric] == "", (what, metric)
        else:
            assert float(row[metric]) == pytest.approx(value, rel=TOLERANCE, abs=1e-300), (what, metric)


def check_against_fev(program, folder, task, windows, stride, series):
    items = items_of(task)
    found, forecasts, bands = evaluate(program, folder, items, task, windows, stride)
    season, horizon = task["seasonality"], task["horizon"]
    pieces = cut(items, task, windows, stride)
    made = {"model": [(f[:, :, 0], f[:, :, 1:]) for f in forecasts], "seasonal_naive": []}
    for piece in pieces:
        point = np.array([seasonal_naive(i["past"], season, horizon) for i in piece])
        made["seasonal_naive"].append((point, np.repeat(point[:, :, None], len(LEVELS), axis=2)))
    for who, forecast in made.items():
        each = [scores(piece, *f, season) for piece, f in zip(pieces, forecast)]
        same(found["", who], {m: np.mean([one[m] for one in each]) for m in each[0]}, who)
        for i in series:
            each = [scores([piece[i]], f[0][i:i + 1], f[1][i:i + 1], season) for piece, f in zip(pieces, forecast)]
            each = {m: [one[m] for one in each if not np.isnan(one[m])] for m in each[0]}
            same(found[f"{i:05}", who], {m: np.mean(v) if v else np.nan for m, v in each.items()}, (who, i))
    truth = np.array([[i["truth"] for i in piece] for piece in pieces])
    seen = ~np.isnan(truth)
    for row in bands:
        low, high = (forecasts[..., 1 + LEVELS.index(float(row[c]))] if row[c] else None for c in ("lower", "upper"))
        good = (truth <= high) & (True if low is None else truth >= low) & seen
        steps = slice(None) if not row["step"] else slice(int(row["step"]) - 1, int(row["step"]))
        assert int(row["observed"]) == seen[..., steps].sum()
        if row["share"]:
            assert float(row["share"]) == pytest.approx(good[..., steps].sum() / seen[..., steps].sum(), rel=1e-12)
    widest = next(row for row in bands if row["lower"] == "0.1" and not row["step"])
    return len(items), float(widest["share"])


@each_task
def test_as_fev(program, tmp_path, task):
    count, share = check_against_fev(program, tmp_path, task, 1, task["horizon"], [0, 1])
    print(f"{task['dataset_config']}: {count} series, {100 * share:.1f}% within the 80% band")
    assert 0.3 < share < 1


@needs_tasks
@pytest.mark.parametrize("name", ["exchange_rate", "monash_m1_yearly"])
def test_windows_as_fev(program, tmp_path, name):
    task = next(t for t in tasks if t["dataset_config"] == name)
    check_against_fev(program, tmp_path, task, 3, max(1, task["horizon"] // 2), [0])


@pytest.fixture(scope="module")
def page(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    text = (ROOT / "datasets" / "weather_daily.csv").read_text()
    (folder / "in.csv").write_text(text.replace("wind,", '"</script><b onclick=""alert(1)"">",'))
    common = ("evaluate", folder / "in.csv", "-n", "14", "--windows", "4", "--stride", "10")
    program(*common, "--forecasts", folder / "theirs.csv")
    program(*common, "--against", folder / "theirs.csv", "--report", folder / "r.html")
    return folder / "r.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1400])
def test_page(browser, page, width, scheme):
    check(browser, page, width, scheme)
    found = colours(browser)
    assert len(found) == 2 + 4 and min(found) > 8
    heads = browser.execute_script("return [...document.querySelectorAll('article h3')].map((h) => h.textContent)")
    assert '</script><b onclick="alert(1)">' in heads
