#!/usr/bin/env bash
# demo.sh WORK: where a step of scripts/demo.sh fails, it says why; one that was interrupted can be run
# again. CMake and the program are stand-ins.
set -euo pipefail
work=$1
demo=$(cd "$(dirname "$0")/../.." && pwd)/scripts/demo.sh
rm -rf "$work"
mkdir -p "$work/bin" "$work/a build"
printf '#!/bin/sh\n[ "$1" != "$FAILS" ] || { echo "cmake: no"; exit 1; }\n' >"$work/bin/cmake"
printf '#!/bin/sh\ncase "$*" in *"$FAILS"*) echo "chronos2: error: no" >&2; exit 1 ;; esac
case "$*" in *--restart*) ;; study*) echo "chronos2: error: an interrupted run" >&2; exit 1 ;; esac\n' >"$work/a build/chronos2"
chmod +x "$work/bin/cmake" "$work/a build/chronos2"

# expect STATUS LINE FAILS: the line is said on stderr where the step fails whose arguments hold FAILS.
expect() {
  local status=0 said
  said=$(FAILS=$3 PATH="$work/bin:$PATH" "$demo" "$work/a build" 1 2>&1 >/dev/null) || status=$?
  [[ $status == "$1" && $'\n'$said$'\n' == *$'\n'"$2"$'\n'* ]] || { echo "demo: $3: status $status: $said"; exit 1; }
}

expect 0 '' nothing
expect 1 'demo: error: the build failed' --build
expect 1 'chronos2: error: no' 'horizon 3 '
expect 1 'chronos2: error: no' --report
expect 1 'chronos2: error: no' study
