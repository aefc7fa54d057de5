"""The preregistered study's script: a smoke run from end to end, the sums it makes, and the data it refuses."""

import csv
import importlib.util
import json
import math
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT
from scipy import stats

SCRIPT = ROOT / "tools" / "study" / "answer.py"
SMOKE = "Smoke test: bundled checkpoints and short contexts, no result of the study.\n"


def answer(*options):
    return subprocess.run([sys.executable, SCRIPT, *map(str, options)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    out = tmp_path_factory.mktemp("answer")
    done = answer("--smoke", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_endpoint(smoke):
    """From the study's files: log ratios of the primary tasks, their mean and 90% interval."""
    with open(smoke / "dense-1-c128__arms.csv", newline="") as stream:
        mase = {(row["arm"], row["task_name"]): float(row["MASE"]) for row in csv.DictReader(stream)}
    tasks = ("macro_quarterly", "sunspots_yearly", "nile_yearly")
    logs = [math.log(mase["sparse_global_r8", t] / mase["full", t]) for t in tasks]
    ends = stats.t.interval(0.9, 2, loc=statistics.mean(logs), scale=stats.sem(logs))
    text = (smoke / "answer.md").read_text()
    assert text.startswith(SMOKE)
    said = re.search(r"full attention by (\S+)%, 90% interval (\S+)% to (\S+)%: equality within 2% is (not )?shown", text)
    expected = [100 * math.expm1(x) for x in (statistics.mean(logs), *ends)]
    assert [float(said[k]) for k in (1, 2, 3)] == pytest.approx(expected, abs=0.006)
    assert (said[4] is None) == (-2 / 1.02 < expected[1] and expected[2] < 2)
    assert text.count("| control_") == 3 * 3 * 2 and "Gate 1: " in text and "Gate 2: " in text
    assert len(re.findall(r"^\| (64|128) \| (4|8|16|inf) \| \d", text, re.MULTILINE)) == 8  # speed and memory


def load(name, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location(f"study_{name}", SCRIPT.parent / f"{name}.py")  # the trainer has a pairs.py, too
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


@pytest.mark.parametrize("name", ["answer", "pairs"])
def test_places(name, monkeypatch):
    """A smoke test writes beside the study's results, not over them."""
    tool = load(name, monkeypatch)
    given = ["--public", "a", "--long", "b"] if name == "answer" else []
    for options, place in ((["--smoke"], f"{name}-smoke"), (given, name)):
        monkeypatch.setattr(sys, "argv", [name, *options])
        assert tool.arguments().out == ROOT / "build" / place
    monkeypatch.setattr(sys, "argv", [name, "--smoke", "--out", "here"])
    assert tool.arguments().out == Path("here")


def test_goes_on(smoke, tmp_path):
    """Runs that are done are not made again; one whose record is missing is."""
    before = (smoke / "answer.md").read_text()
    shutil.copytree(smoke, tmp_path / "out")
    (tmp_path / "out" / "mixed-1-c64__run.json").unlink()
    done = answer("--smoke", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:-1] == ["answer: mixed-1-c64"]
    endpoints = before.split("# Speed and memory")[0]
    assert (tmp_path / "out" / "answer.md").read_text().startswith(endpoints)


def test_refuses_other_runs(smoke, tmp_path):
    """A run of other weights, tasks or of another program is not taken for one of these."""
    out = tmp_path / "out"
    shutil.copytree(smoke, out)
    (out / "answer.md").unlink()
    for run, section, key in (("dense-1-c64", "sha256", "model"), ("dense-1-c128", "sha256", "sparse_model"),
                              ("mixed-1-c64", "sha256", "tasks"), ("mixed-1-c128", "versions", "commit")):
        path = out / f"{run}__run.json"
        record = json.loads(path.read_text())
        record[section][key] = "0"
        path.write_text(json.dumps(record))
    done = answer("--smoke", "--out", out)
    assert done.returncode == 1 and not (out / "answer.md").exists()
    named = re.findall(r"answer: error: .*/(\S+)__run.json: another (.+) than now; remove it", done.stderr)
    assert named == [("dense-1-c64", "model"), ("mixed-1-c64", "tasks"), ("dense-1-c128", "sparse_model"),
                     ("mixed-1-c128", "program")]


def test_weights_that_are_gone(tmp_path, monkeypatch):
    """Runs that are done can't be told from those of other weights where theirs are not there."""
    tool = load("answer", monkeypatch)
    monkeypatch.setattr(tool, "program_commit", lambda: "c")
    (tmp_path / "tasks.yaml").write_text("")
    (tmp_path / "dense-1-c64__run.json").write_text(json.dumps({"sha256": {}, "versions": {"commit": "c"}}))
    plan = SimpleNamespace(out=tmp_path, runs=lambda: [("dense-1-c64", 64, tmp_path / "gone", ())])
    with pytest.raises(SystemExit) as ended:
        tool.check_done(plan)
    assert ended.value.code == f"answer: error: {tmp_path}/gone: no such folder of weights: expected --models to be where recipe.sh put them"


def test_refuses_other_data(tmp_path):
    (tmp_path / "nn5.jsonl").write_text("{}")
    done = answer("--public", tmp_path, "--long", tmp_path, "--check", "--out", tmp_path / "out")
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 8 + 10  # the files of both folders, and no other
    assert f"answer: error: {tmp_path / 'nn5.jsonl'}: it is not the file that docs/preregistration.md names" in lines
    assert f"answer: error: {tmp_path / 'ETTh.jsonl'}: it is not there" in lines


def test_second_part(tmp_path):
    """The smoke run of the second part: its table and gates from the study's files."""
    done = subprocess.run([sys.executable, SCRIPT.with_name("pairs.py"), "--smoke", "--out", tmp_path],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    def mase(run, table, name):
        with open(tmp_path / f"{run}__{table}.csv", newline="") as stream:
            return next(float(r["MASE"]) for r in csv.DictReader(stream) if name in (r.get("arm"), r.get("model_name")))

    picture = ROOT / "docs" / "pairs.svg"
    before = picture.read_bytes()
    subprocess.run([sys.executable, ROOT / "tools" / "docs" / "pairs_page.py", "--smoke", "--out", tmp_path], check=True)
    after = picture.read_bytes()
    picture.write_bytes(before)
    assert after == before and (tmp_path / "pairs.svg").exists()  # the picture of a smoke test is no page's

    text = (tmp_path / "pairs.md").read_text()
    assert text.startswith(SMOKE)
    naive = mase("r8-1-c128", "baselines", "seasonal_naive")
    skill = [mase("r8-1-c64", "arms", "full") / mase("r8-1-c64", "baselines", "seasonal_naive"),
             *(mase("r8-1-c128", "arms", name) / naive for name in ("full", "global_r4", "global_r8"))]
    said = re.search(r"^\| r8, global \| (\S+) .*?\| (\S+) .*?\| (\S+) .*?\| (\S+) ", text, re.MULTILINE)
    assert [float(x) for x in said.groups()] == pytest.approx(skill, abs=0.006)
    gain = mase("dense-1-c128", "arms", "full") / mase("dense-1-c64", "arms", "full")
    assert f"each seed: {100 * (gain - 1):+.2f}%: {'passed' if gain < 1 / 1.1 else 'not passed'}." in text
    loss = mase("mixed-1-c128", "arms", "global_r4") / mase("mixed-1-c128", "arms", "full")
    assert f"| control_pairs | mixed, global_r4 | {100 * (loss - 1):+.2f}% |" in text
