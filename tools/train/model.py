"""Chronos-2 for training: MODEL.md in PyTorch alone, with the upstream class's names of parameters.

It computes what upstream computes, with less work (a group attends to its own rows, not to all rows under a mask),
and adds the sparse patterns. Under the null future one pass runs on [context][REG][null future][real future]: the
context sees the null future, of which nothing is known, and the real future sees that context.

Shapes: B rows, k rows of a group, C context patches, P future patches, T = C + 1 + P (or + 2P) tokens, D d_model.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention

PATCH = 16
QUANTILES = [0.01, 0.05, *[round(0.05 * i, 2) for i in range(2, 19)], 0.95, 0.99]


@dataclass(frozen=True)
class Shape:
    d_model: int = 160
    d_kv: int = 32
    layers: int = 4
    context_length: int = 8192
    output_patches: int = 16
    time_scale: int = 8192

    @property
    def heads(self) -> int:
        return self.d_model // self.d_kv

    def config(self, patterns: list[dict] | None = None) -> dict:
        """config.json as upstream reads it."""
        own = {"time_attention": patterns} if patterns else {}
        return {
            "architectures": ["Chronos2Model"], "chronos_pipeline_class": "Chronos2Pipeline", "model_type": "t5",
            "d_model": self.d_model, "d_kv": self.d_kv, "d_ff": 4 * self.d_model, "num_layers": self.layers,
            "num_heads": self.heads, "dropout_rate": 0.0, "layer_norm_epsilon": 1e-6, "rope_theta": 10000.0,
            "initializer_factor": 1.0, "feed_forward_proj": "relu", "dense_act_fn": "relu", "is_gated_act": False,
            "pad_token_id": 0, "reg_token_id": 1, "vocab_size": 2, "dtype": "bfloat16",
            "chronos_config": {
                "context_length": self.context_length, "input_patch_size": PATCH, "input_patch_stride": PATCH,
                "output_patch_size": PATCH, "quantiles": QUANTILES, "use_reg_token": True, "use_arcsinh": True,
                "max_output_patches": self.output_patches, "time_encoding_scale": self.time_scale,
            },
            **own,
        }


@dataclass(frozen=True)
class Pattern:
    """What a context token sees: contexts at most `radius` away (None: all), and of the future `sees`."""
    radius: int | None = None
    sees: str = "visible"  # "visible", "null" or "nothing"

    def __str__(self) -> str:
        return f"r={'inf' if self.radius is None else self.radius} {self.sees}"


FULL = Pattern()


class Norm(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        if x.is_cuda:
            return torch.nn.functional.rms_norm(x, self.weight.shape, self.weight, 1e-6)
        return self.weight * (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6))


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads, inner = shape.heads, shape.heads * shape.d_kv
        self.q, self.k, self.v = (nn.Linear(shape.d_model, inner, bias=False) for _ in range(3))
        self.o = nn.Linear(inner, shape.d_model, bias=False)

    def project(self, x: Tensor) -> list[Tensor]:
        """q, k, v, each [..., heads, d_kv]."""
        together = torch.nn.functional.linear(x, torch.cat([self.q.weight, self.k.weight, self.v.weight]))
        return [y.unflatten(-1, (self.heads, -1)) for y in together.chunk(3, dim=-1)]


class TimeAttention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attention = Attention(shape)
        self.layer_norm = Norm(shape.d_model)

    def forward(self, x: Tensor, bias: Tensor | None, rope: tuple[Tensor, Tensor]) -> Tensor:
        own = self.self_attention
        q, k, v = (y.transpose(1, 2) for y in own.project(self.layer_norm(x)))  # [B, heads, T, d]
        q, k = rotate(q, *rope), rotate(k, *rope)
        if not q.is_cuda:  # where the fast kernel of bfloat16 is slower than that of float32
            q, k, v = q.float(), k.float(), v.float()
        with torch.autocast(q.device.type, enabled=q.is_cuda and torch.is_autocast_enabled("cuda")):
            y = scaled_dot_product_attention(q, k, v, attn_mask=None if bias is None else bias.to(q.dtype), scale=1.0)
        return x + own.o(y.transpose(1, 2).flatten(-2))


class GroupAttention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attention = Attention(shape)
        self.layer_norm = Norm(shape.d_model)

    def forward(self, x: Tensor, hidden: Tensor, size: int) -> Tensor:
        """`hidden` [B, T]: tokens that no row of the group may look at."""
        own, normed = self.self_attention, self.layer_norm(x)
        if size == 1:  # softmax over one key
            return x + own.o(own.v(normed))
        q, k, v = (y.unflatten(0, (-1, size)).permute(0, 2, 3, 1, 4) for y in own.project(normed))  # [G, T, heads, k, d]
        score = q @ k.transpose(-1, -2)
        lowest = torch.finfo(score.dtype).min
        out = hidden.unflatten(0, (-1, size)).permute(0, 2, 1)[:, :, None, None, :]
        y = torch.softmax(score.masked_fill(out, lowest).float(), -1).to(v.dtype) @ v
        return x + own.o(y.permute(0, 3, 1, 2, 4).flatten(0, 1).flatten(-2))


class FeedForward(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.mlp = nn.ModuleDict({"wi": nn.Linear(shape.d_model, 4 * shape.d_model, bias=False),
                                  "wo": nn.Linear(4 * shape.d_model, shape.d_model, bias=False)})
        self.layer_norm = Norm(shape.d_model)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mlp["wo"](torch.relu(self.mlp["wi"](self.layer_norm(x))))


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.layer = nn.ModuleList([TimeAttention(shape), GroupAttention(shape), FeedForward(shape)])


class Encoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.block = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.final_layer_norm = Norm(shape.d_model)


class Residual(nn.Module):
    def __init__(self, inward: int, hidden: int, outward: int) -> None:
        super().__init__()
        self.hidden_layer, self.output_layer = nn.Linear(inward, hidden), nn.Linear(hidden, outward)
        self.residual_layer = nn.Linear(inward, outward)

    def forward(self, x: Tensor) -> Tensor:
        return self.output_layer(torch.relu(self.hidden_layer(x))) + self.residual_layer(x)


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=-1)
    return (x * cosine + torch.cat([-b, a], dim=-1) * sine).to(x.dtype)


class Chronos2(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        d = shape.d_model
        self.shared = nn.Embedding(2, d)
        self.input_patch_embedding = Residual(3 * PATCH, 4 * d, d)
        self.encoder = Encoder(shape)
        self.output_patch_embedding = Residual(d, 4 * d, len(QUANTILES) * PATCH)
        self.register_buffer("levels", torch.tensor(QUANTILES), persistent=False)
        self.register_buffer("frequency", 10000.0 ** (-torch.arange(0, shape.d_kv, 2) / shape.d_kv), persistent=False)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """The spreads of upstream's _init_weights; residual branches and the head begin quieter than that."""
        c = self.shape
        for name, p in self.named_parameters():
            if p.ndim < 2:
                p.fill_(float(name.endswith("layer_norm.weight")))
                continue
            spread = p.shape[1] ** -0.5
            if name.endswith("attention.q.weight"):
                spread = (c.d_model * c.d_kv) ** -0.5
            elif name.endswith(("attention.o.weight", "mlp.wo.weight")):
                spread *= 0.3
            elif name.startswith("output_patch_embedding") and "hidden" not in name:
                spread *= 0.1
            elif name == "shared.weight":
                spread = 0.5
            p.copy_(torch.randn(p.shape, generator=generator) * spread)

    def features(self, values: Tensor, first: int) -> Tensor:
        """[rows, patches * PATCH] with NaN as missing, from step `first` on, to [rows, patches, 3 * PATCH]."""
        steps = torch.arange(first, first + values.shape[1], device=values.device) / self.shape.time_scale
        observed = ~values.isnan()
        parts = [steps.expand_as(values), torch.where(observed, values, 0.0), observed.float()]
        return torch.cat([p.unflatten(1, (-1, PATCH)) for p in parts], dim=-1)

    def masks(self, live: Tensor, context: int, patches: int, pattern: Pattern, both: bool) -> Tensor | None:
        """Additive [B, 1, T, T]; `context` counts REG. None: every query sees every token."""
        total = live.shape[1]
        if pattern == FULL and bool(live.all()):
            return None
        at = torch.arange(total, device=live.device)
        query, key = at[:, None], at[None, :]
        in_context = (query < context) & (key < context)
        near = in_context if pattern.radius is None else in_context & ((query - key).abs() <= pattern.radius)
        null = context + patches if both else context  # where the real future begins
        sees_future = (query < context) & (key >= context)
        if pattern.sees == "nothing":
            sees_future &= False
        elif both:
            sees_future &= key < null
        future = (query >= context) & (key < context)
        real = (query >= null) & (key >= null)
        shadow = (query >= context) & (query < null) & (key >= context) & (key < null)
        allowed = (near | sees_future | future | real | shadow)[None] & live[:, None, :]
        wide = -(-total // 8) * 8 if live.is_cuda else total  # rows that fast kernels can read as they are
        kind = live.device.type
        narrow = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
        bias = torch.zeros((*allowed.shape[:2], wide), device=live.device, dtype=narrow)[..., :total]
        return bias.masked_fill_(~allowed, -1e9)[:, None]

    def forward(self, context: Tensor, known: Tensor, size: int, pattern: Pattern = FULL) -> tuple[Tensor, Tensor, Tensor]:
        """context [B, n], known [B, P * PATCH] future values, NaN = missing; groups of `size` consecutive rows. Gives
        quantiles [B, Q, P * PATCH] in normalised units, loc and scale [B, 1]."""
        context = pad(context, (-context.shape[1] % PATCH, 0), value=math.nan)
        rows, patches = len(context), known.shape[1] // PATCH
        observed = ~context.isnan()
        count = observed.sum(1, keepdim=True).clamp(min=1)
        loc = context.nan_to_num().sum(1, keepdim=True) / count
        scale = ((torch.where(observed, context - loc, 0.0).square().sum(1, keepdim=True)) / count).sqrt()
        scale = torch.where(observed.any(1, keepdim=True), torch.where(scale == 0, 1e-5, scale), 1.0)
        both = pattern.sees == "null" and not bool(known.isnan().all())
        futures = [torch.asinh((known - loc) / scale)]
        if both:
            futures.insert(0, torch.full_like(known, math.nan))
        tokens = [self.features(torch.asinh((context - loc) / scale), -context.shape[1])]
        tokens += [self.features(f, 0) for f in futures]
        c = tokens[0].shape[1] + 1
        x = self.input_patch_embedding(torch.cat(tokens, dim=1))
        reg = self.shared.weight[1].expand(rows, 1, -1).to(x.dtype)
        x = torch.cat([x[:, : c - 1], reg, x[:, c - 1:]], dim=1).float()
        live = torch.cat([observed.unflatten(1, (-1, PATCH)).any(-1),
                          observed.new_ones(rows, 1 + patches * len(futures))], dim=1)
        bias = self.masks(live, c, patches, pattern, both)
        place = torch.cat([torch.arange(c, device=x.device), *[c + torch.arange(patches, device=x.device)] * len(futures)])
        angle = place[:, None] * self.frequency
        rope = (torch.cat([angle.cos()] * 2, -1), torch.cat([angle.sin()] * 2, -1))
        for block in self.encoder.block:
            time, group, forward = block.layer
            x = forward(group(time(x, bias, rope), ~live, size))
        out = self.output_patch_embedding(self.encoder.final_layer_norm(x[:, -patches:]))
        return out.unflatten(-1, (len(QUANTILES), PATCH)).permute(0, 2, 1, 3).flatten(2).float(), loc, scale


def save(model: Chronos2, weights: dict[str, Tensor], folder: Path, patterns: list[dict] | None = None) -> None:
    """A model folder in Hugging Face's format, in bfloat16; each file is written whole or not at all."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {k: v.detach().to("cpu", torch.bfloat16).contiguous() for k, v in weights.items()}
    save_file(tensors, folder / "model.safetensors.new", metadata={"format": "pt"})
    write(folder / "config.json", json.dumps(model.shape.config(patterns), indent=2, sort_keys=True) + "\n")
    (folder / "model.safetensors.new").replace(folder / "model.safetensors")


def write(path: Path, text: str) -> None:
    """Whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    new.replace(path)


def load(folder: Path) -> tuple[Chronos2, dict]:
    from safetensors.torch import load_file

    config = json.loads((folder / "config.json").read_text())
    own = config["chronos_config"]
    model = Chronos2(Shape(config["d_model"], config["d_kv"], config["num_layers"], own["context_length"],
                           own["max_output_patches"], own.get("time_encoding_scale", own["context_length"])))
    model.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
    return model, config


def tensors(data: dict[str, np.ndarray], device: str) -> dict[str, Tensor]:
    return {k: torch.from_numpy(v).to(device, non_blocking=True) for k, v in data.items() if isinstance(v, np.ndarray)}
