"""Says to which digit two runs of train.py gave the same first losses.

    python tools/train/compare.py tools/train/logs/main-first.csv build/train/main/first.csv
"""

import argparse
import csv
import math
import sys


def losses(path):
    with open(path, newline="") as stream:
        return {int(row["step"]): row["loss"] for row in csv.DictReader(stream)}


def digits(a, b):
    """Significant ones that agree."""
    return math.inf if a == b else max(0, math.floor(-math.log10(abs(float(a) - float(b)) / abs(float(a)))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("expected")
    parser.add_argument("found")
    args = parser.parse_args()
    expected, found = losses(args.expected), losses(args.found)
    both = sorted(expected.keys() & found.keys())
    if not both:
        sys.exit(f"compare: {args.found} has no step that {args.expected} has")
    worst = min(both, key=lambda step: digits(expected[step], found[step]))
    agree = digits(expected[worst], found[worst])
    if agree == math.inf:
        print(f"compare: the losses of the first {both[-1]} steps are those of {args.expected}, bit for bit")
    else:
        print(f"compare: the losses of the first {both[-1]} steps agree with {args.expected} to {agree} digits; worst is step "
              f"{worst}: {expected[worst]} there, {found[worst]} here")


if __name__ == "__main__":
    main()
