#!/bin/sh
# The image's program. What the arguments of `serve` leave open is decided here: it listens on port 8080 of all addresses,
# and takes the model in /opt/ml/model, where SageMaker unpacks weights. Whatever lies there is taken for a model: if it
# is none, or can't be read, the program says so and the bundled one doesn't take its place.
if [ "$1" = serve ]; then
  model=${SM_MODEL_DIR:-/opt/ml/model}
  listens=
  names=
  for argument in "$@"; do
    case $argument in
      --li*) listens=1 ;;
      -m* | --model | --model=*) names=1 ;;
    esac
  done
  shift
  if [ -z "$names" ] && { [ -e "$model" ] || [ -L "$model" ]; }; then # a link that leads nowhere is no missing model
    if ! held=$(ls -A "$model" 2> /dev/null) || [ -n "$held" ]; then set -- -m "$model" "$@"; fi
  fi
  if [ -z "$listens" ]; then set -- --listen :8080 "$@"; fi
  set -- serve "$@"
fi
exec chronos2 "$@"
