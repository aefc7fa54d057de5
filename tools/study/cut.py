"""How the weights of pairs find what is asked: cuts single looks of the first layer, and prints what is lost.

    python tools/study/cut.py --models build/train/pairs

In the control of pairs a key returns at the end, and the value that once stood beside it follows. Either the pairs look at
the key that returned, or the future does. One line a model: the mean absolute error over that of forecasting zero, with
nothing cut, with the four pairs not looking at that key in the first layer, and with the future not looking at it. r8 runs
under its window, the others in full attention. Needs PyTorch.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools" / "train"), str(ROOT / "tools" / "datasets")]

import model  # noqa: E402
from make_controls import CONTEXT, HORIZON, ITEMS, KEYS, PATCH, item  # noqa: E402

PATTERNS = {"dense": model.FULL, "r8": model.Pattern(8, "nothing"), "mixed": model.FULL}
TOKENS = CONTEXT // PATCH  # of the context; REG and the future follow


def pairs_of(y: np.ndarray) -> tuple[list[int], int]:
    """Patches of the four pairs, and the one that asks."""
    first = y[:CONTEXT].reshape(-1, 2, PATCH // 2).mean(axis=2)[:, 0]
    *pairs, asks = np.flatnonzero(first > min(KEYS) - 1).tolist()
    return pairs, asks


def forecast(weights: model.Chronos2, pattern: model.Pattern, y: np.ndarray, who: str = "") -> np.ndarray:
    """Medians. With `who` ("pairs" or "future") not looking at the patch that asks, in the first layer."""
    pairs, asks = pairs_of(y)
    rows = {"pairs": pairs, "future": range(TOKENS + 1, TOKENS + 1 + HORIZON // PATCH)}.get(who, [])

    def cut(_, arguments):
        x, bias, rope = arguments
        bias = torch.zeros(1, 1, x.shape[1], x.shape[1]) if bias is None else bias.float().clone()
        bias[..., list(rows), asks] = -1e9
        return x, bias, rope

    hook = weights.encoder.block[0].layer[0].register_forward_pre_hook(cut)
    with torch.no_grad():
        quantiles, loc, scale = weights(torch.from_numpy(y[None, :CONTEXT]), torch.full((1, HORIZON), torch.nan), 1, pattern)
    hook.remove()
    return (torch.sinh(quantiles[0, len(model.QUANTILES) // 2]) * scale[0] + loc[0]).numpy()


def error(weights: model.Chronos2, pattern: model.Pattern, series: np.ndarray, who: str) -> float:
    forecasts = np.stack([forecast(weights, pattern, y, who) for y in series])
    return float(np.abs(forecasts - series[:, CONTEXT:]).mean() / np.abs(series[:, CONTEXT:]).mean())


def family_of(folder: Path) -> str:
    """Of FAMILY-SEED/model."""
    return folder.parent.name.rsplit("-", 1)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=ROOT / "build" / "train" / "pairs", help="where recipe.sh --pairs put them")
    parser.add_argument("--items", type=int, default=ITEMS, help="series of the control")
    args = parser.parse_args()
    folders = sorted(args.models.glob("*/model"))
    if not folders:
        sys.exit(f"cut: error: {args.models}: expected a folder for each of the weights, as recipe.sh --pairs makes them")
    for folder in folders:
        if family_of(folder) not in PATTERNS:
            sys.exit(f"cut: error: {args.models}: '{folder.parent.name}' is none of the weights of recipe.sh --pairs: expected "
                     f"dense, r8 or mixed, and a seed")
    series = np.array([item("pairs", i) for i in range(args.items)], np.float32)
    print("| weights | nothing cut | the pairs don't look | the future doesn't look |", "| --- " * 4 + "|", sep="\n")
    for folder in folders:
        weights, _ = model.load(folder)
        pattern = PATTERNS[family_of(folder)]
        cells = " | ".join(f"{error(weights, pattern, series, who):.2f}" for who in ("", "pairs", "future"))
        print(f"| {folder.parent.name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
