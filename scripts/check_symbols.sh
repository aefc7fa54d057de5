#!/usr/bin/env bash
# check_symbols.sh LIBCHRONOS2.A LIBCHRONOS2.SO [NM [ARCHIVE...]]: only api*.c defines chronos2_* symbols, every other
# symbol that crosses files is c2_*, the shared library exports chronos2_* and nothing else, and no two of the archives
# define one symbol.
set -euo pipefail
archive=$1
shared=$2
nm=${3:-nm}
others=("${@:4}")
status=0

foreign=$(cd "$(dirname "$archive")" && "$nm" -A -g --defined-only "$(basename "$archive")" 2>/dev/null |
  awk '{ split($1, at, ":"); object = at[2]; name = $NF
         if (name ~ /^__?(asan|odr|ubsan|tsan)/ || name ~ /^__odr_asan/) next
         if (name ~ /^chronos2_/ && object !~ /^api[a-z_]*\.c/) print object ": defines " name ", which only api*.c may"
         if (name !~ /^(chronos2_|c2_)/) print object ": defines " name ", expected a name that begins with c2_" }')
if [ -n "$foreign" ]; then
  echo "$foreign"
  status=1
fi
twice=$("$nm" -g --defined-only "$archive" "${others[@]}" 2>/dev/null |
  awk 'NF == 3 && $3 ~ /^(chronos2_|c2_)/ { print $3 }' | sort | uniq -d)
if [ -n "$twice" ]; then
  echo "defined more than once:" $twice
  status=1
fi
exported=$("$nm" -D -g --defined-only "$shared" | awk '{ print $NF }' | sed 's/@.*//')
stray=$(grep -vE '^(chronos2_|__asan|__odr|__ubsan|__tsan|_init$|_fini$)' <<<"$exported" || true)
if [ -n "$stray" ]; then
  echo "$shared: exports what is not public:" $stray
  status=1
fi
if ! grep -q '^chronos2_last_error$' <<<"$exported"; then
  echo "$shared: does not export the public interface"
  status=1
fi
# Every function that the header declares is there.
root=$(cd "$(dirname "$0")/.." && pwd)
declared=$(grep -oE '\bchronos2_[a-z0-9_]+\(' "$root/include/chronos2.h" | tr -d '(' | sort -u)
used=$(tr '\n' ' ' <"$root/include/chronos2.h" | grep -oE 'CHRONOS2_(API|INLINE) [^;{]*' | grep -oE '\bchronos2_[a-z0-9_]+\(' |
  tr -d '(' | sort -u)
for name in $used; do
  if grep -qx "$name" <<<"$declared" && ! grep -qx "$name" <<<"$exported"; then
    echo "$shared: declared in chronos2.h but not defined: $name"
    status=1
  fi
done
exit $status
