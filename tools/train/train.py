"""Pretrains a small Chronos-2 on synthetic series with the upstream model class.

    python tools/train/train.py --minutes 50 --out build/train        # resumes from build/train/state.pt
    python tools/train/train.py --minutes 40 --lr 1e-3 --constant --start models/chronos2-micro --out build/trunk
    python tools/train/train.py --steps 2000 --lr 1e-3 --start build/trunk --radius 8 --out build/windowed

The learning rate follows the clock of the steps, or their number with --steps: warm-up, then a cosine to zero at the
end, or none with --constant. A run that starts from another run goes on with its optimizer; one that starts from a
model does not. Pauses of the process don't count: no step takes more than five seconds.

Matrices of the encoder are trained by Muon, the rest by AdamW. With --processes N, each draws its own rows for every
step; gradients are averaged.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from chronos.chronos2 import Chronos2Model
from chronos.chronos2.config import Chronos2CoreConfig
from chronos.chronos2.layers import AttentionOutput
from safetensors.torch import load_file

from generate import batch, draw_shape

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "golden"))
from oracle import time_attention  # noqa: E402

QUANTILES = [0.01, 0.05, *[round(0.05 * i, 2) for i in range(2, 19)], 0.95, 0.99]


@torch.no_grad()
def initialise(model: Chronos2Model) -> None:
    """The spreads that upstream's _init_weights states, set here: under transformers 5 its own calls do nothing
    (every linear layer keeps a deviation of 1). Residual branches and the head begin quieter than that."""
    c = model.config
    for name, p in model.named_parameters():
        if p.ndim < 2:
            continue
        deviation = p.shape[1] ** -0.5
        if name.endswith("attention.q.weight"):
            deviation = (c.d_model * c.d_kv) ** -0.5
        elif name.endswith(("attention.o.weight", "mlp.wo.weight")):
            deviation *= 0.3
        elif name.startswith("output_patch_embedding") and "hidden" not in name:
            deviation *= 0.1
        elif name == "shared.weight":
            deviation = 0.5
        p.normal_(0.0, deviation)
        assert p.std() < 1.3 * deviation, name


def build_model(args: argparse.Namespace) -> Chronos2Model:
    config = Chronos2CoreConfig(
        d_model=args.d_model, d_kv=32, d_ff=4 * args.d_model, num_layers=args.layers, num_heads=args.d_model // 32,
        dropout_rate=0.0, initializer_factor=1.0,
        chronos_config=dict(
            context_length=2048, input_patch_size=16, input_patch_stride=16, output_patch_size=16, quantiles=QUANTILES,
            use_reg_token=True, use_arcsinh=True, max_output_patches=16, time_encoding_scale=2048,
        ),
    )
    config.architectures = ["Chronos2Model"]
    model = Chronos2Model(config)
    initialise(model)
    return model


def read_weights(folder: Path) -> tuple[dict[str, torch.Tensor], list[dict] | None]:
    """Weights, and the optimizers' states if the folder is a run's and not a model's."""
    if (folder / "state.pt").exists():
        state = torch.load(folder / "state.pt", weights_only=False)
        return state["model"], state["optimizers"]
    return {k: v.float() for k, v in load_file(folder / "model.safetensors").items()}, None


@torch.no_grad()
def begin_from(model: Chronos2Model, weights: dict[str, torch.Tensor]) -> None:
    """Takes other weights; layers that it did not have begin as the identity (nothing added to the residual)."""
    fault = model.load_state_dict(weights, strict=False)
    assert not fault.unexpected_keys, fault.unexpected_keys
    for name in fault.missing_keys:
        assert name.startswith("encoder.block."), name
        if name.endswith(("attention.o.weight", "mlp.wo.weight")):
            model.get_parameter(name).zero_()


