#!/usr/bin/env bash
# check.sh [--emulate] [--seconds N] [--only NAME[,NAME]] [--skip NAME[,NAME]] [BUILD]: tests and measures the CUDA backend
# on a machine with a GPU, within eight minutes, most important first. Nothing is built or downloaded: where nothing was
# built, it unpacks BUILD/gpu.tar.gz, of pack.sh. It appends to $OUT/results.jsonl as it goes (OUT: BUILD/gpu/out), which
# `bench/gpu.py` makes tables of, and leaves the study's tables in $OUT/study.tar.gz. --seconds limits all sections
# together, and each of them in proportion; --only and --skip choose sections by the names in check.py. --emulate: on the
# emulated device, in small sizes, to see that the script works.
set -euo pipefail
cd "$(dirname "$0")/../.."
emulate=
options=()
while [[ ${1:-} == --* ]]; do
  case $1 in
    --emulate) emulate=1 options+=("$1") ;;
    --seconds | --only | --skip) options+=("$1" "${2:?check: $1 needs a value}"); shift ;;
    *) echo "check: error: there is no option $1" >&2; exit 2 ;;
  esac
  shift
done
build=$(realpath "${1:-build}")
OUT=$(realpath -m "${OUT:-$build/gpu/out}")
python=${PYTHON:-python3}
mkdir -p "$OUT"

# What was unpacked is unpacked again: the archive may be another by now.
if [ -f "$build/gpu.tar.gz" ] && { [ ! -e "$build/chronos2" ] || [ -e "$build/gpu/unpacked" ]; }; then
  mkdir -p "$build/gpu"
  touch "$build/gpu/unpacked" # first: half an unpacking is no build
  rm -rf "$build"/gpu/{lib,golden,site}
  tar -xzf "$build/gpu.tar.gz" -C "$build" --no-same-owner
  echo "check: unpacked $build/gpu.tar.gz" >&2
fi

# Several versions of cuBLAS may be there: take the one that the library was built with.
wanted=$(grep -aoEm1 'libcublasLt\.so\.[0-9]+' "$build/libchronos2_cuda.so" 2>/dev/null || true)
cublas=$("$python" -c 'import glob, site, sys
for folder in site.getsitepackages() + sys.path:
    for found in glob.glob(folder + "/nvidia/*/lib/" + sys.argv[1]):
        print(found.rsplit("/", 1)[0]); raise SystemExit' "${wanted:-none}" 2>/dev/null || true)
export CHRONOS2_LIBRARIES=$build/gpu/lib${cublas:+:$cublas}:/usr/local/cuda/lib64
export CHRONOS2_CUDA_LIBRARY=$build/libchronos2_cuda.so CHRONOS2_TEST_DEVICE=cuda CHRONOS2_GOLDEN_STEP=1 CHRONOS2_ON_GPU=1
if [ -d "$build/gpu/golden" ]; then export CHRONOS2_SHARED_GOLDEN=$build/gpu/golden; fi
if [ -d "$build/gpu/site" ]; then export PYTHONPATH=$build/gpu/site${PYTHONPATH:+:$PYTHONPATH}; fi
if [ -n "$emulate" ]; then
  export CHRONOS2_CUDA_LIBRARY=$build/libchronos2_cuda_emulated.so CHRONOS2_GOLDEN_STEP=50
  unset CHRONOS2_ON_GPU
fi

exec "$python" tools/gpu/check.py "$build" "$OUT" "${options[@]}"
