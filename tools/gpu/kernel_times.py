"""Microseconds and megabytes of device memory by kernel, of the two passes that `chronos2 bench` makes on the GPU, by Nsight
Compute. It takes the options of `chronos2 bench`. Other programs on the device make the times wrong.

    tools/gpu/kernel_times.py --attention windowed_future_global --radius 8
"""

import argparse
import collections
import csv
import os
import re
import subprocess

METRICS = {"gpu__time_duration.sum": 1e3, "dram__bytes.sum": 1e6}
UNITS = {"ns": 1, "us": 1e3, "ms": 1e6, "byte": 1, "Kbyte": 1e3, "Mbyte": 1e6, "Gbyte": 1e9}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage="%(prog)s [-h] [option of chronos2 bench ...]", allow_abbrev=False)
    options = parser.parse_known_args()[1]
    command = ["ncu", "--csv", "--metrics", ",".join(METRICS), "build/chronos2", "bench", "--random", "base", "--device",
               "cuda", "--dtype", "bf16", "--context-length", "8192", "--batch-size", "32", "--horizon", "32", "--repeats", "1"]
    environment = {**os.environ, "CHRONOS2_CUDA_GRAPHS": "0"}  # a graph would be one kernel
    said = subprocess.run(command + options, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = csv.DictReader(line for line in said.splitlines() if line.startswith('"'))
    sums, calls = collections.defaultdict(collections.Counter), collections.Counter()
    for row in rows:
        name = re.sub(r"\(.*", "", row["Kernel Name"])
        value = float(row["Metric Value"].replace(",", "")) * UNITS[row["Metric Unit"]]
        sums[name][row["Metric Name"]] += value / METRICS[row["Metric Name"]]
        calls[name] += row["Metric Name"] == "gpu__time_duration.sum"
    for name, sum_ in sorted(sums.items(), key=lambda item: -item[1]["gpu__time_duration.sum"]):
        print(f"{calls[name]:6} {sum_['gpu__time_duration.sum']:10.1f} us {sum_['dram__bytes.sum']:10.1f} MB  {name}")


main()
