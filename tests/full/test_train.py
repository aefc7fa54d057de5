"""The trainer's own model beside upstream's class, its batches, and a run that is stopped and goes on."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from chronos.chronos2 import Chronos2Model

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools" / "train"), str(ROOT / "tools" / "golden")]

import generate  # noqa: E402
import oracle  # noqa: E402
import train as trainer  # noqa: E402
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


def started(folder, *options):
    command = [sys.executable, ROOT / "tools" / "train" / "train.py", "--steps", "6", "--decay", "2", "--every", "3",
               "--d-model", "32", "--layers", "1", "--observations", "2048", "--out", folder, *options]
    return subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            start_new_session=True)


def ended(process):
    """Status, stdout and stderr of a process that has to end; one that hangs is killed with its workers."""
    try:
        out, err = process.communicate(timeout=900)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, out, err


def train(folder, *options):
    status, out, err = ended(started(folder, *options))
    assert status == 0, err
    return out, err


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


def test_decided_end_is_kept(tmp_path):
    """A run that --within cut short goes on to the step that was decided, and not beyond it."""
    options = ["--steps", "100000", "--decay", "4", "--every", "100000"]
    train(tmp_path, *options, "--within", "0")
    weights = (tmp_path / "model" / "model.safetensors").read_bytes()
    out, err = train(tmp_path, *options, "--within", "0")
    assert "25 of 25 steps" in out and "--within decided that step 25 is the last" in err
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == weights
    state = torch.load(tmp_path / "state.pt", weights_only=False)
    state["counts"] = (23, *state["counts"][1:])  # as if it had been stopped two steps before
    torch.save(state, tmp_path / "state.pt")
    assert "25 of 25 steps" in train(tmp_path, *options)[0]


def test_minutes_of_a_run_add_up(tmp_path):
    """--within counts the minutes of earlier processes."""
    options = ["--steps", "100", "--decay", "4", "--every", "1000"]
    train(tmp_path, *options, "--minutes", "0")
    state = torch.load(tmp_path / "state.pt", weights_only=False)
    assert state["counts"][4] > 0 and state["counts"][5] is None
    state["counts"] = (*state["counts"][:4], 1000.0, None)
    torch.save(state, tmp_path / "state.pt")
    assert "26 of 26 steps" in train(tmp_path, *options, "--within", "1000")[0]


def test_other_options_are_refused(tmp_path):
    train(tmp_path, "--minutes", "0")
    status, _, err = ended(started(tmp_path, "--seed", "2", "--lr", "0.001", "--d-model", "64", "--bf16", "--family", "dense",
                                   "--pairs"))
    assert status == 1 and len(err.splitlines()) == 1
    assert err.endswith("of a run with other options: --seed was 1, not 2; --pairs was False, not True; --d-model was 32, not 64; "
                        "--lr was 0.002, not 0.001; --bf16 was False, not True; --family was mixed, not dense\n")
    train(tmp_path, "--steps", "2", "--minutes", "9", "--threads", "2", "--every", "1")
    state = torch.load(tmp_path / "state.pt", weights_only=False)
    del state["options"]
    torch.save(state, tmp_path / "state.pt")
    assert "doesn't say its run's options" in ended(started(tmp_path))[2]


def test_other_steps_once_the_rate_falls(tmp_path):
    """Until the last --decay steps a run can become longer or shorter: its weights are those of such a run. Later it can't."""
    options = ["--warmup", "0", "--decay", "2", "--every", "1"]
    train(tmp_path / "whole", *options, "--steps", "5")
    train(tmp_path / "parts", *options, "--steps", "9", "--minutes", "0")
    train(tmp_path / "parts", *options, "--steps", "5")
    whole, parts = ((tmp_path / name / "model" / "model.safetensors").read_bytes() for name in ("whole", "parts"))
    assert whole == parts
    for steps in ("3", "4", "6"):
        status, _, err = ended(started(tmp_path / "parts", *options, "--steps", steps))
        assert status == 1 and len(err.splitlines()) == 1
        assert err.endswith(f"parts/state.pt is at step 5 of 5, where the rate is no longer that of a run of {steps}: "
                            "expected --steps 5\n")
    assert "5 of 5 steps" in train(tmp_path / "parts", *options, "--steps", "5")[0]
    state = torch.load(tmp_path / "parts" / "state.pt", weights_only=False)
    del state["steps"]
    torch.save(state, tmp_path / "parts" / "state.pt")
    assert train(tmp_path / "parts", *options, "--steps", "5")[1].endswith(
        "doesn't say its run's --steps, as an older trainer's: taken for 5\n")


