"""The forward pass beside PyTorch: random requests on small models, and a model of the real size."""

import json
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT, normalised
from safetensors.numpy import load_file
from safetensors.torch import save_file

sys.path.insert(0, str(ROOT / "tools" / "golden"))
from oracle import forward, random_model  # noqa: E402


LIMIT = 256  # the context length of the random models


def make_model(folder, seed, d_model, d_kv, d_ff, layers, heads, context, sharpness=0.5):
    """A random model whose attention is not so sharp that rounding grows from layer to layer."""
    model = random_model(seed, d_model=d_model, d_kv=d_kv, heads=heads, d_ff=d_ff, layers=layers, sharpness=sharpness,
                         context_length=context, max_output_patches=64, spread=0.5)
    model.save_pretrained(folder)
    return model


def run_ours(program, tmp_path, folder, case, pattern, options):
    """The program's output tensors."""
    tensors = {f"in.{k}": v.contiguous() for k, v in case.items() if torch.is_tensor(v)}
    meta = {"case": json.dumps({"num_output_patches": case["num_output_patches"]})}
    save_file(tensors, tmp_path / "case.safetensors", metadata=meta)
    name, radius, reg_global = pattern
    arguments = ["--attention", name] + ["--radius", radius] * (name != "full") + ["--reg-global"] * reg_global
    program("forward", tmp_path / "case.safetensors", "-o", tmp_path / "out.safetensors", "-m", folder, *arguments, *options)
    return load_file(tmp_path / "out.safetensors")


def run_theirs(model, case, pattern):
    name, radius, reg_global = pattern
    return forward(model, case, pattern=name, radius=radius, reg_global=reg_global)[0].quantile_preds.numpy()


def scaling(case, limit, ours):
    """Location and scale of each row, [rows][1][1], from the input, and that the program's are the same."""
    x = case["context"].numpy().astype(np.float64)[:, -limit:]
    seen = (~np.isnan(x)).any(axis=1, keepdims=True)
    x = np.where(seen, x, 0)  # a row of which nothing is known lies at 0, and its scale is 1
    loc = np.nanmean(x, axis=1, keepdims=True)
    deviation = np.sqrt(np.nanmean((x - loc) ** 2, axis=1, keepdims=True))
    scale = np.where(seen, np.where(deviation > 0, deviation, 1e-5), 1)
    np.testing.assert_allclose(ours["out.loc"], loc, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(ours["out.scale"], scale, rtol=1e-6)
    return loc[:, :, None], scale[:, :, None]


def compare(program, tmp_path, model, folder, case, pattern, options=()):
    """Largest difference in normalised units."""
    ours = run_ours(program, tmp_path, folder, case, pattern, options)
    theirs = run_theirs(model, case, pattern)
    loc, scale = scaling(case, LIMIT, ours)
    grid = np.spacing(np.abs(theirs)) * 1.5  # the float32 grid of the outputs
    close = np.abs(ours["out.quantiles"] - theirs) <= grid
    return np.where(close, 0, np.abs(normalised(ours["out.quantiles"], loc, scale) - normalised(theirs, loc, scale))).max()


def random_case(rng):
    rows, length = int(rng.integers(1, 7)), int(rng.integers(1, 400))
    patches = int(rng.integers(1, 4))
    t = np.arange(length)
    x = 5 * rng.normal(size=(rows, 1)) + np.sin(t * rng.uniform(0.05, 1.5)) + 0.3 * rng.normal(size=(rows, length))
    x *= 10.0 ** rng.uniform(-3, 3, (rows, 1))
    for row in x:
        row[: rng.integers(0, length)] = np.nan if rng.random() < 0.4 else row[: rng.integers(0, length)].mean()
        row[rng.random(length) < rng.choice([0, 0, 0.3])] = np.nan
    case = dict(context=torch.tensor(x, dtype=torch.float32), num_output_patches=patches)
    if rng.random() < 0.5:
        case["group_ids"] = torch.tensor(rng.integers(0, 3, rows))
    if rng.random() < 0.4:
        known = np.where(rng.random((rows, 1)) < 0.5, np.nan, x[:, :1] + rng.normal(size=(rows, patches * 16 - 3)))
        case["future_covariates"] = torch.tensor(known, dtype=torch.float32)
    return case


@pytest.mark.parametrize("backend", ["fused", "reference"])
def test_random_requests(program, tmp_path, backend):
    rng = np.random.default_rng(11)
    worst = 0.0
    for index in range(12):
        heads = int(rng.integers(1, 5))
        d_kv = 2 * int(rng.integers(1, 9))
        folder = tmp_path / f"model{index}"
        model = make_model(folder, index, int(rng.integers(8, 60)), d_kv, int(rng.integers(8, 90)), 2, heads, LIMIT)
        for _ in range(4):
            pattern = ("full", 0, False)
            if rng.random() < 0.6:
                name = "windowed_future_visible" if rng.random() < 0.3 else "windowed_future_global"
                pattern = (name, int(rng.integers(0, 12)), bool(rng.random() < 0.3))
            worst = max(worst, compare(program, tmp_path, model, folder, random_case(rng), pattern, ["--backend", backend]))
    print(f"{backend}: worst of 48 requests {worst:.2g}")
    assert worst < 2e-4


@pytest.mark.parametrize("length", [512, 2048, 8192])
def test_real_size(program, tmp_path, length):
    """120M random weights amplify rounding, so truth is PyTorch in float64: float32 here may be no further from it
    than a few times PyTorch's own float32."""
    folder = tmp_path / "base"
    model = make_model(folder, 5, 768, 64, 3072, 12, 12, 8192, sharpness=0.1)
    rng = np.random.default_rng(3)
    t = np.arange(length)
    x = 20 + 0.01 * t + 5 * np.sin(t * 2 * np.pi / 24) + rng.normal(size=(1, length))
    case = {"context": torch.tensor(x, dtype=torch.float32), "num_output_patches": 2}
    patterns = [("full", 0, False), ("windowed_future_global", 8, False)]
    ours = [run_ours(program, tmp_path, folder, case, p, ()) for p in patterns]
    theirs = [run_theirs(model, case, p) for p in patterns]
    model.double()
    case["context"] = case["context"].double()
    for pattern, our, their in zip(patterns, ours, theirs):
        loc, scale = scaling(case, 8192, our)
        truth = normalised(run_theirs(model, case, pattern), loc, scale)
        error = np.abs(normalised(our["out.quantiles"], loc, scale) - truth)
        own = np.abs(normalised(their, loc, scale) - truth)
        print(f"base, context {length}, {pattern[0]}: error against float64 {error.max():.2g} (mean {error.mean():.2g}), "
              f"PyTorch float32 {own.max():.2g} (mean {own.mean():.2g})")
        assert error.mean() < max(2e-5, 3 * own.mean())
