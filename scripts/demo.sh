#!/usr/bin/env bash
# What the bundled checkpoint is, and its forecasts of the bundled series.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
mkdir -p "$build/demo"
"$build/chronos2" inspect | tail -n 3
for file in datasets/*.csv; do
  name=$(basename "$file" .csv)
  "$build/chronos2" forecast "$file" --horizon 12 --quantile-levels 0.1,0.5,0.9 -o "$build/demo/$name.csv"
  echo "$name:"
  head -n 4 "$build/demo/$name.csv"
done
echo "Forecasts: $build/demo/"
