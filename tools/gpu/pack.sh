#!/usr/bin/env bash
# pack.sh [BUILD]: gathers in BUILD/gpu what check.sh wants on a machine with a GPU and without network: shared libraries,
# golden cases beside the project's own, and the package that PyTorch's side needs. Build first:
#
#   make cuda && cmake --build build --target chronos2 test_cuda_forward && tools/gpu/pack.sh
#
# Take along the working tree (its tracked files), BUILD/chronos2, BUILD/test_cuda_forward, BUILD/libchronos2_cuda.so and BUILD/gpu.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build}
if [[ $build == -* ]]; then
  echo "pack: error: expected a build folder, found '$build'" >&2
  exit 2
fi
pack=$build/gpu
rm -rf "$pack"
mkdir -p "$pack/lib" "$pack/wheels"
theirs='^lib(c|m|pthread|dl|rt|resolv)\\.so' # parts of the C library, of which each machine has its own
for program in chronos2 test_cuda_forward; do
  ldd "$build/$program" | awk -v theirs="$theirs" '$3 ~ /^\// && $1 !~ theirs { print $3 }' | xargs -r cp -Lt "$pack/lib"
done
if [ -d ../shared/golden ]; then cp -r ../shared/golden "$pack/golden"; fi
python3 -m pip download -q --no-deps -d "$pack/wheels" chronos-forecasting==2.3.2
ls -l "$build/libchronos2_cuda.so"
du -shc "$pack" "$build/chronos2" "$build/test_cuda_forward" "$build/libchronos2_cuda.so"
