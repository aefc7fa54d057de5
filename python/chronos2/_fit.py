"""Fine-tuning: chronos-forecasting trains, its result is opened here."""

from __future__ import annotations

import json
import os
import reprlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator

import numpy as np

from . import _hub, _inputs, _native
from ._hub import read_json
from ._told import warn

if TYPE_CHECKING:
    from .pipeline import Chronos2Pipeline


@contextmanager
def _source(pipeline: Chronos2Pipeline) -> Iterator[Path]:
    """The model's folder, which an adapter of it will name. A copy of an adapter's, which names the folder of the base
    that it was opened with: upstream can't be told of a base's revision or cache."""
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
            {**config, "base_model_name_or_path": str(base), "revision": None}), encoding="utf-8")
        yield Path(folder)


def _plain(inputs: Any, horizon: int, name: str) -> Any:
    """What upstream trains on without reading it: the values that a forecast takes, in float32, and labels."""
    lazy = isinstance(inputs, Sequence) and not isinstance(inputs, (list, tuple)) and len(inputs) > 0
    if lazy and _is_prepared(inputs[0]):
        return inputs  # lazy: upstream reads them one by one
    inputs = _inputs.listed(inputs)
    series = _inputs.to_series(inputs, horizon)  # its errors
    if _is_prepared(inputs[0]):
        return [_prepared(item, f"{name}[{index}]") for index, item in enumerate(inputs)]
    if isinstance(inputs[0], Mapping):
        numbers = _numbers(inputs)
        return [_dict(item, f"{name}[{index}]", numbers) for index, item in enumerate(inputs)]
    return [_floats(item.target, f"{name}[{index}]") for index, item in enumerate(series)]


def _is_prepared(item: Any) -> bool:
    return isinstance(item, Mapping) and "context" in item


