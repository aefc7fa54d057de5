"""Pretrains Chronos-2 on synthetic series, from nothing, by steps and seeds; needs PyTorch, NumPy, SciPy, safetensors.

    python tools/train/train.py --steps 12000 --decay 3000 --out build/train/main
    python tools/train/train.py --steps 12000 --decay 3000 --out build/train/main --minutes 60   # as far as that goes
    python tools/train/train.py --steps 6000 --decay 1500 --family dense r8 --seed 2 --out build/train  # dense-2 and r8-2
    torchrun --nproc-per-node 2 -- tools/train/train.py --parts 4 ...   # two processes share the parts of each step

Runs can be stopped at any moment and go on from OUT/state.pt; the same command then gives the same weights. Other
options that shape the weights are refused there. The learning rate warms up, stays, and falls to zero over the last
--decay steps: until those begin, runs of different --steps are the same run, and once they have begun another --steps is
refused. With --within they begin when they have to, and the run ends after fewer steps; a run that goes on keeps to what
was decided, and its minutes count from its begin.
Batch and pattern of a step depend on --seed and the step alone. Several families learn from the same batches in turns.

Matrices of the encoder are trained by Muon, the rest by AdamW.
"""

from __future__ import annotations

import argparse
import fcntl
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import IO

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

import generate
import pairs
from model import FULL, PATCH, Chronos2, Pattern, Shape, load, save, tensors, write

RADII = (4, 8, 16, 64, None)
JUDGED = (FULL, Pattern(8, "null"), Pattern(8, "nothing"))  # what validation measures
HELD_OUT = 987654321  # seed of the validation batches
WARM = 20  # first steps of a process, which take longer
RANK, WORLD = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))  # of torchrun's processes
SHAPING = ("seed", "pairs", "d_model", "layers", "start", "lr", "warmup", "decay", "observations", "parts", "bf16")
FIRST = 200  # steps whose losses are kept, so that another run can be compared with this one


def draw_pattern(family: str, seed: int, step: int) -> Pattern:
    if family == "dense":
        return FULL
    if family == "r8":
        return Pattern(8, "nothing")
    rng = np.random.default_rng([seed, step, 1])
    sees = ["visible", "nothing", "null"] if family == "mixed" else ["visible", "nothing"]
    kind, radius = rng.random(), RADII[rng.integers(len(RADII))]
    return FULL if kind < 0.3 else Pattern(radius, sees[int(rng.integers(len(sees)))])


def trained_for(family: str) -> list[dict]:
    """`time_attention` of config.json."""
    everything = {"dense": [FULL], "r8": [Pattern(8, "nothing")]}.get(family) or [
        FULL, *[Pattern(r, s) for s in ("nothing", "null", "visible") for r in RADII
                if (family == "mixed" or s != "null") and Pattern(r, s) != FULL]]
    names = {"visible": "windowed_future_visible", "null": "windowed_future_null", "nothing": "windowed_future_global"}
    return [{"pattern": "full"} if p == FULL else
            {"pattern": names[p.sees], "radius": "inf" if p.radius is None else p.radius} for p in everything]


