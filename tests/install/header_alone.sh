#!/usr/bin/env bash
# The public header compiles alone: as C11 and as C++11, with every warning an error.
set -euo pipefail
cc=${1:-cc}
root=$(cd "$(dirname "$0")/../.." && pwd)
flags=(-I "$root/include" -Wall -Wextra -Wpedantic -Werror -fsyntax-only)
"$cc" -std=c11 "${flags[@]}" -x c - <<<'#include <chronos2.h>'
cxx=c++
[[ $(basename "$cc") == clang* ]] && cxx=clang++
if command -v "$cxx" >/dev/null; then
  "$cxx" -std=c++11 "${flags[@]}" -x c++ - <<<'#include <chronos2.h>'
else
  echo "header_alone: SKIPPED the C++ half: no $cxx here"
fi
