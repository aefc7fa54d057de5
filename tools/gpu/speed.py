"""speed.py BUILD OUT: seconds from raw series to quantiles on the GPU, ours beside PyTorch's, taking turns. Random
weights of the base shape. A line a point, most important first, as JSON."""

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

BASE = dict(d_model=768, d_kv=64, heads=12, d_ff=3072, layers=12, context_length=131072)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"  # of PyTorch
HORIZON, ROUNDS, THREADS = 32, 5, 8
POINTS = [(515, 32), (35, 1024), (515, 256), (515, 1), (2048, 32), (8192, 4)]  # tokens a row, rows
OURS = [("full", []), ("r8", ["--attention", "windowed_future_global", "--radius", "8"])]


def ours(folder, dtype, context, rows, options):
    side = contenders.program(folder, THREADS, "--device", "cuda", "--dtype", dtype, "--context-length", context,
                              "--batch-size", rows, "--horizon", HORIZON, *options)
    return (lambda: side.turn()["seconds"]), side.close


def pytorch(pipeline, path, context, rows):
    series = contenders.made_up({"context": context, "rows": rows, "horizon": HORIZON})

    def turn():
        contenders.use_path(pipeline.model, path)
        start = time.perf_counter()
        pipeline.predict(series, prediction_length=HORIZON, batch_size=rows)
        return time.perf_counter() - start

    return turn, lambda: None


def point(folder, pipelines, tokens, rows):
    context = (tokens - 1 - HORIZON // 16) * 16
    sides = {f"{name} {dtype}": ours(folder, dtype, context, rows, options)
             for dtype in ("bf16", "fp32") for name, options in OURS}
    sides |= {f"PyTorch sdpa {dtype}": pytorch(pipeline, "sdpa", context, rows)
              for dtype, pipeline in pipelines.items()}
    seconds = {name: [] for name in sides}
    for turn in range(ROUNDS + 1):
        for name, (make_pass, _) in sides.items():
            if seconds[name] is None:
                continue
            try:
                taken = make_pass()
            except (torch.OutOfMemoryError, SystemExit) as error:
                print(json.dumps({"tokens": tokens, "rows": rows, "side": name, "failed": str(error)[:200]}), flush=True)
                seconds[name] = None
                torch.cuda.empty_cache()
                continue
            if turn > 0:
                seconds[name].append(taken)
    for name, values in seconds.items():
        if values:
            print(json.dumps({"tokens": tokens, "rows": rows, "side": name, "seconds_median": statistics.median(values),
                              "seconds_min": min(values), "rows_per_s": rows / statistics.median(values)}), flush=True)
    for name, (_, close) in sides.items():
        if seconds[name]:
            close()


def main():
    folder = Path(sys.argv[2]) / "model"
    contenders.PROGRAM = Path(sys.argv[1]).resolve() / "chronos2"
    torch.backends.cuda.matmul.allow_tf32 = False
    oracle.random_model(3, **BASE, max_output_patches=64, sharpness=3, spread=0.5).save_pretrained(folder)
    pipelines = {dtype: Chronos2Pipeline.from_pretrained(folder, device_map=DEVICE, dtype=kind)
                 for dtype, kind in (("bf16", torch.bfloat16), ("fp32", torch.float32))}
    for tokens, rows in POINTS:
        point(folder, pipelines, tokens, rows)


main()
