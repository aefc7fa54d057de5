#!/usr/bin/env bash
# rpath.sh WORK CC: the program looks for libraries where the linker found them: here libyaml's stand-in, which lies
# outside the system's folders. Nothing is built; the command that would link says where the program looks.
set -euo pipefail
work=$1
cc=${2:-cc}
root=$(cd "$(dirname "$0")/../.." && pwd)
prefix=$(mktemp -d) # CMake leaves out folders of the project
trap 'rm -rf "$prefix"' EXIT
rm -rf "$work"
mkdir -p "$work" "$prefix/lib/pkgconfig"
touch "$prefix/lib/libyaml.so"
printf 'Name: yaml\nDescription: a stand-in\nVersion: 0.2.5\nLibs: -L%s -lyaml\n' "$prefix/lib" \
  >"$prefix/lib/pkgconfig/yaml-0.1.pc"
PKG_CONFIG_PATH=$prefix/lib/pkgconfig cmake -S "$root" -B "$work/build" -G 'Unix Makefiles' \
  -DCMAKE_C_COMPILER="$cc" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
places=$(sed -n 's/.*-rpath,\([^ ]*\).*/\1/p' "$work/build/CMakeFiles/chronos2.dir/link.txt" | tr -d '\\"')
if [[ $places: != '$ORIGIN:'*":$prefix/lib:"* || $places == *::* ]]; then
  echo "rpath: expected the program's own folder first, $prefix/lib, and none that is empty, found '$places'"
  exit 1
fi