def orthogonal(g: Tensor, narrow: bool) -> Tensor:
    """Matrices [n, rows, columns] with their singular values brought near 1 (Newton-Schulz, Jordan et al. 2024)."""
    x = g.mT if g.shape[-2] > g.shape[-1] else g
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    if narrow:
        x = x.bfloat16()
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.mT if g.shape[-2] > g.shape[-1] else x).float()


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; a step's root mean square is 0.2, as AdamW's (Liu et al. 2025). torch.optim's
    own works in bfloat16: on a processor without it, 15 times the time of this one, twice that of the rest of a step."""

    def __init__(self, groups: list[dict], lr: float, narrow: bool) -> None:
        super().__init__(groups, {"lr": lr, "momentum": 0.95})
        self.narrow = narrow

    def shared(self, g: Tensor) -> Tensor:
        """Orthogonal matrices, of which each process makes its part."""
        if WORLD == 1:
            return orthogonal(g, self.narrow)
        updates = torch.zeros_like(g)
        updates[RANK::WORLD] = orthogonal(g[RANK::WORLD], self.narrow)
        dist.all_reduce(updates)
        return updates

    @torch.no_grad()
    def step(self) -> None:
        by_shape: dict[torch.Size, list] = {}
        for group in self.param_groups:
            params = group["params"]
            means = [self.state[p].setdefault("momentum", torch.zeros_like(p)) for p in params]
            grads = [p.grad for p in params]
            torch._foreach_lerp_(means, grads, 1 - group["momentum"])
            for p, g in zip(params, torch._foreach_lerp(grads, means, group["momentum"])):
                by_shape.setdefault(p.shape, []).append((p, g))
            torch._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
        rate = {p: group["lr"] for group in self.param_groups for p in group["params"]}
        for shape, members in by_shape.items():
            updates = self.shared(torch.stack([g for _, g in members])).unbind()
            for lr in {rate[p] for p, _ in members}:
                chosen = [(p, u) for (p, _), u in zip(members, updates) if rate[p] == lr]
                torch._foreach_add_([p for p, _ in chosen], [u for _, u in chosen], alpha=-0.2 * lr * max(shape) ** 0.5)


def sharp(name: str) -> bool:
    return name.endswith(("attention.q.weight", "attention.k.weight"))


class Bound:
    """Keeps every head's query and key weights within a multiple of their first norm.

    Logits have no 1/sqrt(d): left free, these weights grow until attention is one-hot and learns no more.
    """

    def __init__(self, model: Chronos2, multiple: float) -> None:
        heads = model.shape.heads
        self.heads = [p.data.view(heads, -1) for name, p in model.named_parameters() if sharp(name)]
        spread = [p.shape[1] ** -0.5 * (model.shape.d_kv ** -0.5 if name.endswith("q.weight") else 1.0)
                  for name, p in model.named_parameters() if sharp(name)]
        most = [multiple * s * w.shape[1] ** 0.5 for w, s in zip(self.heads, spread)]
        self.most = torch.tensor(most, device=self.heads[0].device).view(-1, 1, 1)

    @torch.no_grad()
    def apply(self) -> None:
        shrink = (self.most / torch.stack(self.heads).norm(dim=2, keepdim=True)).clamp(max=1)
        torch._foreach_mul_(self.heads, list(shrink.unbind()))


def optimizers_of(model: Chronos2, lr: float, narrow: bool) -> list[torch.optim.Optimizer]:
    named = list(model.named_parameters())
    inner = [(p, sharp(name)) for name, p in named if name.startswith("encoder.block") and p.ndim > 1]
    outer = [p for name, p in named if not name.startswith("encoder.block") or p.ndim == 1]
    return [
        Muon([{"params": [p for p, qk in inner if qk], "weight_decay": 0.1, "share": 0.5},
              {"params": [p for p, qk in inner if not qk], "weight_decay": 0.05, "share": 1.0}], lr=lr, narrow=narrow),
        torch.optim.AdamW([{"params": [p for p in outer if p.ndim > 1], "weight_decay": 0.05, "share": 1.0},
                           {"params": [p for p in outer if p.ndim == 1], "weight_decay": 0.0, "share": 1.0}],
                          lr=lr, betas=(0.9, 0.98))]


def losses(model: Chronos2, data: dict[str, Tensor], size: int, pattern: Pattern, narrow: bool) -> tuple[Tensor, Tensor]:
    """The paced loss and the plain one: the quantile loss in normalised units, each row divided by its pace or not, a
    mean over the rows that have something to forecast.

    In units of its own deviation a slow series (a long random walk, a small season on a large trend) errs so little
    that the plain loss hardly sees it, while scores like MASE do. The pace is the past's: it doesn't know the target.
    """
    with torch.autocast(data["context"].device.type, torch.bfloat16, enabled=narrow):
        quantiles, loc, scale = model(data["context"], data["known"], size, pattern)
    target = torch.asinh((data["target"] - loc) / scale).unsqueeze(1)
    error = target - quantiles
    level = model.levels.view(1, -1, 1)
    loss = 2 * torch.maximum(level * error, (level - 1) * error)
    asked = ~target.isnan().all(-1).squeeze(1)
    rows = torch.where(target.isnan(), 0.0, loss).sum(1).mean(-1)[asked]
    weight = (1 / (data["pace"][asked] + 0.05)).clamp(max=8)
    return (rows * weight).mean(), rows.mean()


@torch.no_grad()
def validate(model: Chronos2, sets: list[dict], device: str, narrow: bool) -> list[float]:
    """Paced loss under each judged pattern, then the plain one in full attention."""
    table = np.array([[[x.item() for x in losses(model, tensors(s, device), s["size"], p, narrow)] for s in sets]
                      for p in JUDGED])
    return [*table[:, :, 0].mean(1), table[0, :, 1].mean()]


def parts_of(batch: Callable, seed: int, step: int, parts: int, observations: int) -> list[dict]:
    """The batches whose gradients a step adds up."""
    return [batch(seed, step * parts + i, observations) for i in range(parts)]


def tokens(data: dict, pattern: Pattern) -> int:
    """Of a batch, for its cost."""
    rows, steps = data["context"].shape
    futures = 2 if pattern.sees == "null" and not np.isnan(data["known"]).all() else 1
    return rows * (-(-steps // PATCH) + 1 + futures * data["known"].shape[1] // PATCH)


def mine(costs: list[int]) -> list[int]:
    """The parts of a step for this process: the dearest first, each to who has the least."""
    load, own = [0] * WORLD, []
    for i in sorted(range(len(costs)), key=lambda i: -costs[i]):
        taker = load.index(min(load))
        load[taker] += costs[i]
        if taker == RANK:
            own.append(i)
    return own


def batches(args: argparse.Namespace, batch: Callable, first: int) -> Iterator[list[dict]]:
    """Those of the steps from `first` on, in order, made ahead by other processes."""
    jobs = ((batch, args.seed, step, args.parts, args.observations) for step in range(first, args.steps))
    if args.workers == 0:
        yield from (parts_of(*job) for job in jobs)
        return
    pool = ProcessPoolExecutor(args.workers, get_context("fork"), quiet)
    try:
        waiting = []
        for job in jobs:
            waiting.append(pool.submit(parts_of, *job))
            if len(waiting) > 4 * args.workers:
                yield waiting.pop(0).result()
        for result in waiting:
            yield result.result()
    finally:
        pool.shutdown(cancel_futures=True)


def quiet() -> None:
    """A signal to all processes of a run is for the one that learns, which ends the others; without it they end too."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    os.nice(1)


