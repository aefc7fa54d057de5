"""Writes tests/golden: small random models, inputs, and what PyTorch makes of them.

    python tools/golden/make_golden.py tests/golden

Truth is the package chronos-forecasting in float32; the sparse patterns are put on it by replacing the
additive mask of time attention.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from chronos.chronos2 import Chronos2Model
from chronos.chronos2.config import Chronos2CoreConfig
from chronos.chronos2.model import Chronos2Encoder
from safetensors.torch import save_file

LEVELS = [0.01] + [round(0.05 * i, 2) for i in range(1, 20)] + [0.99]
SHAPES = {"s": (32, 8, 4, 64, 2, 256, 4, 0.7), "p": (36, 10, 3, 52, 2, 192, 3, 1.0)}


def make_model(seed: int, shape: tuple) -> Chronos2Model:
    d_model, d_kv, heads, d_ff, layers, context, patches, gain = shape
    torch.manual_seed(seed)
    config = Chronos2CoreConfig(
        d_model=d_model, d_kv=d_kv, num_heads=heads, d_ff=d_ff, num_layers=layers, initializer_factor=1.0,
        chronos_config=dict(context_length=context, input_patch_size=16, input_patch_stride=16, output_patch_size=16,
                            quantiles=LEVELS, use_reg_token=True, use_arcsinh=True, max_output_patches=patches,
                            time_encoding_scale=context))
    config.architectures = ["Chronos2Model"]
    model = Chronos2Model(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("self_attention.q.weight"):
                weight *= gain
            if name.endswith("bias"):
                weight += 0.1 * torch.randn_like(weight)
            if "layer_norm" in name:
                weight *= 1 + 0.1 * torch.randn_like(weight)
            if name.startswith("output_patch_embedding") and name.endswith("weight"):
                weight *= 0.1
    return model


def wave(rng: np.random.Generator, n: int) -> np.ndarray:
    t = np.arange(n)
    return 5 + 0.01 * t + 2 * np.sin(t * 2 * np.pi / 12 + rng.uniform(0, 6)) + rng.normal(0, 0.5, n)


def stack(rows: list) -> torch.Tensor:
    width = max(len(r) for r in rows)
    return torch.tensor(np.stack([np.concatenate([np.full(width - len(r), np.nan), r]) for r in rows]), dtype=torch.float32)


def make_cases(rng: np.random.Generator, context: int) -> dict[str, dict]:
    gaps = [wave(rng, 120) for _ in range(3)]
    gaps[0][20:60] = np.nan
    gaps[1][rng.random(120) < 0.5] = np.nan
    gaps[2][-18:] = np.nan
    odd = [np.full(40, 7.0), np.full(40, np.nan), np.array([3.5]), np.zeros(33), wave(rng, 40) * 1e15, wave(rng, 40) * 1e-15]
    known = np.full((4, 20), np.nan)
    known[1], known[3, :12] = wave(rng, 20), wave(rng, 12)
    return {
        "equal": dict(context=stack([wave(rng, 96)] * 2), num_output_patches=2),
        "ragged": dict(context=stack([wave(rng, n) for n in (4, 17, 96, 80)]), num_output_patches=1),
        "gaps": dict(context=stack(gaps), num_output_patches=2),
        "odd": dict(context=stack(odd), num_output_patches=1),
        "too_long": dict(context=stack([wave(rng, context + 21)]), num_output_patches=3),
        "covariates": dict(context=stack([wave(rng, n) for n in (70, 70, 50, 50)]), group_ids=torch.tensor([7, 7, 2, 2]),
                           future_covariates=torch.tensor(known, dtype=torch.float32), num_output_patches=2),
        "mixed_groups": dict(context=stack([wave(rng, n) for n in (64, 20, 64, 40)]), group_ids=torch.tensor([1, 5, 1, 9]),
                             num_output_patches=1),
    }


class Pattern:
    """Puts a sparse pattern on time attention while it is entered."""

    def __init__(self, patches: int, radius: float, reg_global: bool, visible: bool):
        self.rule = (patches, radius, reg_global, visible)
        self.dense = Chronos2Encoder._expand_and_invert_time_attention_mask

    def __enter__(self):
        patches, radius, reg_global, visible = self.rule

        def mask(tokens: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
            n = tokens.shape[1]
            at = np.arange(n)
            future = at >= n - patches
            allow = (np.abs(at[:, None] - at[None]) <= radius) & ~future[None]
            if reg_global:
                allow[n - patches - 1] = ~future
            allow[:, future] = visible
            allow[future] = True
            return self.dense(tokens, dtype).masked_fill(~torch.from_numpy(allow)[None, None], torch.finfo(dtype).min)

        Chronos2Encoder._expand_and_invert_time_attention_mask = staticmethod(mask)

    def __exit__(self, *error):
        Chronos2Encoder._expand_and_invert_time_attention_mask = staticmethod(self.dense)


def kept_mass(attention: tuple, mask: torch.Tensor, patches: int) -> list[dict]:
    n = mask.shape[1]
    at = np.arange(n)
    context = at < n - patches
    weights = torch.stack(attention).double().sum((0, 2)).numpy()  # [rows, queries, keys]
    rows = []
    for radius in (0, 1, 3, 8):
        for reg_global in (False, True):
            for exclude in (False, True):
                allow = (np.abs(at[:, None] - at[None]) <= radius) & context[None]
                if reg_global:
                    allow[n - patches - 1] = context
                query = mask.numpy().astype(bool) & context[None]
                if exclude:
                    query[:, n - patches - 1] = False
                chosen = weights * query[:, :, None]
                rows.append(dict(radius=radius, reg_is_global=reg_global, exclude_reg_query=exclude,
                                 kept_mass=float((chosen * allow[None]).sum() / chosen.sum())))
    return rows


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    out = Path(sys.argv[1])
    for letter, shape in SHAPES.items():
        rng = np.random.default_rng(ord(letter))
        model = make_model(ord(letter), shape)
        folder = out / f"model-{letter}"
        (folder / "forward").mkdir(parents=True, exist_ok=True)
        model.save_pretrained(folder / "weights")
        for name, case in make_cases(rng, shape[5]).items():
            patches = case["num_output_patches"]
            inputs = {f"in.{k}": v for k, v in case.items() if torch.is_tensor(v)}
            arms = [(None, "")] + [((r, g, v), f"@r{r:g}{'g' * g}{'v' * v}") for r, g, v in
                                   [(0, False, False), (2, False, False), (2, True, False), (1000, False, False), (2, False, True)]]
            for arm, suffix in arms:
                meta: dict = {"num_output_patches": patches}
                tensors = dict(inputs)
                if arm is None:
                    result = model(**case, output_attentions=True)
                    _, mask, (loc, scale) = model._prepare_patched_context(case["context"])
                    mask = torch.cat([mask.float(), torch.ones(len(mask), 1 + patches)], 1)
                    tensors["in.token_mask"] = mask
                    meta["kept_mass"] = kept_mass(result.enc_time_self_attn_weights, mask, patches)
                else:
                    visible = "windowed_future_visible" if arm[2] else "windowed_future_global"
                    meta |= {"attention": visible, "radius": arm[0], "reg_is_global": arm[1]}
                    with Pattern(patches, *arm):
                        result = model(**case)
                tensors |= {"out.quantiles": result.quantile_preds, "out.loc": loc, "out.scale": scale}
                save_file({k: v.contiguous().clone() for k, v in tensors.items()},
                          folder / "forward" / f"{name}{suffix}.safetensors", metadata={"case": json.dumps(meta)})


if __name__ == "__main__":
    main()
