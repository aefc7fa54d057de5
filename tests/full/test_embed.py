"""`chronos2 predict --embed` beside Chronos2Pipeline.embed: unequal lengths, gaps, empty patches, small batches."""

import json

import numpy as np
import pytest
import torch
from chronos import Chronos2Pipeline
from conftest import ROOT
from safetensors.numpy import load_file

MODELS = [ROOT / "tests/golden/model-smooth/weights", ROOT / "tests/golden/model-odd/weights"]


def targets(rng):
    rows, length = int(rng.integers(1, 4)), int(rng.integers(1, 300))
    values = rng.normal(size=(rows, length)).cumsum(1).astype(np.float32)
    for _ in range(rng.integers(0, 3)):
        start = rng.integers(0, length)
        values[rng.integers(0, rows), start:start + 40] = np.nan
    return values


@pytest.mark.parametrize("folder", MODELS, ids=["smooth", "odd"])
def test_random_series(program, tmp_path, folder, capsys):
    rng = np.random.default_rng(11)
    pipeline = Chronos2Pipeline.from_pretrained(folder, dtype=torch.float64)
    worst = 0.0
    for number in range(20):
        items = [targets(rng) for _ in range(rng.integers(1, 6))]
        batch = int(rng.choice([1, 4, 256]))
        theirs, _ = pipeline.embed(items, batch_size=batch)
        inputs = [{"target": [[None if np.isnan(v) else float(v) for v in row] for row in item]} for item in items]
        case = {"inputs": inputs, "predict": {"prediction_length": 1, "batch_size": batch}}
        (tmp_path / "case.json").write_text(json.dumps(case))
        program("predict", tmp_path / "case.json", "--embed", "-m", folder, "-o", tmp_path / "out.safetensors")
        ours = load_file(tmp_path / "out.safetensors")
        for i, embedding in enumerate(theirs):
            assert ours[f"embed.{i}"].shape == tuple(embedding.shape)
            error = np.abs(ours[f"embed.{i}"] - embedding.double().numpy()).max() / embedding.std().item()
            assert error < 2e-4, f"request {number}, item {i}"
            worst = max(worst, error)
    with capsys.disabled():
        print(f"\n{folder.parent.name}: worst difference of an embedding {worst:.2g} of their spread")
