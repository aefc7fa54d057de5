"""Runs the preregistered study (docs/preregistration.md): checks the data, runs every arm, seed and context, and writes
OUT/answer.md with endpoint, gates, speed and memory.

    python tools/study/answer.py --public PUBLIC --long LONG --models build/train
    python tools/study/answer.py --smoke        # the bundled checkpoints on a few tasks and short contexts: seconds

It can be stopped at any moment, and the same command goes on; runs of other weights, tasks or of another program are refused. All scores are those of `chronos2 study`.
"""

from __future__ import annotations

import argparse
import csv
import functools
import hashlib
import json
import math
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import yaml
from scipy import stats

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "datasets"))

import make_controls  # noqa: E402

PROGRAM = Path(os.environ.get("CHRONOS2_BIN", ROOT / "build" / "chronos2"))
PREREGISTRATION = ROOT / "docs" / "preregistration.md"
NOT_PRIMARY = "climate_normals_hourly"
MARGIN = 2  # percent


class Plan:
    """What docs/preregistration.md says; or, as a smoke test, as little of it as goes through every step."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.smoke, self.out = args.smoke, args.out
        self.contexts = (64, 128) if args.smoke else (512, 2048, 8192)
        self.radii = (4, 8, 16, math.inf) if args.smoke else (4, 8, 16, 64, math.inf)
        self.seeds = (1,) if args.smoke else (1, 2, 3)
        self.repeats = 1 if args.smoke else 3
        self.folders = {"bundled": ROOT / "datasets", "controls": args.out / "controls"}
        if not args.smoke:
            self.folders |= {"public": args.public, "long": args.long}
        self.models = args.models

    def model(self, family: str, seed: int) -> Path:
        if self.smoke:
            return ROOT / "models" / ("chronos2-micro" if family == "dense" else "chronos2-micro-r8")
        return self.models / f"{family}-{seed}" / "model"

    def runs(self):
        """(name, context, model, further options) of every run of `chronos2 study`."""
        for context in self.contexts:
            for seed in self.seeds:
                r8 = ("--sparse-model", self.model("r8", seed))
                yield f"dense-{seed}-c{context}", context, self.model("dense", seed), r8
                for family in ("mixed-without-null", "mixed"):
                    yield f"{family}-{seed}-c{context}", context, self.model(family, seed), ()


# ---- Data --------------------------------------------------------------------------------------


def check_data(plan: Plan) -> None:
    """The files are those that the preregistration names."""
    named = re.findall(r"^\| (\w+) \| `([\w.]+)` \| `([0-9a-f]{64})` \|$", PREREGISTRATION.read_text(), re.MULTILINE)
    wrong = []
    for group, name, expected in named:
        if group not in plan.folders:
            continue
        file = plan.folders[group] / name
        if not file.is_file():
            wrong.append(f"{file}: it is not there")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != expected:
            wrong.append(f"{file}: it is not the file that docs/preregistration.md names")
    if wrong or not named:
        sys.exit("\n".join(f"answer: error: {line}" for line in wrong or ["docs/preregistration.md names no file"]))


def write_tasks(plan: Plan) -> dict[str, list[str]]:
    """OUT/tasks.yaml, and the names of the tasks of each group."""
    groups, tasks = {}, []
    for group, folder in plan.folders.items():
        listed = yaml.safe_load((folder / "tasks.yaml").read_text())["tasks"]
        if plan.smoke and group == "bundled":
            listed = listed[-3:]
        for task in listed:
            path = (folder / task["dataset_path"]).resolve()
            own = path.is_relative_to(plan.out.resolve())  # OUT may move
            task["dataset_path"] = str(path.relative_to(plan.out.resolve()) if own else path)
        groups[group] = [task["dataset_config"] for task in listed]
        tasks += listed
    (plan.out / "tasks.yaml").write_text(yaml.safe_dump({"tasks": tasks}, sort_keys=False))
    return groups


# ---- Runs --------------------------------------------------------------------------------------


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@functools.cache
def folder_sha256(folder: Path) -> str:
    """As `chronos2 study` has it in its record: of a line for each of a model's files."""
    if not folder.is_dir():
        sys.exit(f"answer: error: {folder}: no such folder of weights: expected --models to be where recipe.sh put them")
    names = sorted(f.name for f in folder.iterdir()
                   if f.name in ("adapter_config.json", "config.json") or ".safetensors" in f.name)
    return sha256("".join(f"{sha256((folder / name).read_bytes())}  {name}\n" for name in names).encode())


def program_commit() -> str:
    version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"\(commit (.+)\)", version)[1]