def end_with_parent() -> None:
    """A killed parent can't end its workers, and they would wait for jobs: each holds a writing end of their queue."""
    parent_process().join()
    os._exit(1)


def learning_rate(args: argparse.Namespace, step: int) -> float:
    left = (args.steps - step) / max(1, args.decay)
    return args.lr * min(1.0, (step + 1) / max(1, args.warmup), max(0.0, left))


def count(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, found {text}")
    return int(text)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=count, default=12000)
    parser.add_argument("--decay", type=int, default=3000, help="the last steps, in which the learning rate falls to 0")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after these, to go on another time")
    parser.add_argument("--within", type=float, default=math.inf,
                        help="let the rate fall in time to have fallen after so many minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--family", choices=["mixed", "mixed-without-null", "dense", "r8"], default=["mixed"], nargs="+",
                        help="patterns of time attention that the steps draw from; of several, each is a model in OUT/FAMILY-SEED")
    parser.add_argument("--pairs", action="store_true", help="learn from pairs.py alone: what was asked, far back")
    parser.add_argument("--d-model", type=count, help="[160]")
    parser.add_argument("--layers", type=count, help="[4]")
    parser.add_argument("--start", type=Path, help="a model folder whose weights are the first ones, in its shape")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--warmup", type=int, default=300, help="the first steps, in which the learning rate rises")
    parser.add_argument("--observations", type=count, default=32768, help="of a batch")
    parser.add_argument("--parts", type=count, default=1, help="batches of a step, each with its own lengths and pattern")
    parser.add_argument("--every", type=count, default=500, help="steps between validations")
    parser.add_argument("--threads", type=count, default=1)
    parser.add_argument("--workers", type=int, default=0, help="processes that make batches")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--bf16", action="store_true", help="products in bfloat16: on a GPU, or where the processor multiplies it")
    args = parser.parse_args()
    if args.start and (args.d_model or args.layers):
        parser.error("argument --start: the shape is that of its weights: expected neither --d-model nor --layers")
    args.d_model, args.layers = args.d_model or 160, args.layers or 4
    return args


