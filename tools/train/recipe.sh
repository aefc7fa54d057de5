#!/usr/bin/env bash
# From nothing to the bundled checkpoint and the study's arms: one command that can be stopped at any moment and goes on
# where it stopped. Logs and models are in OUT (build/train).
#
#   tools/train/recipe.sh                     the bundled checkpoint
#   tools/train/recipe.sh --arms              the study's arms too: three seeds of each family of patterns, a small shape
#   tools/train/recipe.sh --gpu               a larger shape in bfloat16, for a GPU
#   tools/train/recipe.sh --minutes 5         as far as that goes; with an empty OUT, a smoke test
#
# OUT/main/first.csv holds the loss of each of the first 200 steps. A smoke test ends by comparing them with those of
# tools/train/logs/main-first.csv: on one kind of processor with one version of PyTorch they agree to the last digit.
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
arm=(--steps 6000 --decay 1500 --d-model 96 --layers 3 --observations 16384)
more=()
while [ $# -gt 0 ]; do
  case $1 in
    --arms) arms=yes ;;
    --gpu)
      main=(--steps 30000 --decay 7500 --every 1000 --d-model 256 --layers 8 --observations 262144)
      gpu=yes
      more+=(--device cuda --bf16 --workers "$(($(nproc) - 1))")
      ;;
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

"$python" tools/train/train.py "${main[@]}" "${more[@]}" --out "$out/main"
if [ "$compare$gpu" = yesno ]; then "$python" tools/train/compare.py tools/train/logs/main-first.csv "$out/main/first.csv"; fi
[ "$arms" = yes ] || exit 0
for seed in 1 2 3; do
  for family in dense r8 mixed-without-null mixed; do
    "$python" tools/train/train.py "${arm[@]}" "${more[@]}" --family "$family" --seed "$seed" --out "$out/$family-$seed"
  done
done
