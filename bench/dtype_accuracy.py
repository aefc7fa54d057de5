"""Forecast accuracy by dtype: MASE and WQL of every task, dense attention, by `chronos2 study --dtype`.

    python bench/dtype_accuracy.py [-m MODEL] [TASKS.yaml ...]

Tasks default to the bundled ones and, where it is there, ../shared/data/cbii/tasks.yaml. The last row is the geometric
mean over the tasks of each score over fp32's.
"""

import argparse
import csv
import math
import subprocess
import tempfile
from pathlib import Path

from contenders import PROGRAM, ROOT

DTYPES = ("fp32", "bf16", "int8")


def scores(tasks, dtype, model):
    """Task -> its row. One radius, one series probed: only the dense pass is wanted."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([PROGRAM, "study", "--tasks", tasks, "--dtype", dtype, "--radii", "8", "--arms", "none",
                        "--perf-repeats", "1", "--max-series-per-window", "1", "--out-prefix", f"{place}/s", *model],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(f"{place}/s__perf_full.csv", newline="") as file:
            return {row["task_name"]: row for row in csv.DictReader(file)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", type=Path)
    parser.add_argument("-m", "--model", help="model folder [the bundled checkpoint]")
    args = parser.parse_args()
    shared = ROOT.parent / "shared" / "data" / "cbii" / "tasks.yaml"
    files = args.tasks or [ROOT / "datasets" / "tasks.yaml"] + [shared] * shared.exists()
    model = ["-m", args.model] if args.model else []
    print("| task | " + " | ".join(f"{score} {dtype}" for score in ("MASE", "WQL") for dtype in DTYPES) + " |")
    print("| --- " * 7 + "|", flush=True)
    logs = {}
    for file in files:
        found = {dtype: scores(file, dtype, model) for dtype in DTYPES}
        for task in found["fp32"]:
            values = {(s, d): float(found[d][task][s]) for s in ("MASE", "WQL") for d in DTYPES}
            print("| " + " | ".join([task, *(f"{v:.5g}" for v in values.values())]) + " |", flush=True)
            for (score, dtype), value in values.items():
                logs.setdefault((score, dtype), []).append(math.log(value / values[score, "fp32"]))
    means = [f"{math.exp(sum(v) / len(v)):.5f}" for v in logs.values()]
    print("| " + " | ".join(["over fp32, geometric mean", *means]) + " |")


if __name__ == "__main__":
    main()