def test_shape_beside_start(monkeypatch, capsys):
    for option in ("--d-model", "--layers"):
        monkeypatch.setattr(sys, "argv", ["train.py", "--out", "unused", "--start", "unused", option, "4"])
        with pytest.raises(SystemExit, match="2"):
            trainer.arguments()
        assert "argument --start: the shape is that of its weights" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["train.py", "--out", "unused", "--layers", "2"])
    args = trainer.arguments()
    assert (args.d_model, args.layers) == (160, 2)


def test_steps_made_again_have_one_line(tmp_path):
    """A log that is ahead of the state, as after a kill between the two."""
    train(tmp_path, "--steps", "2", "--every", "1")
    (tmp_path / "log.csv").write_text((tmp_path / "log.csv").read_text() + "3,0,0.0,0,0,0,0,0,0\n4,0,0.0,0,0,0,0,0,0\n")
    train(tmp_path, "--steps", "3", "--every", "1")
    assert [line.split(",")[0] for line in (tmp_path / "log.csv").read_text().splitlines()] == ["step", "1", "2", "3"]


def test_stopped_with_workers(tmp_path):
    """A run ends though its workers have batches ahead: after its minutes, and when its whole process group is told."""
    train(tmp_path / "minutes", "--steps", "1000", "--minutes", "0", "--workers", "3")
    process = started(tmp_path / "signal", "--steps", "1000000", "--every", "1000000", "--workers", "3")
    while process.poll() is None and not (tmp_path / "signal" / "first.csv").exists():
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGTERM)
    status, _, err = ended(process)
    assert status == 0 and err == "" and (tmp_path / "signal" / "state.pt").exists()


