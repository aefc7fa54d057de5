#!/usr/bin/env bash
# arm.sh [JOBS [CMAKE_FLAG...]]: the suite on 64-bit ARM, under QEMU unless this machine is one: on a processor with every
# feature, then kernels on a Cortex-A72 (NEON alone) and a Neoverse N1 (SDOT). An emulated processor is twenty
# times slower: tests that have sizes take their small ones (CHRONOS2_TEST_SIZE).
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${1:-$(nproc)}
if [ "$(uname -m)" = aarch64 ]; then
  echo "arm: this machine is one: the suite has run on it"
  exit 0
fi
cmake --preset aarch64 "${@:2}"
cmake --build --preset aarch64 -j "$jobs"
cat <<'END'
arm: small sizes of tests (CHRONOS2_TEST_SIZE=small)
arm: NOT RUN, as nothing in them depends on the processor: whole studies (test_study and those of that name), tables
arm: (test_flow, test_tables; fuzz targets read tables here), memory before a forecast (test_predict_bytes), servers
arm: (test_hub, test_hub_datasets, test_pull, test_serve, test_serve_arrow, test_serve_bodies, test_serve_connections,
arm: test_serve_contexts, test_serve_counts), processes (test_kills), scores and calibration (test_evaluate,
arm: test_evaluate_series, test_detect), options (test_options, test_spellings, test_arguments, test_on_error) and outputs
arm: (test_outfile, test_report, test_forecast_draw), the documents' examples and checks of the sources
END
export CHRONOS2_TEST_SIZE=small
suite() { ctest --output-on-failure --timeout 3000 -j "$jobs" --test-dir build-aarch64 "$@"; }
# Without pointer authentication, whose cipher takes most of the time where it is emulated. This processor has BFMMLA and
# SMMLA as a Neoverse V1 has, which QEMU 7.2 doesn't know by name.
QEMU_CPU=max,pauth=off suite \
  -E '^(docs|documents|check_.*|cuda_kernels|test_(study.*|flow|tables|predict_bytes|hub|hub_datasets|pull|serve.*|kills|evaluate.*|detect|options|spellings|arguments|on_error|outfile|report|forecast_draw))$'
for processor in cortex-a72 neoverse-n1; do
  echo "arm: kernels on a $processor"
  QEMU_CPU=$processor suite -R '^test_(kernels|kernels_steps|attend)$'
done
