#!/usr/bin/env bash
# From nothing to the bundled checkpoint and the study's arms: one command that can be stopped at any moment and goes on
# where it stopped. Logs and models are in OUT (build/train).
#
#   tools/train/recipe.sh                     the bundled checkpoint
#   tools/train/recipe.sh --arms              the study's arms too: three seeds of each family of patterns, a small shape
#   tools/train/recipe.sh --gpu               a larger shape in bfloat16, for a GPU; with --arms, all of them at once
#   tools/train/recipe.sh --minutes 5         as far as that goes; with an empty OUT, a smoke test
#
# OUT/main/first.csv holds the loss of each of the first 200 steps. A smoke test ends by comparing them with those of
# tools/train/logs/main-first.csv: on one kind of processor with one version of PyTorch they agree to the last digit.
#
# With --gpu, SIGUSR1 lets the rate of the larger model fall at once: it ends 3,000 steps later.
#
# tools/train/logs/main.csv is the log of chronos2-micro-mixed.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-venv/bin/python}
out=build/train
arms=no
compare=no
gpu=no
main=(--steps 9000 --decay 2500 --every 250)
arm=(--steps 6000 --decay 1500 --every 500 --d-model 96 --layers 3 --observations 16384)
families=(dense r8 mixed-without-null mixed)
more=()
while [ $# -gt 0 ]; do
  case $1 in
    --arms) arms=yes ;;
    --gpu) gpu=yes ;;
    --minutes)
      more+=(--minutes "$2")
      compare=yes
      shift
      ;;
    --out)
      out=$2
      shift
      ;;
    *)
      echo "recipe: error: expected --arms, --gpu, --minutes N or --out DIR, found '$1'" >&2
      exit 2
      ;;
  esac
  shift
done

train=("$python" tools/train/train.py)

if [ $gpu = yes ]; then
  # Everything side by side: a small model's step takes longer to start than to run.
  cores=$(nproc)
  more+=(--device cuda --bf16)
  export OMP_NUM_THREADS=1
  main=(--steps 30000 --decay 3000 --every 2000 --d-model 256 --layers 8 --observations 524288)
  "${train[@]}" "${main[@]}" "${more[@]}" --workers $(((cores * 9 + 15) / 16)) --out "$out/main" &
  running=($!)
  if [ $arms = yes ]; then
    for seed in 1 2 3; do
      "${train[@]}" "${arm[@]}" "${more[@]}" --observations 65536 --every 2000 --workers $(((cores + 7) / 8)) \
        --family "${families[@]}" --seed $seed --out "$out" &
      running+=($!)
    done
  fi
  trap 'kill -TERM "${running[@]}" 2> /dev/null || true' TERM INT
  trap 'kill -USR1 "${running[0]}"' USR1
  failed=0
  for process in "${running[@]}"; do
    status=0
    wait "$process" || status=$?
    while kill -0 "$process" 2> /dev/null; do # a signal ended the waiting, not the process
      status=0
      wait "$process" || status=$?
    done
    [ $status = 0 ] || failed=$status
  done
  exit $failed
fi

"${train[@]}" "${main[@]}" "${more[@]}" --out "$out/main"
if [ $compare = yes ]; then "$python" tools/train/compare.py tools/train/logs/main-first.csv "$out/main/first.csv"; fi
[ $arms = yes ] || exit 0
for seed in 1 2 3; do "${train[@]}" "${arm[@]}" "${more[@]}" --family "${families[@]}" --seed $seed --out "$out"; done
