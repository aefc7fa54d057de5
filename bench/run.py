"""The engine beside PyTorch and beside itself: each section is a table of bench/RESULTS.md.

    python bench/run.py dense bf16 ragged sparse futures long cold gemm [--write] [--rounds 7] [--threads 2]

Within a point all contenders take turns, one pass each, in an order drawn anew every round, so that what else the
machine does hits all alike; a ratio is taken within a round and given as median (min–max) over the rounds. Both sides
make one pass that isn't counted, and both bind their threads to processors. Weights are random; both sides
read the same folder. --write puts the tables and figures in their places.
"""

import argparse
import json
import platform
import random
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from contenders import PROGRAM, ROOT, program, pytorch

sys.path.insert(0, str(ROOT / "tools" / "golden"))
SHAPES = {"base": dict(d_model=768, d_kv=64, heads=12, d_ff=3072, layers=12, context_length=8192),
          "small": dict(d_model=512, d_kv=64, heads=8, d_ff=2048, layers=6, context_length=8192)}
HORIZON = 64


# ---- Taking turns ----------------------------------------------------------------------------------


def take_turns(contenders, rounds):
    """contenders: {name: function that makes a pass and returns its seconds}; returns {name: [seconds]}."""
    seconds = {name: [] for name in contenders}
    order = random.Random(1)
    for _ in range(rounds):
        for name in order.sample(list(contenders), len(contenders)):
            seconds[name].append(contenders[name]())
    return seconds


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def milliseconds(values):
    return f"{1e3 * statistics.median(values):.0f} ({1e3 * min(values):.0f})"


def rounds_said(count):
    return f"{count} round{'' if count == 1 else 's'}"


def ratios(slow, fast):
    return [a / b for a, b in zip(slow, fast)]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


class Models:
    """Random models of the published shapes, written once."""

    def __init__(self, place):
        self.place = Path(place)
        self.known = {}

    def __call__(self, shape):
        if shape not in self.known:
            import oracle

            folder = self.place / shape
            model = oracle.random_model(3, **SHAPES[shape], max_output_patches=64, sharpness=3, spread=0.5)
            model.save_pretrained(folder)
            self.known[shape] = (folder, model)
        return self.known[shape]


# ---- Errors ----------------------------------------------------------------------------------------


