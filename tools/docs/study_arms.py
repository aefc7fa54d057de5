"""Writes docs/study.svg: what the arms of a study change in MASE, by radius. Needs matplotlib.

    python tools/docs/study_arms.py build/study__equivalence.csv    # docs/study.md says how to make it
"""

import csv
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "study", "font.family": "sans-serif"})
from matplotlib import pyplot as plt  # noqa: E402

RADII = ["2", "4", "8", "16", "32", "64", "128", "inf"]
GLOBAL = ("global_r", "dense weights, windowed_future_global: narrow and blind to the future", "#c8553d", "o")
VISIBLE = ("visible_r", "dense weights, windowed_future_visible: narrow alone", "#3d7ea6", "s")
TRAINED = ("sparse_global_r", "weights trained at radius 8, windowed_future_global", "#2f6b3a", "^")


def read(path):
    """{arm: (change, low, high)} of MASE, in percent."""
    columns = ("change_percent", "low_95_percent", "high_95_percent")
    with open(path, newline="") as stream:
        return {r["arm"]: [float(r[c]) for c in columns] for r in csv.DictReader(stream) if r["metric"] == "MASE"}


def draw(axes, arms, series, title):
    for place, (prefix, label, colour, marker) in enumerate(series):
        at = [i for i, radius in enumerate(RADII) if prefix + radius in arms]
        change, low, high = zip(*(arms[prefix + RADII[i]] for i in at))
        x = [i + 0.2 * (place - (len(series) - 1) / 2) for i in at]
        below, above = ([abs(a - b) for a, b in zip(change, ends)] for ends in (low, high))
        axes.errorbar(x, change, yerr=[below, above], fmt=marker, color=colour, capsize=3, label=label)
    axes.axhspan(-1, 1, color="#cfe3cf", zorder=0)
    axes.axhline(0, color="#1b2a41", linewidth=0.8)
    axes.set_xticks(range(len(RADII)), [*RADII[:-1], "∞"])
    axes.set_xlabel("radius, tokens")
    axes.set_title(title, fontsize=11, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def main():
    arms = read(sys.argv[1])
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6))
    draw(left, arms, [GLOBAL, VISIBLE, TRAINED], "All arms")
    draw(right, arms, [VISIBLE, TRAINED], "The two small ones, enlarged")
    left.set_ylabel("change of MASE against dense, %")
    figure.legend(*left.get_legend_handles_labels(), loc="lower center", ncols=1, frameon=False, fontsize=10)
    figure.tight_layout(rect=(0, 0.17, 1, 1))
    figure.savefig(Path(__file__).resolve().parents[2] / "docs" / "study.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