def _floats(values: Any, where: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        found = _inputs.to_numbers(values, f" in {where}").astype(np.float32)
    if np.isinf(found).any():
        raise ValueError(f"{where}: expected numbers within float32, found infinity or one beyond")
    return found


def _numbers(inputs: Sequence[Mapping[str, Any]]) -> set[str]:
    """Names of the covariates that are numbers in all items: where one has texts, numbers of others are spelled."""
    pasts: dict[str, dict[int, np.ndarray]] = {}
    for index, item in enumerate(inputs):
        for name, values in item.get("past_covariates", {}).items():
            pasts.setdefault(name, {})[index] = _inputs.to_array(values)
    return {name for name, arrays in pasts.items() if np.issubdtype(_native.common_type(arrays), np.number)}


def _dict(item: Mapping[str, Any], where: str, numbers: set[str]) -> dict[str, Any]:
    plain: dict[str, Any] = {"target": _floats(item["target"], where)}
    for group in ("past_covariates", "future_covariates"):
        if group in item:
            plain[group] = {
                name: None if _inputs.is_unknown(values) else _column(values, f"{where}: '{name}'", name in numbers)
                for name, values in item[group].items()}
    return plain


def _column(values: Any, where: str, is_number: bool) -> np.ndarray:
    """Numbers, or labels as they are. Texts in the future of numbers are upstream's to read."""
    array = _inputs.to_array(values)
    return _floats(array, where) if is_number and array.dtype.kind not in "USO" else array


def _prepared(item: Mapping[str, Any], where: str) -> dict[str, Any]:
    import torch

    return {**item, **{name: torch.from_numpy(_floats(item[name], where)) for name in ("context", "future_covariates")}}


def _check_lora(pipeline: Chronos2Pipeline, model: Any, config: Any) -> None:
    """Opens an adapter that is not trained yet, since what can't be opened need not be trained. Its first values are
    drawn, so that random numbers are put back: a seed gives what it gives upstream."""
    from copy import deepcopy

    import torch
    from peft import LoraConfig, get_peft_model

    if not isinstance(config, (dict, LoraConfig)):
        raise TypeError(f"lora_config: expected a dict or a LoraConfig, found {reprlib.repr(config)}")
    with tempfile.TemporaryDirectory() as folder:
        config = LoraConfig(**config) if isinstance(config, dict) else deepcopy(config)
        kind = model.device.type
        with torch.random.fork_rng([] if kind == "cpu" else [model.device],
                                   device_type="cuda" if kind == "cpu" else kind):
            get_peft_model(deepcopy(model), config).save_pretrained(folder)
        try:
            pipeline.opened_like(folder, packed_cache=None)
        except Exception as error:
            said = str(error).replace(f"{folder}{os.sep}", "")
            raise NotImplementedError(f"lora_config: its adapters can't be opened here: {said}") from error


def _check_attention(pipeline: Chronos2Pipeline, lora: bool) -> None:
    """Upstream knows full attention alone. An adapter can't say so, as its base tells the pattern."""
    model, said = pipeline.model.native, "chronos-forecasting trains with full attention"
    asked = pipeline.model.attention.name
    kept = None if asked in ("auto", "full") else f"is opened with attention={asked!r}, as this pipeline was"
    if model.runs_full():
        if lora and model.patterns() > 1:
            warn(f"{said}: the adapter is trained for that alone, though its base was trained for {model.trained_for()}"
                 + (f"; it {kept}" if kept else ""))
        return
    said += f", and these weights were trained for {model.trained_for()}"
    if lora:
        raise NotImplementedError(f"finetune_mode='lora': {said}, under which an adapter of them runs by default; "
                                  "'full' gives weights that run with full attention")
    warn(f"{said}: the result " + (f"{kept}, and runs with full attention by default" if kept else
                                   "runs with full attention"))


def _device(pipeline: Chronos2Pipeline) -> str:
    """Where PyTorch trains: its Trainer takes the first GPU, without the library that a pipeline needs for one."""
    import torch

    device = str(pipeline.model.device)
    if torch.cuda.is_available():
        if device == "cpu":
            warn("device='cpu': PyTorch has a GPU here, and trains on it; CUDA_VISIBLE_DEVICES= in the environment "
                 "keeps it on the processor")
        elif device not in ("cuda", "cuda:0"):
            warn(f"device={device!r}: PyTorch's Trainer trains on the first GPU that it sees, cuda:0; "
                 "CUDA_VISIBLE_DEVICES in the environment tells which that is")
        return "cuda"
    if device != "cpu":
        warn(f"device={device!r}: PyTorch has no GPU here, and trains on the processor")
    return "cpu"


_OWN_KEYS = ("time_attention", "time_attention_measured")  # of config.json, which are of the weights before


def fit(pipeline: Chronos2Pipeline, inputs: Any, prediction_length: int, options: dict[str, Any]) -> Chronos2Pipeline:
    try:
        import torch
        from chronos import Chronos2Pipeline as Trainer
    except ImportError:
        raise ImportError("fit trains with PyTorch: pip install chronos-forecasting. The result opens here, with "
                          "Chronos2Pipeline.from_pretrained.") from None
    if issubclass(Trainer, type(pipeline)):
        raise ImportError("fit: `chronos` is this package (install_as_chronos); fine-tune in a process of its own")
    if pipeline.model.adapter is not None and options["finetune_mode"] == "lora":
        raise NotImplementedError("finetune_mode='lora': the result would be an adapter of the base model, which would "
                                  f"lack the adapter {pipeline.model.adapter}; 'full' keeps both")
    folder = options.pop("output_dir")
    folder = (Path("chronos-2-finetuned") / time.strftime("%Y-%m-%d_%H-%M-%S") if folder is None else
              _hub.output_folder("output_dir", folder))
    tuned = folder / options["finetuned_ckpt_name"]
    lora = options["finetune_mode"] == "lora"
    _check_attention(pipeline, lora)
    _hub.refuse_others(tuned, {"adapter_config.json", "adapter_model.safetensors"} if lora else {"model.safetensors"})
    inputs = _plain(inputs, prediction_length, "inputs")
    if options["validation_inputs"] is not None:
        options["validation_inputs"] = _plain(options["validation_inputs"], prediction_length, "validation_inputs")
    with _source(pipeline) as source:
        trainer = Trainer.from_pretrained(source, device_map=_device(pipeline), dtype=torch.float32)
        for key in _OWN_KEYS:
            vars(trainer.model.config).pop(key, None)
        if lora and options["lora_config"] is not None:
            _check_lora(pipeline, trainer.model, options["lora_config"])
    trainer.fit(inputs, prediction_length, output_dir=folder, **options)
    try:
        return pipeline.opened_like(tuned)
    except Exception as error:
        raise RuntimeError(f"fit: the result, which is saved in {tuned}, can't be opened here: {error}") from error
