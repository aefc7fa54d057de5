"""check.py BUILD OUT [--emulate]: see check.sh, which sets the environment. Writes OUT/results.jsonl as results come:
{"section", "status", "seconds", "text"} when a section ends, and each JSON line of a section at once, with its "section".
Status 1 if a section failed or wasn't run."""

import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

BUILD, OUT = sys.argv[1], sys.argv[2]
EMULATE = "--emulate" in sys.argv
SLOW = 10 if EMULATE else 1
LIMIT = 470 * SLOW  # seconds, of all sections together
KEPT = 12000  # characters of a section's text
SMOOTH = "tests/golden/model-smooth"
# A request that takes prefill, decode, groups and a rollout.
REQUEST = [f"{BUILD}/chronos2", "predict", f"{SMOOTH}/predict/long_horizon_covariates.json", "-m", f"{SMOOTH}/weights",
           "--device", "cuda", "--attention", "windowed_future_null", "--radius", "2", "-o", f"{OUT}/small.safetensors"]
STUDY = [f"{BUILD}/chronos2", "study", "--tasks", "datasets/tasks.yaml", "--device", "cuda", "--out-prefix", f"{OUT}/study",
         "--radii", "2,8", "--perf-radii", "2,8", "--restart"]
STUDY += (["-m", f"{SMOOTH}/weights", "--max-tasks", "1", "--max-series-per-window", "1", "--perf-repeats", "1",
           "--context-length", "64"] if EMULATE else ["-m", "models/chronos2-micro", "--dtype", "bf16"])


def sections():
    """Name, most seconds, command; the most important first."""
    small = ["--small"] if EMULATE else []
    speed = [sys.executable, "tools/gpu/speed.py", BUILD, OUT, *small]
    if not EMULATE:
        yield "machine", 20, ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv"]
    yield "version", 20, [f"{BUILD}/chronos2", "--version"]
    yield "golden cases, requests, contexts, embeddings", 120, [f"{BUILD}/test_cuda_forward"]
    yield "speed", 150, speed
    yield "bf16", 60, [sys.executable, "tools/gpu/bf16.py", BUILD]
    sanitizer = shutil.which("compute-sanitizer")
    for tool, dtype in (("memcheck", "bf16"), ("racecheck", "bf16"), ("initcheck", "bf16"), ("memcheck", "fp32"),
                        ("racecheck", "fp32")):
        if EMULATE:
            continue
        command = [sanitizer, "--tool", tool, "--error-exitcode", "9", *REQUEST, "--dtype", dtype] if sanitizer else None
        yield f"compute-sanitizer {tool} {dtype}", 40, command
    yield "study", 60, STUDY
    if not EMULATE:
        yield "speed of torch.compile", 100, speed + ["--compile"]


class Results:
    def __init__(self, path):
        self.file = path.open("w")

    def add(self, **entry):
        print(json.dumps(entry), file=self.file, flush=True)


def run(results, name, seconds, command):
    start = time.monotonic()
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    except OSError as error:
        results.add(section=name, status=127, seconds=0, text=str(error))
        return 127
    late = threading.Timer(seconds, process.kill)
    late.start()
    text = ""
    for line in process.stdout:
        try:
            entry = json.loads(line)
            results.add(section=name, **entry)
        except (ValueError, TypeError):
            text += line
    status = process.wait()
    late.cancel()
    results.add(section=name, status=status, seconds=round(time.monotonic() - start, 1), text=text[-KEPT:])
    return status


def main():
    results = Results(Path(OUT) / "results.jsonl")
    end = time.monotonic() + LIMIT
    bad = []
    for name, most, command in sections():
        left = end - time.monotonic()
        if command is None or left < 5:
            results.add(section=name, status=None, text="NOT RUN: " + ("no time is left" if command else "it is not here"))
            bad.append(name)
        elif run(results, name, min(most * SLOW, left), command) != 0:
            bad.append(name)
        print(f"{LIMIT - end + time.monotonic():.0f} s: {name}{' FAILED' if name in bad else ''}", flush=True)
    return 1 if bad else 0


sys.exit(main())
