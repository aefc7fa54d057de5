"""Seconds from raw series to quantiles on the GPU, ours beside PyTorch's, taking turns. Random weights of the base shape. A
JSON object a line, the most important ones first, each as soon as it is known."""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools" / "golden"), str(ROOT / "bench")]
import contenders  # noqa: E402
import libraries  # noqa: E402
import oracle  # noqa: E402
import torch  # noqa: E402
from chronos.chronos2 import Chronos2Pipeline  # noqa: E402

options = argparse.ArgumentParser(prog="speed", description=__doc__)
options.add_argument("build", type=Path, help="the folder of chronos2")
options.add_argument("work", type=Path, help="a folder for the model")
options.add_argument("--small", action="store_true", help="a tiny shape and two points, to see that this script works")
options.add_argument("--compile", action="store_true", help="PyTorch by torch.compile alone, which takes a while")
ASKED = options.parse_args()
SMALL = ASKED.small
SHAPE = (dict(d_model=32, d_kv=16, heads=2, d_ff=64, layers=2, context_length=2048) if SMALL else
         dict(d_model=768, d_kv=64, heads=12, d_ff=3072, layers=12, context_length=131072))
ON_GPU = torch.cuda.is_available()
DEVICE = "cuda" if ON_GPU else "cpu"  # of PyTorch
HORIZON, ROUNDS, THREADS = 32, 1 if SMALL else 5, 2 if SMALL else 8
# Tokens a row, rows, futures of each (0: a forecast). Most important first.
POINTS = ([(12, 2, 0), (12, 1, 4)] if SMALL else
          [(515, 32, 0), (515, 256, 0), (35, 1024, 0), (515, 1, 0), (2048, 32, 0), (515, 1, 64), (8192, 4, 0)])
SPARSE = ["--attention", "windowed_future_global", "--radius", "8"]


def tell(**what):
    print(json.dumps(what), flush=True)


class Ours:
    def __init__(self, folder, dtype, context, rows, futures, options, graphs=True):
        environment = libraries.environment()
        if not graphs:
            environment["CHRONOS2_CUDA_GRAPHS"] = "0"
        more = ["--futures", futures] if futures else []
        command = [contenders.PROGRAM, "bench", "-m", folder, "--paced", "--json", "--threads", THREADS, "--device", "cuda",
                   "--dtype", dtype, "--context-length", context, "--batch-size", rows, "--horizon", HORIZON, *more, *options]
        self.side = contenders.Contender(command, environment)

    def turn(self):
        return self.side.turn()["seconds"]

    def close(self):
        said = self.side.close()
        return {key: said[key] for key in ("work", "gflop_per_s", "peak_alloc_mb", "peak_reserved_mb")}


class PyTorch:
    def __init__(self, pipeline, path, context, rows, futures):
        self.pipeline, self.path, self.rows = pipeline, path, max(rows, 2 * rows * futures)
        job = {"context": context, "rows": rows, "horizon": HORIZON, "futures": futures}
        self.series = contenders.made_up(job)
        self.alloc = self.reserved = 0
        self.plain = pipeline.model.forward
        self.compiled = torch.compile(self.plain) if path == "compile" else None

    def turn(self):
        contenders.use_path(self.pipeline.model, self.path)
        self.pipeline.model.forward = self.compiled or self.plain
        if ON_GPU:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        self.pipeline.predict(self.series, prediction_length=HORIZON, batch_size=self.rows)
        seconds = time.perf_counter() - start
        self.pipeline.model.forward = self.plain
        if ON_GPU:
            self.alloc = torch.cuda.max_memory_allocated() / 2**20
            self.reserved = torch.cuda.max_memory_reserved() / 2**20
        return seconds

    def close(self):
        return {"peak_alloc_mb": self.alloc, "peak_reserved_mb": self.reserved}


def product_peak():
    """Tera-operations a second of a large bf16 product: what the device can do."""
    n = 256 if SMALL else 8192
    a, b = (torch.randn(n, n, device=DEVICE, dtype=torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(8):
        if ON_GPU:
            torch.cuda.synchronize()
        start = time.perf_counter()
        a @ b
        if ON_GPU:
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    tell(peak="bf16 product", size=n, tflop_per_s=2 * n**3 / best / 1e12)


def sides_of(folder, pipelines, tokens, rows, futures):
    context = (tokens - 1 - HORIZON // 16) * 16
    kinds = [("ours bf16", "bf16", [], True), ("ours bf16 r8", "bf16", SPARSE, True)]
    if not futures:
        kinds += [("ours bf16 without graphs", "bf16", [], False), ("ours fp32", "fp32", [], True)]
    sides = {name: (lambda d=dtype, o=options, g=graphs: Ours(folder, d, context, rows, futures, o, g))
             for name, dtype, options, graphs in kinds}
    paths = ["compile"] if ASKED.compile else ["sdpa", "eager"]
    for path in paths:
        sides[f"PyTorch {path} bf16"] = lambda p=path: PyTorch(pipelines["bf16"], p, context, rows, futures)
    if not futures and not ASKED.compile:
        sides["PyTorch sdpa fp32"] = lambda: PyTorch(pipelines["fp32"], "sdpa", context, rows, futures)
    return sides


def point(folder, pipelines, tokens, rows, futures):
    open_sides, seconds = {}, {}
    for turn in range(ROUNDS + 2):  # the first two aren't counted: a graph is made in the second
        for name, make in sides_of(folder, pipelines, tokens, rows, futures).items():
            if seconds.get(name, []) is None:
                continue
            try:
                if turn == 0:
                    open_sides[name] = make()
                taken = open_sides[name].turn()
            except (torch.OutOfMemoryError, RuntimeError, SystemExit) as error:
                tell(tokens=tokens, rows=rows, futures=futures, side=name, failed=str(error)[:300])
                seconds[name] = None
                continue
            seconds.setdefault(name, [])
            if turn > 1:
                seconds[name].append(taken)
    for name, values in seconds.items():
        if not values:
            continue
        tell(tokens=tokens, rows=rows, futures=futures, side=name, seconds_median=statistics.median(values),
             seconds_min=min(values), rows_per_s=rows * max(1, futures) / statistics.median(values),
             **open_sides[name].close())


def main():
    folder = ASKED.work / "model"
    contenders.PROGRAM = ASKED.build.resolve() / "chronos2"
    torch.backends.cuda.matmul.allow_tf32 = False
    product_peak()
    oracle.random_model(3, **SHAPE, max_output_patches=64, sharpness=3, spread=0.5).save_pretrained(folder)
    pipelines = {dtype: Chronos2Pipeline.from_pretrained(folder, device_map=DEVICE, dtype=kind)
                 for dtype, kind in (("bf16", torch.bfloat16), ("fp32", torch.float32))}
    for tokens, rows, futures in POINTS:
        point(folder, pipelines, tokens, rows, futures)


main()
