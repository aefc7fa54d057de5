#!/usr/bin/env bash
# check.sh [--emulate] [BUILD]: tests and measures the CUDA backend on a machine with a GPU, within eight minutes, most
# important first. Nothing is built or downloaded: see pack.sh. It writes $OUT/results.jsonl as it goes (OUT:
# BUILD/gpu/out), which `bench/gpu.py` makes tables of. --emulate: on the emulated device, in small sizes, to see that the
# script works.
set -euo pipefail
cd "$(dirname "$0")/../.."
emulate=
if [ "${1:-}" = --emulate ]; then
  emulate=$1
  shift
fi
build=${1:-build}
OUT=${OUT:-$build/gpu/out}
python=${PYTHON:-python3}
mkdir -p "$OUT"

cublas=$("$python" -c 'import glob, site, sys
for folder in site.getsitepackages() + sys.path:
    for found in glob.glob(folder + "/nvidia/*/lib/libcublasLt.so.*"):
        print(found.rsplit("/", 1)[0]); raise SystemExit' 2>/dev/null || true)
export LD_LIBRARY_PATH=$build/gpu/lib${cublas:+:$cublas}:/usr/local/cuda/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export CHRONOS2_CUDA_LIBRARY=$PWD/$build/libchronos2_cuda.so CHRONOS2_GOLDEN_STEP=1 CHRONOS2_ON_GPU=1
if [ -d "$build/gpu/golden" ]; then export CHRONOS2_SHARED_GOLDEN=$build/gpu/golden; fi
if [ -n "$emulate" ]; then
  export CHRONOS2_CUDA_LIBRARY=$PWD/$build/libchronos2_cuda_emulated.so CHRONOS2_GOLDEN_STEP=50
  unset CHRONOS2_ON_GPU
elif "$python" -m pip install -q --no-index --no-deps --target "$OUT/site" "$build"/gpu/wheels/*.whl 2>/dev/null; then
  export PYTHONPATH=$OUT/site
fi

status=0
"$python" tools/gpu/check.py "$build" "$OUT" ${emulate:+"$emulate"} || status=$?
rm -rf "$OUT/site" "$OUT/small.safetensors" "$OUT/model"
exit $status
