"""Draws docs/speed.svg from the tables of bench/RESULTS.md. Needs matplotlib.

    python tools/docs/plot_results.py
"""

import argparse
import re
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def rows(name):
    text = (ROOT / "bench" / "RESULTS.md").read_text()
    block = text.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0]
    lines = [line for line in block.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def spread(cell):
    """'1.99 (1.76–2.00)' as median, below, above."""
    middle, low, high = map(float, re.match(r"([\d.]+) \(([\d.]+)–([\d.]+)\)", cell).groups())
    return middle, middle - low, high - middle


def draw_dense(axes):
    data = rows("dense")
    values = [spread(row[4]) for row in data]
    place = range(len(data))
    axes.barh(place, [v[0] for v in values], xerr=[[v[1] for v in values], [v[2] for v in values]], color="#4a7ebb",
              error_kw={"elinewidth": 1, "ecolor": "#333"})
    axes.set_yticks(place, [f"{row[0]}, {row[1]}" for row in data])
    axes.invert_yaxis()
    axes.axvline(1, color="#888", linewidth=0.8)
    axes.set_xlabel("time of PyTorch (best path) / ours")
    axes.set_title("Full attention, float32", fontsize=10)


def draw_sparse(axes):
    data = rows("sparse")
    for shape, color in (("base", "#4a7ebb"), ("small", "#c0504d")):
        own = [row for row in data if row[0] == shape]
        tokens = [int(row[1]) for row in own]
        axes.plot(tokens, [spread(row[4])[0] for row in own], "o-", color=color, label=f"{shape}, measured")
        axes.plot(tokens, [float(row[5]) for row in own], "--", color=color, linewidth=1, label=f"{shape}, bound")
    axes.set_xscale("log", base=2)
    axes.axhline(1, color="#888", linewidth=0.8)
    axes.set_xlabel("tokens")
    axes.set_ylabel("time of full / windowed, r = 8")
    axes.set_title("Sparse beside our own full attention", fontsize=10)
    axes.legend(fontsize=8, frameon=False)


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    plt.rcParams.update({"svg.hashsalt": "chronos2", "font.size": 9})
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    draw_dense(left)
    draw_sparse(right)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(ROOT / "docs" / "speed.svg", metadata={"Date": None}, facecolor="white")


if __name__ == "__main__":
    main()