class Run:
    """A model in training and all that a later process needs to go on with it."""

    def __init__(self, args: argparse.Namespace, family: str, out: Path) -> None:
        self.args, self.family, self.out = args, family, out
        out.mkdir(parents=True, exist_ok=True)
        if RANK == 0:
            self.lock = self.take(out)
        if args.start:
            self.model, _ = load(args.start)
        else:
            self.model = Chronos2(Shape(d_model=args.d_model, layers=args.layers))
            self.model.initialise(torch.Generator().manual_seed(args.seed))
        self.model.to(args.device)
        self.bound = Bound(self.model, 4.0)
        self.optimizers = optimizers_of(self.model, args.lr, args.bf16)
        self.average = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.step, self.seen, self.running, self.spent = 0, 0, 0.0, 0.0
        self.minutes, self.last = 0.0, None  # of all processes so far; the step that --within decided to end with
        options = {name: getattr(args, name) for name in SHAPING} | {"family": family}
        self.options = {name: str(value) for name, value in options.items()}
        for p in self.model.parameters():  # groups of one leave some without a gradient
            p.grad = torch.zeros_like(p)
        path = out / "state.pt"
        if path.exists():
            state = torch.load(path, weights_only=False, map_location=args.device)
            if "options" not in state:
                raise SystemExit(f"train: error: {path} doesn't say its run's options, as an older trainer's: expected another --out")
            other = [f"--{name.replace('_', '-')} was {state['options'][name]}, not {value}"
                     for name, value in self.options.items() if state["options"][name] != value]
            if other:
                raise SystemExit(f"train: error: {path} is of a run with other options: {'; '.join(other)}")
            self.model.load_state_dict(state["model"])
            for optimizer, own in zip(self.optimizers, state["optimizers"]):
                optimizer.load_state_dict(own)
            self.average = state["average"]
            self.step, self.seen, self.running, self.spent, self.minutes, self.last = state["counts"]
            if self.last is None:
                self.check_steps(path, state.get("steps"))

    @staticmethod
    def take(out: Path) -> IO[str]:
        """A file whose lock says that a run is writing to OUT. It is the process's own: workers and what is killed hold none."""
        lock = open(out / "lock", "w")
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise SystemExit(f"train: error: {out}: another run is writing there: expected it to end, or another --out") from None
        return lock

    def check_steps(self, path: Path, planned: int | None) -> None:
        """The steps that were made have the rates that --steps gives them. Rates of a plan part from its end backwards,
        so the last of them tells."""
        if planned is None:
            print(f"train: {path} doesn't say its run's --steps, as an older trainer's: taken for {self.args.steps}", file=sys.stderr)
            return
        then = argparse.Namespace(**vars(self.args) | {"steps": planned})
        if learning_rate(then, self.step - 1) != learning_rate(self.args, self.step - 1):
            raise SystemExit(f"train: error: {path} is at step {self.step} of {planned}, where the rate is no longer that of a run of "
                             f"{self.args.steps}: expected --steps {planned}")

    def keep(self) -> None:
        """The model, then the state: a run that is killed between the two makes its last steps again."""
        save(self.model, self.average, self.out / "model", trained_for(self.family))
        new = self.out / "state.pt.new"
        counts = (self.step, self.seen, self.running, self.spent, self.minutes, self.last)
        torch.save({"model": self.model.state_dict(), "optimizers": [o.state_dict() for o in self.optimizers],
                    "average": self.average, "counts": counts, "options": self.options, "steps": self.args.steps}, new)
        new.replace(self.out / "state.pt")

    def learn(self, parts: list[dict]) -> float:
        """A step; its loss."""
        begin = time.monotonic()
        lr = learning_rate(self.args, self.step)
        for g in [g for optimizer in self.optimizers for g in optimizer.param_groups]:
            g["lr"] = lr * g["share"]
        self.model.zero_grad(set_to_none=False)
        total = 0.0
        patterns = [draw_pattern(self.family, self.args.seed, self.step * len(parts) + i) for i in range(len(parts))]
        for i in mine([tokens(data, pattern) for data, pattern in zip(parts, patterns)]):
            data, pattern = parts[i], patterns[i]
            loss, _ = losses(self.model, tensors(data, self.args.device), data["size"], pattern, self.args.bf16)
            (loss / len(parts)).backward()
            total = total + loss.detach() / len(parts)
        if WORLD > 1:
            total = self.gather(total)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.bound.apply()
        self.step += 1
        self.seen += sum(data["context"].size + data["target"].size for data in parts)
        value = math.nan
        if self.args.device == "cpu" or self.step <= FIRST or self.step % 20 == 0:
            value = float(total)
            self.running += (value - self.running) / min(self.step, 200)
        keep = min(0.999, (self.step + 1) / (self.step + 20))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), list(self.model.state_dict().values()), 1 - keep)
        self.spent += time.monotonic() - begin
        return value

    def gather(self, loss: Tensor) -> Tensor:
        """The gradients and the loss of all processes, added up."""
        grads = [p.grad for p in self.model.parameters()]
        flat = torch.cat([*(g.flatten() for g in grads), loss.view(1)])
        dist.all_reduce(flat)
        torch._foreach_copy_(grads, [f.view_as(g) for f, g in zip(flat.split([g.numel() for g in grads] + [1]), grads)])
        return flat[-1]

    def log(self, name: str, head: list[str], values: list[str]) -> None:
        """A line of a table; steps that are made again replace what they and later ones gave before."""
        path = self.out / name
        lines = path.read_text().splitlines()[1:] if path.exists() else []
        before = [line for line in lines if int(line.split(",")[0]) < self.step]
        write(path, "\n".join([",".join(head), *before, ",".join([str(self.step), *values])]) + "\n")

    def note(self, loss: float) -> None:
        """The first losses, to the last digit."""
        if self.step <= FIRST and RANK == 0:
            self.log("first.csv", ["step", "loss"], [repr(loss)])

    def judge(self, sets: list[dict]) -> None:
        own = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        values = validate(self.model, sets, self.args.device, self.args.bf16)
        self.model.load_state_dict(own)
        self.log("log.csv", ["step", "observations", "minutes", "lr", "train", *[str(p) for p in JUDGED], "plain"],
                 [str(self.seen), f"{self.spent / 60:.1f}", f"{learning_rate(self.args, self.step - 1):.3g}"]
                 + [f"{v:.5f}" for v in (self.running, *values)])


