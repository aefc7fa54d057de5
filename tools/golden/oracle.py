"""Random Chronos-2 models, sparse time attention and kept mass on the PyTorch package.

This is what the engine is compared with: `make_golden.py`, `tests/full` and the parity table use it. The package's
model stays as it is; a hook in front of each time-attention layer swaps the mask.
"""

import math
from contextlib import contextmanager

import numpy as np
import torch
from chronos.chronos2 import Chronos2Model
from chronos.chronos2.config import Chronos2CoreConfig

LEVELS = [0.01] + [k / 20 for k in range(1, 20)] + [0.99]
TOLERANCE = 2e-4  # in normalised units


def random_model(seed, *, d_model, d_kv, heads, d_ff, layers, context_length, max_output_patches, sharpness,
                 spread=1.0):
    """A model in float32 whose attention scores have a standard deviation of about `sharpness`, and whose forecasts
    deviate from the series by about `spread` of its scale. Weights are drawn here, by fan-in: what the class itself
    draws depends on the version of transformers, and a score in the thousands turns rounding into chaos."""
    torch.manual_seed(seed)
    config = Chronos2CoreConfig(
        d_model=d_model, d_kv=d_kv, num_heads=heads, d_ff=d_ff, num_layers=layers, initializer_factor=1.0,
        chronos_config={
            "context_length": context_length, "input_patch_size": 16, "input_patch_stride": 16,
            "output_patch_size": 16, "quantiles": LEVELS, "use_reg_token": True, "use_arcsinh": True,
            "max_output_patches": max_output_patches, "time_encoding_scale": context_length,
        },
        attn_implementation="eager",
    )
    config.architectures = ["Chronos2Model"]
    config.chronos_pipeline_class = "Chronos2Pipeline"
    model = Chronos2Model(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 1:  # biases and norms start as constants, which would hide their misuse
                weight.copy_(0.1 * torch.randn_like(weight) + ("layer_norm" in name))
            elif name != "shared.weight":
                weight.normal_(std=weight.shape[1] ** -0.5)
            if name.endswith("self_attention.q.weight"):
                weight.mul_(sharpness * d_kv**-0.5)
        head = model.output_patch_embedding
        probe = torch.randn(8, min(256, context_length)).cumsum(dim=1)
        states = model.encode(probe, num_output_patches=1)[0][0][:, -1:]
        gain = spread / head(states).std()
        for linear in (head.output_layer, head.residual_layer):
            linear.weight.mul_(gain)
            linear.bias.mul_(gain)
    return model


def visible_pairs(tokens, future, pattern, radius, reg_global):
    """bool [tokens, tokens]: may query (row) see key (column)? The last `future` tokens are the future, REG is the
    token before them and counts as context."""
    if pattern == "full":
        return torch.ones(tokens, tokens, dtype=torch.bool)
    context = tokens - future
    pairs = torch.zeros(tokens, tokens, dtype=torch.bool)
    for query in range(context):
        reach = context if reg_global and query == context - 1 else radius
        first, last = max(0, query - reach), min(context - 1, query + reach)
        pairs[query, int(first): int(last) + 1] = True
        pairs[query, context:] = pattern == "windowed_future_visible"
    pairs[context:] = True
    return pairs


@contextmanager
def time_attention(model, future, pattern, radius=0, reg_global=False):
    """Inside, every forward pass with `future` output patches runs the given pattern."""

    def narrow(_module, args, kwargs):
        mask = kwargs["attention_mask"]
        pairs = visible_pairs(mask.shape[-1], future, pattern, radius, reg_global)
        kwargs["attention_mask"] = mask.expand(-1, -1, len(pairs), -1).masked_fill(~pairs, torch.finfo(mask.dtype).min)
        return args, kwargs

    hooks = []
    if pattern != "full":
        hooks = [b.layer[0].register_forward_pre_hook(narrow, with_kwargs=True) for b in model.encoder.block]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def token_mask(model, context, future):
    """float [rows, tokens]: 1 where a token holds an observation, is REG or lies in the future."""
    observed = model._prepare_patched_context(context)[1].float()
    return torch.cat([observed, torch.ones(len(context), 1 + future)], dim=1)


def kept_mass(weights, mask, future, radius, reg_global, exclude_reg_query):
    """Share of the dense weights [rows, heads, S, S] of each layer that windowed_future_global keeps, over observed
    context queries, and the share of their pairs."""
    tokens = mask.shape[1]
    queries = mask.double().clone()
    queries[:, tokens - future:] = 0
    if exclude_reg_query:
        queries[:, tokens - future - 1] = 0
    pairs = visible_pairs(tokens, future, "windowed_future_global", radius, reg_global).double()
    kept = sum(torch.einsum("bhqk,bq,qk->", w.double(), queries, pairs).item() for w in weights)
    total = sum(torch.einsum("bhqk,bq->", w.double(), queries).item() for w in weights)
    edges = torch.einsum("bq,qk->", queries, pairs).item() / (queries.sum().item() * tokens)
    return {"kept_mass": kept / total, "kept_edges": edges, "queries": queries.sum().item()}


def normalised(values, loc, scale):
    """asinh((y - loc) / scale) of quantiles [rows, levels, steps], in float64."""
    shape = (-1, 1, 1)
    values, loc, scale = (np.asarray(x, dtype=np.float64) for x in (values, loc, scale))
    return np.arcsinh((values - loc.reshape(shape)) / scale.reshape(shape))


@contextmanager
def recorded_contexts(model, tokens):
    """Inside, the first pass records the states that enter each block; later ones get the first `tokens` of them back:
    their context then is the first pass's, whatever future stands beside it."""
    seen = {}

    def swap(block, args, kwargs):
        states = args[0] if args else kwargs["hidden_states"]
        if block not in seen:
            seen[block] = states
            return None
        states = torch.cat([seen[block][:, :tokens], states[:, tokens:]], dim=1)
        return ((states, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": states})

    hooks = [b.register_forward_pre_hook(swap, with_kwargs=True) for b in model.encoder.block]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def beside_null_future(model, inputs, *, radius=0, reg_global=False):
    """windowed_future_null in two passes: the context beside a future of which nothing is known, under
    windowed_future_visible; then the real future over the context states of that pass."""
    patches = inputs["num_output_patches"]
    context = model._prepare_patched_context(inputs["context"])[0].shape[1] + 1
    unknown = {key: value for key, value in inputs.items() if key != "future_covariates"}
    with recorded_contexts(model, context):
        with time_attention(model, patches, "windowed_future_visible", radius, reg_global):
            model(**unknown)
        return model(**inputs)


def forward(model, inputs, *, pattern="full", radius=0, reg_global=False, **options):
    """`inputs` as Chronos2Model.forward takes them; returns its output, loc and scale."""
    if pattern == "windowed_future_null":
        with torch.no_grad():
            output = beside_null_future(model, inputs, radius=radius, reg_global=reg_global)
            return output, *model._prepare_patched_context(inputs["context"])[2]
    with torch.no_grad(), time_attention(model, inputs["num_output_patches"], pattern, radius, reg_global):
        output = model(**inputs, **options)
        loc, scale = model._prepare_patched_context(inputs["context"])[2]
    return output, loc, scale


def seasonal(rng, length, period=24, level=20.0, noise=0.8):
    """A float32 series with season, drift and noise."""
    step = np.arange(length)
    wave = 4 * np.cos(2 * math.pi * step / period + rng.uniform(0, 2 * math.pi))
    return (level + wave + np.cumsum(rng.normal(0, 0.15, length)) + rng.normal(0, noise, length)).astype(np.float32)


def stack(rows):
    """Rows of unequal length as one tensor, padded with NaN on the left."""
    table = np.full((len(rows), max(map(len, rows))), np.nan, dtype=np.float32)
    for place, row in zip(table, rows):
        place[len(place) - len(row):] = row
    return torch.from_numpy(table)
