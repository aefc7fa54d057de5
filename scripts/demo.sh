#!/usr/bin/env bash
# The published study on the bundled series with the bundled model, short enough for a first look.
# Further arguments go to `chronos2 study`.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
shift || true
mkdir -p "$build/demo"
"$build/chronos2" study --tasks datasets/tasks.yaml --radii 4,8,16,32 --perf-repeats 3 \
  --out-prefix "$build/demo/demo" "$@"
echo "Results: $build/demo/ (open $build/demo/demo__report.html)"
