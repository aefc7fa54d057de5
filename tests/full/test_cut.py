"""Cutting single looks: in one layer the future can't see what the pairs saw, in two layers it can."""

import sys

import numpy as np
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools" / "study"))

import cut  # noqa: E402
import torch  # noqa: E402
from make_controls import CONTEXT, PATCH, item  # noqa: E402

Y = np.array(item("pairs", 0), np.float32)


def forecasts(layers):
    weights = cut.model.Chronos2(cut.model.Shape(d_model=32, layers=layers))
    weights.initialise(torch.Generator().manual_seed(1))
    return [cut.forecast(weights, cut.model.FULL, Y, who) for who in ("", "pairs", "future")]


def test_one_layer():
    whole, pairs, future = forecasts(1)
    assert np.array_equal(pairs, whole) and not np.array_equal(future, whole)


def test_two_layers():
    whole, pairs, future = forecasts(2)
    assert not np.array_equal(pairs, whole) and not np.array_equal(future, whole) and not np.array_equal(pairs, future)


def test_pairs_are_found():
    pairs, asks = cut.pairs_of(Y)
    assert len(pairs) == 4 and all((CONTEXT - 6400) // PATCH <= p < (CONTEXT - 3200) // PATCH for p in pairs)
    assert CONTEXT // PATCH - 3 <= asks < CONTEXT // PATCH
    keys = [Y[p * PATCH:p * PATCH + PATCH // 2].mean() for p in (*pairs, asks)]
    assert min(abs(key - keys[-1]) for key in keys[:-1]) < 1
