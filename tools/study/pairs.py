"""Runs the second part of the preregistered study (docs/preregistration.md): weights that look far back, on controls of
pairs. Writes OUT/pairs.md with both gates and a table.

    python tools/study/pairs.py --models build/train/pairs

It can be stopped at any moment, and the same command goes on. All scores are those of `chronos2 study`.
"""

from __future__ import annotations

import argparse
import math
import statistics
from pathlib import Path

import answer
from answer import ROOT, Scores, arm, make_controls

FAMILIES = {"dense": "visible", "mixed": "global", "r8": "global", "r8-deep": "global"}  # and the pattern they are shown under


class Plan:
    smoke = False
    contexts, radii, seeds, repeats = (2048, 8192), (4, 8, 16, 64, math.inf), (1, 2, 3), 1

    def __init__(self, models: Path, out: Path) -> None:
        self.models, self.out, self.folders = models, out, {"pairs": out / "controls"}

    def runs(self):
        """As answer.Plan.runs."""
        for context in self.contexts:
            for family in FAMILIES:
                for seed in self.seeds:
                    yield f"{family}-{seed}-c{context}", context, self.models / f"{family}-{seed}" / "model", ()


def skill(plan: Plan, scores: Scores, task: str, family: str, context: int, name: str) -> str:
    """MASE over that of seasonal naive, of each seed: 1 knows nothing, 0 is exact."""
    def naive(seed: int) -> float:
        lines = answer.rows(plan, f"{family}-{seed}-c{context}", "baselines")
        return float(next(r["MASE"] for r in lines if r["task_name"] == task and r["model_name"] == "seasonal_naive"))

    values = [float(scores.of[family, s, context, name, task]["MASE"]) / naive(s) for s in plan.seeds]
    return f"{statistics.mean(values):.2f} ({', '.join(f'{v:.2f}' for v in values)})"


def table(plan: Plan, scores: Scores, tasks: list[str]) -> list[str]:
    middle, longest = plan.contexts
    lines = ["| control | weights, pattern | full, context 2,048 | full |" + "".join(f" radius {r} |" for r in plan.radii),
             "| --- " * (4 + len(plan.radii)) + "|"]
    for task in tasks:
        for family, pattern in FAMILIES.items():
            cells = [skill(plan, scores, task, family, middle, "full"), skill(plan, scores, task, family, longest, "full")]
            cells += [skill(plan, scores, task, family, longest, arm(pattern, r)) for r in plan.radii]
            lines.append(f"| {task} | {family}, {pattern} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=ROOT / "build" / "train" / "pairs", help="where recipe.sh --pairs put them")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "pairs")
    args = parser.parse_args()
    plan = Plan(args.models, args.out)
    make_controls.write(plan.folders["pairs"], make_controls.PAIRS)
    answer.check_data(plan)
    groups = answer.write_tasks(plan)
    answer.run_all(plan)
    scores = Scores(plan)
    lines = ["# Gates", "", *answer.gates(plan, scores, groups), "", "# MASE over seasonal naive: means, and each seed", "",
             *table(plan, scores, groups["pairs"])]
    (plan.out / "pairs.md").write_text("\n".join(lines) + "\n")
    print(f"pairs: {plan.out / 'pairs.md'}")


if __name__ == "__main__":
    main()