def check_done(plan: Plan) -> None:
    """The runs that are done are of these weights, tasks and this program."""
    commit, tasks = program_commit(), sha256((plan.out / "tasks.yaml").read_bytes())
    wrong = []
    for name, _, model, more in plan.runs():
        path = plan.out / f"{name}__run.json"
        if not path.exists():
            continue
        record = json.loads(path.read_text())
        found = record["sha256"] | {"program": record["versions"]["commit"]}
        expected = {"model": folder_sha256(model), "tasks": tasks, "program": commit}
        if more:
            expected["sparse_model"] = folder_sha256(more[more.index("--sparse-model") + 1])
        other = [key for key, value in expected.items() if found.get(key) != value]
        if other:
            wrong.append(f"{path}: another {', '.join(other)} than now; remove it and that run is made again, or choose another --out")
    if wrong:
        sys.exit("\n".join(f"answer: error: {line}" for line in wrong))


def run_all(plan: Plan) -> None:
    check_done(plan)
    radii = ",".join("inf" if math.isinf(r) else str(r) for r in plan.radii)
    for name, context, model, more in plan.runs():
        prefix = plan.out / name
        if Path(f"{prefix}__run.json").exists():
            continue
        print(f"answer: {name}", flush=True)
        command = [PROGRAM, "study", "--tasks", plan.out / "tasks.yaml", "-m", model, "--context-length", context,
                   "--radii", radii, "--local-radius", 8, "--margin", MARGIN, "--perf-repeats", plan.repeats,
                   "--max-series-per-window", 8, "--resume", "--out-prefix", prefix, *more]
        with open(f"{prefix}.log", "a") as log:
            if subprocess.run([str(part) for part in command], stdout=log, stderr=log, check=False).returncode:
                sys.exit(f"answer: error: {prefix}.log says why it failed")


# ---- Results -----------------------------------------------------------------------------------


def rows(plan: Plan, run: str, table: str) -> list[dict[str, str]]:
    with open(plan.out / f"{run}__{table}.csv", newline="") as stream:
        return list(csv.DictReader(stream))


