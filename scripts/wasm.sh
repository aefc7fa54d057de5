#!/usr/bin/env bash
# wasm.sh [JOBS [CMAKE_FLAG...]]: builds the WebAssembly module and its page into build-wasm/site, and runs their tests in
# Node. `scripts/setup.sh wasm` installs what that needs.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${1:-$(nproc)}
cmake --preset wasm "${@:2}"
cmake --build --preset wasm -j "$jobs"
CHRONOS2_WASM=build-wasm/chronos2.wasm node --test tests/wasm/golden.mjs tests/wasm/wrapper.mjs tests/wasm/csv.mjs tests/wasm/fan.mjs
