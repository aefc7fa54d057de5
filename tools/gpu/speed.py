"""Seconds from raw series to quantiles on the GPU, ours beside PyTorch's, taking turns. Random weights of the base shape. A
JSON object a line, the most important ones first. What a side has taken so far is told after each round, and with its memory
at the end: the last line of a side counts. Status 1 if a side failed otherwise than by PyTorch's memory being out."""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools" / "golden"), str(ROOT / "bench")]
import contenders  # noqa: E402
import oracle  # noqa: E402
import torch  # noqa: E402
from chronos.chronos2 import Chronos2Pipeline  # noqa: E402
from sides import CUDA, DEVICE, Ours, PyTorch  # noqa: E402

options = argparse.ArgumentParser(prog="speed", description=__doc__)
options.add_argument("build", type=Path, help="the folder of chronos2")
options.add_argument("work", type=Path, help="a folder for the model")
options.add_argument("--small", action="store_true", help="a tiny shape and two points, to see that this script works")
options.add_argument("--compile", action="store_true", help="ours in bf16 beside torch.compile, which takes a while: the first point alone")
ASKED = options.parse_args()
SMALL = ASKED.small
SHAPE = (dict(d_model=32, d_kv=16, heads=2, d_ff=64, layers=2, context_length=2048) if SMALL else
         dict(d_model=768, d_kv=64, heads=12, d_ff=3072, layers=12, context_length=131072))
HORIZON, ROUNDS, THREADS = 32, 1 if SMALL else 5, 2 if SMALL else 8
UNCOUNTED = 3  # rounds before: one compiles, in one PyTorch's memory is measured, one fills its cache again
# Tokens a row, rows, futures of each (0: a forecast). Most important first.
POINTS = ([(12, 2, 0), (12, 1, 4)] if SMALL else
          [(515, 32, 0), (515, 256, 0), (35, 1024, 0), (515, 1, 0), (2048, 32, 0), (515, 1, 64), (8192, 4, 0)])
POINTS = POINTS[:1] if ASKED.compile else POINTS
SPARSE = ["--attention", "windowed_future_global", "--radius", "8"]


def tell(**what):
    print(json.dumps(what), flush=True)


def product_peak():
    """Tera-operations a second of a large bf16 product: what the device can do."""
    n = 256 if SMALL else 8192
    a, b = (torch.randn(n, n, device=DEVICE, dtype=torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(8):
        if CUDA:
            CUDA.synchronize()
        start = time.perf_counter()
        a @ b
        if CUDA:
            CUDA.synchronize()
        best = min(best, time.perf_counter() - start)
    tell(peak="bf16 product", size=n, tflop_per_s=2 * n**3 / best / 1e12)


def sides_of(folder, pipelines, tokens, rows, futures):
    context = (tokens - 1 - HORIZON // 16) * 16
    kinds = [("ours bf16", "bf16", [], True), ("ours bf16 r8", "bf16", SPARSE, True)]
    if ASKED.compile:
        kinds = kinds[:1]
    elif not futures:
        kinds += [("ours bf16 without graphs", "bf16", [], False), ("ours fp32", "fp32", [], True)]
    given = ["-m", folder, "--threads", THREADS, "--context-length", context, "--batch-size", rows, "--horizon", HORIZON,
             *(["--futures", futures] if futures else [])]
    sides = {name: (lambda d=dtype, o=options, g=graphs: Ours([*given, "--dtype", d, *o], g))
             for name, dtype, options, graphs in kinds}

    def theirs(dtype, path):
        series = contenders.made_up({"context": context, "rows": rows, "horizon": HORIZON, "futures": futures})
        return PyTorch(pipelines, dtype, path, series, HORIZON, max(rows, 2 * rows * futures))

    for path in ["compile"] if ASKED.compile else ["sdpa", "eager"]:
        sides[f"PyTorch {path} bf16"] = lambda p=path: theirs("bf16", p)
    if not futures and not ASKED.compile:
        sides["PyTorch sdpa fp32"] = lambda: theirs("fp32", "sdpa")
    return sides


def point(folder, pipelines, tokens, rows, futures):
    """Returns whether all sides went well. PyTorch's memory being out is a result."""
    sides, seconds, well = {}, {}, True

    def tell_of(side, **more):
        tell(tokens=tokens, rows=rows, futures=futures, side=side, **more)

    def tell_seconds(side, **more):
        taken = seconds[side]
        tell_of(side, passes=len(taken), seconds_median=statistics.median(taken), seconds_min=min(taken),
                rows_per_s=rows * max(1, futures) / statistics.median(taken), **more)

    def take_turn(side, make, round_):
        if round_ == 0:
            sides[side], seconds[side] = make(), []
        if round_ == 1:
            sides[side].measure()
        elif round_ < UNCOUNTED + ROUNDS:
            taken = sides[side].turn()
            if round_ >= UNCOUNTED:
                seconds[side].append(taken)
                tell_seconds(side)
        else:
            tell_seconds(side, **sides[side].close())

    going = sides_of(folder, pipelines, tokens, rows, futures)
    for round_ in range(UNCOUNTED + ROUNDS + 1):
        for side, make in list(going.items()):
            try:
                take_turn(side, make, round_)
            except (RuntimeError, OSError, SystemExit) as error:
                tell_of(side, failed=str(error)[:300])
                well = well and isinstance(error, torch.OutOfMemoryError)
                del going[side]
    return well


def main():
    folder = ASKED.work / "model"
    contenders.PROGRAM = ASKED.build.resolve() / "chronos2"
    torch.backends.cuda.matmul.allow_tf32 = False
    product_peak()
    oracle.random_model(3, **SHAPE, max_output_patches=64, sharpness=3, spread=0.5).save_pretrained(folder)
    pipelines = {dtype: Chronos2Pipeline.from_pretrained(folder, device_map=DEVICE, dtype=kind)
                 for dtype, kind in (("bf16", torch.bfloat16), ("fp32", torch.float32))[:1 if ASKED.compile else 2]}
    well = [point(folder, pipelines, tokens, rows, futures) for tokens, rows, futures in POINTS]
    return 0 if all(well) else 1


sys.exit(main())