class Scores:
    """Scores by family, seed, context, arm and task; the r8 family's own arms are called as its patterns."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.of = plan, {}
        for run, context, _, _ in plan.runs():
            family, seed = re.fullmatch(r"(.+)-(\d+)-c\d+", run).groups()
            for row in rows(plan, run, "arms"):
                arm, own = row["arm"], family
                if arm.startswith("sparse_"):
                    arm, own = arm.removeprefix("sparse_"), "r8"
                self.of[own, int(seed), context, arm, row["task_name"]] = row

    def logs(self, tasks, one, other, metric="MASE", seeds=None):
        """Of each task: log(score of `one` / score of `other`), (family, context, arm) each, the mean of seeds (all)."""
        def value(side, seed, task):
            family, context, arm = side
            return float(self.of[family, seed, context, arm, task][metric])

        return [statistics.mean(math.log(value(one, s, t) / value(other, s, t)) for s in seeds or self.plan.seeds) for t in tasks]


def percent(log: float) -> str:
    return f"{100 * math.expm1(log):+.2f}%"


def change(logs: list[float]) -> str:
    """Mean, its 90% interval, and whether it is equal within the margin: two one-sided tests at 5%."""
    mean, margin = statistics.mean(logs), math.log1p(MARGIN / 100)
    half = stats.sem(logs) * stats.t.ppf(0.95, len(logs) - 1)
    low, high = mean - half, mean + half
    verdict = "shown" if -margin < low and high < margin else "not shown"
    return f"{percent(mean)} | {percent(low)} to {percent(high)} | {verdict}"


def arm(pattern: str, radius: float) -> str:
    return f"{pattern}_r{'inf' if math.isinf(radius) else radius}"


def endpoints(plan: Plan, scores: Scores, primary: list[str]) -> list[str]:
    longest = plan.contexts[-1]
    first = change(scores.logs(primary, ("r8", longest, arm("global", 8)), ("dense", longest, "full"))).split(" | ")
    lines = [f"Primary endpoint, {len(primary)} tasks, means of {len(plan.seeds)} seeds, context {longest}: the MASE of r8 at "
             f"radius 8 differs from that of dense in full attention by {first[0]}, 90% interval {first[1]}: equality within "
             f"{MARGIN}% is {first[2]}. All else is secondary.", "",
             "| context | metric | weights, pattern | over | change | 90% interval | equal |", "| --- " * 7 + "|"]
    for context in reversed(plan.contexts):
        dense = ("dense", context, "full")
        for radius in plan.radii:
            for family, pattern in (("r8", "global"), ("mixed-without-null", "global"), ("mixed", "global"),
                                    ("mixed", "null"), ("mixed", "visible"), ("dense", "global"), ("dense", "null"),
                                    ("dense", "visible")):
                name = arm(pattern, radius)
                for metric in ("MASE", "WQL"):
                    logs = scores.logs(primary, (family, context, name), dense, metric)
                    lines.append(f"| {context} | {metric} | {family}, {name} | dense, full | {change(logs)} |")
        for family in ("r8", "mixed-without-null", "mixed"):
            logs = scores.logs(primary, (family, context, "full"), dense)
            lines.append(f"| {context} | MASE | {family}, full | dense, full | {change(logs)} |")
    return lines


def gates(plan: Plan, scores: Scores, groups: dict[str, list[str]]) -> list[str]:
    longest, middle = plan.contexts[-1], plan.contexts[-2]
    tasks = [*groups.get("long", []), *groups["controls"]]
    logs = scores.logs(tasks, ("dense", longest, "full"), ("dense", middle, "full"))
    p = stats.ttest_1samp(logs, 0, alternative="less").pvalue
    lines = [f"Gate 1: dense at context {longest} over dense at {middle}, long tasks and controls: "
             f"{percent(statistics.mean(logs))}, one-sided p = {p:.3g}: {'passed' if p < 0.05 else 'not passed'}.", ""]
    return lines + second_gate(plan, scores, groups["controls"])


def second_gate(plan: Plan, scores: Scores, controls: list[str]) -> list[str]:
    longest, failing = plan.contexts[-1], []
    lines = ["| control | weights, pattern | over its own full attention, each seed |", "| --- " * 3 + "|"]
    for task in controls:
        for family, pattern in (("dense", "visible"), ("r8", "global"), ("mixed", "global")):
            for radius in plan.radii[:2]:
                name = arm(pattern, radius)
                each = [scores.logs([task], (family, longest, name), (family, longest, "full"), seeds=[s])[0] for s in plan.seeds]
                lines.append(f"| {task} | {family}, {name} | {', '.join(map(percent, each))} |")
                if min(each) > math.log(1.1):
                    failing.append(f"{task} ({family}, {name})")
    return [*lines, "", "Gate 2: controls that lose more than 10% under a narrow window with every seed: "
            f"{', '.join(failing) or 'none'}: {'passed' if failing else 'not passed'}."]


def speed(plan: Plan) -> list[str]:
    lines = ["| context | radius | speed-up, median of tasks | bound by operations | peak MB, full | peak MB, sparse |",
             "| --- " * 6 + "|"]
    for context in plan.contexts:
        measured = rows(plan, f"dense-{plan.seeds[0]}-c{context}", "perf_compare_all_radii")
        for radius in plan.radii:
            own = [row for row in measured if float(row["radius"]) == radius]
            columns = ("speedup", "speedup_flop_bound", "peak_alloc_mb_median_full", "peak_alloc_mb_median_sparse")
            middle = [statistics.median(float(row[c]) for row in own) for c in columns]
            lines.append(f"| {context} | {radius} | {middle[0]:.3f} | {middle[1]:.3f} | {middle[2]:.1f} | {middle[3]:.1f} |")
    return lines


def primary(groups: dict[str, list[str]]) -> list[str]:
    """The tasks of the primary endpoint."""
    return [t for group in ("public", "bundled", "long") for t in groups.get(group, []) if t != NOT_PRIMARY]


def place(args: argparse.Namespace, name: str) -> None:
    """Where results go unless --out says: those of a smoke test never where those of the study are."""
    args.out = args.out or ROOT / "build" / (f"{name}-smoke" if args.smoke else name)


def report(plan: Plan, name: str, lines: list[str]) -> None:
    head = ["Smoke test: bundled checkpoints and short contexts, no result of the study.", ""] if plan.smoke else []
    (plan.out / f"{name}.md").write_text("\n".join(head + lines) + "\n")
    print(f"{name}: {plan.out / name}.md")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--public", type=Path, help="folder of the public tasks")
    parser.add_argument("--long", type=Path, help="folder of the long tasks")
    parser.add_argument("--models", type=Path, default=ROOT / "build" / "train", help="where recipe.sh --arms put them")
    parser.add_argument("--out", type=Path, help="[build/answer, with --smoke build/answer-smoke]")
    parser.add_argument("--smoke", action="store_true", help="few tasks, short contexts, the bundled checkpoints")
    parser.add_argument("--check", action="store_true", help="check the data and do nothing else")
    args = parser.parse_args()
    if not args.smoke and not (args.public and args.long):
        parser.error("expected --public and --long, or --smoke")
    place(args, "answer")
    return args


def main() -> None:
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    plan = Plan(args)
    make_controls.write(plan.folders["controls"])
    check_data(plan)
    if args.check:
        print("answer: the data are those of docs/preregistration.md")
        return
    groups = write_tasks(plan)
    run_all(plan)
    scores = Scores(plan)
    lines = ["# Endpoints", "", *endpoints(plan, scores, primary(groups)), "", "# Gates", "", *gates(plan, scores, groups), "",
             "# Speed and memory", "", *speed(plan)]
    report(plan, "answer", lines)


if __name__ == "__main__":
    main()
