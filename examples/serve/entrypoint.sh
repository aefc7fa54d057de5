#!/bin/sh
# The image's program. SageMaker starts it with the argument `serve` alone, and unpacks weights into /opt/ml/model. Whatever
# lies there is taken for a model: if it is none, the program says so and the bundled one doesn't take its place.
if [ "$*" = serve ]; then
  model=${SM_MODEL_DIR:-/opt/ml/model}
  set -- serve --listen :8080
  if [ -n "$(ls -A "$model" 2> /dev/null)" ]; then set -- "$@" -m "$model"; fi
fi
exec chronos2 "$@"
