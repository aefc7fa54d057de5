#!/usr/bin/env bash
# check.sh [BUILD]: tests and measures the CUDA backend on a machine with a GPU, within eight minutes, most important
# first. Nothing is built or downloaded: see pack.sh. It writes to $OUT/results.txt as it goes (OUT: BUILD/gpu/out).
set -uo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build}
OUT=${OUT:-$build/gpu/out}
mkdir -p "$OUT"
results=$OUT/results.txt
end=$((SECONDS + 470))

# section NAME SECONDS COMMAND...: at most so many seconds, and never beyond the end.
section() {
  local name=$1 most=$2 left=$((end - SECONDS)) status=0
  shift 2
  echo "== $name" >>"$results"
  if [ "$left" -lt 5 ]; then
    echo "NOT RUN: no time left" >>"$results"
    return
  fi
  timeout $((most < left ? most : left)) "$@" >>"$results" 2>&1 || status=$?
  echo "-- status $status, $SECONDS s since the start" >>"$results"
}

cublas=$(python3 -c 'import glob, site, sys
for folder in site.getsitepackages() + sys.path:
    for found in glob.glob(folder + "/nvidia/*/lib/libcublasLt.so.*"):
        print(found.rsplit("/", 1)[0]); raise SystemExit' 2>/dev/null)
export LD_LIBRARY_PATH=$build/gpu/lib${cublas:+:$cublas}:/usr/local/cuda/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export CHRONOS2_CUDA_LIBRARY=$PWD/$build/libchronos2_cuda.so
export CHRONOS2_SHARED_GOLDEN=$build/gpu/golden CHRONOS2_GOLDEN_STEP=1 CHRONOS2_ON_GPU=1
if python3 -m pip install -q --no-index --no-deps --target "$OUT/site" "$build"/gpu/wheels/*.whl 2>/dev/null; then
  export PYTHONPATH=$OUT/site
fi
smooth=tests/golden/model-smooth
# A request that takes prefill, decode, groups and a rollout.
request=("$build/chronos2" predict $smooth/predict/long_horizon_covariates.json -m $smooth/weights --device cuda
  --attention windowed_future_null --radius 2 -o "$OUT/small.safetensors")

: >"$results"
section "machine" 20 nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
section "version" 20 "$build/chronos2" --version
section "golden cases, requests, contexts, embeddings" 120 "$build/test_cuda_forward"
section "bf16 beside PyTorch's" 60 python3 tools/gpu/bf16.py "$build"
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck synccheck; do
    section "compute-sanitizer $tool, float32" 45 compute-sanitizer --tool $tool --error-exitcode 9 "${request[@]}"
  done
  section "compute-sanitizer memcheck, bf16" 45 compute-sanitizer --tool memcheck --error-exitcode 9 "${request[@]}" --dtype bf16
else
  echo "== compute-sanitizer: NOT RUN, it is not here" >>"$results"
fi
section "speed beside PyTorch" 400 python3 tools/gpu/speed.py "$build" "$OUT"
rm -rf "$OUT/site" "$OUT/small.safetensors" "$OUT/model"
cat "$results"
grep -qE '^-- status [1-9]|NOT RUN' "$results" && exit 1
exit 0
