"""Fine-tuning: chronos-forecasting trains, its result is opened here."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .pipeline import Chronos2Pipeline


def fit(pipeline: Chronos2Pipeline, inputs: Any, prediction_length: int, options: dict[str, Any]) -> Chronos2Pipeline:
    try:
        import torch
        from chronos import Chronos2Pipeline as Trainer
    except ImportError:
        raise ImportError("fit trains with PyTorch: pip install chronos-forecasting. The result opens here, with "
                          "Chronos2Pipeline.from_pretrained.") from None
    if issubclass(Trainer, type(pipeline)):
        raise ImportError("fit: `chronos` is this package (install_as_chronos); fine-tune in a process of its own")
    name = options.setdefault("finetuned_ckpt_name", "finetuned-ckpt")
    folder = Path(options.pop("output_dir", None) or Path("chronos-2-finetuned") / time.strftime("%Y-%m-%d_%H-%M-%S"))
    source = pipeline.model.adapter or pipeline.model.folder
    trainer = Trainer.from_pretrained(source, device_map="cuda" if torch.cuda.is_available() else "cpu",
                                      dtype=torch.float32)
    trainer.fit(inputs, prediction_length, output_dir=folder, **options)
    return pipeline.opened_like(folder / name)
