"""Where a model's folder is: a path, the bundled checkpoint, or the Hugging Face cache."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from ._native import BUNDLED_MODEL
from ._told import warn

BUNDLED_NAMES = ("chronos2-micro",)


def find_model(name: str | os.PathLike[str] | None, *, revision: str | None = None, cache_dir: Any = None,
               local_files_only: bool = False, token: Any = None, force_download: bool = False,
               asked_as: str = "revision") -> Path:
    """The folder of a model: `name` is a folder, None or "chronos2-micro" for the bundled one, or OWNER/NAME.

    A name is looked up in the Hugging Face cache, and downloaded by huggingface_hub where that is installed.
    """
    if _is_bundled(name):
        _warn_of_ignored(asked_as, revision, "the bundled checkpoint has one")
        _warn_of_ignored("force_download", force_download or None, "the bundled checkpoint is part of the package")
        return BUNDLED_MODEL
    if str(name) == "":
        raise ValueError("the model's name is empty; None is the bundled checkpoint, '.' the working directory")
    if str(name).startswith("s3://"):
        raise NotImplementedError(f"{name}: models are not read from S3; copy the folder and pass its path")
    folder = Path(name).expanduser()
    if folder.is_dir():
        _warn_of_bundled_name(name)
        _warn_of_ignored(asked_as, revision, f"{folder} is a folder")
        _warn_of_ignored("force_download", force_download or None, f"{folder} is a folder")
        return folder
    repository = str(name)
    if repository.count("/") != 1 or repository.startswith((".", "/", "~")):
        raise OSError(f"{name}: no such folder, and no name of a model on a hub (OWNER/NAME)")
    if force_download and local_files_only:
        _warn_of_ignored("force_download", True, "local_files_only=True")
        force_download = False
    found = None if force_download else _cached(repository, revision, cache_dir)
    return found or _download(repository, revision, cache_dir, local_files_only, token, force_download)


def _is_bundled(name: str | os.PathLike[str] | None) -> bool:
    return name is None or (str(name) in BUNDLED_NAMES and not Path(name).exists())


def _is_folder(name: str | os.PathLike[str]) -> bool:
    return str(name) != "" and Path(name).expanduser().is_dir()


def _warn_of_bundled_name(name: str | os.PathLike[str] | None) -> None:
    if name is not None and str(name) in BUNDLED_NAMES and _is_folder(name):
        warn(f"{name} is a folder here, which is opened in place of the bundled checkpoint of that name")


def _settled(name: Any) -> Any:
    """A model's name as it means the same in other processes and working directories: None for the bundled checkpoint,
    an absolute path for a folder. One of a hub is as it was."""
    return None if _is_bundled(name) else absolute(name) if _is_folder(name) else name


def pinned(name: Any, folder: Path, revision: str | None) -> tuple[Any, str | None]:
    """Name and revision that open elsewhere and later what was found: a branch moves."""
    if _is_bundled(name) or _is_folder(name):
        return _settled(name), None
    is_commit = folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name)  # of a cache
    return name, folder.name if is_commit else revision


def opening(name: Any) -> dict[str, Any]:
    """Arguments of `from_pretrained` that open what a name means here in other processes and working directories. What
    is on a hub is left to them."""
    _warn_of_bundled_name(name)
    name = _settled(name)
    arguments = {"pretrained_model_name_or_path": name}
    if name and _is_adapter(Path(name)):
        named, _ = _named_base(Path(name))
        _warn_of_bundled_name(named)
        base = _settled(named)
        if base is not None and _is_folder(base):
            arguments["base_model"] = base
    return arguments


_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")  # SHA-1 or SHA-256


def _warn_of_ignored(name: str, value: Any, why: str) -> None:
    if value is not None:
        warn(f"{name}={value!r} is ignored: {why}")


def _cache_folder(cache_dir: Any) -> Path:
    if cache_dir is not None:
        return Path(cache_dir).expanduser()
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return _expanded(named)
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return _expanded(os.environ.get("HF_HOME") or os.path.join(cache, "huggingface")) / "hub"


def _expanded(path: str) -> Path:
    """As huggingface_hub expands what the environment says."""
    return Path(os.path.expandvars(os.path.expanduser(path)))


def _cached(repository: str, revision: str | None, cache_dir: Any) -> Path | None:
    """The snapshot in the cache, if it has the files of a model or an adapter."""
    reference = _reference(repository, revision, cache_dir)
    commit = _read_commit(reference) if reference.is_file() else str(revision or "main")
    folder = _repository_folder(repository, cache_dir) / "snapshots" / commit
    return folder if commit and _is_whole(folder) else None


def _repository_folder(repository: str, cache_dir: Any) -> Path:
    return _cache_folder(cache_dir) / ("models--" + repository.replace("/", "--"))


def _reference(repository: str, revision: str | None, cache_dir: Any) -> Path:
    """The file that says of which commit a branch or tag was when it was downloaded."""
    revision = str(revision or "main")
    if ".." in Path(revision).parts or Path(revision).is_absolute():
        raise ValueError(f"revision: expected a branch, a tag or a commit, found {revision!r}")
    return _repository_folder(repository, cache_dir) / "refs" / revision


def _read_commit(reference: Path) -> str:
    """Empty where a write was cut short, so that there is none."""
    try:
        commit = reference.read_bytes().decode("ascii").strip()
    except UnicodeDecodeError:
        return ""
    if commit and (not commit.isprintable() or commit != Path(commit).name or commit == ".."):
        raise ValueError(f"{reference}: expected a commit, found {commit[:60]!r}")
    return commit


def _is_whole(folder: Path) -> bool:
    """A download may have stopped after some files. Weights are one file, or those that an index lists. Those of
    another format are refused when they are opened."""
    files = {file.name for file in folder.iterdir() if file.is_file()} if folder.is_dir() else set()
    if "adapter_config.json" in files:
        return "adapter_model.safetensors" in files
    if "model.safetensors.index.json" in files and "model.safetensors" not in files:
        weights = read_json(folder / "model.safetensors.index.json").get("weight_map", {})
        if not isinstance(weights, dict):
            raise ValueError(f"{folder / 'model.safetensors.index.json'}: expected an object as weight_map")
        if not all(isinstance(name, str) for name in weights.values()):
            raise ValueError(f"{folder / 'model.safetensors.index.json'}: expected names of files in weight_map")
        return "config.json" in files and all(name in files for name in weights.values())
    return "config.json" in files and not files.isdisjoint(
        {"model.safetensors", "pytorch_model.bin", "pytorch_model.bin.index.json"})


def _download(repository: str, revision: str | None, cache_dir: Any, local_files_only: bool, token: Any,
              force_download: bool) -> Path:
    where, reference = _cache_folder(cache_dir), _reference(repository, revision, cache_dir)
    damaged = f" {reference} is damaged." if reference.is_file() and not _read_commit(reference) else ""
    try:
        from huggingface_hub import HfApi, snapshot_download
    except ImportError:
        found = _cached(repository, revision, cache_dir) if force_download else None
        if found:
            _warn_of_ignored("force_download", True, "huggingface_hub, which downloads, is not installed")
            return found
        wanted = repository if revision is None else f"{repository} at revision {revision}"
        raise OSError(f"{wanted} is neither a folder nor whole in the cache {where}.{damaged} Download it there (pip "
                      "install huggingface_hub makes this automatic), or pass the path of its folder.") from None
    if force_download:  # snapshot_download falls back on the cache without a word
        try:
            HfApi(token=token).repo_info(repository, revision=revision)
        except Exception as error:
            said = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise OSError(f"{repository}: force_download=True, and the hub gives no answer: {said}") from error
    try:
        folder = Path(snapshot_download(repository, revision=revision, cache_dir=where, token=token,
                                        local_files_only=local_files_only, force_download=force_download,
                                        allow_patterns=["*.json", "*.safetensors"]))
    except Exception as error:
        if not damaged:
            raise
        raise OSError(f"{repository} can't be downloaded ({type(error).__name__}).{damaged}") from error
    if damaged and folder == _repository_folder(repository, cache_dir) / "snapshots":  # of no commit
        raise OSError(f"{repository} can't be downloaded.{damaged}")
    return folder


# ---- Folders that are written ---------------------------------------------------------------------


def output_folder(name: str, folder: str | os.PathLike[str]) -> Path:
    """A folder as the caller names it."""
    if str(folder) == "":
        raise ValueError(f"{name} is empty; '.' is the working directory")
    return Path(folder).expanduser()


def refuse_others(folder: Path, written: set[str]) -> None:
    """An error where a folder has weights or an adapter that would be taken for a part of what is to be written."""
    files = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    others = sorted(name for name in files - written
                    if re.fullmatch(r"model(-.*)?\.safetensors|model\.safetensors\.index\.json|"
                                    r"adapter_config\.json|adapter_model\.safetensors", name))
    if others:
        raise FileExistsError(f"{folder}: holds another model's {', '.join(others[:3])}{', ...' * (len(others) > 3)}; "
                              "expected a folder without them")


def copy_model(source: Path, target: Path) -> None:
    """Copies a model's files. They take their places once all of them are there, config.json last."""
    import shutil
    import tempfile

    files = sorted((file for file in source.iterdir() if file.suffix in (".json", ".safetensors")),
                   key=lambda file: file.name == "config.json")
    refuse_others(target, {file.name for file in files})
    target.mkdir(parents=True, exist_ok=True)
    files = [file for file in files if not ((target / file.name).exists() and file.samefile(target / file.name))]
    if not files:
        return  # the model's own folder, which may not be written to
    with tempfile.TemporaryDirectory(prefix=".saving-", dir=target) as copies:
        for file in files:
            shutil.copyfile(file, Path(copies) / file.name)
        for file in files:
            os.replace(Path(copies) / file.name, target / file.name)


