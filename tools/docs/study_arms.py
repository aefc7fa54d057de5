"""Writes docs/study.svg, what the arms of a study change in MASE, by radius, and prints the tables of docs/study.md.
Needs matplotlib.

    python tools/docs/study_arms.py build/study build/own    # docs/study.md says how to make them
"""

import argparse
import csv
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "study", "font.family": "sans-serif"})
from matplotlib import pyplot as plt  # noqa: E402

RADII = ["2", "4", "8", "16", "32", "64", "128", "inf"]
GLOBAL = ("global_r", "dense weights, windowed_future_global: window, no future in view", "#c8553d", "o")
VISIBLE = ("visible_r", "dense weights, windowed_future_visible: window only", "#3d7ea6", "s")
TRAINED = ("sparse_global_r", "weights finished at radius 8, windowed_future_global", "#2f6b3a", "^")


def rows(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def read(prefix, metric="MASE"):
    """{arm: row}, its change of the metric and the ends of the interval as numbers, in percent."""
    columns = ("change_percent", "low_95_percent", "high_95_percent")
    return {r["arm"]: {**r, "change": [float(r[c]) for c in columns]}
            for r in rows(f"{prefix}__equivalence.csv") if r["metric"] == metric}


def figures(value):
    size = abs(value)
    text = f"{value:+.{2 if size < 1 else 1 if size < 99.95 else 0}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def cell(row):
    if row is None:
        return ""
    change, low, high = row["change"]
    if max(abs(low), abs(high)) < 1e-3:
        return "0.00%" + " ✓" * (row["equivalent_holm"] == "True")
    return f"{figures(change)}% ({figures(low)}, {figures(high)})" + " ✓" * (row["equivalent_holm"] == "True")


def by_radius(prefix):
    mase, wql = read(prefix), read(prefix, "WQL")
    mass = {r["radius"]: r for r in rows(f"{prefix}__mass_summary.csv")}
    for radius in RADII:
        arm = "global_r" + radius
        kept = [f"{100 * float(mass[radius][k]):.1f}%" for k in ("kept_mass_mean_ctxQ_all", "uniform_mass_mean_ctxQ_all",
                                                                  "kept_edges_mean_ctxQ_all")
                ] if radius in mass else ["", "", ""]
        equal = "shown" if mase[arm]["equivalent_holm"] == "True" else "not shown"
        yield [radius.replace("inf", "∞"), *kept, cell(mase[arm]), cell(wql[arm]), equal,
               f"{float(mase[arm]['smallest_margin_percent']):.{2 if equal == 'shown' else 0}f}%"]


def by_arm(prefix, own_prefix):
    dense, own = read(prefix), read(own_prefix)
    for radius in RADII:
        columns = (dense.get("global_r" + radius), dense.get("visible_r" + radius), dense.get("sparse_global_r" + radius),
                   own.get("global_r" + radius))
        yield [radius.replace("inf", "∞"), *map(cell, columns)]
    yield ["full", "", "", cell(dense.get("sparse_full")), "0"]


def draw(axes, arms, series, title):
    for place, (prefix, label, colour, marker) in enumerate(series):
        at = [i for i, radius in enumerate(RADII) if prefix + radius in arms]
        change, low, high = zip(*(arms[prefix + RADII[i]]["change"] for i in at))
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prefix")
    parser.add_argument("own_prefix")
    args = parser.parse_args()
    prefix, own_prefix = args.prefix, args.own_prefix
    arms = read(prefix)
    for table in (by_radius(prefix), by_arm(prefix, own_prefix)):
        print(*("| " + " | ".join(row) + " |" for row in table), "", sep="\n")
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6))
    draw(left, arms, [GLOBAL, VISIBLE, TRAINED], "All arms")
    draw(right, arms, [VISIBLE, TRAINED], "The two small ones, enlarged")
    left.set_ylabel("change of MASE against dense, %")
    figure.legend(*left.get_legend_handles_labels(), loc="lower center", ncols=1, frameon=False, fontsize=10)
    figure.tight_layout(rect=(0, 0.17, 1, 1))
    figure.savefig(Path(__file__).resolve().parents[2] / "docs" / "study.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
