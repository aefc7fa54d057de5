# Short front door to CMake; CMakeLists.txt is the truth. `make demo` and `make test` start from nothing.
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
CMAKE_FLAGS ?=
VENV := $(or $(CHRONOS2_VENV),venv)
PYTHON_BUILD = "$$(cd "$(BUILD)" && pwd)/python"
PYTEST = PYTHONPATH=$(PYTHON_BUILD):tests "$(VENV)/bin/python" -m pytest -q -p no:cacheprovider -p skips -n $(JOBS) --dist loadfile
SOURCES = ^(check_.*|documents|cuda_kernels)$$
LONG = ^test_(options|study.*|flow|cuda.*)$$
CTEST = ctest --output-on-failure --timeout 900 -j $(JOBS) --test-dir

# Goals share a build folder: `make -j` takes them one by one, and JOBS is how many compilers run.
.NOTPARALLEL:

all:
	cmake -S . -B "$(BUILD)" -DCMAKE_BUILD_TYPE=Release $(CMAKE_FLAGS)
	cmake --build "$(BUILD)" -j $(JOBS)

# The study on the bundled series with the bundled model; ends with its verdict.
demo:
	@scripts/setup.sh build
	@scripts/demo.sh "$(BUILD)" $(JOBS) $(CMAKE_FLAGS)

# The suite, then again under the address and undefined-behaviour sanitizers, in small sizes and without what looks at
# sources alone.
test:
	scripts/setup.sh test
	$(MAKE) all
	$(CTEST) "$(BUILD)"
	cmake --preset asan $(CMAKE_FLAGS)
	cmake --build --preset asan -j $(JOBS)
	@echo "sanitizers: small sizes of tests (CHRONOS2_TEST_SIZE=small); their logs say what is left out"
	CHRONOS2_TEST_SIZE=small $(CTEST) build-asan -E '$(SOURCES)'

# All but the longest tests (LONG) by clang under its sanitizers, as they ran by gcc and under its own. Threads under
# theirs; every allocation failing (of studies every third, of a pull every 11th, as in each suite); a forward pass under
# valgrind; the suite on 64-bit ARM, emulated; WebAssembly in Node; PyTorch side by side. The fuzz targets' corpora and
# mutations are part of each suite.
test-full:
	scripts/setup.sh full
	$(MAKE) all
	cmake --preset clang $(CMAKE_FLAGS)
	cmake --build --preset clang -j $(JOBS)
	@echo "clang's sanitizers, in small sizes: NOT RUN: $(LONG), and checks of the sources"
	CHRONOS2_TEST_SIZE=small $(CTEST) build-clang -E '$(LONG)|$(SOURCES)'
	cmake --preset tsan $(CMAKE_FLAGS)
	cmake --build --preset tsan -j $(JOBS) --target chronos2 --target test_threads --target test_flow --target test_batcher --target test_serve --target test_serve_arrow --target test_serve_bodies --target test_serve_connections --target test_serve_contexts --target test_serve_counts
	CHRONOS2_TEST_SIZE=small $(CTEST) build-tsan -R 'test_(threads|flow|batcher|serve)'
	CHRONOS2_SWEEP_STEP=1 $(CTEST) "$(BUILD)" -R '^alloc_' -E 'pull|study|resume|from_csv'
	CHRONOS2_SWEEP_STEP=3 $(CTEST) "$(BUILD)" -R '^alloc_(study|resume|from_csv)$$'
	scripts/valgrind.sh "$(BUILD)"
	scripts/arm.sh $(JOBS) $(CMAKE_FLAGS)
	scripts/wasm.sh $(JOBS) $(CMAKE_FLAGS)
	$(MAKE) python
	$(PYTEST) python/tests
	$(PYTEST) tests/full

# The Python package in build/python, for PYTHONPATH. Without a development environment: pip install .
python:
	scripts/setup.sh full
	rm -rf "$(BUILD)/python"
	"$(VENV)/bin/python" -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps --no-index \
	  --target "$(BUILD)/python" .

# The API reference of the Python package in build/python-docs.
python-docs: python
	PYTHONPATH=$(PYTHON_BUILD) "$(VENV)/bin/python" -m pdoc --docformat numpy -o "$(BUILD)/python-docs" \
	  chronos2 chronos2.arrow chronos2.spark chronos2.sktime

# Python wheels in dist/ for x86_64 and aarch64 Linux, whatever this machine is.
wheel:
	scripts/wheel.sh

# The library as WebAssembly with a page that forecasts in the browser, in build-wasm/site.
wasm:
	scripts/setup.sh wasm
	cmake --preset wasm $(CMAKE_FLAGS)
	cmake --build --preset wasm -j $(JOBS)

# libFuzzer over every fuzz target in turn; counts and finds are kept in build-fuzz.
MINUTES ?= 11
fuzz:
	scripts/setup.sh full
	cmake --preset fuzz $(CMAKE_FLAGS)
	cmake --build --preset fuzz -j $(JOBS)
	scripts/fuzz.sh $(MINUTES)

# libchronos2_cuda.so, which `--device cuda` loads: needs nvcc and cublasLt.h.
cuda:
	cmake -S . -B "$(BUILD)" -DCMAKE_BUILD_TYPE=Release $(CMAKE_FLAGS)
	cmake --build "$(BUILD)" -j $(JOBS) --target cuda

bench: all
	scripts/bench.sh "$(BUILD)"

install: all
	DESTDIR="$(DESTDIR)" cmake --install "$(BUILD)" --prefix "$(PREFIX)"

format:
	git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

clean:
	rm -rf "$(BUILD)" build-asan build-clang build-debug build-fuzz build-tsan build-aarch64 build-wasm build-plain build-library

.PHONY: all demo test test-full python python-docs wheel wasm fuzz cuda bench install format clean
