#!/usr/bin/env bash
# Python wheels in dist/, one a processor, for every Python 3 on Linux with glibc 2.28 or newer; then a forecast by this
# processor's wheel in an empty environment.
#
#   scripts/wheel.sh [x86_64|aarch64]...
#
# Zig's C compiler builds for an old glibc and for other processors; it and the rest come from pip, into
# build/wheel-tools.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- x86_64 aarch64
tools=$PWD/build/wheel-tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pip=(-m pip --disable-pip-version-check -q)

if ! "$tools/bin/python" -c 'import cffi, scikit_build_core, wheel, ziglang' 2>/dev/null; then
  echo "wheel: installing into $tools: scikit-build-core, cffi, wheel, ziglang"
  python3 -m venv "$tools"
  "$tools/bin/python" "${pip[@]}" install scikit-build-core cffi wheel ziglang
fi

here= # this processor's wheel
for processor in "$@"; do
  echo "wheel: $processor"
  printf '#!/bin/sh\nexec "%s" -m ziglang cc -target %s-linux-gnu.2.28 "$@"\n' "$tools/bin/python" "$processor" >"$work/cc"
  chmod +x "$work/cc"
  # Nothing is linked to try an option: Zig would build its runtime for each instruction set.
  CC="$work/cc" CMAKE_ARGS="-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=$processor \
-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY -DCMAKE_SHARED_LINKER_FLAGS=-lpthread\ -s" \
    "$tools/bin/python" "${pip[@]}" wheel --no-build-isolation --no-deps --no-index -w "$work/$processor" .
  "$tools/bin/python" -m wheel tags --platform-tag "manylinux_2_28_$processor" "$work/$processor"/*.whl >/dev/null
  mkdir -p dist
  wheel=$(basename "$work/$processor"/*manylinux*.whl)
  mv "$work/$processor/$wheel" dist/
  ls -l "dist/$wheel"
  [ "$processor" != "$(uname -m)" ] || here=dist/$wheel
done

[ -n "$here" ] || exit 0
python3 -m venv "$work/empty"
"$work/empty/bin/python" "${pip[@]}" install "$here"
cd "$work"
PATH=/nowhere "$work/empty/bin/python" -c '
import numpy, chronos2
quantiles, _ = chronos2.Chronos2Pipeline.from_pretrained().predict_quantiles([numpy.sin(numpy.arange(99.0))], 3, [0.1, 0.5, 0.9])
assert quantiles[0].shape == (1, 3, 3) and numpy.isfinite(quantiles[0]).all()
print("wheel: the installed wheel forecasts:", quantiles[0][0, 0])'
