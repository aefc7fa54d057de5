"""Writes an hourly electricity load with its weather and calendar, and their task file OUT/tasks.yaml.

    python tools/datasets/make_load.py build/load

24 series of ten weeks, of which the last two days are to be forecast, in two windows. A load is a base with a shape of
the day, lower on free days (Saturdays, Sundays, and one holiday in thirty days), and 2% for each degree that is missing
to 16 or beyond 22, as buildings feel it: a mean of the last hours. The noise is 3%. Known are the temperature, the free
days and the hour of the day.
"""

import argparse
import math
from pathlib import Path

import numpy as np

SERIES, DAYS, HORIZON, WINDOWS = 24, 70, 48, 2
KNOWN = ("temperature", "free", "hour")


def draw(rng):
    """(temperature, free, hour, load) of each hour."""
    hours = np.arange(24 * DAYS)
    hour, date = hours % 24, hours // 24
    free = np.isin(date % 7, (5, 6)) | (rng.random(DAYS) < 1 / 30)[date]
    season = rng.choice([2.0, 10.0, 18.0, 26.0])
    weather = np.zeros(DAYS + 1)
    for day in range(DAYS):
        weather[day + 1] = 0.8 * weather[day] + rng.normal(0, 2.2)
    drift = np.interp(hours / 24, np.arange(DAYS + 1), weather)
    temperature = season + drift + rng.uniform(2, 5) * np.sin(2 * np.pi * (hour - 9) / 24) + rng.normal(0, 0.3, len(hours))
    felt = np.empty(len(hours))
    felt[0] = temperature[0]
    for t in hours[1:]:
        felt[t] = 0.85 * felt[t - 1] + 0.15 * temperature[t]
    early, late = rng.uniform(0.2, 0.5, 2)
    shape = 1 + early * np.exp(-((hour - 9) / 2.5) ** 2) + late * np.exp(-((hour - 19) / 2.5) ** 2) - 0.25 * (hour < 6)
    calm = 1 - rng.uniform(0.15, 0.3) * free * (hour > 6)
    need = 1 + 0.02 * (np.maximum(16 - felt, 0) + np.maximum(felt - 22, 0))
    load = math.exp(rng.uniform(4, 9)) * shape * calm * need * np.exp(rng.normal(0, 0.03, len(hours)))
    return temperature, free.astype(int), hour, load


def write(out):
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(2024)
    stamps = np.datetime64("2024-01-01T00", "h") + np.arange(24 * DAYS)
    lines = ["item_id,timestamp,target," + ",".join(KNOWN)]
    for i in range(SERIES):
        lines += [f"load{i:02d},{str(stamp).replace('T', ' ')}:00:00,{y:.6g},{x:.4g},{free},{hour}"
                  for stamp, x, free, hour, y in zip(stamps, *draw(rng))]
    (out / "load.csv").write_text("\n".join(lines) + "\n")
    (out / "tasks.yaml").write_text(
        "tasks:\n- {dataset_path: load.csv, dataset_config: load, horizon: %d, num_windows: %d, seasonality: 168, eval_metric: MASE, "
        "extra_metrics: [WQL], quantile_levels: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], known_dynamic_columns: [%s]}\n"
        % (HORIZON, WINDOWS, ", ".join(KNOWN)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    write(parser.parse_args().out)
