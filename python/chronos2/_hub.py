"""Where a model's folder is: a path, the bundled checkpoint, or the Hugging Face cache."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ._native import BUNDLED_MODEL
from ._told import warn

BUNDLED_NAMES = ("chronos2-micro",)


def find_model(name: str | os.PathLike[str] | None, *, revision: str | None = None, cache_dir: Any = None,
               local_files_only: bool = False, token: Any = None) -> Path:
    """The folder of a model: `name` is a folder, None or "chronos2-micro" for the bundled one, or OWNER/NAME.

    A name is looked up in the Hugging Face cache, and downloaded by huggingface_hub where that is installed.
    """
    if name is None or (str(name) in BUNDLED_NAMES and not Path(name).exists()):
        _warn_of_revision(revision, "the bundled checkpoint has one")
        return BUNDLED_MODEL
    if str(name).startswith("s3://"):
        raise NotImplementedError(f"{name}: models are not read from S3; copy the folder and pass its path")
    folder = Path(name).expanduser()
    if folder.is_dir():
        _warn_of_revision(revision, f"{folder} is a folder")
        return folder
    repository = str(name)
    if repository.count("/") != 1 or repository.startswith((".", "/", "~")):
        raise OSError(f"{name}: no such folder, and no name of a model on a hub (OWNER/NAME)")
    found = _cached(repository, revision, cache_dir)
    return found or _download(repository, revision, cache_dir, local_files_only, token)


def _warn_of_revision(revision: str | None, why: str) -> None:
    if revision is not None:
        warn(f"revision={revision!r} is ignored: {why}")


def _cache_folder(cache_dir: Any) -> Path:
    if cache_dir is not None:
        return Path(cache_dir).expanduser()
    if os.environ.get("HF_HUB_CACHE"):
        return Path(os.environ["HF_HUB_CACHE"]).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_HOME") or Path(cache) / "huggingface").expanduser() / "hub"


def _cached(repository: str, revision: str | None, cache_dir: Any) -> Path | None:
    """The snapshot in the cache, if it has the files of a model or an adapter."""
    root = _cache_folder(cache_dir) / ("models--" + repository.replace("/", "--"))
    reference = root / "refs" / (revision or "main")
    commit = reference.read_text().strip() if reference.is_file() else revision
    folder = root / "snapshots" / commit if commit else None
    return folder if folder and _is_whole(folder) else None


def _is_whole(folder: Path) -> bool:
    """A download may have stopped after some files. Weights are one file, or those that an index lists. Those of
    another format are refused when they are opened."""
    files = {file.name for file in folder.iterdir() if file.is_file()} if folder.is_dir() else set()
    if "adapter_config.json" in files:
        return "adapter_model.safetensors" in files
    if "model.safetensors.index.json" in files and "model.safetensors" not in files:
        weights = read_json(folder / "model.safetensors.index.json").get("weight_map", {})
        return "config.json" in files and set(weights.values()) <= files
    return "config.json" in files and not files.isdisjoint(
        {"model.safetensors", "pytorch_model.bin", "pytorch_model.bin.index.json"})


def _download(repository: str, revision: str | None, cache_dir: Any, local_files_only: bool, token: Any) -> Path:
    where = _cache_folder(cache_dir)
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise OSError(f"{repository} is neither a folder nor whole in the cache {where}. Download it there (pip "
                      "install huggingface_hub makes this automatic), or pass the path of its folder.") from None
    return Path(snapshot_download(repository, revision=revision, cache_dir=cache_dir, token=token,
                                  local_files_only=local_files_only, allow_patterns=["*.json", "*.safetensors"]))


def read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def find_adapter(folder: Path, **hub: Any) -> tuple[Path, Path | None]:
    """Base model and LoRA adapter of a folder; the adapter is None where the folder is a whole model."""
    if not (folder / "adapter_config.json").is_file():
        return folder, None
    base = read_json(folder / "adapter_config.json").get("base_model_name_or_path")
    if not base:
        raise ValueError(f"{folder / 'adapter_config.json'}: expected base_model_name_or_path")
    beside = folder.parent / base
    return (beside if beside.is_dir() and not Path(base).is_dir() else find_model(base, **hub)), folder
