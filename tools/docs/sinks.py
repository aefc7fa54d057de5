"""Writes docs/sinks.svg: where the heads of a checkpoint rest their attention, and what is lost where one of them can't.

    python tools/docs/sinks.py build/why    # docs/study.md says how to make it
"""

import argparse
import csv
from pathlib import Path

CELL_X, CELL_Y, GAP, LEFT, TOP = 58, 34, 40, 70, 84
INK, WARM = "#1b2a41", (224, 142, 69)
ARMS = [
    ("global_rinf", "no head sees the future"),
    ("ablated", "layer 0, head 3 alone does not"),
    ("ablated_others", "layer 0, head 3 alone does"),
    ("null_rinf", "all see a null future"),
]


def rows(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def colour(share):
    return "#" + "".join(f"{round(255 + min(1.0, max(0.0, share)) * (c - 255)):02x}" for c in WARM)


def signed(value):
    text = f"{value:+.{0 if abs(value) >= 9.95 else 1}f}"
    return "0" if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def grid(x, title, note, cells, text, full):
    """A table by layer and head; a cell is coloured by its number over `full`."""
    out = [
        f'<text x="{x}" y="{TOP - 26}" font-size="13" font-weight="600">{title}</text>',
        f'<text x="{x}" y="{TOP - 10}">{note}</text>',
    ]
    for (layer, head), value in cells.items():
        left, top = x + head * CELL_X, TOP + layer * CELL_Y
        out.append(
            f'<rect x="{left}" y="{top}" width="{CELL_X - 2}" height="{CELL_Y - 2}" fill="{colour(value / full)}" '
            'stroke="#e4e7eb"/>'
        )
        out.append(f'<text x="{left + CELL_X / 2 - 1}" y="{top + 21}" text-anchor="middle">{text(value)}</text>')
    below = TOP + (1 + max(layer for layer, _ in cells)) * CELL_Y + 13
    for head in range(1 + max(head for _, head in cells)):
        middle = x + head * CELL_X + CELL_X / 2 - 1
        out.append(f'<text x="{middle}" y="{below}" text-anchor="middle">{head}</text>')
    return "\n".join(out)


def bars(x, y, width, changes):
    most = max(changes.values())
    out = []
    for i, (arm, name) in enumerate(ARMS):
        top, value = y + i * 26, changes[arm]
        long = max(1.0, width * max(0.0, value) / most)
        out.append(f'<text x="{x + 190}" y="{top + 14}" text-anchor="end">{name}</text>')
        out.append(f'<rect x="{x + 200}" y="{top}" width="{long:.1f}" height="20" fill="{colour(value / most + 0.15)}"/>')
        out.append(f'<text x="{x + 208 + long:.1f}" y="{top + 14}" font-weight="600">{signed(value)}%</text>')
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prefix")
    prefix = parser.parse_args().prefix
    sinks, found = rows(f"{prefix}__sinks.csv"), rows(f"{prefix}__find_sinks.csv")
    future = {(int(r["layer"]), int(r["head"])): 100 * float(r["future_mass"]) for r in sinks}
    loss = {(int(r["layer"]), int(r["head"])): float(r["MASE_change_percent"]) for r in found}
    changes = {r["arm"]: float(r["change_percent"]) for r in rows(f"{prefix}__equivalence.csv") if r["metric"] == "MASE"}
    layers, heads = (1 + max(at[i] for at in future) for i in (0, 1))
    wide, below = heads * CELL_X, TOP + layers * CELL_Y + 48
    width, height = LEFT + 2 * (wide + GAP), below + len(ARMS) * 26 + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11" fill="{INK}">',
        "<title>Attention on future tokens by layer and head, and what is lost where a head does not see them</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="26" font-size="15" font-weight="600">One head rests on the future, and hiding '
        "the future from it is the whole loss</text>",
        *(f'<text x="{LEFT - 10}" y="{TOP + layer * CELL_Y + 21}" text-anchor="end">layer {layer}</text>'
          for layer in range(layers)),
        f'<text x="{LEFT - 10}" y="{TOP + layers * CELL_Y + 13}" text-anchor="end">head</text>',
        grid(LEFT, "Attention on future tokens", "context queries, % of their attention", future, lambda v: f"{v:.0f}", 100),
        grid(LEFT + wide + GAP, "Change of MASE, future hidden from it", "%, against full attention", loss, signed,
             max(loss.values())),
        bars(LEFT, below, 2 * wide - 200, changes),
        f'<text x="{LEFT}" y="{height - 14}">Means of {found[0]["n_tasks"]} tasks; changes of MASE are geometric means. '
        "Hidden: its context queries see no future token.</text>",
        "</svg>",
    ]
    (Path(__file__).resolve().parents[2] / "docs" / "sinks.svg").write_text("\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
