"""Who takes turns in speed.py: the program, and PyTorch in this process, whose pipelines share the GPU."""

import time

import contenders
import libraries
import torch

CUDA = torch.cuda if torch.cuda.is_available() else None
DEVICE = "cuda" if CUDA else "cpu"  # of PyTorch


class Ours:
    def __init__(self, options, graphs):
        environment = libraries.environment() | ({} if graphs else {"CHRONOS2_CUDA_GRAPHS": "0"})
        command = [contenders.PROGRAM, "bench", "--paced", "--json", "--device", "cuda", *options]
        self.side = contenders.Contender(command, environment)

    def turn(self):
        return self.side.turn()["seconds"]

    measure = turn  # it says at its end what it took

    def close(self):
        said = self.side.close()
        return {key: said[key] for key in ("work", "gflop_per_s", "peak_alloc_mb", "peak_reserved_mb")}


class PyTorch:
    """One of the pipelines, which are by dtype, on a path. `batch_size`: rows of a pass."""

    def __init__(self, pipelines, dtype, path, series, horizon, batch_size):
        self.pipeline, self.path, self.series = pipelines[dtype], path, series
        self.idle = [pipeline.model for pipeline in pipelines.values() if pipeline is not self.pipeline]
        self.horizon, self.batch_size = horizon, batch_size
        self.memory = {}
        self.plain = self.pipeline.model.forward
        self.compiled = torch.compile(self.plain) if path == "compile" else None

    def turn(self):
        contenders.use_path(self.pipeline.model, self.path)
        self.pipeline.model.forward = self.compiled or self.plain
        try:
            start = time.perf_counter()
            self.pipeline.predict(self.series, prediction_length=self.horizon, batch_size=self.batch_size)
            return time.perf_counter() - start
        finally:
            self.pipeline.model.forward = self.plain

    def measure(self):
        """A pass with nothing else of PyTorch's on the GPU, whose memory is told. It isn't for timing: it allocates anew."""
        if not CUDA:
            return
        try:
            for model in self.idle:
                model.to("cpu")
            CUDA.empty_cache()
            CUDA.reset_peak_memory_stats()
            self.turn()
            self.memory = {"peak_alloc_mb": CUDA.max_memory_allocated() / 2**20,
                           "peak_reserved_mb": CUDA.max_memory_reserved() / 2**20}
        finally:
            for model in self.idle:
                model.to(DEVICE)

    def close(self):
        if CUDA:
            CUDA.empty_cache()
        return self.memory
