"""Many short series from CSV to CSV: chronos2 forecast, and polars with chronos-forecasting beside it.

    python bench/short.py build/chronos2 FOLDER [SERIES [SAMPLE]]

Writes FOLDER/short-SERIES.csv of so many (a million) daily series of 50 steps. The other side takes the first SAMPLE (10,000) of them, because it is
slower; its time for all is its start, to the opened model, plus the rest in proportion, and is marked as such. Both use two threads, the bundled checkpoint and float32.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from contenders import measured

STEPS, HORIZON, THREADS, PART = 50, 12, 2, 50_000
MODEL = Path(__file__).resolve().parents[1] / "models" / "chronos2-micro"


def write(path, series):
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(1)
    days = np.datetime64("2024-01-01") + np.arange(STEPS)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        for first in range(0, series, PART):
            count = min(PART, series - first)
            values = (10 + 3 * np.sin(2 * np.pi * (np.arange(STEPS) / 7 + rng.random((count, 1))))
                      + rng.normal(size=(count, STEPS)))
            names = pl.Series(np.repeat(np.arange(first, first + count), STEPS)).cast(pl.String).str.zfill(7)
            pl.DataFrame({"item_id": "s" + names, "timestamp": np.tile(days, count),
                          "target": values.ravel().round(3)}).write_csv(file, include_header=first == 0)
    part.replace(path)


def upstream(source, series, output):
    """In a process of its own: seconds to start, to read, to forecast and to write."""
    marks = [time.perf_counter()]
    import polars as pl
    import torch
    from chronos import BaseChronosPipeline

    torch.set_num_threads(THREADS)
    pipeline = BaseChronosPipeline.from_pretrained(MODEL, dtype=torch.float32)
    marks.append(time.perf_counter())
    table = pl.read_csv(source, n_rows=series * STEPS, try_parse_dates=True).to_pandas()
    marks.append(time.perf_counter())
    forecast = pipeline.predict_df(table, prediction_length=HORIZON, quantile_levels=[0.1, 0.5, 0.9])
    marks.append(time.perf_counter())
    pl.from_pandas(forecast).write_csv(output)
    marks.append(time.perf_counter())
    print(json.dumps([b - a for a, b in zip(marks, marks[1:])]))


def count(text):
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, found {text}")
    return int(text)


def main():
    if sys.argv[1:2] == ["--upstream"]:
        upstream(sys.argv[2], int(sys.argv[3]), sys.argv[4])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("series", type=count, nargs="?", default=1_000_000)
    parser.add_argument("sample", type=count, nargs="?", default=10_000)
    args = parser.parse_args()
    program, folder, series, sample = args.program, args.folder, args.series, min(args.sample, args.series)
    source = folder / f"short-{series}.csv"
    if not source.exists():
        write(source, series)
    print("| side | series | s | processor seconds | peak MB |\n| --- | --- | --- | --- | --- |")
    wall, used, peak, _ = measured([program, "forecast", source, "--horizon", HORIZON, "--quantile-levels", "0.1,0.5,0.9",
                                    "-m", MODEL, "--threads", THREADS, "-o", folder / "ours.csv"])
    print(f"| chronos2 forecast | {series} | {wall:.0f} | {used:.0f} | {peak:.0f} |", flush=True)
    theirs, used, peak, said = measured([sys.executable, __file__, "--upstream", source, sample, folder / "theirs.csv"])
    load, *rest = json.loads(said.splitlines()[-1])
    whole = load + sum(rest) * series / sample
    print(f"| polars and chronos-forecasting | {sample} | {theirs:.1f} | {used:.0f} | {peak:.0f} |")
    print(f"| the same, in proportion | {series} | {whole:.0f} | | |")
    print(f"\nchronos2 takes 1/{whole / wall:.1f} of the time.")


if __name__ == "__main__":
    main()
