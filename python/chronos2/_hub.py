"""Where a model's folder is: a path, the bundled checkpoint, or the Hugging Face cache."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ._native import BUNDLED_MODEL

BUNDLED_NAMES = ("chronos2-micro",)


def find_model(name: str | os.PathLike[str] | None, *, revision: str | None = None, cache_dir: Any = None,
               local_files_only: bool = False, token: Any = None) -> Path:
    """The folder of a model: `name` is a folder, None or "chronos2-micro" for the bundled one, or OWNER/NAME.

    A name is looked up in the Hugging Face cache, and downloaded by huggingface_hub where that is installed.
    """
    if name is None or (str(name) in BUNDLED_NAMES and not Path(name).exists()):
        return BUNDLED_MODEL
    if str(name).startswith("s3://"):
        raise NotImplementedError(f"{name}: models are not read from S3; copy the folder and pass its path")
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    repository = str(name)
    if repository.count("/") != 1 or repository.startswith((".", "/", "~")):
        raise OSError(f"{name}: no such folder, and no name of a model on a hub (OWNER/NAME)")
    found = _cached(repository, revision, cache_dir)
    return found or _download(repository, revision, cache_dir, local_files_only, token)


def _cache_folder(cache_dir: Any) -> Path:
    if cache_dir is not None:
        return Path(cache_dir).expanduser()
    if os.environ.get("HF_HUB_CACHE"):
        return Path(os.environ["HF_HUB_CACHE"]).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_HOME") or Path(cache) / "huggingface").expanduser() / "hub"


def _cached(repository: str, revision: str | None, cache_dir: Any) -> Path | None:
    """The snapshot in the cache, if it is complete enough to be a model."""
    root = _cache_folder(cache_dir) / ("models--" + repository.replace("/", "--"))
    reference = root / "refs" / (revision or "main")
    commit = reference.read_text().strip() if reference.is_file() else revision
    folder = root / "snapshots" / commit if commit else None
    if folder and any((folder / name).is_file() for name in ("config.json", "adapter_config.json")):
        return folder
    return None


def _download(repository: str, revision: str | None, cache_dir: Any, local_files_only: bool, token: Any) -> Path:
    where = _cache_folder(cache_dir)
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise OSError(f"{repository} is neither a folder nor in the cache {where}. Download it there (pip install "
                      "huggingface_hub makes this automatic), or pass the path of its folder.") from None
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
