"""Writes docs/attention.svg: where the bundled checkpoint's heads look, kept mass minus kept edges.

    build/chronos2 probe --tasks datasets --radii 1,2,4,8 --max-windows-per-task 0 --out-prefix build/attention
    python tools/docs/attention_mass.py build/attention__mass_by_head.csv
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

CELL_X, CELL_Y, GAP, LEFT, TOP = 50, 34, 26, 70, 84
INK = "#1b2a41"
WARM, COLD = (224, 142, 69), (61, 126, 166)  # more, and less, than even attention


def colour(value):
    target = WARM if value > 0 else COLD
    share = min(1.0, abs(value) / 0.8)
    return "#" + "".join(f"{round(255 + share * (c - 255)):02x}" for c in target)


def read(path):
    """Means over the tasks: {radius: {(layer, head): kept mass - kept edges}}, the mean edges of a radius, tasks."""
    cells, edges, tasks = defaultdict(lambda: defaultdict(list)), defaultdict(list), set()
    with open(path, newline="") as stream:
        for row in csv.DictReader(stream):
            mass, even = float(row["kept_mass"]), float(row["kept_edges"])
            cells[float(row["radius"])][int(row["layer"]), int(row["head"])].append(mass - even)
            edges[float(row["radius"])].append(even)
            tasks.add(row["task_name"])
    mean = {r: {at: sum(v) / len(v) for at, v in by.items()} for r, by in sorted(cells.items())}
    return mean, {r: sum(v) / len(v) for r, v in edges.items()}, len(tasks)


def panel(x, radius, cells, edges, heads):
    out = [
        f'<text x="{x}" y="{TOP - 26}" font-size="13" font-weight="600">radius {radius:g}</text>',
        f'<text x="{x}" y="{TOP - 10}">{100 * edges:.0f}% of the edges</text>',
    ]
    for (layer, head), value in cells.items():
        left, top = x + head * CELL_X, TOP + layer * CELL_Y
        out.append(f'<rect x="{left}" y="{top}" width="{CELL_X - 2}" height="{CELL_Y - 2}" fill="{colour(value)}"/>')
        text = f"{round(100 * value):+d}"
        out.append(f'<text x="{left + CELL_X / 2 - 1}" y="{top + 21}" text-anchor="middle">{text}</text>')
    below = TOP + (1 + max(layer for layer, _ in cells)) * CELL_Y + 13
    for head in range(heads):
        middle = x + head * CELL_X + CELL_X / 2 - 1
        out.append(f'<text x="{middle}" y="{below}" text-anchor="middle">{head}</text>')
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", help="mass_by_head of chronos2 probe")
    mean, edges, tasks = read(parser.parse_args().csv)
    layers = 1 + max(layer for layer, _ in next(iter(mean.values())))
    heads = 1 + max(head for _, head in next(iter(mean.values())))
    wide, high = heads * CELL_X, layers * CELL_Y
    width, height = LEFT + len(mean) * (wide + GAP), TOP + high + 66
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11" fill="{INK}">',
        "<title>Kept mass minus kept edges by layer and head, at small radii</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="26" font-size="15" font-weight="600">Attention kept within a small radius, beyond what '
        "even attention would keep</text>",
        *(f'<text x="{LEFT - 10}" y="{TOP + layer * CELL_Y + 21}" text-anchor="end">layer {layer}</text>'
          for layer in range(layers)),
        f'<text x="{LEFT - 10}" y="{TOP + high + 13}" text-anchor="end">head</text>',
        *(panel(LEFT + i * (wide + GAP), radius, cells, edges[radius], heads)
          for i, (radius, cells) in enumerate(mean.items())),
        f'<text x="{LEFT}" y="{TOP + high + 42}">Kept mass minus kept edges of context queries, percentage points, '
        f"mean of {tasks} bundled tasks. 0: the head looks at nothing near in particular. "
        "Warm: near tokens. Cold: far ones.</text>",
        "</svg>",
    ]
    (Path(__file__).resolve().parents[2] / "docs" / "attention.svg").write_text("\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
