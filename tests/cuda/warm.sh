#!/usr/bin/env bash
# warm.sh PROGRAM: what bench and study time on the emulated device are passes whose graphs have been made.
set -euo pipefail
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CHRONOS2_EMULATOR_TELLS=1

# expect GRAPHS COMMAND...: so many graphs ran, or more. An untimed pass runs without one, another makes one and runs it.
expect() {
  local graphs=$1 said ran
  shift
  said=$("$program" "$@" --device cuda 2>&1 >"$work/out") || { echo "warm: $*: $said"; exit 1; }
  ran=$(sed -n 's/^emulated device: \([0-9]*\) graphs ran$/\1/p' <<<"$said")
  if ((${ran:-0} < graphs)); then
    echo "warm: $*: expected $graphs graphs or more, found $said"
    exit 1
  fi
}

short=(--context-length 64 -m tests/golden/model-smooth/weights)
expect 3 bench "${short[@]}" --batch-size 2 --horizon 16 --repeats 2
# Eight windows of growing contexts, full attention and a radius, three timed turns of each. Under the null future the
# last arm needs less workspace than the timed ones, which grow it again.
awk -F, -v OFS=, 'NR <= 80 { sub(/\r$/, ""); print $0, NR == 1 ? "known" : NR % 7 }' datasets/elnino_monthly.csv \
  >"$work/elnino.csv"
cat >"$work/tasks.yaml" <<'END'
tasks:
- dataset_path: elnino.csv
  dataset_config: elnino
  horizon: 4
  num_windows: 8
  seasonality: 12
  eval_metric: MASE
  id_column: item_id
  known_dynamic_columns: [known]
END
expect 64 study -m tests/golden/model-smooth/weights --context-length 96 --tasks "$work/tasks.yaml" \
  --out-prefix "$work/study" --radii 2 --perf-radii 2 --arms null --perf-repeats 3
