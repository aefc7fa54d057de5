"""Shared by the tests of the Python package. They run on what is installed: `make python`, PYTHONPATH=build/python."""

import json
from pathlib import Path

import numpy as np
import pytest

import chronos2

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
TOLERANCE = 2e-4


@pytest.fixture(scope="session")
def pipeline():
    """The bundled checkpoint; NumPy arrays whoever imports torch."""
    return chronos2.Chronos2Pipeline.from_pretrained(threads=1, return_type="numpy")


@pytest.fixture(scope="session")
def smooth():
    """A small model whose forecasts golden vectors hold."""
    return chronos2.Chronos2Pipeline.from_pretrained(GOLDEN / "model-smooth" / "weights", threads=1,
                                                     return_type="numpy")


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