def errors(models, shape, context, rows, horizon=HORIZON):
    """Largest difference of quantiles in normalised units from PyTorch in float64: the program's, PyTorch float32's."""
    import copy

    import oracle
    from safetensors.numpy import load_file
    from safetensors.torch import save_file

    folder, model = models(shape)
    rng = np.random.default_rng(5)
    batch = oracle.stack([oracle.seasonal(rng, context) for _ in range(rows)])
    patches = -(-horizon // 16)
    exact, loc, scale = oracle.forward(copy.deepcopy(model).double(),
                                       {"context": batch.double(), "num_output_patches": patches})
    theirs = oracle.forward(model, {"context": batch, "num_output_patches": patches})[0].quantile_preds
    with tempfile.TemporaryDirectory() as place:
        case, out = f"{place}/case.safetensors", f"{place}/out.safetensors"
        save_file({"in.context": batch}, case, metadata={"case": json.dumps({"num_output_patches": patches})})
        subprocess.run([PROGRAM, "forward", case, "-o", out, "-m", folder], check=True)
        ours = load_file(out)["out.quantiles"]
    truth = oracle.normalised(exact.quantile_preds, loc, scale)
    return [np.abs(oracle.normalised(x, loc, scale) - truth).max() for x in (ours, theirs)]


# ---- Sections --------------------------------------------------------------------------------------
# Each gives its table and says how many rounds it made.


def beside_pytorch(models, args, shape, job, options, paths):
    """Turns of the program and of PyTorch's paths, each in a process of its own: both sides' seconds, PyTorch's best path
    and that one's peak, and the program's summary."""
    folder, _ = models(shape)
    ours = program(folder, args.threads, "--horizon", job["horizon"], *options)
    theirs = {path: pytorch(folder, args.threads, job) for path in paths}
    peaks = {}

    def turn(path):
        answer = theirs[path].turn(path)
        peaks[path] = answer["peak_resident_mb"]
        return answer["seconds"]

    for path in paths:
        turn(path)
    contenders = {"ours": lambda: ours.turn()["seconds"], **{p: lambda p=p: turn(p) for p in paths}}
    seconds = take_turns(contenders, args.rounds)
    summary = ours.close()
    for process in theirs.values():
        process.close()
    best = min(paths, key=lambda p: statistics.median(seconds[p]))
    return seconds, best, peaks[best], summary


def dense(models, args):
    """float32, full attention, equal lengths, horizon 64. The error at 8192 × 8 is that of one row."""
    rows = []
    for shape, context, count in (("base", 512, 8), ("base", 2048, 4), ("base", 8192, 1), ("base", 8192, 8),
                                  ("small", 512, 8), ("small", 2048, 4), ("small", 8192, 1)):
        job = {"rows": count, "context": context, "horizon": HORIZON, "batch_size": count}
        options = ["--batch-size", count, "--context-length", context]
        big = context * count > 8192 * 4
        seconds, best, peak, summary = beside_pytorch(models, args, shape, job, options, ["sdpa"] if big else args.paths)
        ours, theirs = errors(models, shape, context, 1 if big else count)
        median = statistics.median(seconds["ours"])
        rows.append([shape, f"{context} × {count}", milliseconds(seconds["ours"]),
                     f"{milliseconds(seconds[best])} {best}", spread(ratios(seconds[best], seconds["ours"])),
                     f"{summary['tokens'] / median:.0f}", f"{summary['work'] / median / 1e9:.0f}",
                     f"{summary['peak_resident_mb']:.0f}, {peak:.0f}", f"{ours:.1e}, {theirs:.1e}"])
        yield rows[-1]
    return table(["model", "context × rows", "ms", "ms PyTorch, best path", "ratio (min–max)", "tokens/s", "GFLOP/s",
                  "peak MB, ours and PyTorch", "error, ours and PyTorch"], rows), rounds_said(args.rounds)


def bf16(models, args):
    """bf16 on both sides, full attention, equal lengths, horizon 64."""
    rows = []
    for shape, context, count in (("base", 512, 8), ("base", 2048, 4), ("base", 8192, 1),
                                  ("small", 512, 8), ("small", 2048, 4), ("small", 8192, 1)):
        job = {"rows": count, "context": context, "horizon": HORIZON, "batch_size": count, "dtype": "bf16"}
        options = ["--batch-size", count, "--context-length", context, "--dtype", "bf16"]
        seconds, best, peak, summary = beside_pytorch(models, args, shape, job, options, args.paths)
        rows.append([shape, f"{context} × {count}", milliseconds(seconds["ours"]),
                     f"{milliseconds(seconds[best])} {best}", spread(ratios(seconds[best], seconds["ours"])),
                     f"{summary['peak_resident_mb']:.0f}, {peak:.0f}"])
        yield rows[-1]
    return table(["model", "context × rows", "ms", "ms PyTorch, best path", "ratio (min–max)",
                  "peak MB, ours and PyTorch"], rows), rounds_said(args.rounds)


def ragged(models, args):
    """Series of the seven shared tasks in one request, as long as they are (at most the model's 8192 steps), horizon 24."""
    files = sorted((ROOT.parent / "shared" / "data" / "cbii").glob("*.jsonl"))
    if not files:
        print("ragged: skipped, ../shared/data/cbii is not there", file=sys.stderr)
        return None
    rows = []
    for shape in ("small",):
        chosen = take_some(files, args.per_file, models.place)
        job = {"files": [str(f) for f in chosen], "horizon": 24, "batch_size": 256}
        seconds, best, peak, summary = beside_pytorch(models, args, shape, job, ["--context-length", 8192, *chosen],
                                                      ["sdpa"])
        rows.append([shape, f"{summary['rows']} series, {summary['tokens']:.0f} tokens", milliseconds(seconds["ours"]),
                     f"{milliseconds(seconds[best])} {best}", spread(ratios(seconds[best], seconds["ours"])),
                     f"{summary['peak_resident_mb']:.0f}, {peak:.0f}"])
        yield rows[-1]
    return table(["model", "input", "ms", "ms PyTorch, best path", "ratio (min–max)",
                  "peak MB, ours and PyTorch"], rows), rounds_said(args.rounds)


def take_some(files, count, place):
    """The first `count` series of each file."""
    chosen = []
    for file in files:
        part = Path(place) / file.name
        part.write_text("\n".join(file.read_text().splitlines()[:count]) + "\n")
        chosen.append(part)
    return chosen


def sparse(models, args):
    """Our own windowed_future_global, r = 8, beside our own full attention, one row, horizon 16."""
    rows, more = [], 5 * args.rounds
    for shape, tokens in (("base", 35), ("base", 131), ("base", 515), ("base", 2048), ("small", 35), ("small", 131),
                          ("small", 515), ("small", 2048), ("small", 8192)):
        folder, _ = models(shape)
        options = ["--batch-size", 1, "--context-length", 16 * (tokens - 2), "--horizon", 16]
        full = program(folder, args.threads, *options)
        window = program(folder, args.threads, *options, "--attention", "windowed_future_global", "--radius", 8)
        seconds = take_turns({"full": lambda: full.turn()["seconds"], "window": lambda: window.turn()["seconds"]},
                             more if tokens < 2048 else args.rounds)
        work = [c.close()["work"] for c in (full, window)]
        rows.append([shape, tokens, milliseconds_fine(seconds["full"]), milliseconds_fine(seconds["window"]),
                     spread(ratios(seconds["full"], seconds["window"]), 3), f"{work[0] / work[1]:.3f}"])
        yield rows[-1]
    return (table(["model", "tokens", "full, ms", "windowed, ms", "ratio (min–max)", "bound by operations"], rows),
            f"{rounds_said(more)}, {args.rounds} from 2048 tokens on")


def milliseconds_fine(values):
    return f"{1e3 * statistics.median(values):.2f} ({1e3 * min(values):.2f})"


def futures(models, args):
    """64 futures of one context of 8192 steps with a known covariate, horizon 64. PyTorch one by one and batched: 4 (base:
    2) futures are timed, and 16 (8) in one batch, and multiplied."""
    rows, rounds = [], max(2, args.rounds // 3)
    for shape, some, batch in (("small", 4, 16), ("base", 2, 8)):
        folder, _ = models(shape)
        ours = program(folder, args.threads, "--futures", 64, "--batch-size", 1, "--context-length", 8192, "--horizon",
                       HORIZON, "--attention", "windowed_future_global", "--radius", 8)
        jobs = {"one by one": (some, 2), "batched": (batch, 2 * batch)}
        theirs = {name: pytorch(folder, args.threads, {"rows": 1, "context": 8192, "horizon": HORIZON, "futures": count,
                                                       "batch_size": size}) for name, (count, size) in jobs.items()}
        contenders = {"ours": lambda: ours.turn()["seconds"],
                      **{name: lambda name=name: theirs[name].turn("sdpa")["seconds"] * 64 / jobs[name][0]
                         for name in jobs}}
        seconds = take_turns(contenders, rounds)
        summary = ours.close()
        for process in theirs.values():
            process.close()
        rows.append([shape, milliseconds(seconds["ours"]), milliseconds(seconds["one by one"]),
                     milliseconds(seconds["batched"]), spread(ratios(seconds["one by one"], seconds["ours"]), 1),
                     spread(ratios(seconds["batched"], seconds["ours"]), 1), f"{summary['peak_resident_mb']:.0f}"])
        yield rows[-1]
    return table(["model", "ours, ms", "PyTorch one by one, ms", "batched, ms", "ratio one by one", "ratio batched",
                  "peak MB"], rows), rounds_said(rounds)


def long(models, args):
    """Time as the context grows, small, one row, horizon 16: full, and windowed_future_global with r = 64."""
    folder, _ = models("small")
    contexts = [8192, 16384, 32768, 65536, 131072]
    patterns = {"full": [], "r = 64": ["--attention", "windowed_future_global", "--radius", 64]}
    processes, memory, rows, rounds = {}, {}, [], max(3, args.rounds // 2)
    for name, options in patterns.items():
        for context in contexts:
            processes[name, context] = program(folder, args.threads, "--batch-size", 1, "--context-length", context,
                                               "--horizon", 16, *options)
    seconds = take_turns({key: lambda key=key: processes[key].turn()["seconds"] for key in processes}, rounds)
    for key, process in processes.items():
        memory[key] = process.close()["peak_resident_mb"]
    medians = {key: statistics.median(values) for key, values in seconds.items()}
    for context in contexts:
        rows.append([context, context // 16 + 2, *(f"{medians[name, context]:.3f}" for name in patterns),
                     spread(ratios(seconds["full", context], seconds["r = 64", context])),
                     ", ".join(f"{memory[name, context]:.0f}" for name in patterns)])
        yield rows[-1]
    slopes = {name: np.polyfit(np.log(contexts), [np.log(medians[name, c]) for c in contexts], 1)[0]
              for name in patterns}
    lines = table(["context", "tokens", "full, s", "r = 64, s", "ratio (min–max)", "peak MB, full and r = 64"], rows) + [
        "", "Slope of log time over log context: " + ", ".join(f"{name} {s:.3f}" for name, s in slopes.items()) + "."]
    return lines, rounds_said(rounds)


COLD = """import time; start = time.perf_counter()
import numpy as np
from chronos.chronos2 import Chronos2Pipeline
pipeline = Chronos2Pipeline.from_pretrained({folder!r})
pipeline.predict([{{"target": np.arange(100.0)}}], prediction_length=16)"""


def cold(models, args):
    """From a cold process to the first forecast of one series of 100 steps; the files are in the page cache."""
    rows = []
    with tempfile.TemporaryDirectory() as place:
        table_file = Path(place) / "one.csv"
        table_file.write_text("item_id,timestamp,target\n" + "".join(f"a,{1900 + i},{i}\n" for i in range(100)))
        for shape in ("base", "small"):
            folder, _ = models(shape)
            ours = [PROGRAM, "forecast", table_file, "--horizon", "16", "-m", folder]
            commands = {"ours": ours, "cached": [*ours, "--cache", place],
                        "PyTorch": [sys.executable, "-c", COLD.format(folder=str(folder))]}
            timed(commands["cached"])
            seconds = take_turns({name: lambda c=c: timed(c) for name, c in commands.items()}, args.rounds)
            rows.append([shape, *(f"{statistics.median(seconds[name]):.2f}" for name in commands),
                         spread(ratios(seconds["ours"], seconds["PyTorch"]), 3),
                         spread(ratios(seconds["cached"], seconds["PyTorch"]), 4)])
            yield rows[-1]
    return table(["model", "ours, s", "ours with --cache, s", "PyTorch, s", "ours / PyTorch", "with --cache / PyTorch"],
                 rows), rounds_said(args.rounds)


def timed(command):
    start = time.perf_counter()
    subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def gemm(models, args):
    """The packed kernel beside a loop of multiply-adds in registers (the peak) and OpenBLAS, same threads, one run."""
    rows, rounds = [], 2 * args.rounds + 1
    for threads in sorted({1, args.threads}):
        done = subprocess.run([PROGRAM.parent / "bench_peak", str(threads), str(rounds)],
                              capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            r = json.loads(line)
            blas = f"{r['openblas_gflops']:.0f} ({r['openblas_share']:.0%})" if r["openblas_gflops"] else "not installed"
            rows.append([r["threads"], f"{r['rows']} × {r['depth']} · {r['depth']} × {r['columns']}", r["isa"],
                         f"{r['peak_gflops']:.0f}", f"{r['kernel_gflops']:.0f} ({r['kernel_share']:.0%})", blas])
            yield rows[-1]
    return table(["threads", "product", "ISA", "peak, GFLOP/s", "kernel (share of peak)", "OpenBLAS"],
                 rows), rounds_said(rounds)


SECTIONS = {f.__name__: f for f in (dense, bf16, ragged, sparse, futures, long, cold, gemm)}


# ---- Writing ---------------------------------------------------------------------------------------


def machine(args):
    import torch

    info = Path("/proc/cpuinfo").read_text()
    name = re.search(r"model name\s*: (.*)", info)
    family = [re.search(rf"^{key}\s*: (\d+)", info, re.M) for key in ("cpu family", "model")]
    version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()
    kind = f"{name.group(1)} (family {family[0].group(1)}, model {family[1].group(1)})" if name and all(family) else (
        platform.processor())
    return f"{kind}, {args.threads} threads; {'; '.join(version)}; PyTorch {torch.__version__}"


def write(name, lines):
    """Replaces what stands between <!-- NAME --> and <!-- /NAME --> in RESULTS.md."""
    page = ROOT / "bench" / "RESULTS.md"
    text = page.read_text()
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    if begin not in text or end not in text:
        raise SystemExit(f"{page}: no place for {name}")
    head, rest = text.split(begin)
    page.write_text(head + begin + "\n".join(lines) + "\n" + end + rest.split(end, 1)[1])


def command(parser, args, *sections):
    """What repeats sections: every option that differs from its default, but where files are kept."""
    words = ["python", f"bench/{parser.prog}", *sections]
    for name, value in vars(args).items():
        if name not in ("sections", "write", "models") and value != parser.get_default(name):
            words += [f"--{name.replace('_', '-')}", ",".join(map(str, value)) if isinstance(value, list) else str(value)]
    return shlex.join(words)


def caption(args, rounds, repeat):
    """What stands above a table; `rounds`, as a section says them, may be none."""
    return "; ".join(filter(None, [machine(args), rounds, f"`{repeat}`."]))


def run_section(name, models, args):
    print(f"## {name}: {SECTIONS[name].__doc__}", flush=True)
    generator = SECTIONS[name](models, args)
    while True:
        try:
            print("  " + " | ".join(str(cell) for cell in next(generator)), flush=True)
        except StopIteration as end:
            return end.value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="+", choices=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--paths", type=lambda text: text.split(","), default=["eager", "sdpa"],
                        help="PyTorch's: eager, sdpa, compile [eager,sdpa]")
    parser.add_argument("--per-file", type=int, default=6, help="series of each file in the ragged batch [6]")
    parser.add_argument("--write", action="store_true", help="into bench/RESULTS.md")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        models = Models(place)
        for name in args.sections:
            found = run_section(name, models, args)
            if found is None:
                continue
            lines, rounds = found
            print("\n".join(lines), flush=True)
            if args.write:
                write(name, [caption(args, rounds, command(parser, args, name)), "", *lines])


if __name__ == "__main__":
    main()
