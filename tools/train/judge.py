"""Judges a model on real tasks, on known covariates and on an hourly load with its weather, under full attention and the
sparse patterns, in one command.

    python tools/train/judge.py build/train/main/model --public PUBLIC --long LONG

PUBLIC and LONG are folders with a tasks.yaml each; without them the bundled tasks and the covariates are left. All scores
are those of `chronos2 study`, whose files stay in --out. Nothing here may choose weights: validation on synthetic batches
does that (tools/train/train.py).
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "datasets"))

import make_covariates  # noqa: E402
import make_load  # noqa: E402

PROGRAM = Path(os.environ.get("CHRONOS2_BIN", ROOT / "build" / "chronos2"))
METRICS = ("MASE", "WQL")


def rows(prefix: Path, table: str) -> list[dict[str, str]]:
    with open(f"{prefix}__{table}.csv", newline="") as stream:
        return list(csv.DictReader(stream))


def mean(ratios) -> float:
    """The geometric one."""
    logs = [math.log(r) for r in ratios]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def narrowed(tasks: Path, windows: int, out: Path) -> Path:
    """The same tasks with so many windows at most."""
    listed = yaml.safe_load((tasks / "tasks.yaml").read_text())["tasks"]
    for task in listed:
        task["dataset_path"] = str((tasks / task["dataset_path"]).resolve())
        task["num_windows"] = min(windows, task.get("num_windows", 1))
    out.write_text(yaml.safe_dump({"tasks": listed}))
    return out


def study(args: argparse.Namespace, name: str, tasks: Path, *options: str) -> Path:
    prefix = args.out / name
    if args.windows:
        tasks = narrowed(tasks, args.windows, args.out / f"{name}-tasks.yaml")
    command = [PROGRAM, "study", "--tasks", tasks, "-m", args.model, "--radii", args.radius, "--local-radius", args.radius,
               "--perf-repeats", 1, "--max-series-per-window", 8, "--restart", "--out-prefix", prefix, *options]
    with open(f"{prefix}.log", "w") as log:
        if subprocess.run([str(part) for part in command], stdout=log, stderr=log, check=False).returncode:
            sys.exit(f"judge: {prefix}.log says why the study of {tasks} failed")
    return prefix


def arms(radius: int) -> list[str]:
    return ["full", *(f"{pattern}_r{radius}" for pattern in ("global", "null", "visible"))]


def judge_tasks(args: argparse.Namespace, name: str, tasks: Path) -> None:
    prefix = study(args, name, tasks, "--arms", "visible,null")
    naive = {row["task_name"]: row for row in rows(prefix, "baselines")}
    scores = {(row["arm"], row["task_name"]): row for row in rows(prefix, "arms")}
    changes = {(row["arm"], row["metric"]): row for row in rows(prefix, "equivalence")}
    print(f"\n### {name}: {len(naive)} tasks\n\n| attention | MASE, WQL over seasonal naive | worst task (MASE) | "
          "change of MASE against full (95% interval) | worst task's |\n| --- | --- | --- | --- | --- |")
    for arm in arms(args.radius):
        ratio = {m: {t: float(scores[arm, t][m]) / float(naive[t][m]) for t in naive} for m in METRICS}
        worst = max(naive, key=ratio["MASE"].get)
        change, most = "", ""
        if arm != "full":
            row = changes[arm, "MASE"]
            change = "{:+.2f}% ({:+.2f}, {:+.2f})".format(
                *(float(row[c] or "nan") for c in ("change_percent", "low_95_percent", "high_95_percent")))
            own = {t: float(scores[arm, t]["MASE_over_full"]) for t in naive}
            task = max(own, key=own.get)
            most = f"{task} {100 * (own[task] - 1):+.1f}%"
        print(f"| {arm} | {mean(ratio['MASE'].values()):.3f}, {mean(ratio['WQL'].values()):.3f} | "
              f"{worst} {ratio['MASE'][worst]:.2f} | {change} | {most} |")


def judge_covariates(args: argparse.Namespace) -> None:
    """Error with a known covariate over the error of full attention without."""
    folder = args.out / "covariates"
    make_covariates.write(folder)
    known = study(args, "with", folder)
    alone = study(args, "without", folder, "--as-univariate", "--arms", "none")
    error = {(row["arm"], row["task_name"]): float(row["MAE"]) for row in rows(known, "arms")}
    without = {row["task_name"]: float(row["MAE"]) for row in rows(alone, "arms") if row["arm"] == "full"}
    kinds = make_covariates.KINDS
    print("\n### covariates: error with over error without, full attention\n\n| attention | "
          + " | ".join(kinds) + " | geometric mean |\n" + "| --- " * (len(kinds) + 2) + "|")
    for arm in ["full", "null_rinf", "global_rinf", *arms(args.radius)[1:]]:
        ratio = [error[arm, kind] / without[kind] for kind in kinds]
        print(f"| {arm} | " + " | ".join(f"{r:.2f}" for r in ratio) + f" | **{mean(ratio):.2f}** |")


def judge_load(args: argparse.Namespace) -> None:
    """MASE over seasonal naive of an hourly load, with its weather and calendar known and without."""
    folder = args.out / "load"
    make_load.write(folder)
    ratio = []
    for name, options in (("load-with", ()), ("load-without", ("--as-univariate",))):
        prefix = study(args, name, folder, *options, "--arms", "visible,null")
        naive = float(rows(prefix, "baselines")[0]["MASE"])
        ratio.append({row["arm"]: float(row["MASE"]) / naive for row in rows(prefix, "arms")})
    print("\n### hourly load: MASE over seasonal naive\n\n| attention | without covariates | with temperature and calendar | change |\n"
          + "| --- " * 4 + "|")
    for arm in arms(args.radius):
        known, alone = (r[arm] for r in ratio)
        print(f"| {arm} | {alone:.3f} | {known:.3f} | {100 * (known / alone - 1):+.1f}% |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--public", type=Path, help="folder of the public tasks")
    parser.add_argument("--long", type=Path, help="folder of the long tasks")
    parser.add_argument("--radius", type=int, default=8)
    parser.add_argument("--windows", type=int, default=0, help="of a task at most; 0: all")
    parser.add_argument("--only", choices=["public", "long", "bundled", "covariates", "load"], help="one part alone")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "judge")
    args = parser.parse_args()
    if args.only in ("public", "long") and not getattr(args, args.only):
        parser.error(f"--only {args.only} needs --{args.only}: the folder of those tasks")
    args.out.mkdir(parents=True, exist_ok=True)
    print(f"{args.model}, radius {args.radius}")
    for name, tasks in (("public", args.public), ("long", args.long), ("bundled", ROOT / "datasets")):
        if tasks and args.only in (None, name):
            judge_tasks(args, name, tasks)
    if args.only in (None, "covariates"):
        judge_covariates(args)
    if args.only in (None, "load"):
        judge_load(args)


if __name__ == "__main__":
    main()
