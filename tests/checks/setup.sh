#!/usr/bin/env bash
# setup.sh WORK: scripts/setup.sh says which CMake is too old, and where it can't know the folder of libraries. Nothing is
# installed: its apt-get, sudo and python3 are stand-ins.
set -euo pipefail
work=$1
setup=$(cd "$(dirname "$0")/../.." && pwd)/scripts/setup.sh
rm -rf "$work"
mkdir -p "$work/bin" "$work/home"
printf '#!/bin/sh\necho "cmake version $CMAKE_FOUND"\n' >"$work/bin/cmake"
printf '#!/bin/sh\n[ "$2" = true ] || exec "$2" "$3" "$4"\n' >"$work/bin/sudo"
printf '#!/bin/sh\nexit 0\n' >"$work/bin/apt-get"
printf '#!/bin/sh\nexit 1\n' >"$work/bin/python3"
chmod +x "$work"/bin/*

# expect STATUS PATTERN LEVEL CMAKE [VARIABLE=VALUE...]: what setup.sh says last.
expect() {
  local status=0 said
  said=$(env -u HOME -u XDG_DATA_HOME PATH="$work/bin:$PATH" CMAKE_FOUND="$4" "${@:5}" "$setup" "$3" 2>&1) || status=$?
  said=${said##*$'\n'}
  [[ $status == "$1" && $said =~ ^$2$ ]] || { echo "setup: ${*:3}: status $status: $said"; exit 1; }
}

expect 1 'setup: error: found CMake 3\.22\.1, expected 3\.25 .*' build 3.22.1 HOME="$work/home"
expect 0 '(setup: installing .*)?' build 3.25.0
expect 0 '(setup: installing .*)?' build 10.0
expect 1 'setup: error: neither XDG_DATA_HOME nor HOME is set: .*' test 3.25.0
expect 1 'setup: error: neither XDG_DATA_HOME nor HOME is set: .*' duckdb 3.25.0 XDG_DATA_HOME=
mkdir -p "$work/home/.local/share/chronos2/nanoarrow-0.9.0"
expect 0 '(setup: installing .*)?' test 3.25.0 HOME="$work/home" XDG_DATA_HOME=
