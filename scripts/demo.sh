#!/usr/bin/env bash
# The study on the bundled series with the bundled checkpoint; ends with its verdict.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
mkdir -p "$build/demo"
"$build/chronos2" study --tasks datasets --radii 2,4,8,16,32,64 --max-windows-per-task 0 --out-prefix "$build/demo/study"
