"""Options of a rollout through `chronos2 predict` and through Chronos2Pipeline.predict in float64: how many patches a
pass has, which quantiles continue it, and the limit of its length."""

import json
import subprocess

import numpy as np
import pytest
import torch
from chronos import Chronos2Pipeline
from conftest import PROGRAM, ROOT, differences
from safetensors.numpy import load_file

SMOOTH = ROOT / "tests/golden/model-smooth/weights"
HORIZON = 150
TOLERANCE, TOLERANCE_ROLLED = 2e-4, 5e-3

OPTIONS = [{"max_output_patches": 1}, {"max_output_patches": 2}, {"max_output_patches": 12},
           {"unrolled_quantiles": [0.5], "max_output_patches": 2},
           {"unrolled_quantiles": [0.05, 0.5, 0.95], "max_output_patches": 1},
           {"unrolled_quantiles": [0.01, 0.1, 0.25, 0.6, 0.9, 0.99], "max_output_patches": 3},
           {"limit_prediction_length": False}]


def items():
    rng = np.random.default_rng(7)
    step = np.arange(300)
    return [{"target": (20 + 5 * np.sin(step / 5) + rng.normal(0, 0.3, 300)).astype(np.float32)},
            {"target": np.stack([np.cos(step / 9), np.sin(step / 7) * 3])[:, :123].astype(np.float32),
             "past_covariates": {"x": rng.normal(size=123).astype(np.float32)},
             "future_covariates": {"x": rng.normal(size=HORIZON).astype(np.float32)}}]


def case(tmp_path, inputs, options):
    def plain(value):
        if isinstance(value, dict):
            return {key: plain(part) for key, part in value.items()}
        return value.tolist()
    path = tmp_path / "case.json"
    path.write_text(json.dumps({"inputs": [plain(item) for item in inputs], "predict": options}))
    return path


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_as_upstream(program, tmp_path, options):
    pipeline = Chronos2Pipeline.from_pretrained(SMOOTH, dtype=torch.float64)
    patches = options.get("max_output_patches", pipeline.max_output_patches)
    moved = 0
    for i, item in enumerate(items()):
        path = case(tmp_path, [item], {"prediction_length": HORIZON, **options})
        program("predict", path, "-m", SMOOTH, "-o", tmp_path / "out.safetensors")
        ours = load_file(tmp_path / "out.safetensors")["out.0"]
        theirs = pipeline.predict([item], prediction_length=HORIZON, **options)[0].numpy()
        rows = np.atleast_2d(item["target"]).astype(np.float64)
        loc, scale = rows.mean(1)[:, None, None], rows.std(1)[:, None, None]
        error = differences(ours, theirs, loc, scale)
        assert error[..., :patches * pipeline.model_output_patch_size].max() < TOLERANCE
        assert error.max() < TOLERANCE_ROLLED
        default = pipeline.predict([item], prediction_length=HORIZON)[0].numpy()
        moved = max(moved, differences(default, theirs, loc, scale).max())
    assert (moved > 10 * TOLERANCE_ROLLED) == ("limit_prediction_length" not in options)


def test_limit(tmp_path):
    pipeline = Chronos2Pipeline.from_pretrained(SMOOTH, dtype=torch.float64)
    longest = pipeline.model_prediction_length
    item = {"target": items()[0]["target"]}
    for horizon, refused in [(longest, False), (longest + 1, True)]:
        options = {"prediction_length": horizon, "limit_prediction_length": True, "max_output_patches": 40}
        path = case(tmp_path, [item], options)
        run = subprocess.run([PROGRAM, "predict", path, "-m", SMOOTH, "-o", tmp_path / "o.safetensors"],
                             capture_output=True, text=True)
        assert (run.returncode != 0) == refused
        if refused:
            assert f"horizon: expected at most the {longest} steps" in run.stderr
            with pytest.raises(ValueError, match="limit_prediction_length"):
                pipeline.predict([item], **options)
        else:
            pipeline.predict([item], **options)


@pytest.mark.parametrize("levels", [[0.55555], [0.5, 0.33]], ids=str)
def test_foreign_levels(tmp_path, levels):
    """Levels must be some of the model's."""
    pipeline = Chronos2Pipeline.from_pretrained(SMOOTH, dtype=torch.float64)
    item = {"target": items()[0]["target"]}
    options = {"prediction_length": HORIZON, "unrolled_quantiles": levels}
    run = subprocess.run([PROGRAM, "predict", case(tmp_path, [item], options), "-m", SMOOTH, "-o",
                          tmp_path / "o.safetensors"], capture_output=True, text=True)
    assert run.returncode != 0 and "unrolled_quantiles: expected levels of the model" in run.stderr
    with pytest.raises(ValueError, match="subset"):
        pipeline.predict([item], **options)
