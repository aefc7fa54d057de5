#!/usr/bin/env bash
# library_only.sh WORK CC: builds and installs the library alone in an environment that has the C compiler, its
# assembler and linker, make and CMake, and nothing else; then an example against it, and runs that.
set -euo pipefail
work=$1
cc=$(command -v "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
rm -rf "$work"
mkdir -p "$work/bin"
ln -s "$cc" "$work/bin/cc"
for tool in as ld ar ranlib make cmake; do ln -s "$(command -v $tool)" "$work/bin/$tool"; done
bare() { env -i PATH="$work/bin" "$@"; }

make_it() { # -O1 compiles in a fraction of the time
  bare cmake -S "$root" -B "$work/build" -DCMAKE_C_COMPILER="$work/bin/cc" -DCHRONOS2_LIBRARY_ONLY=ON \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE="-O1 -DNDEBUG" &&
    bare cmake --build "$work/build" -j 2 &&
    bare cmake --install "$work/build" --prefix "$work/prefix"
}
make_it >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
if [ -e "$work/prefix/bin" ] || [ -e "$work/prefix/share/chronos2/datasets" ]; then
  echo "library_only: more than the library was installed"
  exit 1
fi
libraries=$(dirname "$(find "$work/prefix" -name libchronos2.a)")
bare cc -std=c11 -Wall -Wextra -Werror "$root/examples/univariate.c" -o "$work/example" -I "$work/prefix/include" \
  -L "$libraries" -Wl,-rpath,"$libraries" -lchronos2 -lm
bare "$work/example" "$work/prefix/share/chronos2/models/chronos2-micro"
