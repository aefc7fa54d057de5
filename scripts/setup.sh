#!/usr/bin/env bash
# Installs what the build, the tests or the full tests need and this machine lacks (Debian, Ubuntu).
#
#   scripts/setup.sh [build|test|serve|arm|wasm|duckdb|arrow|full]
#
# build: compiler, CMake and the libraries of the program. test: also the test library, a C++ compiler
# (the header must compile as C++) and git. serve: also the library of the HTTP server, which test brings too. arrow: also
# what reads and writes Arrow's IPC format: the sources of nanoarrow, which its Python package of PyPI carries, in
# ~/.local/share/chronos2, and LZ4; test brings them too, as far as the package can be had. arm: also a
# compiler for 64-bit ARM, the test libraries for it (they make arm64 a foreign architecture of this system) and an
# emulator. wasm: also what builds WebAssembly and runs it. duckdb: DuckDB's library, which the npm package
# @duckdb/node-bindings carries, in ~/.local/share/chronos2. full: also that, clang, valgrind, a browser, Java and a Python
# environment with PyTorch, chronos-forecasting and Spark, in ./venv or where CHRONOS2_VENV points.
# Says in one line what it installs and why before it does; with nothing missing it changes nothing. Root installs, and
# a user whom sudo asks for no password; anybody else is told the command.
set -euo pipefail
cd "$(dirname "$0")/.."

level=${1:-build}
case $level in
  build | test | serve | arm | wasm | duckdb | arrow | full) ;;
  *)
    echo "setup: error: expected build, test, serve, arm, wasm, duckdb, arrow or full, found '$level'" >&2
    exit 2
    ;;
esac

packages=()
reasons=()

# need PACKAGE REASON CHECK...: notes the package when the check fails.
need() {
  local package=$1 reason=$2
  shift 2
  if ! "$@" >/dev/null 2>&1; then
    packages+=("$package")
    reasons+=("$package ($reason)")
  fi
}

