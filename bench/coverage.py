"""How often the truth lay within the bands of the bundled checkpoints, by `chronos2 evaluate`, as a table.

    python bench/coverage.py PUBLIC        # a folder with tasks.yaml and its files: JSON Lines
"""

import argparse
import csv
import json
import subprocess
import tempfile
from pathlib import Path

import yaml

from contenders import PROGRAM, ROOT

MODELS = ("chronos2-micro", "chronos2-micro-mixed", "chronos2-mini-mixed")
BANDS = (80, 60, 40, 20)


def numbered(file, out):
    """The file with its lines' numbers as ids: some ids of monash_hospital stand for several series."""
    with open(file) as lines, open(out, "w") as stream:
        for i, line in enumerate(lines):
            stream.write(json.dumps({**json.loads(line), "item_id": str(i)}) + "\n")
    return out


def shares(model, task, file, out):
    """Of the observations of the last window, those within each band."""
    command = [PROGRAM, "evaluate", file, "--horizon", task["horizon"], "--windows", 1, "-m",
               ROOT / "models" / model, "--calibration", out]
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    with open(out, newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["forecaster"] == "model" and not row["step"] and row["lower"]]
    return {round(100 * (float(row["upper"]) - float(row["lower"]))): (float(row["share"]), int(row["observed"])) for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("public", type=Path)
    folder = parser.parse_args().public
    tasks = yaml.safe_load((folder / "tasks.yaml").read_text())["tasks"]
    print("| task | forecasts' steps | " + " | ".join(MODELS) + " |\n" + "| --- " * (2 + len(MODELS)) + "|")
    total = {model: [0.0] * len(BANDS) for model in MODELS}
    with tempfile.TemporaryDirectory() as scratch:
        for task in tasks:
            cells, steps = [], 0
            file = numbered(folder / task["dataset_path"], Path(scratch) / "series.jsonl")
            for model in MODELS:
                found = shares(model, task, file, Path(scratch) / "calibration.csv")
                steps = found[80][1]
                total[model] = [t + found[band][0] / len(tasks) for t, band in zip(total[model], BANDS)]
                cells.append(", ".join(f"{100 * found[band][0]:.0f}" for band in BANDS))
            print(f"| {task['dataset_config']} | {steps} | " + " | ".join(cells) + " |")
    print("| mean | | " + " | ".join(", ".join(f"{100 * t:.0f}" for t in total[model]) for model in MODELS) + " |")


if __name__ == "__main__":
    main()
