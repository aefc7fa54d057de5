#!/usr/bin/env bash
# Trains chronos2-micro-mixed, and the weights of the preregistered study, from random weights: one command that can be
# stopped at any moment and goes on where it stopped. Logs and models are in OUT (build/train). The card of chronos2-micro,
# the default checkpoint, has that one's recipe.
#
#   tools/train/recipe.sh                     chronos2-micro-mixed
#   tools/train/recipe.sh --arms              the study's weights too: three seeds of each family of patterns, a small shape
#   tools/train/recipe.sh --pairs             only the weights that look far back, for the study's second part
#   tools/train/recipe.sh --gpu               a larger shape in bfloat16, for a GPU, as chronos2-mini-mixed has; with
#                                             --arms, all of them at once
#   tools/train/recipe.sh --minutes 5         as far as that goes; with an empty OUT, a smoke test
#
# OUT/main/first.csv holds the loss of each of the first 200 steps. A smoke test ends by comparing them with those of
# tools/train/logs/main-first.csv: on one kind of processor with one version of PyTorch they agree to the last digit.
#
# With --gpu, --minutes is when all models are done: their rates fall in time, after fewer steps where need be.
#
# tools/train/logs/main.csv is the log of chronos2-micro-mixed, mini.csv that of the
# first weights of chronos2-mini-mixed, whose card has the rest.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-venv/bin/python}
out=build/train
arms=no
pairs=no
minutes=
gpu=no
main=(--steps 9000 --decay 2500 --every 250)
arm=(--steps 4500 --decay 1500 --every 500 --d-model 96 --layers 3 --observations 16384)
pair=(--pairs --steps 4200 --decay 1000 --every 700 --d-model 96 --layers 2 --observations 16384)
families=(dense r8 mixed-without-null mixed)
refuse() {
  echo "recipe: error: $1" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  case $1 in --minutes | --out) [[ $# -gt 1 && $2 != -* ]] || refuse "expected a value behind $1" ;; esac
  case $1 in
    --arms) arms=yes ;;
    --pairs) pairs=yes ;;
    --gpu) gpu=yes ;;
    --minutes)
      minutes=$2
      shift
      ;;
    --out)
      out=$2
      shift
      ;;
    *) refuse "expected --arms, --pairs, --gpu, --minutes N or --out DIR, found '$1'" ;;
  esac
  shift
done

if [ $pairs = yes ] && [ $arms$gpu != nono ]; then refuse "--pairs goes with neither --arms nor --gpu"; fi

# The trainings under way. A signal is passed on to them: each keeps what it has and ends, and none follows.
running=()
stopped=0
trap 'stopped=130; pass_on' INT
trap 'stopped=143; pass_on' TERM
pass_on() { kill -TERM "${running[@]}" 2> /dev/null || true; }

start() {
  "$python" tools/train/train.py "$@" &
  running+=($!)
}

# Waits for all of them.
finish() {
  local process status failed=0
  [ $stopped = 0 ] || pass_on # the signal may have come before the last one was known
  for process in "${running[@]}"; do
    status=0
    wait "$process" || status=$?
    while kill -0 "$process" 2> /dev/null; do wait "$process" || status=$?; done # after a signal
    [ $status = 0 ] || failed=$status
  done
  running=()
  [ $stopped = 0 ] || exit $stopped
  [ $failed = 0 ] || exit $failed
}

if [ $gpu = yes ]; then
  # Everything side by side: a small model's step takes longer to start than to run.
  cores=$(nproc)
  more=(--device cuda --bf16 ${minutes:+--within "$minutes"})
  export OMP_NUM_THREADS=1
  main=(--steps 30000 --decay 3000 --every 2000 --d-model 256 --layers 8 --observations 262144)
  start "${main[@]}" "${more[@]}" --workers $(((cores * 3 + 3) / 4)) --out "$out/main"
  if [ $arms = yes ]; then
    for seed in 1 2 3; do
      start "${arm[@]}" "${more[@]}" --steps 3000 --decay 750 --observations 131072 --every 1000 \
        --workers $(((cores + 7) / 8)) --family "${families[@]}" --seed $seed --out "$out"
    done
  fi
  finish
  exit
fi

more=(${minutes:+--minutes "$minutes"})
if [ $pairs = yes ]; then
  if grep -q -e avx512_bf16 -e amx_bf16 /proc/cpuinfo; then
    more+=(--bf16)
  else
    echo "recipe: training is in float32, as this processor doesn't multiply bfloat16: the weights differ from the study's" >&2
  fi
  for seed in 1 2 3; do
    start "${pair[@]}" "${more[@]}" --family dense mixed r8 --seed $seed --out "$out/pairs"
    finish
  done
  exit
fi
start "${main[@]}" "${more[@]}" --out "$out/main"
finish
if [ -n "$minutes" ]; then "$python" tools/train/compare.py tools/train/logs/main-first.csv "$out/main/first.csv"; fi
[ $arms = yes ] || exit 0
for seed in 1 2 3; do
  start "${arm[@]}" "${more[@]}" --family "${families[@]}" --seed $seed --out "$out"
  finish
done
