"""Cutting single looks: in one layer the future can't see what the pairs saw, in two layers it can."""

import sys

import numpy as np
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools" / "study"))

import cut  # noqa: E402
import torch  # noqa: E402
from make_controls import CONTEXT, PATCH, item  # noqa: E402

SERIES = np.array([item("pairs", i) for i in range(2)], np.float32)


def errors(layers):
    weights = cut.model.Chronos2(cut.model.Shape(d_model=32, layers=layers))
    weights.initialise(torch.Generator().manual_seed(1))
    with torch.no_grad():
        for name, p in weights.named_parameters():
            p.mul_(20 if name.endswith("attention.q.weight") else 1)  # one look counts
    return [cut.error(weights, cut.model.FULL, SERIES, who) for who in ("", "pairs", "future")]


def test_one_layer():
    whole, pairs, future = errors(1)
    assert pairs == whole and future != whole


def test_two_layers():
    whole, pairs, future = errors(2)
    assert len({whole, pairs, future}) == 3


def test_pairs_are_found():
    pairs, asks = cut.pairs_of(SERIES[0])
    assert len(pairs) == 4 and all((CONTEXT - 6400) // PATCH <= p < (CONTEXT - 3200) // PATCH for p in pairs)
    assert CONTEXT // PATCH - 3 <= asks < CONTEXT // PATCH
    keys = [SERIES[0][p * PATCH:p * PATCH + PATCH // 2].mean() for p in (*pairs, asks)]
    assert min(abs(key - keys[-1]) for key in keys[:-1]) < 1