def orthogonal(g: torch.Tensor) -> torch.Tensor:
    """Matrices [n, rows, columns] with their singular values brought near 1 (Newton-Schulz, Jordan et al. 2024)."""
    x = g.mT if g.shape[-2] > g.shape[-1] else g
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.mT if g.shape[-2] > g.shape[-1] else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; a step's root mean square is 0.2, as AdamW's (Liu et al. 2025). torch.optim's
    own works in bfloat16: on a processor without it, 15 times the time of this one, twice that of the rest of a step."""

    def __init__(self, groups: list[dict], lr: float) -> None:
        super().__init__(groups, {"lr": lr, "momentum": 0.95})

    @torch.no_grad()
    def step(self) -> None:
        rank, count = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        everything = [(group, p) for group in self.param_groups for p in group["params"]]
        by_shape: dict[torch.Size, list] = {}
        for i, (group, p) in enumerate(everything):
            mean = self.state[p].setdefault("momentum", torch.zeros_like(p))
            mean.lerp_(p.grad, 1 - group["momentum"])
            if i % count == rank:
                by_shape.setdefault(p.shape, []).append((p, torch.lerp(p.grad, mean, group["momentum"])))
            p.grad.zero_()
        for pairs in by_shape.values():
            for (p, _), update in zip(pairs, orthogonal(torch.stack([g for _, g in pairs]))):
                p.grad.copy_(update)
        if count > 1:
            share([p for _, p in everything])
        for group, p in everything:
            p.mul_(1 - group["lr"] * group["weight_decay"])
            p.add_(p.grad, alpha=-0.2 * group["lr"] * max(p.shape) ** 0.5)


def share(parameters: list[torch.nn.Parameter], *more: float) -> list[float]:
    """Sums the gradients, and numbers beside them, over the processes."""
    flat = torch.cat([p.grad.flatten() for p in parameters] + [torch.tensor(more, dtype=torch.float32)])
    dist.all_reduce(flat)
    for p, g in zip(parameters, flat.split([p.numel() for p in parameters] + [len(more)])):
        p.grad.copy_(g.view_as(p))
    return flat[flat.numel() - len(more):].tolist()


@contextmanager
def own_group_only(model: Chronos2Model, groups: np.ndarray):
    """Inside, group attention reads the rows of its own group (consecutive ones), not all rows under a mask: the same
    numbers with less work. In a group of one, softmax over one key is 1."""
    size = np.bincount(groups)
    index = torch.from_numpy((np.cumsum(size) - size)[groups, None] + np.arange(size.max()))
    outside = torch.from_numpy(np.arange(size.max()) >= size[groups, None])
    index = torch.where(outside, index[:, :1], index)

    def attend(layer: torch.nn.Module, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if size.max() == 1:
            return layer.o(layer.v(x))
        q, k, v = (f(x).unflatten(-1, (layer.n_heads, -1)) for f in (layer.q, layer.k, layer.v))  # [time, row, head, d]
        k, v = (y.index_select(1, index.flatten()).unflatten(1, index.shape) for y in (k, v))
        bias = mask[:, 0].gather(2, index.expand(len(x), -1, -1)).masked_fill(outside, torch.finfo(x.dtype).min)
        weight = torch.softmax((q.unsqueeze(2) * k).sum(-1) + bias.unsqueeze(-1), dim=2)
        return layer.o((weight.unsqueeze(-1) * v).sum(2).flatten(-2))

    layers = [block.layer[1].self_attention for block in model.encoder.block]
    for layer in layers:
        layer.forward = lambda x, mask, layer=layer, **_: AttentionOutput(hidden_states=attend(layer, x, mask))
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


class Bound:
    """Keeps every head's query and key weights within a multiple of their first norm.

    Logits have no 1/sqrt(d): left free, these weights grow until attention is one-hot and learns no more.
    """

    def __init__(self, model: Chronos2Model, multiple: float) -> None:
        heads = model.config.num_heads
        self.heads = [p.data.view(heads, -1) for name, p in model.named_parameters() if sharp(name)]
        self.most = [multiple * w.norm(dim=1, keepdim=True) for w in self.heads]

    @torch.no_grad()
    def apply(self) -> None:
        for weight, most in zip(self.heads, self.most):
            weight *= (most / weight.norm(dim=1, keepdim=True)).clamp(max=1)


def sharp(name: str) -> bool:
    return name.endswith(("attention.q.weight", "attention.k.weight"))


def losses(
    model: Chronos2Model, data: dict[str, np.ndarray], radius: int | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """The paced loss and the plain one: the quantile loss in normalised units, each row divided by its pace or not.
    Upstream's mean is over all rows; this one is over the rows that have something to forecast.

    In units of its own deviation a slow series (a long random walk, a small season on a large trend) errs so little
    that upstream's loss hardly sees it, while scores like MASE do. The pace is the past's: it doesn't know the target.
    """
    patches = data["target"].shape[1] // 16
    kept = {}
    upstream = model._compute_loss

    def rows(quantile_preds: torch.Tensor, future_target: torch.Tensor, loc_scale: tuple, **_: object) -> torch.Tensor:
        target = model.instance_norm(future_target, loc_scale)[0].unsqueeze(1)
        error = target - quantile_preds
        levels = model.quantiles.view(1, -1, 1)
        loss = 2 * torch.maximum(levels * error, (levels - 1) * error)
        kept["asked"] = ~target.isnan().all(dim=-1).squeeze(1)
        kept["rows"] = torch.where(target.isnan(), 0.0, loss).sum(dim=1).mean(dim=-1)[kept["asked"]]
        return kept["rows"].mean()

    model._compute_loss = rows
    try:
        with (time_attention(model, patches, "full" if radius is None else "windowed_future_global", radius or 0),
              own_group_only(model, data["groups"])):
            plain = model(
                context=torch.from_numpy(data["context"]), group_ids=torch.from_numpy(data["groups"]),
                future_covariates=torch.from_numpy(data["known"]), future_target=torch.from_numpy(data["target"]),
                num_output_patches=patches,
            ).loss
    finally:
        model._compute_loss = upstream
    weight = (1 / (torch.from_numpy(data["pace"]) + 0.05)).clamp(max=8)
    return (kept["rows"] * weight[kept["asked"]]).mean(), plain


@torch.no_grad()
def validate(model: Chronos2Model, sets: list[dict[str, np.ndarray]], radius: int | None) -> np.ndarray:
    model.eval()
    value = np.mean([[x.item() for x in losses(model, s, radius)] for s in sets], axis=0)
    model.train()
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=50)
    parser.add_argument("--steps", type=int, help="train for so many steps, whatever time they take")
    parser.add_argument("--out", type=Path, default=Path("build/train"))
    parser.add_argument("--d-model", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--observations", type=int, default=8192, help="of one batch of one process")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--start", type=Path, help="folder of a run or of a model whose weights are the first ones")
    parser.add_argument("--constant", action="store_true", help="keep the learning rate: other runs will finish")
    parser.add_argument("--radius", type=int, help="train under windowed_future_global attention")
    parser.add_argument("--grouped", type=float, default=0.5, help="share of the batches with related series")
    parser.add_argument("--lesson", action="store_true", help="only plain covariates: the first thousand steps")
    parser.add_argument("--every", type=int, default=250, help="steps between validations, which also save")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    args.out.mkdir(parents=True, exist_ok=True)
    if args.processes == 1:
        train(0, args, "")
    else:
        with tempfile.TemporaryDirectory() as folder:
            mp.spawn(train, (args, f"file://{folder}/meeting"), args.processes)


def train(rank: int, args: argparse.Namespace, meeting: str) -> None:
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    if args.processes > 1:
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=args.processes)
    model = build_model(args)
    bound = Bound(model, 4.0)
    inherited = None
    trained = dict(pattern="windowed_future_global", radius=args.radius) if args.radius is not None else dict(pattern="full")
    model.config.time_attention, model.config.chronos_pipeline_class = trained, "Chronos2Pipeline"
    if args.start:
        weights, inherited = read_weights(args.start)
        begin_from(model, weights)
    average = {k: v.clone() for k, v in model.state_dict().items()}
    named = list(model.named_parameters())
    for p in model.parameters():  # groups of one leave some without a gradient
        p.grad = torch.zeros_like(p)
    inner = [(p, sharp(name)) for name, p in named if name.startswith("encoder.block") and p.ndim > 1]
    outer = [p for name, p in named if not name.startswith("encoder.block") or p.ndim == 1]
    optimizers = [
        Muon([{"params": [p for p, qk in inner if qk], "weight_decay": 0.1, "share": 0.5},
              {"params": [p for p, qk in inner if not qk], "weight_decay": 0.05, "share": 1.0}], lr=args.lr),
        torch.optim.AdamW([{"params": [p for p in outer if p.ndim > 1], "weight_decay": 0.05, "share": 1.0},
                           {"params": [p for p in outer if p.ndim == 1], "weight_decay": 0.0, "share": 1.0}],
                          lr=args.lr, betas=(0.9, 0.98))]
    step, spent, running, seen = 0, 0.0, 0.0, 0
    state_path, log_path = args.out / "state.pt", args.out / "log.csv"
    if inherited:
        for optimizer, state in zip(optimizers, inherited):
            optimizer.load_state_dict(state)
    if state_path.exists():
        state = torch.load(state_path, weights_only=False)
        model.load_state_dict(state["model"])
        for optimizer, own in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(own)
        average, step, spent = state["average"], state["step"], state["spent"]
        seen, running = state["seen"], state["running"]
    held_out = np.random.default_rng(987654321)
    sets = [batch(held_out, 8192, *draw_shape(held_out, 2048, 8)) for _ in range(24)] if rank == 0 else []
    if step == 0 and args.start and rank == 0:
        value = validate(model, sets, args.radius)
        print("validation losses before the first step, paced and plain:", *value.round(4), flush=True)
    before = time.monotonic()
    with log_path.open("a", newline="") if rank == 0 else nullcontext() as stream:
        log = csv.writer(stream, lineterminator="\n") if stream else None
        if log and step == 0:
            log.writerow(["step", "minutes", "observations", "lr", "train_loss", "validation_loss", "plain_loss"])
        while True:
            progress = min(1.0, (step + 1) / args.steps if args.steps else spent / (60 * args.minutes))
            lr = args.lr * (1.0 if args.constant else 0.5 * (1 + math.cos(math.pi * progress)))
            if not inherited:
                lr *= min(1.0, (step + 1) / 200)
            for g in [g for optimizer in optimizers for g in optimizer.param_groups]:
                g["lr"] = lr * g["share"]
            shape = draw_shape(np.random.default_rng([args.seed, step]), 2048, 8, args.grouped)
            data = batch(np.random.default_rng([args.seed, step, rank]), args.observations, *shape, args.lesson)
            loss, _ = losses(model, data, args.radius)
            model.zero_grad(set_to_none=False)
            (loss / args.processes).backward()
            now = time.monotonic()
            took = min(now - before, 5.0)  # a machine that slept must not eat the schedule
            before = now
            value, size = loss.item(), data["context"].size + data["target"].size
            if args.processes > 1:  # one clock, the first process's
                value, size, took = share(list(model.parameters()), value, size, took if rank == 0 else 0.0)
                value /= args.processes
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in optimizers:
                optimizer.step()
            bound.apply()
            step += 1
            spent += took
            seen += int(size)
            running += (value - running) / min(step, 200)
            keep = min(0.999, (step + 1) / (step + 20))
            with torch.no_grad():
                for k, v in model.state_dict().items():
                    average[k].lerp_(v, 1 - keep) if v.is_floating_point() else average[k].copy_(v)
            if rank == 0 and (step % args.every == 0 or progress >= 1):
                own = {k: v.clone() for k, v in model.state_dict().items()}
                model.load_state_dict(average)
                value = validate(model, sets, args.radius)
                model.save_pretrained(args.out / "model")
                model.load_state_dict(own)
                row = [step, f"{spent / 60:.2f}", seen, f"{lr:.3g}"]
                log.writerow(row + [f"{v:.4f}" for v in (running, *value)])
                stream.flush()
                torch.save(
                    {"model": own, "optimizers": [o.state_dict() for o in optimizers], "average": average,
                     "step": step, "spent": spent, "seen": seen, "running": running}, state_path)
            if progress >= 1:
                break
    if args.processes > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
