"""Writes series with a covariate of known effect, and their task file OUT/tasks.yaml.

    python tools/datasets/make_covariates.py build/covariates

A task has 48 series of 308 days: a level, a weekly season, noise of standard deviation 0.5, and three units for each unit
of a covariate x, whose next 28 days are known. x is a single day now and then (events), a state that lasts (states), or
drifts like the weather (weather); in events_later the effect comes a day after. The first 24 series of a task are those
of tests/test_covariates.c.
"""

import argparse
import math
from pathlib import Path

SERIES, PAST, HORIZON = 48, 280, 28
KINDS = ("events", "states", "weather", "events_later")
TASK = (
    "- {{dataset_path: {name}.csv, dataset_config: {name}, horizon: {horizon}, seasonality: 7, eval_metric: MASE, "
    "extra_metrics: [WQL], quantile_levels: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], known_dynamic_columns: [x]}}\n"
)


def uniforms(state):
    """splitmix64, from 0 to 1."""
    whole = 2**64
    while True:
        state = (state + 0x9E3779B97F4A7C15) % whole
        z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % whole
        z = (z ^ z >> 27) * 0x94D049BB133111EB % whole
        yield ((z ^ z >> 31) >> 11) * 2.0**-53


def draw(kind, seed):
    """[(x, y)] of each series, a pair a day."""
    source = uniforms(seed)
    uniform = lambda: next(source)  # noqa: E731

    def normal():
        radius = math.sqrt(-2 * math.log(1 - uniform()))
        return radius * math.cos(2 * math.pi * uniform())

    for _ in range(SERIES):
        level, phase = 20 + 10 * uniform(), uniform()
        rows, x = [], 0.0
        for t in range(PAST + HORIZON):
            if kind.startswith("events"):
                x = float(uniform() < 0.15)
            elif kind == "weather":
                x = 0.7 * x + 0.5 * normal()
            elif uniform() < 0.12:
                x = float(uniform() < 0.5)
            cause = rows[-1][0] if kind == "events_later" and rows else x
            rows.append((x, level + math.sin(2 * math.pi * (t / 7 + phase)) + 0.5 * normal() + 3 * cause))
        yield rows


def day(t):
    """Of 2024."""
    for month, days in enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), 1):
        if t < days:
            return f"2024-{month:02d}-{t + 1:02d}"
        t -= days
    raise ValueError("beyond the year")


def write(out):
    out.mkdir(parents=True, exist_ok=True)
    for k, kind in enumerate(KINDS):
        lines = ["item_id,timestamp,target,x"]
        for i, rows in enumerate(draw(kind, 1000 + k)):
            lines += [f"s{i:02d},{day(t)},{y:.9g},{x:.9g}" for t, (x, y) in enumerate(rows)]
        (out / f"{kind}.csv").write_text("\n".join(lines) + "\n")
    (out / "tasks.yaml").write_text("tasks:\n" + "".join(TASK.format(name=k, horizon=HORIZON) for k in KINDS))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    write(parser.parse_args().out)
