#!/usr/bin/env bash
# Speed and memory of the two published shapes at three context lengths, full and windowed: a first look.
# One JSON object a line. bench/ has the scripts behind bench/RESULTS.md.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
for shape in base small; do
  for point in "512 8" "2048 4" "8192 1"; do
    read -r context rows <<<"$point"
    for attention in full "windowed_future_global --radius 16"; do
      # shellcheck disable=SC2086 # two words
      "$build/chronos2" bench --random "$shape" --context-length "$context" --batch-size "$rows" --horizon 64 \
        --attention $attention --repeats 5 --json
    done
  done
done