def living(group):
    """Processes of a group that have not ended."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, _, number = (process / "stat").read_text().rsplit(")", 1)[1].split()[:3]  # what is before may hold anything
        except OSError:
            continue
        if int(number) == group and state != "Z":
            found.append(process.name)
    return found


def test_killed_alone(tmp_path):
    """The workers of a run that can't end them, as where memory ran out, end by themselves."""
    process = started(tmp_path, "--steps", "1000000", "--every", "1000000", "--workers", "3")
    try:
        while process.poll() is None and not (tmp_path / "first.csv").exists():
            time.sleep(0.1)
        assert len(living(process.pid)) == 4
        process.kill()
        process.wait()
        deadline = time.monotonic() + 60
        while living(process.pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert living(process.pid) == []
    finally:
        if living(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_two_runs_of_one_folder(tmp_path):
    """The second is refused while the first one runs, and goes on once that has ended, however it did."""
    process = started(tmp_path, "--steps", "1000000", "--every", "1000000", "--workers", "1")
    try:
        while process.poll() is None and not (tmp_path / "first.csv").exists():
            time.sleep(0.1)
        status, _, err = ended(started(tmp_path))
        assert status == 1 and err == f"train: error: {tmp_path}: another run is writing there: expected it to end, or another --out\n"
    finally:
        process.kill()
        process.communicate()
    train(tmp_path, "--minutes", "0")


def test_counts(monkeypatch, capsys):
    """No warm-up is the full rate at once; what can't be nothing is refused."""
    args = argparse.Namespace(steps=4, decay=1, lr=1.0, warmup=0)
    assert [trainer.learning_rate(args, step) for step in range(4)] == [1.0, 1.0, 1.0, 1.0]
    for name in ("--every", "--steps", "--parts"):
        monkeypatch.setattr(sys, "argv", ["train.py", "--out", "unused", name, "0"])
        with pytest.raises(SystemExit, match="2"):
            trainer.arguments()
        assert capsys.readouterr().err.endswith(f"argument {name}: expected at least 1, found 0\n")


@pytest.mark.parametrize("options", [["--gpu", "--pairs"], ["--pairs", "--arms"], ["--minutes"], ["--out"], ["--minutes", "--gpu"]],
                         ids=" ".join)
def test_recipe_refuses(tmp_path, options):
    """It starts nothing where it would have to leave an option out."""
    trace = tmp_path / "python"
    trace.write_text(f"#!/bin/sh\ntouch '{tmp_path}/started'\n")
    trace.chmod(0o755)
    done = subprocess.run([str(ROOT / "tools" / "train" / "recipe.sh"), *options], capture_output=True, text=True,
                          check=False, env={**os.environ, "PYTHON": str(trace)})
    assert done.returncode == 2 and not (tmp_path / "started").exists()
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("recipe: error: ")


@pytest.mark.parametrize("options", [["--arms"], ["--pairs"], ["--gpu"]], ids=" ".join)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "kill"])
def test_recipe_ends_as_a_whole(tmp_path, options, number):
    """Ctrl-C tells all of its processes, `kill` the recipe alone: the training under way ends well, and none follows."""
    trainer_that_waits = tmp_path / "python"
    trainer_that_waits.write_text(f"#!/bin/sh\ntrap 'echo ended >> {tmp_path}/told; exit 0' INT TERM\n"
                                  f"echo started >> {tmp_path}/told\nwhile :; do sleep 0.1; done\n")
    trainer_that_waits.chmod(0o755)
    process = subprocess.Popen([str(ROOT / "tools" / "train" / "recipe.sh"), *options, "--out", str(tmp_path / "out")],
                               stdout=subprocess.DEVNULL, env={**os.environ, "PYTHON": str(trainer_that_waits)},
                               start_new_session=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # also in a script's background
    try:
        while process.poll() is None and not (tmp_path / "told").exists():
            time.sleep(0.1)
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        assert process.wait(timeout=60) == 128 + number
        assert living(process.pid) == []
        assert (tmp_path / "told").read_text().split() == ["started", "ended"]
    finally:
        if living(process.pid):
            os.killpg(process.pid, signal.SIGKILL)


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


def test_parts_are_shared_by_cost(monkeypatch):
    """Every part has one process, and none has more to do than it must."""
    costs = [5, 1, 1, 4, 2]
    monkeypatch.setattr(trainer, "WORLD", 2)
    taken = []
    for rank in range(2):
        monkeypatch.setattr(trainer, "RANK", rank)
        taken.append(trainer.mine(costs))
    assert sorted(sum(taken, [])) == [0, 1, 2, 3, 4] and [sum(costs[i] for i in own) for own in taken] == [7, 6]
    data = {"context": np.zeros((3, 40)), "known": np.full((3, 32), np.nan)}
    assert trainer.tokens(data, Pattern(8, "null")) == 3 * (3 + 1 + 2)
    data["known"][0] = 1
    assert trainer.tokens(data, Pattern(8, "null")) == 3 * (3 + 1 + 4) and trainer.tokens(data, FULL) == 3 * (3 + 1 + 2)


def test_average(tmp_path):
    shape = Shape(d_model=32, layers=1, context_length=64, output_patches=1, time_scale=64)
    models = [Chronos2(shape), Chronos2(shape)]
    for i, own in enumerate(models):
        own.initialise(torch.Generator().manual_seed(i))
        save(own, own.state_dict(), tmp_path / f"{i}", [{"pattern": "full"}])
    average = [sys.executable, str(ROOT / "tools" / "train" / "average.py"), str(tmp_path / "out")]
    first, second = tmp_path / "0", tmp_path / "1"
    subprocess.run([*average, f"{first}=0.25", f"{second}=0.75"], check=True)
    found, config = load(tmp_path / "out")
    parts = [load(folder)[0].state_dict() for folder in (first, second)]
    for name, tensor in found.state_dict().items():
        torch.testing.assert_close(tensor, (0.25 * parts[0][name] + 0.75 * parts[1][name]).bfloat16().float())
    assert config["time_attention"] == [{"pattern": "full"}]
    for odd in ([f"{first}=0.5"], [f"{first}=0.5", f"{tmp_path / 'none'}=0.5"]):
        done = subprocess.run([*average, *odd], capture_output=True, text=True)
        assert done.returncode == 2 and "expected" in done.stderr.splitlines()[-1]
