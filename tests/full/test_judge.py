"""tools/train/judge.py: its figures for the bundled checkpoints, and that they are those of the study."""

import csv
import math
import re
import subprocess
import sys

import pytest
from conftest import ROOT

KINDS = 4


def judge(model, out, *options):
    command = [sys.executable, ROOT / "tools" / "train" / "judge.py", ROOT / "models" / model, "--out", out, *options]
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True).stdout


def cells(said, arm):
    return [cell.strip() for cell in re.search(rf"^\| {arm} \|(.*)\|$", said, re.MULTILINE)[1].split("|")]


@pytest.mark.parametrize("model,expected", [
    ("chronos2-micro", {"full": 0.64, "null_rinf": 0.82, "global_rinf": 1.02}),  # as bench/RESULTS.md has them
    ("chronos2-micro-r8", {"full": 0.68, "null_rinf": 0.68, "global_rinf": 0.68})])
def test_covariates(model, expected, tmp_path):
    said = judge(model, tmp_path, "--only", "covariates")
    for arm, value in expected.items():
        *kinds, mean = (float(cell.strip("*")) for cell in cells(said, arm))
        assert len(kinds) == KINDS and mean == pytest.approx(math.prod(kinds) ** (1 / KINDS), abs=0.01)
        assert mean == pytest.approx(value, abs=0.011), arm


def test_load(tmp_path):
    """An hourly load with its weather and calendar; chronos2-micro does worse where it is told them."""
    alone, known, change = (float(cell.rstrip("%")) for cell in cells(judge("chronos2-micro", tmp_path, "--only", "load"), "full"))
    assert alone == pytest.approx(1.022, abs=0.005) and known == pytest.approx(1.485, abs=0.005)
    assert change == pytest.approx(100 * (known / alone - 1), abs=0.2)


def test_tasks(tmp_path):
    """Geometric means of the study's scores, worst tasks, and changes against full attention."""
    said = judge("chronos2-micro", tmp_path, "--only", "bundled", "--windows", "1")
    with open(tmp_path / "bundled__arms.csv", newline="") as stream:
        arms = {(row["arm"], row["task_name"]): row for row in csv.DictReader(stream)}
    with open(tmp_path / "bundled__baselines.csv", newline="") as stream:
        naive = {row["task_name"]: row for row in csv.DictReader(stream)}
    assert len(naive) == 8
    for arm in ("full", "global_r8", "null_r8", "visible_r8"):
        scores, worst, change, most = cells(said, arm)
        for metric, score in zip(("MASE", "WQL"), scores.split(", ")):
            product = math.prod(float(arms[arm, t][metric]) / float(naive[t][metric]) for t in naive)
            assert float(score) == pytest.approx(product ** (1 / 8), abs=6e-4)
        ratio = {t: float(arms[arm, t]["MASE"]) / float(naive[t]["MASE"]) for t in naive}
        assert worst.split()[0] == max(ratio, key=ratio.get)
        if arm == "full":
            assert change == most == ""
            continue
        own = [float(arms[arm, t]["MASE"]) / float(arms["full", t]["MASE"]) for t in naive]
        assert float(change.split("%")[0]) == pytest.approx(100 * (math.prod(own) ** (1 / 8) - 1), abs=0.006)
        assert float(most.split()[1][:-1]) == pytest.approx(100 * (max(own) - 1), abs=0.06)
