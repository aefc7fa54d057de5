"""The forward pass beside PyTorch: random requests on small models, and a model of the real size."""

import json
import sys

import numpy as np
import pytest
import torch
from chronos.chronos2 import Chronos2Model
from chronos.chronos2.config import Chronos2CoreConfig
from conftest import ROOT, normalised
from safetensors.numpy import load_file
from safetensors.torch import save_file

sys.path.insert(0, str(ROOT / "tools" / "golden"))
from oracle import LEVELS, forward  # noqa: E402


def make_model(folder, seed, d_model, d_kv, d_ff, layers, heads, context):
    """A random model whose attention is not so sharp that rounding grows from layer to layer, and whose
    forecasts stay within a few scales of the series."""
    torch.manual_seed(seed)
    config = Chronos2CoreConfig(
        d_model=d_model, d_kv=d_kv, d_ff=d_ff, num_layers=layers, num_heads=heads, initializer_factor=1.0,
        chronos_config=dict(context_length=context, input_patch_size=16, input_patch_stride=16, output_patch_size=16,
                            quantiles=LEVELS, use_reg_token=True, use_arcsinh=True, max_output_patches=64,
                            time_encoding_scale=context))
    config.architectures = ["Chronos2Model"]
    model = Chronos2Model(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("self_attention.q.weight"):
                weight *= 0.5
        seen = []
        hook = model.output_patch_embedding.register_forward_hook(lambda module, given, made: seen.append(made))
        model(context=torch.randn(4, 256).cumsum(1), num_output_patches=2)
        hook.remove()
        for name, weight in model.named_parameters():
            if name.startswith("output_patch_embedding") and name.endswith("weight"):
                if "hidden" not in name:
                    weight *= 0.5 / seen[0].std()
    model.save_pretrained(folder)
    return model


@torch.no_grad()
def compare(program, tmp_path, model, folder, case, pattern=None, options=()):
    """Largest difference in normalised units."""
    patches = case["num_output_patches"]
    tensors = {f"in.{k}": v.contiguous() for k, v in case.items() if torch.is_tensor(v)}
    save_file(tensors, tmp_path / "case.safetensors", metadata={"case": json.dumps({"num_output_patches": patches})})
    args = list(options)
    pattern, radius, reg_global = pattern or ("full", 0, False)
    args += ["--attention", pattern, "--radius", radius] + ["--reg-global"] * reg_global
    theirs = forward(model, case, pattern=pattern, radius=radius, reg_global=reg_global)[0].quantile_preds.numpy()
    program("forward", tmp_path / "case.safetensors", "-o", tmp_path / "out.safetensors", "-m", folder, *args)
    ours = load_file(tmp_path / "out.safetensors")
    loc, scale = ours["out.loc"][:, :, None], ours["out.scale"][:, :, None]
    grid = np.spacing(np.abs(theirs)) * 1.5  # the float32 grid of the outputs
    close = np.abs(ours["out.quantiles"] - theirs) <= grid
    return np.where(close, 0, np.abs(normalised(ours["out.quantiles"], loc, scale) - normalised(theirs, loc, scale))).max()


@torch.no_grad()
def own_difference(model, case):
    """How far PyTorch's two float32 attention paths lie from each other."""
    found = []
    for path in ("eager", "sdpa"):
        model.config._attn_implementation = path
        for module in model.modules():
            if hasattr(module, "config"):
                module.config._attn_implementation = path
        found.append(model(**case).quantile_preds.numpy())
    x = case["context"].numpy()
    return np.abs(normalised(found[0], x.mean(), x.std()) - normalised(found[1], x.mean(), x.std())).max()


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
        model = make_model(folder, index, int(rng.integers(8, 60)), d_kv, int(rng.integers(8, 90)), 2, heads, 256)
        for _ in range(4):
            pattern = None
            if rng.random() < 0.6:
                name = "windowed_future_visible" if rng.random() < 0.3 else "windowed_future_global"
                pattern = (name, int(rng.integers(0, 12)), bool(rng.random() < 0.3))
            worst = max(worst, compare(program, tmp_path, model, folder, random_case(rng), pattern, ["--backend", backend]))
    print(f"{backend}: worst of 48 requests {worst:.2g}")
    assert worst < 2e-4


def test_real_size(program, tmp_path):
    folder = tmp_path / "base"
    model = make_model(folder, 5, 768, 64, 3072, 12, 12, 8192)
    rng = np.random.default_rng(3)
    for length in (512, 2048, 8192):
        t = np.arange(length)
        x = 20 + 0.01 * t + 5 * np.sin(t * 2 * np.pi / 24) + rng.normal(size=(1, length))
        case = dict(context=torch.tensor(x, dtype=torch.float32), num_output_patches=2)
        for pattern in (None, ("windowed_future_global", 8, False)):
            error = compare(program, tmp_path, model, folder, case, pattern)
            own = own_difference(model, case)
            print(f"base, context {length}, {pattern or 'full'}: {error:.2g}; PyTorch eager to sdpa {own:.2g}")
            assert error < 2e-4