def absolute(path: str | os.PathLike[str] | None) -> str | None:
    """A path as it means the same in other processes."""
    return None if path is None else str(Path(path).expanduser().resolve())


def read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # of JSON, and of UTF-8
        raise ValueError(f"{path}: expected JSON: {error}") from None
    except RecursionError:
        raise ValueError(f"{path}: expected JSON: it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError(f"{path}: expected a JSON object")
    return value


def _is_adapter(folder: Path) -> bool:
    return (folder / "adapter_config.json").is_file()


def _named_base(folder: Path) -> tuple[str | Path, str | None]:
    """The base model that an adapter names, a folder in its own or beside it as the library finds it, and its
    revision."""
    config = read_json(folder / "adapter_config.json")
    base, revision = config.get("base_model_name_or_path"), config.get("revision")
    if not base or not isinstance(base, str):
        raise ValueError(f"{folder / 'adapter_config.json'}: expected base_model_name_or_path")
    if revision is not None and not isinstance(revision, str):
        raise ValueError(f"{folder / 'adapter_config.json'}: expected a text as revision")
    for near in (folder / base, folder / ".." / base):
        if near.is_dir() and not Path(base).is_dir():
            return near, None
    return base, revision or None


def find_adapter(folder: Path, base_model: str | os.PathLike[str] | None = None, *, revision: str | None = None,
                 **hub: Any) -> tuple[Path, Path | None, Any, str | None]:
    """Base model and LoRA adapter of a folder, and the base's name and revision as `pinned` has them. All but the first
    are None where the folder is a whole model."""
    if not _is_adapter(folder):
        for name, value in (("base_model", base_model), ("base_revision", revision)):
            _warn_of_ignored(name, value, f"{folder} is no adapter")
        return folder, None, None, None
    if base_model is None:
        base_model, named = _named_base(folder)
        if revision is None and not _is_bundled(base_model) and not _is_folder(base_model):
            revision = named
    found = find_model(base_model, revision=revision, asked_as="base_revision", **hub)
    name, commit = pinned(base_model, found, revision)
    return found, folder, name or BUNDLED_NAMES[0], commit  # None would be what the adapter names
