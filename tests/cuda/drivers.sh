#!/usr/bin/env bash
# drivers.sh BUILD: what the library for GPUs, which is built first, says with a driver that sees no GPU, with one that is
# too old, and, on a machine that has none, without one; and where the program finds the library.
set -euo pipefail
build=$1
here=$(cd "$(dirname "$0")" && pwd)
cmake --build "$build" --target cuda chronos2 >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -w -shared -fPIC -o "$work/libcuda.so.1" "$here/fake_driver.c"
export CHRONOS2_CUDA_LIBRARY=$build/libchronos2_cuda.so

program=$build/chronos2

# expect PATTERN [VARIABLE=VALUE...]: what $program says.
expect() {
  local pattern=$1 status=0 said
  shift
  said=$(env "$@" "$program" bench --random micro --device cuda --repeats 1 2>&1) || status=$?
  if [ "$status" != 1 ] || ! [[ $said =~ ^chronos2:\ error:\ device\ cuda:\ $pattern$ ]]; then
    echo "drivers: $*: expected '$pattern', found status $status: $said"
    exit 1
  fi
}

expect 'the driver sees no GPU' LD_LIBRARY_PATH="$work" CHRONOS2_FAKE_DRIVER=none
expect 'no NVIDIA driver, or one older than CUDA [0-9.]+ needs' LD_LIBRARY_PATH="$work" CHRONOS2_FAKE_DRIVER=old
libraries=$(ldconfig -p)
if [[ $libraries != *libcuda.so.1* ]]; then
  expect 'no NVIDIA driver, or one older than CUDA [0-9.]+ needs' LD_LIBRARY_PATH=
fi

# The program finds the library beside it, and where both were installed. gcc's sanitizer loads for the program, and
# looks where it is itself.
if [[ $(ldd "$program") == *libasan* ]]; then
  echo "drivers: NOT RUN under gcc's address sanitizer: where the library is found"
  exit 0
fi
unset CHRONOS2_CUDA_LIBRARY
expect 'the driver sees no GPU' LD_LIBRARY_PATH="$work" CHRONOS2_FAKE_DRIVER=none
cmake --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/prefix"
program=$work/prefix/bin/chronos2
expect 'the driver sees no GPU' LD_LIBRARY_PATH="$work" CHRONOS2_FAKE_DRIVER=none
rm "$(find "$work/prefix" -name libchronos2_cuda.so)"
expect '.*expected the library that `make cuda` builds, whose path CHRONOS2_CUDA_LIBRARY may be'
echo "drivers: told"
