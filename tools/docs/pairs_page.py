"""Writes docs/pairs.svg from the runs of tools/study/pairs.py. Needs matplotlib.

    python tools/docs/pairs_page.py --out build/pairs
"""

import statistics
import sys

from answer_page import ROOT, finish, plt

sys.path.insert(0, str(ROOT / "tools" / "study"))

import pairs as study  # noqa: E402

LINES = (
    ("dense", "visible", "trained with full attention", "#c8553d", "o"),
    ("r8", "global", "trained at radius 8", "#2f6b3a", "^"),
    ("mixed", "null", "trained with all patterns", "#7a5195", "D"),
)


def main() -> None:
    args = study.arguments()
    plan = study.Plan(args)
    scores = study.Scores(plan)
    figure, axes = plt.subplots(figsize=(8, 4.2))
    for place, (family, pattern, label, colour, marker) in enumerate(LINES):
        for k, radius in enumerate(plan.radii):
            values = study.skills(plan, scores, "control_pairs", family, plan.contexts[-1], study.arm(pattern, radius))
            x = k + 0.12 * (place - 1)
            axes.plot([x] * len(values), values, marker, color=colour, alpha=0.4, markersize=5)
            axes.plot([x - 0.05, x + 0.05], [statistics.mean(values)] * 2, color=colour, linewidth=2.5,
                      label=label if k == 0 else None)
    axes.axhline(1, color="#1b2a41", linewidth=0.8, linestyle=":")
    axes.text(len(plan.radii) - 0.6, 1.01, "knows nothing", ha="right", va="bottom", fontsize=10)
    axes.set_ylim(0, 1.2)
    axes.set_ylabel("MASE over seasonal naive")
    finish(figure, axes, plan, "pairs", columns=3, bottom=0.08)


if __name__ == "__main__":
    main()
