#!/bin/sh
# The image's program. SageMaker starts it with the argument `serve` alone, and puts weights into /opt/ml/model.
if [ "$*" = serve ]; then
  set -- serve --listen :8080
  if [ -e /opt/ml/model/config.json ]; then set -- "$@" -m /opt/ml/model; fi
fi
exec chronos2 "$@"
