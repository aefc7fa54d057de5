# Short front door to CMake.
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)

all: $(BUILD)/CMakeCache.txt
	cmake --build $(BUILD) -j $(JOBS)

$(BUILD)/CMakeCache.txt:
	cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release

clean:
	rm -rf $(BUILD)

.PHONY: all clean
