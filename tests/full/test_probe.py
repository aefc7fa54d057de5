"""The mass probe beside dense attention that is stored whole: PyTorch's, and the program's own."""

import csv
import importlib.util
import json
import math
import resource
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from chronos.chronos2 import Chronos2Model
from conftest import PROGRAM, ROOT
from safetensors.numpy import load_file
from safetensors.torch import save_file

sys.path.insert(0, str(ROOT / "tools" / "golden"))
import oracle  # noqa: E402

MICRO = ROOT / "models" / "chronos2-micro"
REFERENCE = ROOT.parent / "shared" / "reference" / "sparse_reference.py"
RADII = [0, 1, 4, 9, math.inf]
HORIZON = 40
TOLERANCE = 1e-5
FIXED = (1, 4, 16, 64)


def series(seed, lengths, targets):
    """Targets [n][length + HORIZON] of each item; one has a gap of whole patches, one single missing values."""
    rng = np.random.default_rng(seed)
    items = []
    for i, length in enumerate(lengths):
        t = np.arange(length + HORIZON)
        x = 10 * rng.normal() + 4 * np.sin(t * rng.uniform(0.1, 0.8)) + rng.normal(size=(targets, len(t)))
        if i == 0:
            x[:, 40:90] = np.nan
        if i == 1:
            x[rng.random(x.shape) < 0.2] = np.nan
        items.append(np.round(x, 4))
    return items


