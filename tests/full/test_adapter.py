"""`--adapter` beside PEFT's own merge: every projection and the head adapted."""

import json

import numpy as np
import pytest
import torch
from chronos import Chronos2Pipeline
from conftest import ROOT, normalised
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.numpy import load_file
from test_forecast import LEVELS, MODEL, run_forecast, series

TARGETS = ["self_attention.q", "self_attention.k", "self_attention.v", "self_attention.o",
           "output_patch_embedding.output_layer"]


def make_adapter(folder, **options):
    torch.manual_seed(5)
    base = Chronos2Pipeline.from_pretrained(MODEL, dtype=torch.float32).model
    adapted = get_peft_model(base, LoraConfig(r=4, lora_alpha=10, target_modules=TARGETS, **options))
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.02)
    adapted.save_pretrained(folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["r"] == 4


def check(program, tmp_path, **options):
    make_adapter(tmp_path / "adapter", **options)
    pipeline = Chronos2Pipeline.from_pretrained(MODEL, dtype=torch.float32)
    frame = series(np.random.default_rng(1), "x", "2024-01-01", "h", 300)
    plain = pipeline.predict_df(frame, prediction_length=24, quantile_levels=LEVELS)
    pipeline.model = PeftModel.from_pretrained(pipeline.model, tmp_path / "adapter").merge_and_unload()
    theirs = pipeline.predict_df(frame, prediction_length=24, quantile_levels=LEVELS)
    ours = run_forecast(program, tmp_path, frame, "--horizon", 24, "--adapter", tmp_path / "adapter")
    loc, scale = frame["target"].mean(), frame["target"].std(ddof=0)
    columns = ["predictions", *map(str, LEVELS)]
    values = [normalised(f[columns], loc, scale) for f in (ours, theirs, plain)]
    assert np.abs(values[0] - values[1]).max() < 2e-4
    assert np.abs(values[1] - values[2]).max() > 1e-2


def test_plain(program, tmp_path):
    check(program, tmp_path)


def test_rank_stabilised(program, tmp_path):
    check(program, tmp_path, use_rslora=True)


def test_a_stored_adapter(program, tmp_path):
    """Upstream's own dummy model and adapter, where they are at hand."""
    reference = ROOT.parent / "shared" / "reference"
    base, adapter = reference / "dummy-chronos2-model", reference / "dummy-chronos2-lora"
    if not adapter.is_dir():
        pytest.skip("../shared/reference is not here")
    pipeline = Chronos2Pipeline.from_pretrained(base, dtype=torch.float32)
    pipeline.model = PeftModel.from_pretrained(pipeline.model, adapter).merge_and_unload()
    values = np.random.default_rng(2).normal(size=200).astype(np.float32)
    theirs = pipeline.predict([values], prediction_length=10)[0].numpy()
    case = {"inputs": [{"target": [float(v) for v in values]}], "predict": {"prediction_length": 10}}
    (tmp_path / "case.json").write_text(json.dumps(case))
    program("predict", tmp_path / "case.json", "-m", base, "--adapter", adapter, "-o", tmp_path / "out.safetensors")
    program("predict", tmp_path / "case.json", "-m", base, "-o", tmp_path / "plain.safetensors")
    ours, plain = (load_file(tmp_path / name)["out.0"] for name in ("out.safetensors", "plain.safetensors"))
    assert np.abs(ours - theirs).max() < 2e-5
    assert np.abs(ours - plain).max() > 1e-5
