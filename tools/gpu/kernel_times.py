"""Microseconds and megabytes of device memory by kernel, of a pass of `chronos2 bench` on the GPU, by Nsight Compute; with
its calls, most seconds first. It takes the options of `chronos2 bench`. Other programs on the device make the times wrong.

    tools/gpu/kernel_times.py build --attention windowed_future_global --radius 8
"""

import argparse
import collections
import csv
import os
import re
import subprocess
import sys

import libraries

METRICS = {"gpu__time_duration.sum": 1e3, "dram__bytes.sum": 1e6}
UNITS = {"ns": 1, "us": 1e3, "ms": 1e6, "byte": 1, "Kbyte": 1e3, "Mbyte": 1e6, "Gbyte": 1e9}
ONCE = "fit_kernel"  # the instance norm, with which a pass begins; bench makes some passes that it doesn't count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="the folder of chronos2")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="of chronos2 bench")
    asked = parser.parse_args()
    # ncu would hold the clocks at their base: they are measured as they are.
    command = ["ncu", "--csv", "--clock-control", "none", "--metrics", ",".join(METRICS), f"{asked.build}/chronos2", "bench",
               "--random", "base", "--device", "cuda", "--dtype", "bf16", "--context-length", "8192", "--batch-size", "32",
               "--horizon", "32", "--repeats", "1", *asked.options]
    environment = {**os.environ, **libraries.environment(), "CHRONOS2_CUDA_GRAPHS": "0"}  # a graph would be one kernel
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}kernel_times: error: ncu ended with status {done.returncode}")
    rows = csv.DictReader(line for line in done.stdout.splitlines() if line.startswith('"'))
    sums, calls = collections.defaultdict(collections.Counter), collections.Counter()
    for row in rows:
        name = re.sub(r"\(.*", "", row["Kernel Name"])
        value = float(row["Metric Value"].replace(",", "")) * UNITS[row["Metric Unit"]]
        sums[name][row["Metric Name"]] += value / METRICS[row["Metric Name"]]
        calls[name] += row["Metric Name"] == "gpu__time_duration.sum"
    passes = calls[ONCE]
    if not passes:
        sys.exit(f"{done.stdout}kernel_times: error: ncu told of no {ONCE}, which counts the passes")
    print(f"calls, us and MB a pass, over {passes} passes:")
    for name, sum_ in sorted(sums.items(), key=lambda item: -item[1]["gpu__time_duration.sum"]):
        print(f"{calls[name] / passes:6g} {sum_['gpu__time_duration.sum'] / passes:10.1f} us "
              f"{sum_['dram__bytes.sum'] / passes:10.1f} MB  {name}")


main()
