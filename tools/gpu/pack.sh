#!/usr/bin/env bash
# pack.sh [BUILD]: gathers in BUILD/gpu.tar.gz what check.sh wants on a machine with a GPU and without network: the program
# and its tests, the shared libraries of both, golden cases beside the project's own, and the package that PyTorch's side
# needs. Build first:
#
#   make && make cuda && tools/gpu/pack.sh
#
# Copy the working tree, which is all that git doesn't ignore, and the archive to that machine; check.sh unpacks it there.
# More than MOST_MIB (64) together are an error. The Python that packs ($PYTHON, else python3) needs pip.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build}
most=${MOST_MIB:-64}
refuse() {
  echo "pack: error: $2" >&2
  exit "$1"
}
if [[ $build == -* ]]; then refuse 2 "expected a build folder, found '$build'"; fi
if ! [[ $most =~ ^[1-9][0-9]*$ ]]; then refuse 2 "expected MOST_MIB to be a number of MiB, found '$most'"; fi
pack=$(mktemp -d)
trap 'rm -rf "$pack"' EXIT
mkdir -p "$pack/gpu/lib"
theirs='^lib(c|m|pthread|dl|rt|resolv)\\.so' # parts of the C library, of which each machine has its own
for file in libchronos2_cuda.so chronos2 test_cuda_forward test_cuda_sessions test_masked test_observers test_blind_heads; do
  if ! [ -f "$build/$file" ]; then refuse 1 "$build/$file is missing; expected what \`make\` and \`make cuda\` build"; fi
  cp "$build/$file" "$pack"
  if [[ $file == *.so ]]; then continue; fi
  ldd "$build/$file" | awk -v theirs="$theirs" '$3 ~ /^\// && $1 !~ theirs { print $3 }' | xargs -r cp -Lt "$pack/gpu/lib"
done
# A library of another commit would be refused there.
said=$(CHRONOS2_CUDA_LIBRARY=$(realpath "$build/libchronos2_cuda.so") "$build/chronos2" bench --random micro --device cuda \
  --context-length 16 --batch-size 1 --repeats 1 2>&1 >/dev/null || true)
if [[ $said == *"made of other sources"* ]]; then refuse 1 "${said#chronos2: error: }"; fi
if [ -d ../shared/golden ]; then cp -r ../shared/golden "$pack/gpu/golden"; fi
"${PYTHON:-python3}" -m pip install -q --no-deps --no-compile --target "$pack/gpu/site" chronos-forecasting==2.3.2
tar -czf "$build/gpu.tar.gz" -C "$pack" .

tree=$(git ls-files -z -co --exclude-standard | { du -cb --files0-from=- 2>/dev/null || true; } | awk 'END { print $1 }')
archive=$(stat -c %s "$build/gpu.tar.gz")
told=$(awk -v tree="$tree" -v archive="$archive" -v name="$build/gpu.tar.gz" 'BEGIN {
  printf "the working tree of %.1f MiB and %s of %.1f MiB", tree / 2^20, name, archive / 2^20
  printf " are %.1f MiB together", (tree + archive) / 2^20
}')
if ((tree + archive > most * 2 ** 20)); then refuse 1 "$told; expected at most $most, see MOST_MIB"; fi
echo "pack: $told, of at most $most"
