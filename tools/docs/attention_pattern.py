"""Writes docs/picture.svg: which key token each query token of time attention sees, under three patterns.

    python tools/docs/attention_pattern.py
"""

import argparse
from pathlib import Path

CONTEXT, FUTURE, RADIUS, CELL = 16, 4, 3, 11
TOKENS = CONTEXT + 1 + FUTURE  # context, REG, future
SIDE = TOKENS * CELL
LEFT, GAP, TOP = 82, 62, 84
INK, CONTEXT_SEES, FUTURE_SEES, NULL, NONE = "#1b2a41", "#3d7ea6", "#e08e45", "#a9c8dc", "#eef1f4"
PANELS = [
    ("full", "every token sees every token"),
    ("windowed_future_global", "the context sees a window, no future"),
    ("windowed_future_null", "the context sees a window and a null future"),
]


def colour(pattern, query, key):
    if query > CONTEXT:
        return FUTURE_SEES
    if pattern == "full":
        return CONTEXT_SEES
    if key > CONTEXT:
        return NULL if pattern == "windowed_future_null" else NONE
    return CONTEXT_SEES if abs(query - key) <= RADIUS else NONE


def panel(x, pattern, words):
    out = [
        f'<text x="{x}" y="22" font-size="15" font-weight="600">{pattern}</text>',
        f'<text x="{x}" y="42">{words}</text>',
    ]
    cells = {}
    for query in range(TOKENS):
        for key in range(TOKENS):
            corner = f"M{x + key * CELL},{TOP + query * CELL}"
            cells.setdefault(colour(pattern, query, key), []).append(f"{corner}h{CELL - 1}v{CELL - 1}h-{CELL - 1}z")
    out += [f'<path fill="{fill}" d="{"".join(shapes)}"/>' for fill, shapes in cells.items()]
    for at, name in ((CONTEXT / 2, "context"), (CONTEXT + 0.2, "R"), (CONTEXT + 1.6 + FUTURE / 2, "future")):
        out.append(f'<text x="{x + at * CELL:.0f}" y="{TOP - 7}" text-anchor="middle">{name}</text>')
    return "\n".join(out)


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    width, height = LEFT + 3 * SIDE + 2 * GAP + 40, TOP + SIDE + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}">',
        "<title>Time attention: which key token (column) each query token (row) sees</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *(
            f'<text x="{LEFT - 8}" y="{TOP + (at + 0.8) * CELL:.0f}" text-anchor="end">{name}</text>'
            for at, name in ((CONTEXT / 2, "context"), (CONTEXT, "REG"), (CONTEXT + 2.4, "future"))
        ),
        *(panel(LEFT + i * (SIDE + GAP), *names) for i, names in enumerate(PANELS)),
        f'<text x="{LEFT}" y="{TOP + SIDE + 26}">A row is a query token, a column a key token that it may see. Blue: '
        f"what the context sees (radius {RADIUS}). Orange: what the future sees.</text>",
        f'<text x="{LEFT}" y="{TOP + SIDE + 44}">Light blue: the future tokens of a pass in which no future value is '
        "known.</text>",
        "</svg>",
    ]
    (Path(__file__).resolve().parents[2] / "docs" / "picture.svg").write_text("\n".join(parts) + "\n")


main()
