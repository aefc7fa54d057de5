"""What is meant for a machine with a GPU, tried on the emulated device: its scripts end well, and bf16 is as exact as
PyTorch's."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_check(tmp_path):
    environment = {**os.environ, "OUT": str(tmp_path), "PYTHON": sys.executable}
    done = subprocess.run(["tools/gpu/check.sh", "--emulate"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    sections = {entry["section"]: entry for entry in entries if "status" in entry}
    assert list(sections) == ["version", "golden", "sessions", "masked", "observers", "blind_heads", "speed", "bf16", "study"]
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


SLOW = "golden,sessions,masked,observers,blind_heads,speed,bf16,study"


def test_check_in_parts(tmp_path):
    """Sections are chosen by name, and share the seconds; results are added to those that are there."""
    environment = {**os.environ, "OUT": str(tmp_path), "PYTHON": sys.executable}
    for options in (["--only", "version"], ["--skip", SLOW], ["--only", "golden", "--seconds", "6"]):
        done = subprocess.run(["tools/gpu/check.sh", "--emulate", *options], cwd=ROOT, env=environment, capture_output=True,
                              text=True)
        assert done.returncode == (1 if "golden" in options else 0), done.stdout + done.stderr
    entries = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [(entry.get("section"), entry.get("status")) for entry in entries] == [
        (None, None), ("version", 0), (None, None), ("version", 0), (None, None), ("golden", -9)]
    assert re.fullmatch(r"[\d-]{10}T[\d:]{8}Z", entries[0]["run"])
    assert 5 < entries[-1]["seconds"] < 8
    done = subprocess.run(["tools/gpu/check.sh", "--emulate", "--only", "sped"], cwd=ROOT, env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 2 and "no section is called sped; expected version, golden," in done.stderr


def marked(mark):
    """Processes with MARK=mark in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(process.name)
        except OSError:
            pass
    return found


def has_written(process):
    try:
        return int(re.search(r"wchar: (\d+)", Path("/proc", process, "io").read_text())[1]) > 0
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_check_is_stopped(tmp_path, number):
    """No section goes on, what it has said is kept, and so is nothing else."""
    environment = {**os.environ, "OUT": str(tmp_path / "out"), "PYTHON": sys.executable, "MARK": str(tmp_path),
                   "TMPDIR": str(tmp_path)}
    with subprocess.Popen(["tools/gpu/check.sh", "--emulate", "--only", "golden"], cwd=ROOT, env=environment,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as check:
        deadline = time.monotonic() + 120
        while not ((tmp_path / "out" / "results.jsonl").exists() and
                   any(has_written(process) for process in marked(tmp_path) if process != str(check.pid))):
            assert check.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        check.send_signal(number)
    assert check.returncode != 0
    assert not marked(tmp_path)
    entries = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert entries[-1]["section"] == "golden" and entries[-1]["status"] == -signal.SIGKILL
    assert "Running" in entries[-1]["text"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_tables(tmp_path):
    """A side is set beside ours of the same run and section, and so is the peak."""
    def side(section, side, seconds):
        return {"section": section, "tokens": 515, "rows": 32, "futures": 0, "side": side, "seconds_median": seconds,
                "work": 1e12, "peak_alloc_mb": 1, "peak_reserved_mb": 2}

    entries = []
    for run, (speed, compiled) in (("one", (1, 2)), ("two", (4, 8))):
        entries.append({"run": run})
        for section, ours in (("speed", speed), ("compile", compiled)):
            entries += [{"section": section, "peak": "bf16 product", "tflop_per_s": 10 * ours},
                        side(section, "ours bf16", ours), side(section, "PyTorch", 16)]
    entries += [{"run": "three"}, side("speed", "PyTorch", 16)]
    (tmp_path / "results.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    said = subprocess.run([sys.executable, "bench/gpu.py", tmp_path / "results.jsonl"], cwd=ROOT, capture_output=True, text=True,
                          check=True).stdout
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in said.splitlines() if "PyTorch" in line]
    assert [(row[0], row[6], row[7]) for row in rows] == [
        ("speed", "16", "0.6%"), ("compile", "8", "0.3%"), ("speed", "4", "0.2%"), ("compile", "2", "0.1%"), ("speed", "", "")]
    assert "The run of two:" in said


def test_libraries(tmp_path):
    """Ours come before the folders that are searched anyway; without ours nothing changes."""
    code = "import libraries; print(libraries.environment())"
    for ours, before, expected in ((None, "/a", {}), ("/b:/c", None, {"LD_LIBRARY_PATH": "/b:/c"}),
                                   ("/b:/c", "/a", {"LD_LIBRARY_PATH": "/b:/c:/a"})):
        environment = {key: value for key, value in os.environ.items() if key not in ("CHRONOS2_LIBRARIES", "LD_LIBRARY_PATH")}
        environment |= {"CHRONOS2_LIBRARIES": ours} if ours else {}
        environment |= {"LD_LIBRARY_PATH": before} if before else {}
        said = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "tools" / "gpu", env=environment, capture_output=True,
                              text=True, check=True).stdout
        assert said.strip() == str(expected)


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
