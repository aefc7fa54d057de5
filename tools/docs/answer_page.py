"""Writes docs/answer.svg and prints the tables of docs/answer.md, from the runs of tools/study/answer.py. Needs matplotlib.

    python tools/docs/answer_page.py --public PUBLIC --long LONG --out build/answer
"""

import math
import statistics
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "answer", "font.family": "sans-serif"})
from matplotlib import pyplot as plt  # noqa: E402
from scipy import stats  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "study"))

import answer as study  # noqa: E402

FAMILIES = ("dense", "r8", "mixed-without-null", "mixed")
LINES = (  # weights, pattern, whether the picture has them, its label, colour and marker
    ("r8", "global", True, "trained at radius 8: window, no future in view", "#2f6b3a", "^"),
    ("mixed", "global", False, "", "", ""),
    ("mixed", "null", True, "trained with all patterns: window, null future", "#7a5195", "D"),
    ("mixed-without-null", "global", False, "", "", ""),
    ("dense", "visible", True, "trained with full attention: window, future visible", "#3d7ea6", "s"),
    ("dense", "null", False, "", "", ""),
    ("dense", "global", True, "trained with full attention: window, no future in view", "#c8553d", "o"),
)


def signed(log):
    value = 100 * math.expm1(log)
    return f"{value:+.{1 if abs(value) < 99.95 else 0}f}".replace("-", "\N{MINUS SIGN}")


def interval(logs):
    mean, half = statistics.mean(logs), stats.sem(logs) * stats.t.ppf(0.95, len(logs) - 1)
    return mean, mean - half, mean + half


def cell(logs):
    if max(map(abs, logs)) < 1e-6:
        return "0"
    mean, low, high = interval(logs)
    margin = math.log1p(study.MARGIN / 100)
    return f"{signed(mean)} ({signed(low)}, {signed(high)})" + (" ✓" if -margin < low and high < margin else "")


def table(head, rows):
    print("| " + " | ".join(head) + " |", "| --- " * len(head) + "|", sep="\n")
    print(*("| " + " | ".join(row) + " |" for row in rows), "", sep="\n")


def radius_name(radius):
    return "∞" if math.isinf(radius) else str(radius)


def levels(plan, scores, groups):
    """MASE over seasonal naive, geometric means over tasks and seeds, in full attention; by family and context."""
    longest = plan.contexts[-1]
    naive = {row["task_name"]: float(row["MASE"]) for row in study.rows(plan, f"dense-1-c{longest}", "baselines")
             if row["model_name"] == "seasonal_naive"}
    for family in FAMILIES:
        for context in plan.contexts:
            cells = []
            for tasks in groups.values():
                logs = [math.log(float(scores.of[family, s, context, "full", t]["MASE"]) / naive[t])
                        for t in tasks for s in plan.seeds]
                cells.append(f"{math.exp(statistics.mean(logs)):.3f}")
            yield [family, str(context), *cells]


def sinks(plan):
    """The head of each run with the most of the context's attention on future tokens, and the next."""
    for family in ("dense", "mixed-without-null", "mixed"):
        for seed in plan.seeds:
            heads = sorted(study.rows(plan, f"{family}-{seed}-c{plan.contexts[-1]}", "sinks"),
                           key=lambda r: -float(r["future_mass"]))
            yield [f"{family}, seed {seed}", *(f"{h['layer']}:{h['head']}, {100 * float(h['future_mass']):.0f}%"
                                               for h in heads[:3])]


def draw(plan, scores, primary):
    longest = plan.contexts[-1]
    drawn = [line for line in LINES if line[2]]
    figure, axes = plt.subplots(figsize=(9, 5.4))
    for place, (family, pattern, _, label, colour, marker) in enumerate(drawn):
        points = [interval(scores.logs(primary, (family, longest, study.arm(pattern, r)), ("dense", longest, "full")))
                  for r in plan.radii]
        mean, low, high = ([100 * math.expm1(x) for x in column] for column in zip(*points))
        x = [i + 0.16 * (place - (len(drawn) - 1) / 2) for i in range(len(plan.radii))]
        below, above = ([abs(a - b) for a, b in zip(mean, ends)] for ends in (low, high))
        axes.errorbar(x, mean, yerr=[below, above], fmt=marker, color=colour, capsize=3, label=label)
    axes.axhspan(-study.MARGIN, study.MARGIN, color="#cfe3cf", zorder=0)
    axes.axhline(0, color="#1b2a41", linewidth=0.8)
    axes.set_ylabel("change of MASE against dense, %")
    finish(figure, axes, plan, "answer", columns=1, bottom=0.2)


def finish(figure, axes, plan, name, columns, bottom):
    """Axis of radii, a legend below in so many columns, and docs/NAME.svg; of a smoke test OUT/NAME.svg."""
    axes.set_xticks(range(len(plan.radii)), [radius_name(r) for r in plan.radii])
    axes.set_xlabel("radius, tokens of 16 steps")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.legend(*axes.get_legend_handles_labels(), loc="lower center", ncols=columns, frameon=False, fontsize=10)
    figure.tight_layout(rect=(0, bottom, 1, 1))
    figure.savefig((plan.out if plan.smoke else ROOT / "docs") / f"{name}.svg", metadata={"Date": None})


def main():
    args = study.arguments()
    plan = study.Plan(args)
    groups = study.write_tasks(plan)
    scores = study.Scores(plan)
    primary = study.primary(groups)
    longest = plan.contexts[-1]
    radii = [radius_name(r) for r in plan.radii]
    for metric in ("MASE", "WQL"):
        table(["weights", "pattern", *(f"radius {r}" for r in radii)],
              ([family, pattern, *(cell(scores.logs(primary, (family, longest, study.arm(pattern, r)),
                                                    ("dense", longest, "full"), metric)) for r in plan.radii)]
               for family, pattern, *_ in LINES))
    table(["weights", "pattern", *(f"context {c}" for c in plan.contexts)],
          ([family, pattern + ", radius 8", *(cell(scores.logs(primary, (family, c, study.arm(pattern, 8)), ("dense", c, "full")))
                                             for c in plan.contexts)] for family, pattern, *_ in LINES))
    print("Against the same weights in full attention:\n")
    table(["weights", "pattern", *(f"radius {r}" for r in radii)],
          ([family, pattern, *(cell(scores.logs(primary, (family, longest, study.arm(pattern, r)),
                                                (family, longest, "full"))) for r in plan.radii)]
           for family, pattern, *_ in LINES))
    table(["weights", "context", *groups], levels(plan, scores, groups))
    table(["control, context", *FAMILIES], (
        [f"{task}, {c}", *("/".join(f"{float(scores.of[f, s, c, 'full', task]['MASE']):.2f}" for s in plan.seeds)
                           for f in FAMILIES)] for task in groups["controls"] for c in plan.contexts))
    table(["weights", "most", "second", "third"], sinks(plan))
    seen = ("global_rinf", "global_r8", "null_r8")
    table(["weights", *seen], ([f"dense, seed {s}", *(cell(scores.logs(primary, ("dense", longest, arm), ("dense", longest, "full"),
                                                                      seeds=[s])) for arm in seen)] for s in plan.seeds))
    table(["task", *(f"{f}, {p}" for f, p in (("r8", "global"), ("mixed", "null"), ("dense", "global")))], (
        [task, *(signed(scores.logs([task], (f, longest, study.arm(p, 8)), ("dense", longest, "full"))[0])
                 for f, p in (("r8", "global"), ("mixed", "null"), ("dense", "global")))] for task in primary))
    draw(plan, scores, primary)


if __name__ == "__main__":
    main()
