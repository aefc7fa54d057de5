#!/usr/bin/env bash
# Who may include whom, as ARCHITECTURE.md draws it. Prints each breach; status 1 if there is one.
set -euo pipefail
cd "$(dirname "$0")/.."
breaches=0

# allow FOLDER REGEX FILE...: every "quoted" include, and <chronos2.h>, of the files must match REGEX.
allow() {
  local folder=$1 regex=$2 file line name
  shift 2
  for file in "$@"; do
    [ -f "$file" ] || continue
    while IFS=: read -r line name; do
      [ -n "$name" ] || continue
      if ! [[ $name =~ ^($regex)$ ]]; then
        echo "$file:$line: $folder may not include \"$name\""
        breaches=$((breaches + 1))
      fi
    done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]+)".*/\1/; s/^[[:space:]]*#[[:space:]]*include[[:space:]]*<(chronos2\.h)>.*/\1/; t print; b; :print; =; p' \
      "$file" | paste -d: - -)
  done
}

allow src/base 'base/[a-z0-9_]+\.h' src/base/*.[ch]
allow src/kernels 'kernels/([a-z0-9]+/)?[a-z0-9_]+\.h' src/kernels/*.[ch] src/kernels/*/*.[ch]
# chronos2.h: for its types and configuration; only api.c may define what it declares (check_symbols.sh).
allow src/model '(base|model)/[a-z0-9_]+\.h|chronos2\.h' src/model/*.[ch]
allow src/series '(base|series)/[a-z0-9_]+\.h|chronos2\.h' src/series/*.[ch]
allow src/engine '(base|model|series|engine)/[a-z0-9_]+\.h|engine/cpu/level\.h|chronos2\.h' src/engine/*.[ch]
allow src/engine/cpu '(base|model|engine|engine/cpu)/[a-z0-9_]+\.h|series/normalize\.h|kernels/kernels\.h|chronos2\.h' \
  src/engine/cpu/*.[ch]
allow src/cuda '(base|model|series|engine|cuda)/[a-z0-9_]+\.h|engine/cpu/level\.h|chronos2\.h' src/cuda/*.[ch]
allow 'src/cuda (kernels)' 'base/status\.h|cuda/[a-z0-9_]+\.(h|cuh)' src/cuda/{device.h,*.cu,*.cuh,*.cc}
allow src/forecast '(base|model|series|engine|forecast)/[a-z0-9_]+\.h|chronos2\.h' src/forecast/*.[ch]
allow src/time '(base|time)/[a-z0-9_]+\.h' src/time/*.[ch]
allow src/table '(base|time|forecast|table)/[a-z0-9_]+\.h|series/column\.h|chronos2\.h' src/table/*.[ch]
allow src '(base|time|model|series|engine|forecast|table)/[a-z0-9_]+\.h|kernels/kernels\.h|chronos2\.h|version\.h|api\.h' src/*.[ch]
allow data '(base|time|data)/[a-z0-9_]+\.h|table/arrow\.h|chronos2\.h' data/*.[ch]
allow study/statistics '(base|study/statistics)/[a-z0-9_]+\.h' study/statistics/*.[ch]
allow study/tasks '(base|time|data|study/(tasks|statistics))/[a-z0-9_]+\.h|chronos2\.h' study/tasks/*.[ch]
allow study/measure '(base|study/(measure|tasks|statistics))/[a-z0-9_]+\.h|data/series\.h|chronos2\.h' study/measure/*.[ch]
allow study/results '(base|study/(results|measure|tasks|statistics))/[a-z0-9_]+\.h|chronos2\.h|published_rows\.h' study/results/*.[ch]
allow page '(base|page)/[a-z0-9_]+\.h' page/*.[ch]
allow study/files '(base|data|page|study/[a-z]+)/[a-z0-9_]+\.h|chronos2\.h|version\.h' study/files/*.[ch]
allow study '(base|time|data|study(/[a-z]+)?)/[a-z0-9_]+\.h|chronos2\.h' study/*.[ch]
allow hub '(base|hub)/[a-z0-9_]+\.h|version\.h' hub/*.[ch]
allow serve '(base|time|data|page|serve)/[a-z0-9_]+\.h|chronos2\.h' serve/*.[ch]
allow cli '(base|data|hub|serve|page|study(/[a-z]+)?|cli)/[a-z0-9_]+\.h|chronos2\.h|version\.h' cli/*.[ch]
allow wasm '(base|time|data)/[a-z0-9_]+\.h|answer\.h|chronos2\.h' wasm/*.[ch]
allow bench 'base/[a-z0-9_]+\.h|kernels/kernels\.h' bench/*.[ch]
allow examples 'chronos2\.h' examples/*.[ch]
allow include '' include/*.h

while IFS= read -r found; do # a test sees internals through the library, never a source file
  echo "$found: a .c file is included"
  breaches=$((breaches + 1))
done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]*\.c"' -r src data page study hub serve cli wasm tests include \
  --include='*.[ch]' 2>/dev/null || true)

if [ "$breaches" -gt 0 ]; then
  echo "check_includes: $breaches breaches"
  exit 1
fi
