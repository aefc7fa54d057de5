"""The trainer's own model beside upstream's class, its batches, and a run that is stopped and goes on."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from chronos.chronos2 import Chronos2Model

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools" / "train"), str(ROOT / "tools" / "golden")]

import generate  # noqa: E402
import oracle  # noqa: E402
from model import FULL, Chronos2, Pattern, Shape, load, save  # noqa: E402

PATCHES, SIZE = 3, 3
NAMES = {"visible": "windowed_future_visible", "nothing": "windowed_future_global", "null": "windowed_future_null"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The same random weights in both classes."""
    folder = tmp_path_factory.mktemp("model")
    own = Chronos2(Shape(d_model=64, layers=3, context_length=512, output_patches=4, time_scale=512))
    own.initialise(torch.Generator().manual_seed(3))
    with torch.no_grad():
        for name, p in own.named_parameters():
            if p.ndim == 1:
                p.add_(0.1 * torch.randn(p.shape, generator=torch.Generator().manual_seed(len(name))))
    save(own, own.state_dict(), folder)
    return load(folder)[0].eval(), Chronos2Model.from_pretrained(folder).float().eval()


def inputs():
    rng = torch.Generator().manual_seed(0)
    context = torch.randn(2 * SIZE, 200, generator=rng).cumsum(1)
    context[1, :90] = torch.nan
    context[4, 150:165] = torch.nan
    known = torch.full((2 * SIZE, 16 * PATCHES), torch.nan)
    known[1] = torch.randn(16 * PATCHES, generator=rng)
    known[2, :20] = 1.0
    return context, known


@pytest.mark.parametrize("pattern", [FULL, *[Pattern(r, s) for s in NAMES for r in (0, 3, None)]], ids=str)
def test_equals_upstream(pair, pattern):
    own, upstream = pair
    context, known = inputs()
    theirs, loc, scale = oracle.forward(
        upstream, dict(context=context, group_ids=torch.arange(len(context)) // SIZE, future_covariates=known,
                       num_output_patches=PATCHES),
        pattern="full" if pattern == FULL else NAMES[pattern.sees],
        radius=1000 if pattern.radius is None else pattern.radius)
    with torch.no_grad():
        ours = own(context, known, SIZE, pattern)[0]
    expected = torch.asinh((theirs.quantile_preds - loc.unsqueeze(1)) / scale.unsqueeze(1))
    assert (ours - expected).abs().max() < 1e-4


def test_null_future_without_knowledge_is_dense(pair):
    own, _ = pair
    context, known = inputs()
    unknown = torch.full_like(known, torch.nan)
    with torch.no_grad():
        assert torch.equal(own(context, unknown, SIZE, Pattern(None, "null"))[0], own(context, unknown, SIZE)[0])
        assert not torch.equal(own(context, known, SIZE, Pattern(None, "null"))[0], own(context, known, SIZE)[0])


def test_batches():
    beyond = 0
    for step in range(60):
        data = generate.batch(5, step, 8192)
        rows, length = data["context"].shape
        assert rows % data["size"] == 0 and data["target"].shape == data["known"].shape
        assert not np.isinf(data["context"]).any() and not np.isinf(data["target"]).any()
        assert np.isfinite(data["pace"]).all() and (data["pace"] >= 0).all()
        assert not (np.isfinite(data["target"]) & np.isfinite(data["known"])).any()  # never asked for what is told
        assert np.isnan(data["known"][:: data["size"]]).all()  # the first row of a group is to be forecast
        beyond += length > 2048
    again = generate.batch(5, 59, 8192)
    assert all(np.array_equal(data[k], again[k], equal_nan=True) for k in ("context", "target", "known", "pace"))
    assert 8 <= beyond <= 30  # 30% of contexts are longer than 2,048 steps


def train(folder, *options):
    command = [sys.executable, ROOT / "tools" / "train" / "train.py", "--steps", "6", "--decay", "2", "--every", "3",
               "--d-model", "32", "--layers", "1", "--observations", "2048", "--out", folder, *options]
    subprocess.run(command, check=True, capture_output=True)


def test_goes_on_where_it_stopped(tmp_path):
    """Stopped after one step, then run to the end with batches made by another process: the same weights."""
    train(tmp_path / "whole")
    train(tmp_path / "parts", "--minutes", "0")
    train(tmp_path / "parts", "--workers", "1")
    whole, parts = ((tmp_path / name / "model" / "model.safetensors").read_bytes() for name in ("whole", "parts"))
    assert whole == parts
    table = (tmp_path / "whole" / "log.csv").read_text().splitlines()
    assert len(table) == 3 and table[1].startswith("3,") and table[2].startswith("6,")


def test_families_beside_each_other(tmp_path):
    """Two families in one process learn what each learns alone."""
    options = ["--seed", "2", "--layers", "2", "--family"]
    train(tmp_path, *options, "dense", "r8")
    for family in ("dense", "r8"):
        train(tmp_path / family, *options, family)
        together, alone = (tmp_path / name / "model" / "model.safetensors" for name in (f"{family}-2", family))
        assert together.read_bytes() == alone.read_bytes()
    assert (tmp_path / "dense" / "model" / "model.safetensors").read_bytes() != together.read_bytes()


def test_rate_falls_in_time(tmp_path):
    """--within: the decay begins at once where there is no time, so that the run ends after so many more steps."""
    train(tmp_path, "--steps", "100000", "--decay", "4", "--every", "100000", "--within", "0")
    table = (tmp_path / "log.csv").read_text().splitlines()
    assert len(table) == 2 and table[1].startswith("25,")  # so many to see how long a step takes, then four


def test_recipe_repeats_its_log(tmp_path):
    """The smoke test of the recipe: its first loss is that of the log, to the last digit or close to it."""
    command = [ROOT / "tools" / "train" / "recipe.sh", "--minutes", "0", "--out", tmp_path]
    done = subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True,
                          env={**os.environ, "PYTHON": sys.executable})
    first = (tmp_path / "main" / "first.csv").read_text().splitlines()
    logged = (ROOT / "tools" / "train" / "logs" / "main-first.csv").read_text().splitlines()
    assert "compare: the losses of the first 1 steps a" in done.stdout and len(first) == 2
    assert float(first[1].split(",")[1]) == pytest.approx(float(logged[1].split(",")[1]), rel=1e-3)
    assert len(logged) == 201


def test_first_losses_are_compared(tmp_path):
    for name, losses in (("a", "1,2.5\n2,2.0"), ("same", "1,2.5\n2,2.0"), ("near", "1,2.5\n2,2.0001"), ("other", "9,1.0")):
        (tmp_path / name).write_text(f"step,loss\n{losses}\n")
    run = lambda name: subprocess.run(  # noqa: E731
        [sys.executable, str(ROOT / "tools" / "train" / "compare.py"), str(tmp_path / "a"), str(tmp_path / name)],
        capture_output=True, text=True, check=False)
    assert "bit for bit" in run("same").stdout
    assert "to 4 digits; worst is step 2: 2.0 there, 2.0001 here" in run("near").stdout
    assert run("other").returncode == 1
