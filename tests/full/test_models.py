"""The bundled folders load upstream, by their own pipeline class, and what they say of their training survives."""

import json

import pytest
import torch
from chronos import BaseChronosPipeline, Chronos2Pipeline
from chronos.chronos2 import Chronos2Model
from conftest import ROOT

TRAINED = {"chronos2-micro": {"pattern": "full"},
           "chronos2-micro-r8": {"pattern": "windowed_future_global", "radius": 8},
           "chronos2-micro-mixed": [
               {"pattern": "full"},
               *({"pattern": f"windowed_future_{seen}", "radius": radius} for seen in ("global", "null", "visible")
                 for radius in (4, 8, 16, 64, "inf") if (seen, radius) != ("visible", "inf"))]}
TRAINED["chronos2-mini-mixed"] = TRAINED["chronos2-micro-mixed"]


@pytest.mark.parametrize("name", TRAINED)
def test_bundled_model(name, tmp_path):
    folder = ROOT / "models" / name
    pipeline = BaseChronosPipeline.from_pretrained(folder, dtype=torch.float32)
    assert type(pipeline) is Chronos2Pipeline
    forecast = pipeline.predict([torch.arange(64.0)], prediction_length=4)
    assert forecast[0].shape == (1, 21, 4)
    model = Chronos2Model.from_pretrained(folder, dtype=torch.float32)
    for key, value in model.state_dict().items():
        assert torch.equal(value, pipeline.model.state_dict()[key])
    model.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["time_attention"] == TRAINED[name]
