"""Writes docs/picture.svg: who sees whom in time attention, full and windowed_future_global.

    python tools/docs/attention_pattern.py
"""

from pathlib import Path

CONTEXT, FUTURE, RADIUS, CELL = 20, 4, 3, 11
TOKENS = CONTEXT + 1 + FUTURE  # context, REG, future
SIDE = TOKENS * CELL
INK, NEAR, FAR, NONE = "#1b2a41", "#3d7ea6", "#e08e45", "#eef1f4"


def allowed(query, key, windowed):
    if not windowed or query > CONTEXT:
        return True
    return key <= CONTEXT and abs(query - key) <= RADIUS


def panel(x, title, windowed):
    out = [f'<text x="{x}" y="26" font-size="15" font-weight="600">{title}</text>']
    kept = 0
    for query in range(TOKENS):
        for key in range(TOKENS):
            seen = allowed(query, key, windowed)
            kept += seen
            fill = (FAR if query > CONTEXT else NEAR) if seen else NONE
            out.append(
                f'<rect x="{x + key * CELL}" y="{60 + query * CELL}" width="{CELL - 1}" height="{CELL - 1}" fill="{fill}"/>'
            )
    middle, reg, future = x + CONTEXT * CELL / 2, x + CONTEXT * CELL + CELL / 2, x + (CONTEXT + 1 + FUTURE / 2) * CELL
    for at, name in ((middle, "context"), (reg - 4, "R"), (future + 4, "future")):
        out.append(f'<text x="{at}" y="53" text-anchor="middle">{name}</text>')
    out.append(f'<text x="{x}" y="{60 + SIDE + 18}">{kept} of {TOKENS * TOKENS} pairs</text>')
    return "\n".join(out)


def main():
    width, height = 2 * SIDE + 190, SIDE + 130
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11" fill="{INK}">',
        "<title>Time attention: which key token (column) each query token (row) sees</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        '<text x="74" y="70" text-anchor="end">query 1</text>',
        f'<text x="74" y="{60 + CONTEXT * CELL + 9}" text-anchor="end">REG</text>',
        f'<text x="74" y="{60 + (CONTEXT + 3) * CELL}" text-anchor="end">future</text>',
        panel(82, "full", False),
        panel(82 + SIDE + 60, f"windowed_future_global, radius {RADIUS}", True),
        f'<text x="82" y="{SIDE + 112}">Rows are queries, columns keys. Blue: a context token (REG is one) looks. '
        "Orange: a future token looks.</text>",
        "</svg>",
    ]
    (Path(__file__).resolve().parents[2] / "docs" / "picture.svg").write_text("\n".join(parts) + "\n")


main()
