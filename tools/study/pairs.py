"""Runs the second part of the preregistered study (docs/preregistration.md): weights that look far back, on the control of
pairs. Writes OUT/pairs.md with both gates and a table.

    python tools/study/pairs.py --models build/train/pairs
    python tools/study/pairs.py --smoke         # a bundled checkpoint and short contexts: seconds

It can be stopped at any moment, and the same command goes on; runs of other weights, tasks or of another program are
refused. All scores are those of `chronos2 study`.
"""

from __future__ import annotations

import argparse
import math
import statistics
from pathlib import Path

import answer
from answer import ROOT, Scores, arm, make_controls

SHOWN = (("dense", "visible"), ("dense", "null"), ("dense", "global"), ("mixed", "visible"), ("mixed", "null"),
         ("mixed", "global"), ("r8", "global"))  # weights and the pattern they are run under


class Plan:
    radii, repeats = (4, 8, 16, 64, math.inf), 1

    def __init__(self, args: argparse.Namespace) -> None:
        self.smoke, self.models, self.out, self.folders = args.smoke, args.models, args.out, {"pairs": args.out / "controls"}
        self.contexts = (64, 128) if args.smoke else (2048, 8192)
        self.seeds = (1,) if args.smoke else (1, 2, 3)

    def model(self, family: str, seed: int) -> Path:
        return ROOT / "models" / "chronos2-micro-mixed" if self.smoke else self.models / f"{family}-{seed}" / "model"

    def runs(self):
        """As answer.Plan.runs."""
        for context in self.contexts:
            for family in ("dense", "mixed", "r8"):
                for seed in self.seeds:
                    yield f"{family}-{seed}-c{context}", context, self.model(family, seed), ()


def skills(plan: Plan, scores: Scores, task: str, family: str, context: int, name: str) -> list[float]:
    """MASE over that of seasonal naive, of each seed: 1 knows nothing, 0 is exact."""
    def naive(seed: int) -> float:
        lines = answer.rows(plan, f"{family}-{seed}-c{context}", "baselines")
        return float(next(r["MASE"] for r in lines if r["task_name"] == task and r["model_name"] == "seasonal_naive"))

    return [float(scores.of[family, s, context, name, task]["MASE"]) / naive(s) for s in plan.seeds]


def cell(values: list[float]) -> str:
    return f"{statistics.mean(values):.2f} ({', '.join(f'{v:.2f}' for v in values)})"


def table(plan: Plan, scores: Scores, task: str) -> list[str]:
    middle, longest = plan.contexts
    radii = "".join(f" radius {r} |" for r in plan.radii)
    lines = [f"| weights, pattern | full, {middle} steps | full, {longest} steps |{radii}", "| --- " * (3 + len(plan.radii)) + "|"]
    for family, pattern in SHOWN:
        cells = [cell(skills(plan, scores, task, family, context, "full")) for context in plan.contexts]
        cells += [cell(skills(plan, scores, task, family, longest, arm(pattern, r))) for r in plan.radii]
        lines.append(f"| {family}, {pattern} | {' | '.join(cells)} |")
    return lines


def first_gate(plan: Plan, scores: Scores, task: str) -> str:
    middle, longest = plan.contexts
    each = [scores.logs([task], ("dense", longest, "full"), ("dense", middle, "full"), seeds=[s])[0] for s in plan.seeds]
    return (f"Gate 1: dense at context {longest} over dense at {middle}, each seed: {', '.join(map(answer.percent, each))}: "
            f"{'passed' if max(each) < -math.log(1.1) else 'not passed'}.")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=ROOT / "build" / "train" / "pairs", help="where recipe.sh --pairs put them")
    parser.add_argument("--out", type=Path, help="[build/pairs, with --smoke build/pairs-smoke]")
    parser.add_argument("--smoke", action="store_true", help="a bundled checkpoint for all, short contexts, one seed")
    args = parser.parse_args()
    answer.place(args, "pairs")
    return args


def main() -> None:
    plan = Plan(arguments())
    make_controls.write(plan.folders["pairs"], make_controls.PAIRS)
    answer.check_data(plan)
    groups = answer.write_tasks(plan)
    answer.run_all(plan)
    scores = Scores(plan)
    (task,) = groups["pairs"]
    lines = ["# Gates", "", first_gate(plan, scores, task), "", *answer.second_gate(plan, scores, [task]), "", "# MASE over seasonal naive: means, and each seed", "",
             *table(plan, scores, task)]
    answer.report(plan, "pairs", lines)


if __name__ == "__main__":
    main()
