#!/usr/bin/env bash
# train.sh MINUTES [--cpu] [recipe options]: the training recipe on a GPU, done after so many minutes, of which another call
# goes on. Models, logs and states are in $TRAIN (build/train-gpu). It uses the machine's PyTorch ($PYTHON, else python3),
# and neither builds nor downloads.
#
#   tools/gpu/train.sh 8
#
# With OUT=FOLDER, models and logs are packed there in the end, to be copied elsewhere, as train.tar.gz.aa, .ab and so on,
# of at most MOST_FILE_MIB (15) each. `cat train.tar.gz.* | tar -xz` unpacks them. The states are among them if all files
# are at most MOST_MIB (64) then.
set -euo pipefail
cd "$(dirname "$0")/../.."
refuse() {
  echo "train: error: $1" >&2
  exit 2
}
if ! [[ ${1:-} =~ ^[0-9]+([.][0-9]+)?$ ]]; then refuse "expected the number of minutes first, found '${1:-nothing}'"; fi
minutes=$1
shift
part=${MOST_FILE_MIB:-15}
most=${MOST_MIB:-64}
if ! [[ $part,$most =~ ^[1-9][0-9]*,[1-9][0-9]*$ ]]; then
  refuse "expected MOST_FILE_MIB and MOST_MIB to be numbers of MiB, found '$part' and '$most'"
fi
if [[ " $* " == *" --out "* ]]; then refuse "expected TRAIN=DIR in the environment, not --out"; fi
train=${TRAIN:-build/train-gpu}
device=(--gpu)
if [ "${1:-}" = --cpu ]; then # to see that the script works
  device=()
  shift
fi
status=0
export PYTHON=${PYTHON:-python3}
tools/train/recipe.sh "${device[@]}" --minutes "$minutes" --out "$train" "$@" &
recipe=$!
trap 'kill -TERM "$recipe" 2> /dev/null || true' TERM INT # it ends its trainings, and what they have is packed
wait "$recipe" || status=$?
while kill -0 "$recipe" 2> /dev/null; do wait "$recipe" || status=$?; done # after a signal
echo "train: models, logs and states are in $train"
if [ -z "${OUT:-}" ] || [ ! -d "$train" ]; then exit $status; fi

mkdir -p "$OUT"
rm -f "$OUT"/train.tar.gz.*
leave=()
size=$(du -sb "$train" | cut -f 1)
if ((size > most << 20)); then
  leave=(--exclude=state.pt)
  echo "train: the states are not packed: with them it is $((size >> 20)) MiB, and MOST_MIB is $most" >&2
fi
parts=$(mktemp -d) # OUT may be TRAIN
trap 'rm -rf "$parts"' EXIT
tar -cz --exclude='*.new' "${leave[@]}" -C "$train" . | split -b "${part}M" - "$parts/train.tar.gz."
mv "$parts"/* "$OUT"
size=$(cat "$OUT"/train.tar.gz.* | wc -c)
if ((size > most << 20)); then
  echo "train: error: $OUT/train.tar.gz.* are $((size >> 20)) MiB together, and MOST_MIB is $most" >&2
  exit 1
fi
echo "train: unpack them by: cat $OUT/train.tar.gz.* | tar -xz"
exit $status