def agreed(wish: bool) -> bool:
    """Whether a process wishes it: all of them stop after the same step."""
    if WORLD == 1:
        return wish
    flag = torch.tensor(float(wish))
    dist.all_reduce(flag)
    return bool(flag > 0)


def main() -> None:
    args = arguments()
    if args.parts < WORLD:
        raise SystemExit(f"train: error: {WORLD} processes share the parts of a step: expected --parts of at least as many")
    if WORLD > 1:
        dist.init_process_group("gloo")
    torch.set_num_threads(args.threads)
    torch.backends.cuda.enable_cudnn_sdp(False)  # it would plan anew for every shape of a batch
    alone = len(args.family) == 1
    runs = [Run(args, family, args.out if alone else args.out / f"{family}-{args.seed}") for family in args.family]
    batch = pairs.batch if args.pairs else generate.batch
    sets = [batch(HELD_OUT, i + (pairs.GROWN if args.pairs else 0), 8192) for i in range(32)]
    stop = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.append(True))
    begin = time.monotonic()
    first = min(run.step for run in runs)
    earlier = max(run.minutes for run in runs)
    decided = [run.last for run in runs if run.last is not None]
    if decided:
        print(f"train: {args.out}: --within decided that step {decided[0]} is the last", file=sys.stderr)
        args.steps, args.within = decided[0], math.inf
    for step, parts in enumerate(batches(args, batch, first), first):
        now = time.monotonic()
        if step == first + WARM:
            warm = now
        if step > first + WARM and args.within < math.inf and agreed(
                60 * earlier + now - begin + args.decay * (now - warm) / (step - first - WARM) > 60 * args.within):
            args.steps, args.within = min(args.steps, step + args.decay), math.inf
            decided = [args.steps]
        for run in runs:
            if run.step == step:  # a stop between two models leaves one a step ahead
                run.note(run.learn(parts))
        step += 1
        last = step == args.steps or agreed(bool(stop) or time.monotonic() - begin > 60 * args.minutes)
        if RANK:
            if last:
                break
            continue
        if step % 200 == 0:
            print(f"{args.out}: step {step}, {(time.monotonic() - begin) / 60:.2f} minutes, "
                  f"loss {', '.join(f'{run.running:.3f}' for run in runs)}", flush=True)
        for run in runs:
            if step % args.every == 0 or step == args.steps:
                run.judge(sets)
            if step % args.every == 0 or last:
                run.minutes = earlier + (time.monotonic() - begin) / 60
                run.last = decided[0] if decided else None
                run.keep()
        if last:
            break
    for run in runs[:0 if RANK else None]:
        print(f"{run.out}: {run.step} of {args.steps} steps, {run.seen / 1e6:.0f} million observations, "
              f"{run.spent / 60:.1f} minutes")


if __name__ == "__main__":
    main()
