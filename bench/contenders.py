"""Who takes turns in bench/run.py: the program, and PyTorch in a process of its own. One pass at a time. Beside them,
what a program takes that runs once."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = Path(os.environ.get("CHRONOS2_BIN", ROOT / "build" / "chronos2"))
LEVELS = [0.01] + [k / 20 for k in range(1, 20)] + [0.99]


class Contender:
    """A process that makes one pass for each line it is given and answers with its seconds."""

    def __init__(self, command, environment=None):
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env={**os.environ, **(environment or {})})

    def turn(self, line=""):
        print(line, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"bench: {self.process.args[0]} ended with status {self.process.wait()}")
        return json.loads(answer)

    def close(self):
        """Standard input ends; returns what the process says of all its passes, if anything."""
        self.process.stdin.close()
        last = self.process.stdout.read().strip()
        if self.process.wait() != 0:
            raise SystemExit(f"bench: {self.process.args[0]} ended with status {self.process.returncode}")
        return json.loads(last) if last else None


def program(model, threads, *options):
    """`chronos2 bench`, a pass a line; its summary at the end has tokens, operations and peak memory."""
    return Contender([PROGRAM, "bench", "-m", model, "--paced", "--json", "--pin", "--threads", threads, *options])


def pytorch(model, threads, job):
    """Chronos2Pipeline.predict; a line names the path: eager, sdpa or compile. Threads are bound to processors, as
    the program's are. A job: {"horizon", "batch_size", and "rows", "context" or "files" or "futures"}."""
    bound = {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores", "OMP_NUM_THREADS": str(threads)}
    return Contender([sys.executable, __file__, model, threads, json.dumps(job)], bound)


# ---- The PyTorch process ---------------------------------------------------------------------------


def made_up(job):
    """As `chronos2 bench` makes its series: seasonal, and one covariate known ahead where futures are asked for."""
    import numpy as np

    rng = np.random.default_rng(1)
    step = np.arange(job["context"])
    rows = [10 + 3 * np.sin(2 * np.pi * (step / 24 + rng.random())) + rng.random(job["context"])
            for _ in range(job["rows"])]
    if not job.get("futures"):
        return [{"target": row} for row in rows]
    return [{"target": row, "past_covariates": {"plan": row},
             "future_covariates": {"plan": 10 + rng.random(job["horizon"])}}
            for _ in range(job["futures"]) for row in rows]


def from_files(paths):
    import numpy as np

    series = []
    for path in paths:
        for line in Path(path).read_text().splitlines():
            target = json.loads(line)["target"]
            for row in target if isinstance(target[0], list) else [target]:
                series.append({"target": np.array([np.nan if v is None else v for v in row], dtype=np.float64)})
    return series


MEASURED = """import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, done.stdout]))"""


def measured(command, stdin=None):
    """Seconds, processor seconds and peak MB of a program, and what it prints. A process in between starts it: a child's
    peak is at least what its parent held."""
    with open(stdin or "/dev/null", "rb") as given:
        done = subprocess.run([sys.executable, "-c", MEASURED, *map(str, command)], stdin=given, stdout=subprocess.PIPE,
                              text=True, check=True)
    status, *took = json.loads(done.stdout)
    if status:
        raise SystemExit(f"bench: {command[0]} ended with status {status}")
    return took


def peak_resident_mb():
    """Of this program: getrusage's also knows what the process held before it was exec'd."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def use_path(model, path):
    for module in model.modules():
        if hasattr(module, "config"):
            module.config._attn_implementation = "sdpa" if path == "compile" else path


def serve(folder, threads, job):
    import torch
    from chronos.chronos2 import Chronos2Pipeline

    torch.set_num_threads(threads)
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[job.get("dtype", "fp32")]
    pipeline = Chronos2Pipeline.from_pretrained(folder, dtype=dtype)
    plain = pipeline.model.forward
    compiled = None
    series = from_files(job["files"]) if "files" in job else made_up(job)
    warmed = set()
    for line in sys.stdin:
        path = line.strip()
        use_path(pipeline.model, path)
        if path == "compile" and compiled is None:
            compiled = torch.compile(plain)
        pipeline.model.forward = compiled if path == "compile" else plain
        for _ in range(1 if path in warmed else 2):
            start = time.perf_counter()
            pipeline.predict(series, prediction_length=job["horizon"], batch_size=job["batch_size"])
            seconds = time.perf_counter() - start
        warmed.add(path)
        print(json.dumps({"seconds": seconds, "peak_resident_mb": peak_resident_mb()}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The process of PyTorch that bench/run.py starts.")
    parser.add_argument("folder", help="of the model")
    parser.add_argument("threads", type=int)
    parser.add_argument("job", type=json.loads, help="as pytorch() describes it, in JSON")
    serve(**vars(parser.parse_args()))
