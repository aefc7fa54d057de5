#!/usr/bin/env bash
# One forward pass on each backend under valgrind: no invalid access, no leak.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
model=$(find tests/golden -name config.json -printf '%h\n' 2>/dev/null | sort | sed -n 1p)
case=$(find tests/golden -path '*forward*' -name '*.safetensors' 2>/dev/null | sort | sed -n 1p)
if [ -z "$model" ] || [ -z "$case" ]; then
  echo "valgrind: error: tests/golden has no model folder or no forward case" >&2
  exit 1
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for backend in fused reference; do
  for attention in full "windowed_future_global --radius 2"; do
    echo "valgrind: forward $case, $backend, $attention"
    # shellcheck disable=SC2086 # two words
    valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible \
      "$build/chronos2" forward "$case" -m "$model" -o "$out/out.safetensors" --backend "$backend" \
      --attention $attention --threads 2
    [ -s "$out/out.safetensors" ]
  done
done
