"""Random requests through `chronos2 predict` and through Chronos2Pipeline.predict in float64, from a fixed seed.

REQUESTS in the environment sets how many (500 and more are worth a run of their own). Errors are in normalised units:
asinh((y - loc) / scale) of each target's history. Beyond the first pass a rollout feeds rounding back into the model,
so those steps have a wider bound. A row that is constant and not known ahead is forecast as its value plus float32
noise, which the next pass scales up to a signal: there only the first pass is compared. With one or two observed targets
the means of a category's steps are equal but for a last bit of float32, which becomes a signal too: there only shapes are.
Of two models one is widened, so that whole contexts of 9000 steps are used; the other cuts them.
"""

import json
import os
import shutil

import numpy as np
import pytest
import torch
from chronos import Chronos2Pipeline
from conftest import ROOT, differences
from safetensors.numpy import load_file

REQUESTS = int(os.environ.get("REQUESTS", "60"))
SMOOTH, MICRO = ROOT / "tests/golden/model-smooth/weights", ROOT / "models/chronos2-micro"
LONGEST = 9000
TOLERANCE, TOLERANCE_ROLLED = 2e-4, 5e-3


def history(rng, length):
    kind = rng.random()
    if kind < 0.04:
        return np.full(length, rng.integers(-99, 99), np.float32)
    if kind < 0.06:
        return np.full(length, np.nan, np.float32)
    step = np.arange(length)
    values = rng.normal(0, 3) + np.sin(2 * np.pi * step / rng.uniform(3, 60)) + 0.3 * rng.normal(size=length)
    if rng.random() < 0.3:
        values += rng.normal(0, 0.1, length).cumsum()
    if rng.random() < 0.3:
        values[rng.random(length) < rng.uniform(0, 0.6)] = np.nan
    if rng.random() < 0.2:
        start = rng.integers(0, length)
        values[start:start + length // 3] = np.nan
    values[-1] = rng.normal()
    values[0] = rng.normal()
    return (values * 10 ** rng.uniform(-2, 4)).astype(np.float32)


def labels(rng, length, future):
    names = np.array(["a", "bb", "c d", "ü"], dtype=object)
    values = rng.choice(names[:3] if not future else names, length)
    values[rng.random(length) < 0.1] = None
    return values


def request(rng):
    """Items with the same targets and covariates, as upstream wants them."""
    targets = int(rng.integers(1, 4)) if rng.random() < 0.4 else 1
    horizon = int(rng.integers(1, 401)) if rng.random() < 0.3 else int(rng.integers(1, 60))
    numeric, categorical = (int(rng.integers(0, 3)), int(rng.integers(0, 2))) if rng.random() < 0.5 else (0, 0)
    known = {f"n{i}": rng.random() < 0.5 for i in range(numeric)} | {f"c{i}": rng.random() < 0.5
                                                                     for i in range(categorical)}
    items = []
    for _ in range(int(rng.integers(1, 5))):
        length = int(np.exp(rng.uniform(0, np.log(LONGEST + 1 if rng.random() < 0.1 else 700))))
        rows = np.stack([history(rng, length) for _ in range(targets)])
        item = {"target": rows[0] if targets == 1 else rows}
        if known:
            item["past_covariates"] = {k: labels(rng, length, False) if k[0] == "c" else history(rng, length)
                                       for k in known}
            item["future_covariates"] = {k: labels(rng, horizon, True) if k[0] == "c" else history(rng, horizon)
                                         for k in known if known[k]}
        items.append(item)
    options = {"prediction_length": horizon}
    if rng.random() < 0.15:
        options["cross_learning"] = True
    if rng.random() < 0.2:
        options["context_length"] = int(rng.integers(10, 400))
    return items, options


def encodes_noise(item):
    return (np.isfinite(item["target"]).sum() < 3 and np.ndim(item["target"]) == 1
            and any(name[0] == "c" for name in item.get("past_covariates", {})))


def is_constant(values):
    return len({str(v) for v in values if v is not None and v == v}) == 1


def rolls_out_noise(item, length):
    """Is a row constant in the last `length` steps, which are what the model sees?"""
    past, future = item.get("past_covariates", {}), item.get("future_covariates", {})
    unknown = [values[-length:] for name, values in past.items() if name not in future]
    return any(map(is_constant, [*np.atleast_2d(item["target"])[:, -length:], *unknown]))


def widened(folder, tmp_path):
    """The same weights with a longer context."""
    copy = shutil.copytree(folder, tmp_path / "widened")
    config = json.loads((copy / "config.json").read_text())
    config["chronos_config"]["context_length"] = 16 * -(-LONGEST // 16)
    (copy / "config.json").write_text(json.dumps(config))
    return copy


def plain(value):
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, np.ndarray)):
        return [plain(part) for part in value]
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else float(value)
    return value


def scale_of(rows):
    """The model's location and scale of each target: 0 and 1 where nothing is observed, 1e-5 for a constant."""
    empty = np.isnan(rows).all(1)
    rows[empty] = 0
    scale = np.nanstd(rows, 1)
    return np.nanmean(rows, 1)[:, None, None], np.where(empty, 1, np.where(scale == 0, 1e-5, scale))[:, None, None]


@pytest.mark.parametrize("name", ["smooth", "micro"])
def test_random_requests(program, tmp_path, name, capsys):
    rng = np.random.default_rng(20260101)
    folder = widened(SMOOTH, tmp_path) if name == "smooth" else MICRO
    pipeline = Chronos2Pipeline.from_pretrained(folder, dtype=torch.float64)
    worst, rolled, longest = 0.0, 0.0, 0
    for number in range(REQUESTS):
        items, options = request(rng)
        (tmp_path / "case.json").write_text(json.dumps({"inputs": plain(items), "predict": options}))
        program("predict", tmp_path / "case.json", "-m", folder, "-o", tmp_path / "out.safetensors")
        ours = load_file(tmp_path / "out.safetensors")
        seen = min(options.get("context_length", LONGEST), pipeline.model_context_length)
        theirs = pipeline.predict(items, limit_prediction_length=False, **options)
        for i, (item, forecast) in enumerate(zip(items, theirs)):
            assert ours[f"out.{i}"].shape == tuple(forecast.shape)
            others = items if "cross_learning" in options else [item]
            if any(map(encodes_noise, others)):
                continue
            loc, scale = scale_of(np.atleast_2d(item["target"]).astype(np.float64))
            error = differences(ours[f"out.{i}"], forecast.numpy(), loc, scale)
            once = error[..., :pipeline.model_prediction_length].max()
            late = 0.0 if any(rolls_out_noise(other, seen) for other in others) else error.max()
            assert once < TOLERANCE and late < TOLERANCE_ROLLED, f"request {number}, item {i}: {options}"
            worst, rolled = max(worst, once), max(rolled, late)
            longest = max(longest, np.shape(item["target"])[-1])
    with capsys.disabled():
        print(f"\n{name}: {REQUESTS} random requests, contexts up to {longest}: "
              f"worst {worst:.2g} in one pass, {rolled:.2g} with rollouts")
