"""Memory and processor time of large tables: writes 10 million rows as CSV and Parquet and forecasts them.

    python3 bench/data.py build/chronos2 FOLDER [ROWS]

Needs polars. Prints a line a run: input, peak MB, processor seconds. Forecasts of the same rows must be equal byte for byte; in random order the
items stand in another order.
"""

import argparse
from datetime import datetime
from pathlib import Path

import polars as pl

from contenders import measured

STEPS = 1000  # of a series


def write(folder, rows):
    index = pl.int_range(rows, eager=True)
    table = pl.DataFrame(
        {
            "item_id": pl.Series("item_" + (index // STEPS).cast(pl.String)),
            "timestamp": datetime(2020, 1, 1) + pl.Series(index % STEPS * 3_600_000_000).cast(pl.Duration("us")),
            "target": (100 + 10 * (index / 7).sin() + index * 7919 % 1000 / 100).round(3),
        }
    )
    table.write_parquet(folder / "big.parquet")
    table.write_csv(folder / "big.csv", datetime_format="%Y-%m-%d %H:%M:%S")
    table = table.sample(fraction=1, shuffle=True, seed=1)
    table.write_parquet(folder / "shuffled.parquet")
    table.write_csv(folder / "shuffled.csv", datetime_format="%Y-%m-%d %H:%M:%S")


def run(program, source, output, stdin=None):
    """Peak MB and processor seconds."""
    command = [program, "forecast", source, "--horizon", 1, "--context-length", 16, "-o", output]
    _, used, peak, _ = measured(command, stdin)
    return peak, used


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("folder", type=Path)
    parser.add_argument("rows", type=int, nargs="?", default=10_000_000)
    args = parser.parse_args()
    program, folder = args.program, args.folder
    write(folder, args.rows)
    runs = {
        "CSV, in parts": (folder / "big.csv", None),
        "CSV by standard input, in memory": ("-", folder / "big.csv"),
        "Parquet, in parts": (folder / "big.parquet", None),
        "CSV in random order, sorted in parts": (folder / "shuffled.csv", None),
        "CSV in random order, in memory": ("-", folder / "shuffled.csv"),
        "Parquet in random order, sorted in parts": (folder / "shuffled.parquet", None),
    }
    answers = {}
    for name, (source, stdin) in runs.items():
        output = folder / "forecast.csv"
        peak, seconds = run(program, source, output, stdin)
        answers.setdefault("random" in name, set()).add(output.read_bytes())
        print(f"{name}: {peak:.0f} MB, {seconds:.1f} s")
    assert all(len(same) == 1 for same in answers.values()), "the forecasts differ"


if __name__ == "__main__":
    main()