have() { command -v "$1"; }
module() { command -v pkg-config && pkg-config --exists "$@"; }
c_headers() { [ -e /usr/include/stdio.h ] || echo '#include <stdio.h>' | cc -E -; }
python_venv() { python3 -c 'import venv, ensurepip'; }
debug_libc() { [ -d /usr/lib/debug/.build-id ] || [ ! -e /etc/debian_version ]; }
fuzzer() { echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | clang -fsanitize=fuzzer,address -x c - -o /dev/null; }
wasm_runtime() { ls /usr/lib/llvm-14/lib/clang/*/lib/wasi/libclang_rt.builtins-wasm32.a; }
certificates() { [ -s /etc/ssl/certs/ca-certificates.crt ]; }
chart_js() { ls /usr/share/javascript/chart.js/*hart.min.js; }

need gcc "C compiler" have cc
need libc6-dev "C headers" c_headers
need make "runs the build" have make
need cmake "describes the build" have cmake
need pkg-config "finds the libraries" have pkg-config
need libyaml-dev "YAML (task files)" module yaml-0.1
need libcurl4-openssl-dev "downloads from a hub" module libcurl
need zlib1g-dev "gzip (compressed CSV)" module zlib
need libzstd-dev "Zstandard (compressed CSV, Arrow files)" module libzstd
need ca-certificates "lets downloads check whom they talk to" certificates
need libjs-chart.js "charts of the report" chart_js
if [ "$level" = duckdb ] || [ "$level" = full ]; then
  need npm "brings DuckDB's library" have npm
fi
case $level in build | duckdb | serve) arrow=false ;; *) arrow=true ;; esac
data=${XDG_DATA_HOME:-${HOME:+$HOME/.local/share}} # empty is as good as unset
if [ -z "$data" ] && { $arrow || [ "$level" = duckdb ]; }; then
  echo "setup: error: neither XDG_DATA_HOME nor HOME is set: one of them says where libraries are put" >&2
  exit 1
fi
nanoarrow=$data/chronos2/nanoarrow-0.9.0
if $arrow; then
  need liblz4-dev "LZ4 in Arrow files" module liblz4
fi
if $arrow && [ ! -d "$nanoarrow" ]; then
  need python3 "brings nanoarrow" have python3
  need python3-venv "brings nanoarrow" python_venv
fi
case $level in build | duckdb | arrow) ;; *) need libmicrohttpd-dev "the HTTP server" module libmicrohttpd ;; esac
if [ "$level" != build ] && [ "$level" != duckdb ] && [ "$level" != arrow ] && [ "$level" != serve ]; then
  need libcmocka-dev "test library" module cmocka
  need libjansson-dev "a second JSON reader, beside ours in tests" module jansson
  need mandoc "checks the manual pages" have mandoc
  need g++ "checks that the header compiles as C++" have c++
  need git "names the commit in the version, lists the files to check" have git
fi
if { [ "$level" = arm ] || [ "$level" = full ]; } && [ "$(uname -m)" != aarch64 ]; then
  need gcc-aarch64-linux-gnu "compiler for 64-bit ARM" have aarch64-linux-gnu-gcc
  need libc6-dev-arm64-cross "its C headers" [ -e /usr/aarch64-linux-gnu/include/stdio.h ]
  need qemu-user-static "runs programs for 64-bit ARM" have qemu-aarch64-static
  for library in yaml:yaml-0.1 curl4-openssl:libcurl cmocka:cmocka jansson:jansson; do
    need "lib${library%:*}-dev:arm64" "for 64-bit ARM" [ -e "/usr/lib/aarch64-linux-gnu/pkgconfig/${library#*:}.pc" ]
  done
fi
if [ "$level" = wasm ] || [ "$level" = full ]; then
  need clang "the second compiler" have clang
  need lld "links WebAssembly" have wasm-ld
  need wasi-libc "C library for WebAssembly" [ -e /usr/include/wasm32-wasi/stdio.h ]
  need libclang-rt-14-dev-wasm32 "clang's own functions there" wasm_runtime
  need nodejs "runs WebAssembly" have node
fi
if [ "$level" = full ]; then
  need libclang-rt-14-dev "clang's sanitizers and fuzzer" fuzzer
  need valgrind "memory check of a forward pass" have valgrind
  need zsh "reads its completion script" have zsh
  need fish "answers by its completion script" have fish
  need libc6-dbg "valgrind needs the C library's symbols" debug_libc
  need python3 "runs PyTorch beside the engine" have python3
  need python3-venv "keeps those Python packages apart" python_venv
  need openjdk-17-jre-headless "runs Spark" have java
  need chromium "opens the report" have chromium
  need chromium-driver "drives it" have chromedriver
fi

if [ ${#packages[@]} -gt 0 ]; then
  prepare="apt-get update -qq"
  [[ ${packages[*]} != *:arm64* ]] || prepare="dpkg --add-architecture arm64 && $prepare"
  install="DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ${packages[*]}"
  if ! command -v apt-get >/dev/null; then
    echo "setup: error: missing ${packages[*]}; no apt-get here, please install what provides them" >&2
    exit 1
  fi
  root=()
  if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      echo "setup: error: packages are missing and only root may install them. Run this, then try again:" >&2
      echo "  sudo sh -c '$prepare && $install'" >&2
      exit 1
    fi
    root=(sudo -n)
  fi
  list=$(printf '%s; ' "${reasons[@]}")
  echo "setup: installing${root[0]:+ with sudo} ${list%; }"
  log=$(mktemp)
  if ! "${root[@]}" sh -c "$prepare && $install" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    echo "setup: error: the installation failed: $install" >&2
    exit 1
  fi
  rm -f "$log"
fi

# A distribution's own may be too old, whoever installs it.
cmake=$(cmake --version | sed -n '1s/[^0-9]*//p')
if [ "$(printf '%s\n' 3.25 "$cmake" | sort -V | head -n 1)" != 3.25 ]; then
  echo "setup: error: found CMake $cmake, expected 3.25 or newer: 'pip install cmake' in a Python environment, or cmake.org, has one" >&2
  exit 1
fi

duckdb=$data/chronos2/libduckdb.so
if { [ "$level" = duckdb ] || [ "$level" = full ]; } && [ ! -s "$duckdb" ]; then
  case $(uname -m) in x86_64) processor=x64 ;; aarch64) processor=arm64 ;; *) processor=$(uname -m) ;; esac
  package=@duckdb/node-bindings-linux-$processor@1.5.6-r.1
  echo "setup: installing $duckdb from the npm package $package"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  (cd "$work" && npm pack --silent "$package" >/dev/null && tar xzf ./*.tgz package/libduckdb.so)
  mkdir -p "$(dirname "$duckdb")"
  mv "$work/package/libduckdb.so" "$duckdb.part" # in its place whole, or not at all
  mv "$duckdb.part" "$duckdb"
fi

# The package's sources alone: pip would run its build for a name and a version that are known, so a stand-in tells them.
# Nothing of the package is run.
fetch_nanoarrow() (
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  hash=1ce15bbed8532839347faa78824c5dbd3769bff60661003e34c6fba5dd881bd3
  echo "nanoarrow==0.9.0 --hash=sha256:$hash" >"$work/package.txt"
  cat >"$work/mesonpy.py" <<'END'
import os
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    os.mkdir(os.path.join(folder, "nanoarrow.dist-info"))
    with open(os.path.join(folder, "nanoarrow.dist-info", "METADATA"), "w") as out:
        out.write("Metadata-Version: 2.1\nName: nanoarrow\nVersion: 0.9.0\n")
    return "nanoarrow.dist-info"
END
  python3 -m venv "$work/venv" &&
    PYTHONPATH=$work "$work/venv/bin/python" -m pip download -q --disable-pip-version-check --no-deps \
      --no-build-isolation --no-binary nanoarrow -r "$work/package.txt" -d "$work" &&
    mkdir -p "$work/sources" "$(dirname "$nanoarrow")" &&
    tar xzf "$work/nanoarrow-0.9.0.tar.gz" -C "$work/sources" --strip-components=2 --wildcards \
      'nanoarrow-*/subprojects/arrow-nanoarrow' 'nanoarrow-*/subprojects/flatcc-*/include' \
      'nanoarrow-*/subprojects/flatcc-*/src/runtime' &&
    mv "$work/sources"/flatcc-* "$work/sources/flatcc" &&
    mv "$work/sources" "$nanoarrow.$$" && # in its place whole, or not at all
    mv "$nanoarrow.$$" "$nanoarrow"
)

