"""The program beside PyTorch: time, memory and difference of one forward pass, float32, same weights and input.

    python bench/compare_pytorch.py [--points base:512:8,...] [--rounds 5] [--threads 2] [-o table.md]

A round runs the program, PyTorch eager and PyTorch sdpa in turn, so that what else the machine does hits all three; a
ratio is PyTorch's fastest path over the program within a round, and its spread is over the rounds. PyTorch lives in
one process that loads the model before the first round; it gets a batch and gives quantiles
(Chronos2Pipeline.predict). The program is started anew each round (`chronos2 bench`) and times its own passes, from
raw series to quantiles, without start-up. Both run one untimed pass first.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools" / "golden"))
PROGRAM = Path(os.environ.get("CHRONOS2_BIN", ROOT / "build" / "chronos2"))
SHAPES = {"base": dict(d_model=768, d_kv=64, heads=12, d_ff=3072, layers=12, context_length=8192),
          "small": dict(d_model=512, d_kv=64, heads=8, d_ff=2048, layers=6, context_length=8192),
          "micro": dict(d_model=128, d_kv=32, heads=4, d_ff=512, layers=4, context_length=2048)}
POINTS = "base:512:8,base:2048:4,base:8192:1,small:512:8,small:2048:4,small:8192:1"
PATHS = ("eager", "sdpa")


def use_path(model, path):
    for module in model.modules():
        if hasattr(module, "config"):
            module.config._attn_implementation = path


def worker(folder, context, rows, horizon, threads):
    """The PyTorch process: a line with a path's name in, a line with seconds and peak memory out."""
    import torch
    from chronos.chronos2 import Chronos2Pipeline

    torch.set_num_threads(threads)
    pipeline = Chronos2Pipeline.from_pretrained(folder)
    step = np.arange(context)
    rng = np.random.default_rng(1)
    series = [{"target": (10 + 3 * np.sin(2 * np.pi * (step / 24 + rng.random())) + rng.random(context))}
              for _ in range(rows)]
    print("ready", flush=True)
    for line in sys.stdin:
        path, repeats = line.split()
        use_path(pipeline.model, path)
        seconds = []
        for _ in range(int(repeats) + 1):
            start = time.perf_counter()
            pipeline.predict(series, prediction_length=horizon, batch_size=rows)
            seconds.append(time.perf_counter() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds[1:], "peak_resident_mb": peak}), flush=True)


def run_ours(folder, context, rows, args):
    done = subprocess.run([PROGRAM, "bench", "-m", folder, "--batch-size", str(rows), "--context-length", str(context),
                           "--horizon", str(args.horizon), "--threads", str(args.threads), "--repeats",
                           str(args.repeats), "--json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def difference(model, folder, context, rows, horizon):
    """Largest difference of the quantiles in normalised units, on one batch."""
    import oracle
    from safetensors.numpy import load_file
    from safetensors.torch import save_file

    rng = np.random.default_rng(5)
    batch = oracle.stack([oracle.seasonal(rng, context) for _ in range(rows)])
    patches = -(-horizon // 16)
    output, loc, scale = oracle.forward(model, {"context": batch, "num_output_patches": patches})
    with tempfile.TemporaryDirectory() as place:
        case, out = f"{place}/case.safetensors", f"{place}/out.safetensors"
        save_file({"in.context": batch}, case, metadata={"case": json.dumps({"num_output_patches": patches})})
        subprocess.run([PROGRAM, "forward", case, "-o", out, "-m", folder], check=True)
        ours = load_file(out)["out.quantiles"]
    theirs = output.quantile_preds
    return np.abs(oracle.normalised(ours, loc, scale) - oracle.normalised(theirs, loc, scale)).max()


def compare_point(model, folder, shape, context, rows, args):
    command = [sys.executable, __file__, "--worker", folder, str(context), str(rows), str(args.horizon),
               str(args.threads)]
    rounds = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        for _ in range(args.rounds):
            result = {"ours": run_ours(folder, context, rows, args)}
            for path in PATHS:
                print(path, args.repeats, file=process.stdin, flush=True)
                result[path] = json.loads(process.stdout.readline())
            rounds.append(result)
        process.stdin.close()
    ours = [r["ours"] for r in rounds]
    theirs = {path: [s for r in rounds for s in r[path]["seconds"]] for path in PATHS}
    ratios = [min(statistics.median(r[p]["seconds"]) for p in PATHS) / r["ours"]["seconds_median"] for r in rounds]
    median = statistics.median(o["seconds_median"] for o in ours)
    cells = [shape, f"{context} × {rows}", f"{1e3 * median:.0f} ({1e3 * min(o['seconds_min'] for o in ours):.0f})"]
    cells += [f"{1e3 * statistics.median(theirs[p]):.0f} ({1e3 * min(theirs[p]):.0f})" for p in PATHS]
    cells += [f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})",
              f"{ours[0]['tokens'] / median:.0f}",
              f"{ours[0]['tokens'] / min(statistics.median(theirs[p]) for p in PATHS):.0f}",
              f"{max(o['peak_resident_mb'] for o in ours):.0f}",
              f"{max(r[p]['peak_resident_mb'] for r in rounds for p in PATHS):.0f}",
              f"{difference(model, folder, context, rows, args.horizon):.1e}"]
    return "| " + " | ".join(cells) + " |"


def machine():
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {len(names)} processors"


def heading(args):
    import torch

    version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()
    options = [f"--points {args.points}", f"--rounds {args.rounds}", f"--repeats {args.repeats}",
               f"--threads {args.threads}", f"--horizon {args.horizon}"]
    return [f"{'; '.join(version)}. PyTorch {torch.__version__}. {machine()}, {args.threads} threads, float32, "
            f"random weights, horizon {args.horizon}. `python bench/compare_pytorch.py {' '.join(options)}`",
            "",
            "ms are median (min); memory is the process's peak resident MB, weights included; error is the largest "
            "difference of the two in normalised units.",
            "",
            "| model | context × rows | ms | ms eager | ms sdpa | ratio (min–max) | tokens/s | tokens/s PyTorch | MB |"
            " MB PyTorch | error |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]


def main():
    if sys.argv[1:2] == ["--worker"]:
        worker(sys.argv[2], *map(int, sys.argv[3:]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", default=POINTS, help="shape:context:rows, … [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3, help="timed passes of each in a round [3]")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--horizon", type=int, default=64)
    parser.add_argument("-o", "--output", type=Path, help="write the table there too")
    args = parser.parse_args()
    import oracle
    import torch

    torch.set_num_threads(args.threads)
    lines = heading(args)
    print("\n".join(lines), flush=True)
    points = [point.split(":") for point in args.points.split(",")]
    for shape in dict.fromkeys(point[0] for point in points):
        with tempfile.TemporaryDirectory() as folder:
            model = oracle.random_model(3, **SHAPES[shape], max_output_patches=64, sharpness=3, spread=0.5)
            model.save_pretrained(folder)
            for _, context, rows in (point for point in points if point[0] == shape):
                lines.append(compare_point(model, folder, shape, int(context), int(rows), args))
                print(lines[-1], flush=True)
    if args.output:
        args.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
