"""bf16 and int8 beside PyTorch's own bfloat16, as errors against float64 on the same inputs."""

import os
import sys

import numpy as np
import pytest
from conftest import ROOT

os.environ.setdefault("TQDM_DISABLE", "1")
sys.path.insert(0, str(ROOT / "bench"))
import dtype_error  # noqa: E402


def rms(values):
    return np.sqrt(np.mean(values**2))


def cases_of(name, folder):
    if name in dtype_error.GOLDEN:
        return dtype_error.GOLDEN[name] / "weights", dtype_error.golden_cases(dtype_error.GOLDEN[name])
    if name == "micro":
        return dtype_error.MICRO, dtype_error.made_cases([(512, 4), (2048, 2)])
    dtype_error.oracle.random_model(4, d_model=192, d_kv=32, heads=6, d_ff=768, layers=6, context_length=1024,
                                    max_output_patches=16, sharpness=3, spread=0.5).save_pretrained(folder)
    return folder, dtype_error.made_cases([(256, 4), (1000, 2)])


@pytest.mark.parametrize("name", ["odd", "smooth", "micro", "random"])
def test_error(name, tmp_path):
    found = dtype_error.errors(*cases_of(name, tmp_path))
    theirs = rms(found["PyTorch bf16"])
    assert rms(found["bf16"]) <= 1.5 * theirs
    assert rms(found["int8"]) <= 4 * theirs
    assert rms(found["fp32"]) <= 1e-2 * theirs
