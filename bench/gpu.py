"""gpu.py RESULTS.jsonl: tables for bench/RESULTS.md of what tools/gpu/check.sh wrote: checks, and seconds by side. With
--text SECTION what that section has said, as a failure's reason, or kernels' times."""

import argparse
import json
import sys
from pathlib import Path


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def tell(entries):
    """Of one run. A figure is set beside the product peak and our seconds of its own section, in which sides take turns."""
    for e in entries:
        if "run" in e:
            print(f"The run of {e['run']}:\n")
        if "tflop_per_s" in e:
            print(f"A large bf16 product reaches {e['tflop_per_s']:.4g} TFLOP/s ({e['section']}).\n")
    table(["check", "result", "seconds"],
          [(e["section"], {0: "passed", None: "not run"}.get(e["status"], f"status {e['status']}"), e.get("seconds", ""))
           for e in entries if "status" in e])
    peaks = {e["section"]: e["tflop_per_s"] for e in entries if "tflop_per_s" in e}
    # What a side has taken is told after each round: the last entry counts.
    sides = {tuple(e[key] for key in ("section", "tokens", "rows", "futures", "side")): e for e in entries if "side" in e}
    rows = []
    for (*point, side), e in sides.items():
        if "failed" in e:
            rows.append((*point, side, "failed: " + " ".join(e["failed"].split()).replace("|", "/"), *[""] * 5))
            continue
        peak, ours = peaks.get(e["section"]), sides.get((*point, "ours bf16"), {}).get("seconds_median")
        share = e["work"] / e["seconds_median"] / peak / 1e12 if peak and e.get("work") else None
        rows.append((*point, side, f"{1e3 * e['seconds_median']:.4g}",
                     f"{e['seconds_median'] / ours:.3g}" if ours else "", f"{share:.1%}" if share else "",
                     *(f"{e[mb]:.0f}" if mb in e else "" for mb in ("peak_alloc_mb", "peak_reserved_mb")), e["passes"]))
    table(["section", "tokens", "rows", "futures", "side", "ms", "times ours in bf16", "of the product peak", "MB allocated",
           "MB reserved", "passes"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--text", metavar="SECTION")
    asked = parser.parse_args()
    runs = [[]]
    for line in asked.results.read_text().splitlines():
        entry = json.loads(line)
        if "run" in entry:
            runs.append([])
        runs[-1].append(entry)
    if asked.text:
        texts = [e["text"] for entries in runs for e in entries if e.get("section") == asked.text and "text" in e]
        if not texts:
            sys.exit(f"gpu: error: {asked.results} has no section {asked.text}")
        print(*texts, sep="\n")
        return
    for entries in filter(None, runs):
        tell(entries)


main()
