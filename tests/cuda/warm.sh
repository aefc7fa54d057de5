#!/usr/bin/env bash
# warm.sh PROGRAM: what bench and study time on the emulated device are passes whose graphs have been made.
set -euo pipefail
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CHRONOS2_EMULATOR_TELLS=1

# expect GRAPHS COMMAND...: so many graphs ran. An untimed pass runs without one, another makes one and runs it.
expect() {
  local graphs=$1 said
  shift
  said=$("$program" "$@" --device cuda 2>&1 >"$work/out") || { echo "warm: $*: $said"; exit 1; }
  if [[ $said != *"emulated device: $graphs graphs ran"* ]]; then
    echo "warm: $*: expected $graphs graphs, found $said"
    exit 1
  fi
}

short=(--context-length 64 -m tests/golden/model-smooth/weights)
expect 3 bench "${short[@]}" --batch-size 2 --horizon 16 --repeats 2
# A series and a window, full attention and a radius, three timed turns of each.
cp datasets/elnino_monthly.csv "$work"
cat >"$work/tasks.yaml" <<'END'
tasks:
- dataset_path: elnino_monthly.csv
  dataset_config: elnino
  horizon: 12
  num_windows: 1
  seasonality: 12
  eval_metric: MASE
  id_column: item_id
END
expect 8 study "${short[@]}" --tasks "$work/tasks.yaml" --out-prefix "$work/study" --radii 2 --perf-radii 2 \
  --arms none --max-series-per-window 1 --perf-repeats 3