def write_task(folder, items):
    columns = [f"y{k}" for k in range(len(items[0]))]
    with open(folder / "data.csv", "w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["item_id", "timestamp", *columns])
        for i, x in enumerate(items):
            for t in range(x.shape[1]):
                stamp = np.datetime64("2020-01-01", "D") + t
                rows.writerow([f"s{i}", stamp, *["" if np.isnan(v) else repr(float(v)) for v in x[:, t]]])
    task = {"dataset_path": "data.csv", "dataset_config": "made", "horizon": HORIZON, "target": columns}
    (folder / "tasks.yaml").write_text(yaml.safe_dump({"tasks": [task]}))


def make_batch(items, limit):
    """Context [rows][L] in float32 and group ids, as the probe pads and groups them."""
    pasts = [row[: x.shape[1] - HORIZON] for x in items for row in x]
    length = min(limit, max(map(len, pasts)))
    context = np.full((len(pasts), length), np.nan, np.float32)
    for to, past in zip(context, pasts):
        past = past[-length:]
        to[length - len(past):] = past
    groups = np.repeat(np.arange(len(items)), len(items[0]))
    return torch.from_numpy(context), torch.from_numpy(groups)


def theirs(folder, context, groups):
    """PyTorch's weights [layers][rows][heads][S][S] and token mask."""
    model = Chronos2Model.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    future = -(-HORIZON // 16)
    with torch.no_grad():
        out = model(context=context, group_ids=groups, num_output_patches=future, output_attentions=True)
    return [w.double() for w in out.enc_time_self_attn_weights], oracle.token_mask(model, context, future)


def ours(program, folder, tmp_path, context, groups):
    """The program's, by `forward --attention-weights`."""
    case = {"in.context": context.contiguous(), "in.group_ids": groups.contiguous()}
    meta = {"case": json.dumps({"num_output_patches": -(-HORIZON // 16)})}
    save_file(case, tmp_path / "case.safetensors", metadata=meta)
    program("forward", tmp_path / "case.safetensors", "-o", tmp_path / "out.safetensors", "-m", folder,
            "--attention-weights")
    out = load_file(tmp_path / "out.safetensors")
    layers = sum(name.startswith("out.time_attention.") for name in out)
    return [torch.from_numpy(out[f"out.time_attention.{i}"]).double() for i in range(layers)]


def heads_of(weights, mask, radius, reg_global, exclude_reg, include_padded):
    """What mass_by_head.csv says of each (layer, head), from stored weights."""
    future = -(-HORIZON // 16)
    tokens = mask.shape[1]
    context = tokens - future
    pairs = oracle.visible_pairs(tokens, future, "windowed_future_global", radius, reg_global).numpy()
    live = mask.numpy() > 0
    chosen = live | include_padded
    chosen[:, context:] = False
    if exclude_reg:
        chosen[:, context - 1] = False
    distance = np.abs(np.arange(tokens)[:, None] - np.arange(tokens)[None, :])
    result = {}
    for layer, layer_weights in enumerate(weights):
        for head in range(layer_weights.shape[1]):
            sums = dict.fromkeys(["all", "kept", "best", "future", "distance", "entropy", "90", "99", *FIXED], 0.0)
            for b, q in np.argwhere(chosen):
                w = layer_weights[b, head, q].numpy()
                ordered = np.concatenate([[0], np.cumsum(np.sort(w)[::-1])])
                sums["all"] += w.sum()
                sums["kept"] += w[pairs[q]].sum()
                sums["best"] += ordered[(pairs[q] & live[b]).sum()]
                sums["future"] += w[context:].sum()
                sums["distance"] += (w * distance[q])[:context].sum()
                sums["entropy"] -= (w[w > 0] * np.log(w[w > 0])).sum() / np.log(live[b].sum())
                sums["90"] += (ordered < 0.90 * ordered[-1]).sum()
                sums["99"] += (ordered < 0.99 * ordered[-1]).sum()
                for k in FIXED:
                    sums[k] += ordered[min(k, tokens)]
            n = chosen.sum()
            result[layer, head] = {
                "kept_mass": sums["kept"] / sums["all"], "best_k_mass": sums["best"] / sums["all"],
                "future_mass": sums["future"] / sums["all"],
                "mean_distance": sums["distance"] / (sums["all"] - sums["future"]),
                "relative_entropy": sums["entropy"] / n, "keys_for_90": sums["90"] / n, "keys_for_99": sums["99"] / n,
                **{f"best_{k}_mass_frac": sums[k] / sums["all"] for k in FIXED},
            }
    return result


def read(prefix, table):
    with open(f"{prefix}__{table}.csv", newline="") as stream:
        return list(csv.DictReader(stream))


def probe(program, tmp_path, folder, options):
    prefix = tmp_path / "p"
    radii = ",".join("inf" if math.isinf(r) else str(r) for r in RADII)
    program("probe", "-m", folder, "--tasks", tmp_path, "--radii", radii, "--probe-batch-size", 16, "--out-prefix",
            prefix, *options)
    return read(prefix, "mass_per_window"), read(prefix, "mass_by_head")


def check_head(row, expected, name):
    """Largest difference of the shares. Counts of keys move by one where a sum lies on the limit to the last bit."""
    for column, value in expected.items():
        tolerance = 0.02 if column.startswith("keys") else 2e-4 if column == "mean_distance" else TOLERANCE
        assert float(row[column]) == pytest.approx(value, abs=tolerance), (name, column)
    return max(abs(float(row[c]) - v) for c, v in expected.items() if "mass" in c)


@pytest.fixture(scope="module")
def reference():
    if not REFERENCE.is_file():
        pytest.skip("../shared/reference is not here")
    spec = importlib.util.spec_from_file_location("sparse_reference", REFERENCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHOICES = {"plain": [], "without REG": ["--exclude-reg-query"], "global REG": ["--time-reg-is-global"],
           "global REG, not asked": ["--time-reg-is-global", "--exclude-reg-query"],
           "padded": ["--include-padded-queries", "--backend", "reference"]}


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("weights", ["random", "trained"])
def test_against_stored_attention(program, reference, tmp_path, weights, choice):
    folder, limit = MICRO, 2048
    if weights == "random":
        folder, limit = tmp_path / "model", 256
        oracle.random_model(2, d_model=40, d_kv=8, heads=3, d_ff=64, layers=2, context_length=limit,
                            max_output_patches=8, sharpness=1.0, spread=0.5).save_pretrained(folder)
    targets = 2 if choice == "plain" else 1
    items = series(len(choice), [300, 170, 65], targets)
    write_task(tmp_path, items)
    options = CHOICES[choice]
    windows, heads = probe(program, tmp_path, folder, options)
    context, groups = make_batch(items, limit)
    attention, mask = theirs(folder, context, groups)
    flags = dict(reg_global="--time-reg-is-global" in options, exclude_reg="--exclude-reg-query" in options,
                 include_padded="--include-padded-queries" in options)
    assert len(windows) == len(RADII)
    worst = 0.0
    for row, radius in zip(windows, RADII):
        expected = reference.kept_mass(attention, mask, -(-HORIZON // 16), radius, flags["reg_global"],
                                       flags["exclude_reg"], flags["include_padded"])
        worst = max(worst, abs(float(row["kept_mass_frac_ctxQ"]) - expected["kept_mass"]))
        assert float(row["kept_edges_frac_ctxQ"]) == pytest.approx(expected["kept_edges"], abs=1e-12)
        assert float(row["probe_weight_sum"]) == expected["queries"]
    stored = {"PyTorch": attention}
    if not flags["include_padded"]:  # the program stores no rows of padding either
        stored["the program"] = ours(program, folder, tmp_path, context, groups)
    worst_head = dict.fromkeys(stored, 0.0)
    for name, weights_of in stored.items():
        for index, radius in enumerate(RADII):
            expected = heads_of(weights_of, mask, radius, **flags)
            rows = {(int(r["layer"]), int(r["head"])): r for r in heads[index:: len(RADII)]}
            assert rows.keys() == expected.keys()
            for key, values in expected.items():
                worst_head[name] = max(worst_head[name], check_head(rows[key], values, (name, radius, key)))
    print(f"{weights}, {choice}: kept mass off by {worst:.2g}; shares by head off by "
          + ", ".join(f"{value:.2g} ({name})" for name, value in worst_head.items()))
    assert worst < TOLERANCE


def test_memory(program, tmp_path):
    """4,100 tokens: one head's weights would be 67 MB, a layer's 336 MB; a row at a time needs neither."""
    steps = 65536
    t = np.arange(steps + HORIZON)
    x = np.round(10 + 3 * np.sin(t / 4) + np.random.default_rng(0).normal(size=len(t)), 4)
    write_task(tmp_path, [x[None]])
    command = [PROGRAM, "probe", "--tasks", tmp_path, "--context-length", steps, "--radii", "8", "--threads", 1,
               "--out-prefix", tmp_path / "p"]

    def run(megabytes):
        limit = megabytes << 20
        return subprocess.run([str(word) for word in command], capture_output=True, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))).returncode

    assert run(64) == 0
    row, = read(tmp_path / "p", "mass_per_window")
    assert int(row["S_tokens"]) == 4096 + 1 + 3 and 0 < float(row["kept_mass_frac_ctxQ"]) < 1
    assert run(16) != 0  # the limit is one