if $arrow && [ ! -d "$nanoarrow" ]; then
  echo "setup: installing the sources of $nanoarrow from the Python package nanoarrow"
  if ! fetch_nanoarrow; then
    if [ "$level" = arrow ] || [ "$level" = full ]; then
      echo "setup: error: the Python package nanoarrow could not be fetched" >&2
      exit 1
    fi
    echo "setup: warning: the Python package nanoarrow could not be fetched: no Arrow is read, and its tests don't run" >&2
  fi
fi

[ "$level" = full ] || exit 0

venv=${CHRONOS2_VENV:-venv}
checked='import cffi, chronos, dask.dataframe, duckdb, matplotlib, mlflow, pandas, polars, pyspark, pytest, schemathesis, scikit_build_core, scipy, selenium, sktime, torch, xdist; assert chronos.__version__ == "2.3.2"'
if ! "$venv/bin/python" -c "$checked" >/dev/null 2>&1; then
  echo "setup: installing into $venv: torch, chronos-forecasting, pandas, scipy, pytest (the engine is compared with them), selenium, Spark, Dask, DuckDB, sktime, MLflow, pdoc, what the Python package is built with"
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  # torch first and alone: the version that is asked for, not the newest that the rest would accept.
  "$venv/bin/python" -m pip install -q --disable-pip-version-check torch==2.13.0
  "$venv/bin/python" -m pip install -q --disable-pip-version-check -r scripts/requirements-full.txt
  # Without what it asks for: an older pandas than the rest.
  "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps sktime==1.2.0 scikit-base
  "$venv/bin/python" -c "$checked"
fi
