"""Writes OUT/weather.csv and OUT/tasks.yaml: each of the four series of datasets/weather_daily.csv as a task in which the
three others are known in the future.

    python tools/docs/known_weather.py build/weather
"""

import argparse
import csv
from pathlib import Path

TASK = (
    "- {{dataset_path: weather.csv, dataset_config: {name}, target: {name}, horizon: 28, num_windows: 20, seasonality: 1, "
    "quantile_levels: [0.1, 0.5, 0.9], known_dynamic_columns: [{others}]}}\n"
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    days, names = {}, []
    with open(Path(__file__).resolve().parents[2] / "datasets" / "weather_daily.csv", newline="") as stream:
        for row in csv.DictReader(stream):
            days.setdefault(row["timestamp"], {})[row["item_id"]] = row["target"]
            if row["item_id"] not in names:
                names.append(row["item_id"])
    out.mkdir(parents=True, exist_ok=True)
    lines = ["item_id,timestamp," + ",".join(names)]
    lines += [",".join(["seattle", day, *(values[n] for n in names)]) for day, values in days.items()]
    (out / "weather.csv").write_text("\n".join(lines) + "\n")
    tasks = (TASK.format(name=n, others=", ".join(o for o in names if o != n)) for n in names)
    (out / "tasks.yaml").write_text("tasks:\n" + "".join(tasks))


if __name__ == "__main__":
    main()
