#!/usr/bin/env bash
# train.sh MINUTES [recipe options]: the training recipe on a GPU, done after so many minutes. Models and their states are
# in $OUT (build/train-gpu).
#
#   tools/gpu/train.sh 12
#
# It uses the machine's PyTorch ($PYTHON, else python3) and downloads nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ $# -lt 1 ] || ! [[ $1 =~ ^[0-9]+([.][0-9]+)?$ ]]; then
  echo "train: error: expected the number of minutes first, found '${1:-nothing}'" >&2
  exit 2
fi
minutes=$1
shift
out=${OUT:-build/train-gpu}
if [ -d build/gpu/wheels ] && ! "${PYTHON:-python3}" -c 'import chronos' 2>/dev/null; then
  "${PYTHON:-python3}" -m pip install -q --no-index --no-deps --target build/gpu/site build/gpu/wheels/*.whl
  export PYTHONPATH=build/gpu/site${PYTHONPATH:+:$PYTHONPATH}
fi
device=(--gpu)
if [ "${1:-}" = --cpu ]; then # to see that the script works
  device=()
  shift
fi
export PYTHON=${PYTHON:-python3}
echo "train: the state is kept in $out"
exec tools/train/recipe.sh "${device[@]}" --minutes "$minutes" --out "$out" "$@" # which takes the signals
