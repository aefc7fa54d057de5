"""Writes docs/forecast.svg: a forecast of the bundled checkpoint beside what happened. Needs build/chronos2.

    python tools/docs/forecast.py
"""

import argparse
import csv
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("CHRONOS2_BIN", ROOT / "build" / "chronos2"))
SERIES, STEPS, SHOWN = "elnino_monthly", 24, 84  # the last two years are held back; months that are drawn
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 300, 48, 16, 40, 30
INK, PAST, LINE, BAND = "#1b2a41", "#3d7ea6", "#e08e45", "#f5d9bf"


def forecast(rows):
    text = "item_id,timestamp,target\n" + "\n".join(",".join(row) for row in rows) + "\n"
    command = [PROGRAM, "forecast", "-", "--horizon", str(STEPS), "--quantile-levels", "0.1,0.5,0.9"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return [[float(x) for x in row[4:7]] for row in list(csv.reader(done.stdout.splitlines()))[1:]]


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    rows = list(csv.reader((ROOT / "datasets" / f"{SERIES}.csv").open()))[1:]
    low, middle, high = zip(*forecast(rows[:-STEPS]), strict=True)
    shown = [(stamp, float(value)) for _, stamp, value in rows[-SHOWN:]]
    least, most = min(min(low), min(v for _, v in shown)) - 0.5, max(max(high), max(v for _, v in shown)) + 0.5

    def x(step):
        return LEFT + step * (WIDTH - LEFT - RIGHT) / (SHOWN - 1)

    def y(value):
        return HEIGHT - BOTTOM - (value - least) * (HEIGHT - TOP - BOTTOM) / (most - least)

    def path(points):
        return "M" + " L".join(f"{x(i):.1f},{y(v):.1f}" for i, v in points)

    first = SHOWN - STEPS
    upper = [(first + i, v) for i, v in enumerate(high)]
    lower = [(first + i, v) for i, v in enumerate(low)][::-1]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}">',
        "<title>Forecast of the sea surface temperature in the region Niño 1+2</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-weight="600">Sea surface temperature, region Niño 1+2, °C</text>',
        f'<text x="{WIDTH - RIGHT}" y="20" text-anchor="end"><tspan fill="{PAST}">observed</tspan> · '
        f'<tspan fill="{LINE}">forecast: median and the range from 10% to 90%</tspan></text>',
    ]
    for value in range(int(least) + 1, int(most) + 1, 2):
        parts.append(f'<path d="M{LEFT},{y(value):.1f} H{WIDTH - RIGHT}" stroke="#e3e7ec"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value}</text>')
    for i, (stamp, _) in enumerate(shown):
        if stamp[5:7] == "01":
            parts.append(f'<text x="{x(i):.1f}" y="{HEIGHT - 10}" text-anchor="middle">{stamp[:4]}</text>')
    parts += [
        f'<path d="{path(upper + lower)} Z" fill="{BAND}"/>',
        f'<path d="M{x(first - 0.5):.1f},{TOP} V{HEIGHT - BOTTOM}" stroke="{INK}" stroke-dasharray="3 3"/>',
        f'<path d="{path(list(enumerate(v for _, v in shown)))}" fill="none" stroke="{PAST}" stroke-width="2"/>',
        f'<path d="{path([(first + i, v) for i, v in enumerate(middle)])}" fill="none" stroke="{LINE}" '
        'stroke-width="2"/>',
        "</svg>",
    ]
    (ROOT / "docs" / "forecast.svg").write_text("\n".join(parts) + "\n")


main()
