#!/usr/bin/env bash
# run.sh BINARY_DIR CC [EMULATOR]: installs into a fresh prefix, moves it, and builds a small program against it with
# pkg-config (shared and static) and with CMake. All four must run the bundled model and agree.
set -euo pipefail
build=$1
cc=${2:-cc}
emulator=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
work=$build/install-test
rm -rf "$work"
cmake --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/prefix"
prefix=$work/prefix

for expected in include/chronos2.h bin/chronos2 share/chronos2/datasets/tasks.yaml \
  share/man/man1/chronos2-forecast.1 share/bash-completion/completions/chronos2; do
  [ -e "$prefix/$expected" ] || { echo "install: $expected is not there"; exit 1; }
done
"$here/../../scripts/check_docs.sh" "$(dirname "$(find "$prefix" -name ARCHITECTURE.md)")"
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name chronos2.pc)")
export PKG_CONFIG_PATH
words() { eval "printf '%s\0' $1"; } # of pkg-config, which escapes blanks for a shell
mapfile -d '' -t shared < <(words "$(pkg-config --cflags --libs chronos2)")
mapfile -d '' -t header < <(words "$(pkg-config --cflags chronos2)")
mapfile -d '' -t private < <(words "$(pkg-config --libs-only-l --static chronos2 | sed 's|-lchronos2||')")
libraries=$(dirname "$(dirname "$(find "$prefix" -name chronos2.pc)")")
abi=$(sed -n 's/^#define CHRONOS2_ABI_VERSION //p' "$prefix/include/chronos2.h")
if [ "$(uname)" = Linux ] && [ ! -e "$libraries/libchronos2.so.$abi" ]; then
  echo "install: the shared library's name doesn't end in the header's ABI version, $abi"
  exit 1
fi
strict=(-std=c11 -Wall -Wextra -Werror)
LD_RUN_PATH=$libraries "$cc" "${strict[@]}" "$here/consumer.c" -o "$work/by-pkg-config" "${shared[@]}" -lm
"$cc" "${strict[@]}" "$here/consumer.c" -o "$work/by-pkg-config-static" "${header[@]}" "$libraries/libchronos2.a" \
  "${private[@]}" -lm
cmake -S "$here" -B "$work/by-cmake" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$prefix" >"$work/cmake.log"
cmake --build "$work/by-cmake" >>"$work/cmake.log"
# The models are another part of the package, which may be missing.
if [ -e "$prefix/share/chronos2/models" ]; then
  mv "$prefix/share/chronos2/models" "$work/models"
  cmake -S "$here" -B "$work/without-models" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$prefix" >>"$work/cmake.log"
  mv "$work/models" "$prefix/share/chronos2/models"
fi
$emulator "$prefix/bin/chronos2" --version

model=$prefix/share/chronos2/models/chronos2-micro
if [ ! -e "$model/config.json" ]; then
  echo "install: SKIPPED running the programs: models/chronos2-micro is not in this tree"
  exit 77
fi
first=
for program in by-pkg-config by-pkg-config-static by-cmake/consumer by-cmake/consumer_static; do
  said=$($emulator "$work/$program" "$model")
  echo "$program: $said"
  [ -z "$first" ] || [ "$said" = "$first" ] || { echo "install: $program differs"; exit 1; }
  first=$said
done
# The installed program finds the installed model by itself.
(cd / && env -u CHRONOS2_MODEL $emulator "$prefix/bin/chronos2" inspect >"$work/inspect.txt")
grep -q parameters "$work/inspect.txt"
