"""Batches of pairs (tools/datasets/make_controls.py) at any length, pieces at any place: for weights that learn to look
far back, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "datasets"))

from make_controls import HORIZON, PATCH, pairs  # noqa: E402

SHORTEST, SHORT, LONGEST = 15, 40, 512  # patches
GROWING, GROWN = 1000, 2600  # steps: the longest length grows from one to the other


def batch(seed: int, step: int, observations: int = 16384) -> dict[str, np.ndarray | int]:
    """As generate.batch. All series of a batch have one length. At first all are short, because what
    stands far apart is learnt long after what stands near."""
    rng = Random(f"{seed} {step}")
    share = min(1, max(0, (step - GROWING) / (GROWN - GROWING)))
    longest = SHORT * (LONGEST / SHORT) ** share
    patches = int(SHORTEST * (longest / SHORTEST) ** rng.random())
    context = patches * PATCH
    rows = [pairs(rng, rng, context, 0, patches - 3) for _ in range(max(2, observations // context))]
    x = np.array(rows, np.float32)
    return {"context": x[:, :context], "target": x[:, context:], "known": np.full((len(x), HORIZON), np.nan, np.float32),
            "size": 1, "pace": np.ones(len(x), np.float32)}
