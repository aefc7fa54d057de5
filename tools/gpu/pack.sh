#!/usr/bin/env bash
# pack.sh [BUILD]: gathers in BUILD/gpu what check.sh wants on a machine with a GPU and without network: shared libraries,
# golden cases beside the project's own, and the package that PyTorch's side needs. Build first:
#
#   make && make cuda && tools/gpu/pack.sh
#
# Take along the working tree (its tracked files), and what the last lines name.
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
programs=()
for program in chronos2 test_cuda_forward test_cuda_sessions test_masked test_observers test_blind_heads; do
  programs+=("$build/$program")
  ldd "$build/$program" | awk -v theirs="$theirs" '$3 ~ /^\// && $1 !~ theirs { print $3 }' | xargs -r cp -Lt "$pack/lib"
done
if [ -d ../shared/golden ]; then cp -r ../shared/golden "$pack/golden"; fi
python3 -m pip download -q --no-deps -d "$pack/wheels" chronos-forecasting==2.3.2
ls -l "$build/libchronos2_cuda.so"
du -shc "$pack" "${programs[@]}" "$build/libchronos2_cuda.so"
