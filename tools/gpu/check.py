"""check.py BUILD OUT [--emulate] [--seconds N] [--only NAME[,NAME]] [--skip NAME[,NAME]]: see check.sh, which sets the
environment. Appends to OUT/results.jsonl as results come: {"section", "status", "seconds", "text"} when a section ends, and
each JSON line of a section at once, with its "section"; {"run"} marks where a run begins. Leaves the study's tables in
OUT/study.tar.gz. Status 1 if a section failed or wasn't run. Stopped, it stops its section."""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path

import libraries

options = argparse.ArgumentParser(prog="check")
for name in ("build", "out"):
    options.add_argument(name)
options.add_argument("--emulate", action="store_true")
options.add_argument("--seconds", type=float)
options.add_argument("--only", default="")
options.add_argument("--skip", default="")
ASKED = options.parse_args()
BUILD, OUT, EMULATE = ASKED.build, ASKED.out, ASKED.emulate
WORK = Path(tempfile.mkdtemp(prefix="chronos2_check_"))
LIMIT = 470 * (10 if EMULATE else 1)  # seconds, of all sections together
ONLY_ASKED = {"initcheck-bf16"}  # by --only: it takes all its time, for reads that nothing else finds (docs/cuda.md)
STOPS = {signal.SIGTERM, signal.SIGINT}
KEPT = 12000  # characters of a section's text
SMOOTH = "tests/golden/model-smooth"
# A request that takes prefill, decode, groups and a rollout.
REQUEST = [f"{BUILD}/chronos2", "predict", f"{SMOOTH}/predict/long_horizon_covariates.json", "-m", f"{SMOOTH}/weights",
           "--device", "cuda", "--attention", "windowed_future_null", "--radius", "2", "-o", f"{WORK}/small.safetensors"]
STUDY = [f"{BUILD}/chronos2", "study", "--tasks", "datasets/tasks.yaml", "--device", "cuda", "--out-prefix", f"{WORK}/study/study",
         "--radii", "2,8", "--perf-radii", "2,8", "--restart"]
STUDY += (["-m", f"{SMOOTH}/weights", "--max-tasks", "1", "--max-series-per-window", "1", "--perf-repeats", "1",
           "--context-length", "64"] if EMULATE else ["-m", "models/chronos2-micro", "--dtype", "bf16"])


def sections():
    """Name, most seconds, command; the most important first."""
    speed = [sys.executable, "tools/gpu/speed.py", BUILD, str(WORK), *(["--small"] if EMULATE else [])]
    sanitizer = shutil.which("compute-sanitizer")

    def sanitized(tool, dtype):
        command = [sanitizer, "--tool", tool, "--error-exitcode", "9", *REQUEST, "--dtype", dtype] if sanitizer else None
        return f"{tool}-{dtype}", 40, command

    times = [sys.executable, "tools/gpu/kernel_times.py", BUILD] if shutil.which("ncu") else None
    every = [
        ("machine", 20, ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv"]),
        ("version", 20, [f"{BUILD}/chronos2", "--version"]),
        ("golden", 120, [f"{BUILD}/test_cuda_forward"]),
        ("sessions", 20, [f"{BUILD}/test_cuda_sessions"]),
        ("masked", 20, [f"{BUILD}/test_masked"]),
        ("observers", 20, [f"{BUILD}/test_observers"]),
        ("blind_heads", 20, [f"{BUILD}/test_blind_heads"]),
        ("speed", 150, speed),
        ("kernels", 30, times),
        ("compile", 100, [*speed, "--compile"]),
        ("study", 60, STUDY),
        ("bf16", 60, [sys.executable, "tools/gpu/bf16.py", BUILD]),
        ("kernels-r8", 30, times and [*times, "--attention", "windowed_future_global", "--radius", "8"]),
        sanitized("memcheck", "bf16"),
        sanitized("racecheck", "bf16"),
        sanitized("memcheck", "fp32"),
        sanitized("racecheck", "fp32"),
        sanitized("initcheck", "bf16"),
    ]
    return [s for s in every if not EMULATE or not re.match("machine|kernels|compile|[a-z]+check-", s[0])]


def chosen():
    """The sections asked for, with their time: `most` is for LIMIT seconds, or for what they take if that is less."""
    every = sections()
    only, skip = (set(filter(None, names.split(","))) for names in (ASKED.only, ASKED.skip))
    if strange := (only | skip) - {name for name, _, _ in every}:
        options.error(f"no section is called {', '.join(sorted(strange))}; expected {', '.join(s[0] for s in every)}")
    kept = [s for s in every if s[0] not in skip and (s[0] in only if only else s[0] not in ONLY_ASKED)]
    if not kept:
        options.error("no section is left to run: --skip names each one that --only does")
    slow = 10 if EMULATE else 1
    whole = min(LIMIT, sum(most * slow for _, most, _ in kept))
    seconds = ASKED.seconds or whole
    return [(name, most * slow * seconds / whole, command) for name, most, command in kept], seconds


class Results:
    def __init__(self, path):
        self.file = path.open("a")

    def add(self, **entry):
        print(json.dumps(entry), file=self.file, flush=True)


def run(results, name, seconds, command):
    start = time.monotonic()
    environment = {**os.environ, **(libraries.environment() if command[0] != sys.executable else {})}
    process = late = status = None
    text = ""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # until we know the process: stopped before, we would leave it running
    try:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   errors="replace", start_new_session=True,
                                   preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        late = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
        late.start()
        for line in process.stdout:
            try:
                entry = json.loads(line)
                results.add(section=name, **entry)
            except (ValueError, TypeError):
                text += line
        status = process.wait()
    except OSError as error:
        if process:
            raise
        text, status = str(error), 127
    finally:
        if late:
            late.cancel()
        if process and status is None:  # we are stopped
            os.killpg(process.pid, signal.SIGKILL)
            text += process.stdout.read()
            status = process.wait()
        results.add(section=name, status=status, seconds=round(time.monotonic() - start, 1), text=text[-KEPT:])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    return status


def stop(number, _frame):
    sys.exit(128 + number)


def tidy():
    if any((WORK / "study").glob("*")):
        with tarfile.open(f"{OUT}/study.tar.gz", "w:gz") as tar:
            tar.add(WORK / "study", "study")
    shutil.rmtree(WORK)


def main():
    todo, seconds = chosen()
    results = Results(Path(OUT) / "results.jsonl")
    results.add(run=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    end = time.monotonic() + seconds
    bad = []
    for name, most, command in todo:
        left = end - time.monotonic()
        if command is None or left < 5:
            results.add(section=name, status=None, text="NOT RUN: " + ("no time is left" if command else "it is not here"))
            bad.append(name)
        elif run(results, name, min(most, left), command) != 0:
            bad.append(name)
        print(f"{seconds - end + time.monotonic():.0f} s: {name}{' FAILED' if name in bad else ''}", flush=True)
    return 1 if bad else 0


signal.signal(signal.SIGTERM, stop)
try:
    (WORK / "study").mkdir()
    status = main()
finally:
    tidy()
sys.exit(status)
