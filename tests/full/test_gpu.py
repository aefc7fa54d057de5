"""What is meant for a machine with a GPU, tried on the emulated device: its scripts end well, and bf16 is as exact as
PyTorch's."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_check(tmp_path):
    environment = {**os.environ, "OUT": str(tmp_path), "PYTHON": sys.executable}
    done = subprocess.run(["tools/gpu/check.sh", "--emulate"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    sections = {entry["section"]: entry for entry in entries if "status" in entry}
    assert list(sections) == ["version", "golden", "speed", "bf16", "study"]
    assert "cuda: by libchronos2_cuda.so, tried on an H100" in sections["version"]["text"]
    sides = [entry for entry in entries if "side" in entry]
    assert not [entry for entry in sides if "failed" in entry]
    assert {entry["side"] for entry in sides} >= {"ours bf16", "ours bf16 r8", "ours fp32", "PyTorch sdpa bf16"}
    errors = re.findall(r"(\S+) (ours|PyTorch): mean (\S+), worst (\S+)", sections["bf16"]["text"])
    mean = {(model, side): float(value) for model, side, value, _ in errors}
    assert len(mean) >= 6
    for model in {model for model, _ in mean}:
        assert mean[model, "ours"] < mean[model, "PyTorch"]
    tables = subprocess.run([sys.executable, "bench/gpu.py", tmp_path / "results.jsonl"], cwd=ROOT, capture_output=True,
                            text=True, check=True).stdout
    assert "| study | passed |" in tables and "| ours bf16 r8 |" in tables


def test_check_in_parts(tmp_path):
    """Sections are chosen by name, and share the seconds; results are added to those that are there."""
    environment = {**os.environ, "OUT": str(tmp_path), "PYTHON": sys.executable}
    for options in (["--only", "version"], ["--skip", "golden,speed,bf16,study"], ["--only", "golden", "--seconds", "6"]):
        done = subprocess.run(["tools/gpu/check.sh", "--emulate", *options], cwd=ROOT, env=environment, capture_output=True,
                              text=True)
        assert done.returncode == (1 if "golden" in options else 0), done.stdout + done.stderr
    entries = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [(entry["section"], entry["status"]) for entry in entries] == [("version", 0), ("version", 0), ("golden", -9)]
    assert 5 < entries[-1]["seconds"] < 8
    done = subprocess.run(["tools/gpu/check.sh", "--emulate", "--only", "sped"], cwd=ROOT, env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 2 and "no section is called sped; expected version, golden," in done.stderr


def test_train(tmp_path):
    """It stops after its time, and the next call goes on."""
    steps = []
    for _ in range(2):
        done = subprocess.run(["tools/gpu/train.sh", "0.05", "--cpu"], cwd=ROOT, capture_output=True, text=True,
                              env={**os.environ, "OUT": str(tmp_path), "PYTHON": sys.executable})
        assert done.returncode == 0, done.stderr
        steps.append(int(re.search(r"(\d+) of \d+ steps", done.stdout)[1]))
    assert 0 < steps[0] < steps[1]
    done = subprocess.run(["tools/gpu/train.sh", "soon"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "expected the number of minutes first, found 'soon'" in done.stderr
