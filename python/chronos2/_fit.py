"""Fine-tuning: chronos-forecasting trains, its result is opened here."""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator

from ._hub import read_json

if TYPE_CHECKING:
    from .pipeline import Chronos2Pipeline


@contextmanager
def _source(pipeline: Chronos2Pipeline) -> Iterator[Path]:
    """The model's folder. A copy of an adapter's, which names the folder of the base that it was opened with: upstream
    can't be told of a base's revision or cache."""
    adapter, base = pipeline.model.adapter, pipeline.model.folder
    if adapter is None:
        yield base
        return
    with tempfile.TemporaryDirectory() as folder:
        config = read_json(adapter / "adapter_config.json")
        for file in adapter.iterdir():
            if file.is_file() and file.name != "adapter_config.json":
                (Path(folder) / file.name).symlink_to(file.resolve())
        (Path(folder) / "adapter_config.json").write_text(json.dumps(
            {**config, "base_model_name_or_path": str(base.resolve()), "revision": None}), encoding="utf-8")
        yield Path(folder)


def fit(pipeline: Chronos2Pipeline, inputs: Any, prediction_length: int, options: dict[str, Any]) -> Chronos2Pipeline:
    try:
        import torch
        from chronos import Chronos2Pipeline as Trainer
    except ImportError:
        raise ImportError("fit trains with PyTorch: pip install chronos-forecasting. The result opens here, with "
                          "Chronos2Pipeline.from_pretrained.") from None
    if issubclass(Trainer, type(pipeline)):
        raise ImportError("fit: `chronos` is this package (install_as_chronos); fine-tune in a process of its own")
    if pipeline.model.adapter is not None and options.get("finetune_mode") == "lora":
        raise NotImplementedError("finetune_mode='lora': the result would be an adapter of the base model, which would "
                                  f"lack the adapter {pipeline.model.adapter}; 'full' keeps both")
    name = options.setdefault("finetuned_ckpt_name", "finetuned-ckpt")
    folder = Path(options.pop("output_dir", None) or Path("chronos-2-finetuned") / time.strftime("%Y-%m-%d_%H-%M-%S"))
    with _source(pipeline) as source:
        trainer = Trainer.from_pretrained(source, device_map="cuda" if torch.cuda.is_available() else "cpu",
                                          dtype=torch.float32)
    trainer.fit(inputs, prediction_length, output_dir=folder, **options)
    return pipeline.opened_like(folder / name)
