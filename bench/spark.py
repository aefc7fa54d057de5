"""chronos2.spark as the data grow, on two executors of one processor each: a table of bench/RESULTS.md.

    python bench/spark.py [--series 100] [--growth 1,10,100] [--dtype bfloat16] [--write]

The data lie in a Parquet file whose rows are in no order. A time is of reading, shuffling, sorting and forecasting all
of it; the forecasts go nowhere. Fixed costs of a job are in it, the start of Spark is not. PYTHONPATH names the package,
else build/python.
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from pathlib import Path

from contenders import ROOT
from run import Models, caption, command, rounds_said, table, write

PACKAGE = os.environ.get("PYTHONPATH") or str(ROOT / "build" / "python")
STEPS, ASKED = 500, {"prediction_length": 24, "quantile_levels": [0.1, 0.5, 0.9], "freq": "h"}


def start(place):
    import pyspark
    from pyspark.sql import SparkSession

    home = place / "spark"  # executors work in a folder of it
    for folder in ("events", "spark"):
        (place / folder).mkdir()
    for entry in Path(pyspark.__file__).parent.iterdir():
        if entry.name != "work":
            (home / entry.name).symlink_to(entry)
    os.environ.update(SPARK_HOME=str(home), SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=sys.executable)
    return (SparkSession.builder.master("local-cluster[2,1,1024]").config("spark.ui.enabled", "false")
            .config("spark.executorEnv.PYTHONPATH", PACKAGE).config("spark.eventLog.enabled", "true")
            .config("spark.eventLog.dir", f"file://{place / 'events'}").config("spark.eventLog.compress", "false")
            .config("spark.eventLog.rolling.enabled", "false").getOrCreate())


def made_up(spark, series, folder):
    from pyspark.sql import functions as F

    rows = spark.range(series * STEPS).select((F.col("id") % series).alias("n"),
                                              (F.col("id") / series).cast("int").alias("step"))
    value = 10 + 3 * F.sin(2 * math.pi * (F.col("step") / 24 + F.col("n") % 7 / 7)) + F.rand(1)
    stamp = F.timestamp_seconds(F.lit(1_700_000_400) + 3600 * F.col("step"))
    rows.select(F.concat(F.lit("series "), F.col("n")).alias("item_id"), stamp.alias("timestamp"),
                value.alias("target")).write.parquet(folder)
    return spark.read.parquet(folder)


def note_memory(folder):
    """For after_batch: the peak of each Python worker."""

    def after_batch():
        status = Path("/proc/self/status").read_text()
        Path(folder, str(os.getpid())).write_text(status.split("VmHWM:")[1].split()[0])

    return after_batch


def shuffled(place):
    """Bytes that the last stages wrote for the shuffle."""
    total = 0
    for file in (place / "events").iterdir():
        for line in file.read_text().splitlines():
            event = json.loads(line)
            if event["Event"] == "SparkListenerTaskEnd" and event.get("Task Metrics"):
                total += event["Task Metrics"]["Shuffle Write Metrics"]["Shuffle Bytes Written"]
    return total


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=100)
    parser.add_argument("--growth", type=lambda text: [int(n) for n in text.split(",")], default=[1, 10, 100])
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--models", help="folder for the random models, kept")
    parser.add_argument("--write", action="store_true", help="into bench/RESULTS.md")
    parser.set_defaults(threads=2)  # of `machine`; not to be chosen
    return parser


def main():
    parser = options()
    args = parser.parse_args()
    sys.path.insert(0, PACKAGE)
    import chronos2
    from chronos2 import spark as chronos2_spark

    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        folder = Path(args.models or place) / "small"
        if not folder.exists():
            Models(args.models or place)("small")
        pipeline = chronos2.Chronos2Pipeline.from_pretrained(folder, dtype=args.dtype)
        spark = start(place)
        spark.sparkContext.setLogLevel("OFF")
        frames = {n: made_up(spark, n * args.series, str(place / f"data{n}")) for n in args.growth}

        def run(n, after_batch=None):
            begin = time.perf_counter()
            chronos2_spark.forecast(frames[n], pipeline, partitions=args.partitions, after_batch=after_batch,
                                    **ASKED).write.format("noop").mode("overwrite").save()
            return time.perf_counter() - begin

        run(args.growth[0])
        rows, before = [], shuffled(place)
        (place / "peaks").mkdir()
        for n in args.growth:
            seconds = run(n, note_memory(str(place / "peaks")))
            total = shuffled(place)
            peak = max(int(file.read_text()) for file in (place / "peaks").iterdir()) / 1024
            slope = "" if not rows else f"{math.log(seconds / rows[-1][2]) / math.log(n / rows[-1][1]):.2f}"
            rows.append((n * args.series, n, seconds, slope, (total - before) / (n * args.series * STEPS), peak))
            before = total
            print("  ", rows[-1], flush=True)
        spark.stop()
    lines = table(["series of 500 steps", "s", "slope", "core-ms a series", "shuffled bytes a row", "peak MB of a worker"],
                  [[r[0], f"{r[2]:.1f}", r[3], f"{2e3 * r[2] / r[0]:.1f}", f"{r[4]:.1f}", f"{r[5]:.0f}"] for r in rows])
    print("\n".join(lines))
    if args.write:
        write("spark", [caption(args, rounds_said(1), command(parser, args)), "", *lines])


if __name__ == "__main__":
    main()
