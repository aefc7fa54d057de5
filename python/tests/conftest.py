"""Shared by the tests of the Python package. They run on what is installed: `make python`, PYTHONPATH=build/python."""

import json
from pathlib import Path

import numpy as np
import pytest

import chronos2

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
SMOOTH = GOLDEN / "model-smooth" / "weights"
TOLERANCE = 2e-4


@pytest.fixture(scope="session")
def pipeline():
    """The bundled checkpoint; NumPy arrays whoever imports torch."""
    return chronos2.Chronos2Pipeline.from_pretrained(threads=1, return_type="numpy")


@pytest.fixture(scope="session")
def smooth():
    """A small model whose forecasts golden vectors hold."""
    return chronos2.Chronos2Pipeline.from_pretrained(SMOOTH, threads=1, return_type="numpy")


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def wave(length, period=24, level=50.0):
    step = np.arange(length)
    return level + 10 * np.sin(2 * np.pi * step / period) + np.cos(step)


def golden_inputs(path):
    """Inputs of a golden case as the package takes them, with its other arguments and levels."""
    case = json.loads(path.read_text())
    for item in case["inputs"]:
        item["target"] = np.array(item["target"], np.float64)
        for group in ("past_covariates", "future_covariates"):
            item[group] = {name: values_of(values) for name, values in item.get(group, {}).items()}
    return case["inputs"], case["predict"], case["quantile_levels"]


def values_of(values):
    texts = any(isinstance(value, str) for value in values)
    return np.array(values, object if texts else np.float64)


def worst(ours, theirs, context):
    """Largest difference in the model's units, by a target's own mean and deviation."""
    difference = 0.0
    for row, (a, b) in enumerate(zip(ours, theirs)):
        past = np.atleast_2d(context)[row]
        loc, scale = np.nanmean(past), max(float(np.nanstd(past)), 1e-5)
        a, b = (np.arcsinh((np.asarray(x, np.float64) - loc) / scale) for x in (a, b))
        difference = max(difference, float(np.abs(a - b).max()))
    return difference


def write_adapter(folder, base, model=SMOOTH, **config):
    """One that changes nothing."""
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({
        "peft_type": "LORA", "r": 1, "lora_alpha": 1, "target_modules": ["q"], "bias": "none",
        "base_model_name_or_path": base, **config}))
    d = json.loads((model / "config.json").read_text())
    inner = d["num_heads"] * d["d_kv"]
    name = "base_model.model.encoder.block.0.layer.0.self_attention.q.lora_{}.weight"
    a, b = 4 * d["d_model"], 4 * d["d_model"] + 4 * inner
    header = json.dumps({
        name.format("A"): {"dtype": "F32", "shape": [1, d["d_model"]], "data_offsets": [0, a]},
        name.format("B"): {"dtype": "F32", "shape": [inner, 1], "data_offsets": [a, b]}}).encode()
    (folder / "adapter_model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(b))
