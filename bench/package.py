"""The Python package beside chronos-forecasting: tables of bench/RESULTS.md.

    python bench/package.py first predict_df size arrow [--series 2000] [--rounds 3] [--threads 2] [--write]

Each contender is a process of its own that forecasts one table of 500 steps a series per turn, in an order drawn anew
every round; weights are random, of the published small shape, from one folder. PYTHONPATH names the package, else
build/python.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import numpy as np

from contenders import ROOT, Contender, peak_resident_mb
from run import Models, caption, command, ratios, rounds_said, spread, table, take_turns, timed, write

STEPS, HORIZON, LEVELS = 500, 24, [0.1, 0.5, 0.9]
PACKAGE = os.environ.get("PYTHONPATH") or str(ROOT / "build" / "python")
UPSTREAM = "upstream float32"  # what others are set against
NAMES = {"ours": ("chronos2", "float32"), "ours bf16": ("chronos2", "bfloat16"),
         UPSTREAM: ("chronos", "float32"), "upstream bf16": ("chronos", "bfloat16")}

FIRST = """import numpy as np
from {package} import Chronos2Pipeline
pipeline = Chronos2Pipeline.from_pretrained({folder!r})
pipeline.predict([np.arange(100.0)], prediction_length=16)"""


def first(models, args):
    """From the start of Python to the first forecast of one series of 100 steps; the files are in the page cache."""
    folder = str(models("small")[0])
    commands = {package: [sys.executable, "-c", FIRST.format(package=package, folder=folder)]
                for package in ("chronos2", "chronos")}
    for line in commands.values():
        timed(line)
    rounds = max(args.rounds, 5)
    seconds = take_turns({name: lambda c=c: timed(c) for name, c in commands.items()}, rounds)
    return table(["ours, s", "upstream, s", "times sooner (min–max)"],
                 [[*(f"{statistics.median(v):.2f}" for v in seconds.values()),
                   spread(ratios(seconds["chronos"], seconds["chronos2"]), 1)]]), rounds_said(rounds)


def predict_df(models, args):
    """predict_df of a pandas table."""
    folder = models("small")[0]
    processes = {name: frames(name, folder, args, "pandas") for name in args.contenders}
    answers = {name: [] for name in processes}

    def turn(name):
        answers[name].append(processes[name].turn())
        print("  ", name, answers[name][-1], flush=True)
        return answers[name][-1]["seconds"]

    seconds = take_turns({name: lambda n=name: turn(n) for name in processes}, args.rounds)
    for process in processes.values():
        process.close()
    rows = []
    for name, values in seconds.items():
        peak = max(a["peak_resident_mb"] for a in answers[name])
        faster, of_upstream = "", ""
        if UPSTREAM in seconds:
            faster = spread(ratios(seconds[UPSTREAM], values))
            of_upstream = f"{peak / max(a['peak_resident_mb'] for a in answers[UPSTREAM]):.2f}"
        rows.append([args.series, name, f"{statistics.median(values):.1f}", faster, f"{peak:.0f}", of_upstream])
    return table(["series", "package", "s", "times faster than upstream in float32 (min–max)", "peak MB", "of upstream's"], rows), rounds_said(args.rounds)


def arrow(models, args):
    """What predict_df of a pyarrow table takes beside chronos2_predict on the same series, which lie ready for it."""
    process = frames("ours bf16", models("small")[0], args, "pyarrow")
    seconds = take_turns({line: lambda line=line: process.turn(line)["seconds"] for line in ("table", "library")},
                         args.rounds)
    process.close()
    shares = [100 * (ratio - 1) for ratio in ratios(seconds["table"], seconds["library"])]
    return table(["series", "steps", "predict_df, s", "chronos2_predict, s", "binding, % (min–max)"],
                 [[args.series, args.steps, *(f"{statistics.median(v):.2f}" for v in seconds.values()),
                   spread(shares, 1)]]), rounds_said(args.rounds)


def size(_models, _args):
    """Of the installed packages and all that they need, in MB of 10^6 bytes."""
    ours = [folder_bytes(Path(PACKAGE)), installed("numpy"), installed("cffi")]
    theirs = installed("chronos-forecasting")
    total = sum(ours)
    return table(["what", "MB"], [
        ["chronos2-c with the library and the bundled checkpoint", f"{ours[0] / 1e6:.1f}"],
        ["with numpy and cffi", f"{total / 1e6:.0f}"],
        ["chronos-forecasting with what it needs, PyTorch for processors only", f"{theirs / 1e6:.0f}"]]), None


def folder_bytes(folder):
    return sum(file.stat().st_size for file in folder.rglob("*")
               if file.is_file() and "__pycache__" not in file.parts and "models" not in file.parts[:-3])


def installed(name, seen=None):
    """Bytes of a distribution and of those that it requires."""
    from packaging.requirements import Requirement

    seen = set() if seen is None else seen
    if name.lower() in seen:
        return 0
    seen.add(name.lower())
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return 0
    total = sum(f.size or 0 for f in found.files or [] if not str(f).endswith(".pyc"))
    for line in found.requires or []:
        need = Requirement(line)
        if need.marker is None or need.marker.evaluate({"extra": ""}):
            total += installed(need.name, seen)
    return total


# ---- A contender's process --------------------------------------------------------------------------


def frames(name, folder, args, kind):
    package, dtype = NAMES[name]
    job = json.dumps({"series": args.series, "steps": args.steps, "threads": args.threads, "dtype": dtype,
                      "kind": kind})
    environment = {"OMP_NUM_THREADS": str(args.threads), "PYTHONPATH": PACKAGE}
    return Contender([sys.executable, __file__, "--serve", package, folder, job], environment)


def serve(package, folder, job):
    import pandas as pd

    job = json.loads(job)
    rng = np.random.default_rng(1)
    step = np.arange(job["steps"])
    values = np.empty((job["series"], len(step)))
    for row in values:
        row[:] = 10 + 3 * np.sin(2 * np.pi * (step / 24 + rng.random())) + rng.random(len(step))
    df = pd.DataFrame({"item_id": pd.Index([f"s{i}" for i in range(job["series"])]).repeat(len(step)),
                       "timestamp": np.tile(pd.date_range("2024-01-01", periods=len(step), freq="h"), job["series"]),
                       "target": values.ravel()}, copy=False)
    if job["kind"] == "pyarrow":
        import pyarrow

        df = pyarrow.Table.from_pandas(df)
    pipeline = open_pipeline(package, folder, job)
    small = df[:job["steps"]] if job["kind"] == "pandas" else df.slice(0, job["steps"])
    pipeline.predict_df(small, prediction_length=HORIZON, quantile_levels=LEVELS)
    library = alone(pipeline, values) if job["kind"] == "pyarrow" else None
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew: that of making the table is nobody's
    for line in sys.stdin:
        start = time.perf_counter()
        if line.strip() == "library":
            library()
        else:
            pipeline.predict_df(df, prediction_length=HORIZON, quantile_levels=LEVELS)
        print(json.dumps({"seconds": time.perf_counter() - start, "peak_resident_mb": peak_resident_mb()}), flush=True)


def open_pipeline(package, folder, job):
    if package == "chronos":
        import torch
        from chronos import Chronos2Pipeline

        torch.set_num_threads(job["threads"])
        return Chronos2Pipeline.from_pretrained(folder, dtype=getattr(torch, job["dtype"]))
    from chronos2 import Chronos2Pipeline

    return Chronos2Pipeline.from_pretrained(folder, dtype=job["dtype"], threads=job["threads"])


def alone(pipeline, values):
    """A function that calls chronos2_predict on series that are described already."""
    from chronos2 import _native

    series = _native.SeriesTable([_native.Series([row]) for row in values])

    def call():
        with pipeline.model.session() as session:
            session.predict(series, _native.PredictOptions(HORIZON))

    return call


def names(text):
    for name in text.split(","):
        if name not in NAMES:
            *most, last = NAMES
            raise argparse.ArgumentTypeError(f"expected {', '.join(most)} or {last}, found '{name}'")
    return text.split(",")


SECTIONS = {f.__name__: f for f in (first, predict_df, arrow, size)}


def main():
    if sys.argv[1:2] == ["--serve"]:
        return serve(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="+", choices=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--series", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--contenders", type=names, default=["ours", "ours bf16", UPSTREAM])
    parser.add_argument("--models", help="folder for the random models, kept")
    parser.add_argument("--write", action="store_true", help="into bench/RESULTS.md")
    args = parser.parse_args()
    os.environ["PYTHONPATH"] = PACKAGE
    with tempfile.TemporaryDirectory() as place:
        models = Models(args.models or place)
        for name in args.sections:
            lines, rounds = SECTIONS[name](models, args)
            print("\n".join(lines), flush=True)
            if args.write:
                write(f"package-{name}", [caption(args, rounds, command(parser, args, name)), "", *lines])
    return 0


if __name__ == "__main__":
    sys.exit(main())
