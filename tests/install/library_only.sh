#!/usr/bin/env bash
# library_only.sh WORK CC: builds and installs the library alone in an environment that has the C compiler, its
# assembler and linker, make and CMake, and nothing else; then an example against it, and runs that. The folders that it
# is installed into have blanks in their names.
set -euo pipefail
work=$1
cc=$(command -v "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
prefix="$work/a stage/a prefix"
rm -rf "$work"
mkdir -p "$work"
bin=$(mktemp -d) # without a blank: make starts itself by its path
trap 'rm -rf "$bin"' EXIT
ln -s "$cc" "$bin/cc"
for tool in as ld ar ranlib make cmake; do ln -s "$(command -v $tool)" "$bin/$tool"; done
bare() { env -i PATH="$bin" "$@"; }

make_it() { # -O1 compiles in a fraction of the time
  bare cmake -S "$root" -B "$work/build" -DCMAKE_C_COMPILER="$bin/cc" -DCHRONOS2_LIBRARY_ONLY=ON \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE="-O1 -DNDEBUG" &&
    bare cmake --build "$work/build" -j 2 &&
    bare make -C "$root" install BUILD="$work/build" DESTDIR="$work/a stage" PREFIX="/a prefix" JOBS=2
}
make_it >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
grep -q 'the library alone, no program: CHRONOS2_LIBRARY_ONLY=ON' "$work/log" || { echo "library_only: not said"; exit 1; }
if [ -e "$prefix/bin" ] || [ -e "$prefix/share/chronos2/datasets" ]; then
  echo "library_only: more than the library was installed"
  exit 1
fi
libraries=$(dirname "$(find "$prefix" -name libchronos2.a)")
bare cc -std=c11 -Wall -Wextra -Werror "$root/examples/univariate.c" -o "$work/example" -I "$prefix/include" \
  -L "$libraries" -Wl,-rpath,"$libraries" -lchronos2 -lm
bare "$work/example" "$prefix/share/chronos2/models/chronos2-micro"

# A source tree that lies in another repository doesn't take that one's commit for its own. CC may name what starts the
# compiler, which is none.
if command -v git >/dev/null; then
  mkdir -p "$work/outer/chronos2"
  cp -R "$root/CMakeLists.txt" "$root/cmake" "$root/src" "$root/include" "$work/outer/chronos2"
  git -C "$work/outer" init -q
  git -C "$work/outer" -c user.name=n -c user.email=e@example.org commit -q --allow-empty -m other
  printf '#!/bin/sh\nexec "$@"\n' >"$bin/ccache"
  chmod +x "$bin/ccache"
  CC="$bin/ccache $cc" cmake -S "$work/outer/chronos2" -B "$work/outer/build" -DCHRONOS2_LIBRARY_ONLY=ON \
    -DCMAKE_INSTALL_LIBDIR="$work/outer/lib" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  grep -q 'C2_COMMIT "unknown"' "$work/outer/build/generated/version.h" || {
    echo "library_only: another repository's commit: $(grep C2_COMMIT "$work/outer/build/generated/version.h")"
    exit 1
  }
  grep -qx "CMAKE_C_COMPILER:[A-Z]*=$cc" "$work/outer/build/CMakeCache.txt" || {
    echo "library_only: CC='ccache $cc': $(grep CMAKE_C_COMPILER: "$work/outer/build/CMakeCache.txt")"
    exit 1
  }
  # Nothing is built there, so that this fails in any case.
  said=$(cmake --install "$work/outer/build" --prefix "$work/other" 2>&1 | tr -s '\n ' ' ') || true
  [[ $said == *"CMAKE_INSTALL_LIBDIR is an absolute folder: configure with -DCMAKE_INSTALL_PREFIX=$work/other "* ]] || {
    echo "library_only: an absolute folder of libraries, and another prefix: $said"
    exit 1
  }
fi
