#!/usr/bin/env bash
# version.sh PROGRAM: a library for GPUs of other sources than the program's is refused, and each of them counts.
set -euo pipefail
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "version: $*"
  exit 1
}

cc -w -shared -fPIC -o "$work/stale.so" -x c - <<'END'
const unsigned *c2_cuda_device_table(void) {
  static const unsigned table[64] = {5};
  return table;
}
END
status=0
said=$(CHRONOS2_CUDA_LIBRARY=$work/stale.so "$program" bench --random micro --device cuda 2>&1) || status=$?
expected="chronos2: error: device cuda: $work/stale.so is made of other sources than this program; expected the library that \
\`make cuda\` builds beside it"
[ "$status" = 1 ] && [ "$said" = "$expected" ] || fail "expected '$expected', found status $status: $said"

cp -r --parents cmake/device.cmake src/cuda src/base/status.h "$work"
ours=$(cmake -P cmake/device.cmake)
[ "$(cmake -P "$work/cmake/device.cmake")" = "$ours" ] || fail "a copy has another number than $ours"
for source in "$work"/src/cuda/{device.{cu,h},failure.h,products.{cc,h},attention.cuh,rows.cuh} "$work/src/base/status.h"; do
  cp "$source" "$work/kept"
  echo "// another" >>"$source"
  [ "$(cmake -P "$work/cmake/device.cmake")" != "$ours" ] || fail "the number doesn't depend on $source"
  cp "$work/kept" "$source"
done
