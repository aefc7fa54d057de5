#!/usr/bin/env bash
# The study on the bundled series with the bundled checkpoint, beside the one that was trained sparse; ends with its verdict.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
mkdir -p "$build/demo"
"$build/chronos2" study --tasks datasets --radii 2,4,8,16,32,64 --max-windows-per-task 0 \
  --sparse-model models/chronos2-micro-r8 --out-prefix "$build/demo/study"
