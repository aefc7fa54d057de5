"""Cutting single looks: in one layer the future can't see what the pairs saw, in two layers it can."""

import subprocess
import sys

import numpy as np
import pytest
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


@pytest.mark.parametrize("folders, said", [
    ([], "expected a folder for each of the weights, as recipe.sh --pairs makes them"),
    (["dense-1", "mixed-without-null-1"], "'mixed-without-null-1' is none of the weights of recipe.sh --pairs: expected dense, r8 "
                                          "or mixed, and a seed")])
def test_other_weights_are_refused(tmp_path, folders, said):
    for name in folders:
        (tmp_path / name / "model").mkdir(parents=True)
    done = subprocess.run([sys.executable, ROOT / "tools" / "study" / "cut.py", "--models", tmp_path, "--items", "1"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == "" and done.stderr == f"cut: error: {tmp_path}: {said}\n"
