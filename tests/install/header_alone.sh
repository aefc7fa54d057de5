#!/usr/bin/env bash
# The public header compiles alone: as C11 and as C++11, with every warning an error. Its initialisers work in both, and
# a program's own functions start options, whose size may differ from the library's.
set -euo pipefail
cc=${1:-cc}
root=$(cd "$(dirname "$0")/../.." && pwd)
flags=(-I "$root/include" -Wall -Wextra -Wpedantic -Werror -fsyntax-only)
"$cc" -std=c11 "${flags[@]}" -x c - <<<'#include <chronos2.h>'
starts=$(sed -nE 's/^CHRONOS2_INLINE void (chronos2_[a-z]+_options)_init\(.*/\1/p' "$root/include/chronos2.h")
[ "$(wc -l <<<"$starts")" = 4 ]
program=$(mktemp)
trap 'rm -f "$program"' EXIT
{
  echo '#include <chronos2.h>'
  echo 'int main(void) {'
  for type in $starts; do echo "  { $type options; ${type}_init(&options); if (options.size != sizeof options) return 1; }"; done
  echo '  return 0; }'
} | "$cc" -std=c11 -I "$root/include" -Wall -Wextra -Wpedantic -Werror -o "$program" -x c - # without the library
cxx=c++
[[ $(basename "$cc") == clang* ]] && cxx=clang++
if command -v "$cxx" >/dev/null; then
  "$cxx" -std=c++11 "${flags[@]}" -x c++ - <<<'#include <chronos2.h>'
  initialisers=$(sed -nE 's/^#define (CHRONOS2_([A-Z]+)_OPTIONS_INIT) .*/\1 chronos2_\L\2_options/p' "$root/include/chronos2.h")
  [ -n "$initialisers" ]
  for standard in c++11 c++20; do
    while read -r macro type; do # the other fields are zeroed, which -Wextra would tell
      "$cxx" -std=$standard "${flags[@]}" -Wno-missing-field-initializers -x c++ - <<<"#include <chronos2.h>
        $type options = {$macro};
        size_t size() { return options.size; }"
    done <<<"$initialisers"
  done
else
  echo "header_alone: SKIPPED the C++ half: no $cxx here"
fi
