"""gpu.py RESULTS.jsonl: tables for bench/RESULTS.md of what tools/gpu/check.sh wrote: checks, and seconds by side."""

import argparse
import json
from pathlib import Path


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    entries = [json.loads(line) for line in parser.parse_args().results.read_text().splitlines()]
    table(["check", "result", "seconds"],
          [(e["section"], {0: "passed", None: "not run"}.get(e["status"], f"status {e['status']}"), e.get("seconds", ""))
           for e in entries if "status" in e])
    peak = next((e["tflop_per_s"] for e in entries if "tflop_per_s" in e), None)
    rows = []
    for e in entries:
        if "seconds_median" not in e:
            continue
        share = e["work"] / e["seconds_median"] / peak / 1e12 if peak and e.get("work") else None
        ours = next((o["seconds_median"] for o in entries if o.get("side") == "ours bf16" and all(
            o.get(k) == e.get(k) for k in ("tokens", "rows", "futures"))), None)
        rows.append((e["tokens"], e["rows"], e["futures"], e["side"], f"{1e3 * e['seconds_median']:.4g}",
                     f"{e['seconds_median'] / ours:.3g}" if ours else "", f"{share:.1%}" if share else "",
                     f"{e['peak_alloc_mb']:.0f}", f"{e['peak_reserved_mb']:.0f}"))
    if peak:
        print(f"A large bf16 product reaches {peak:.4g} TFLOP/s.\n")
    table(["tokens", "rows", "futures", "side", "ms", "times ours in bf16", "of the product peak", "MB allocated",
           "MB reserved"], rows)


main()
