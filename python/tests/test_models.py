"""Opening models: folders, the cache of a hub, data types, attention, saving."""

import copy
import json
import pickle
import re
import shutil
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT, SMOOTH, wave, write_adapter

from chronos2 import BaseChronosPipeline, Chronos2Pipeline, _hub, _native, isa
from chronos2.pipeline import _warn_of_device

COMMIT, LATER = "c0ffee" + 34 * "0", 40 * "d"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A Hugging Face cache that holds someone/smooth."""
    root = tmp_path / "hub" / "models--someone--smooth"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(COMMIT)
    shutil.copytree(SMOOTH, root / "snapshots" / COMMIT)
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


@pytest.mark.parametrize("variable, value", [
    ("HF_HUB_CACHE", "hub"), ("HF_HOME", ""), (None, "hub"), ("HF_HUB_CACHE", "$SOMEWHERE/hub"),
    ("HF_HOME", "${SOMEWHERE}"), ("XDG_CACHE_HOME", "$SOMEWHERE/cache"), ("HUGGINGFACE_HUB_CACHE", "$SOMEWHERE/hub")])
def test_names_are_looked_up_in_the_cache(cache, monkeypatch, variable, value, smooth):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)  # which would find it where this package doesn't
    monkeypatch.setenv("SOMEWHERE", str(cache))
    (cache / "cache").mkdir()
    (cache / "cache" / "huggingface").symlink_to(cache)
    if variable:
        monkeypatch.setenv(variable, value if "$" in value else str(cache / value))
    pipeline = BaseChronosPipeline.from_pretrained("someone/smooth", return_type="numpy", threads=1,
                                                   cache_dir=None if variable else cache / value)
    np.testing.assert_array_equal(pipeline.predict([wave(50)], 4)[0], smooth.predict([wave(50)], 4)[0])
    by_commit = Chronos2Pipeline.from_pretrained("someone/smooth", revision=COMMIT, cache_dir=cache / "hub")
    assert by_commit.model.folder == snapshot(cache)


def snapshot(cache, commit=COMMIT):
    return cache / "hub" / "models--someone--smooth" / "snapshots" / commit


def main_moves(cache):
    shutil.copytree(SMOOTH, snapshot(cache, LATER))
    (cache / "hub" / "models--someone--smooth" / "refs" / "main").write_text(LATER)


@pytest.mark.parametrize("adapted", [False, True])
def test_copies_of_a_pipeline_open_the_commit_that_it_has(cache, tmp_path, adapted):
    options = {"cache_dir": cache / "hub", "threads": 1}
    write_adapter(tmp_path / "adapter", "someone/smooth")
    pipeline = Chronos2Pipeline.from_pretrained(tmp_path / "adapter" if adapted else "someone/smooth", **options)
    data = pickle.dumps(pipeline)
    main_moves(cache)
    for again in (pickle.loads(data), copy.copy(pipeline), copy.deepcopy(pipeline),
                  pickle.loads(pickle.dumps(pickle.loads(data)))):
        assert again.model.folder == pipeline.model.folder == snapshot(cache)
    assert Chronos2Pipeline.from_pretrained("someone/smooth", **options).model.folder == snapshot(cache, LATER)
    if adapted:
        asked = Chronos2Pipeline.from_pretrained(tmp_path / "adapter", base_revision=COMMIT, **options)
        assert asked.model.folder == snapshot(cache)


def test_pickles_have_no_token():
    pipeline = Chronos2Pipeline.from_pretrained(SMOOTH, token="hf_secret", threads=1)
    assert b"hf_secret" not in pickle.dumps(pipeline)
    assert "hf_secret" not in str(pipeline.opening())
    assert Chronos2Pipeline.from_pretrained(SMOOTH, token=False, threads=1).opening()["token"] is False


@pytest.mark.parametrize("file, content, said", [
    ("refs/main", b"../../../elsewhere", "expected a commit, found '../../../elsewhere'"),
    ("refs/main", b"..", "expected a commit, found '..'"), ("refs/main", b".", "expected a commit, found '.'"),
    ("refs/main", b"a\0b", "expected a commit, found 'a\\x00b'"),
    ("config.json", b"", "expected JSON: Expecting value"),
    ("config.json", b"{", "expected JSON: Expecting property name"),
    ("config.json", b"\xff", "expected JSON: 'utf-8' codec can't decode"),
    ("config.json", b"[]", "expected a JSON object"),
    ("adapter_config.json", b"null", "expected a JSON object"),
    ("adapter_config.json", b'{"base_model_name_or_path": 5}', "expected base_model_name_or_path"),
    ("adapter_config.json", b'{"base_model_name_or_path": "a/b", "revision": 5}', "expected a text as revision"),
    ("model.safetensors.index.json", b"{", "expected JSON"),
    ("model.safetensors.index.json", b'{"weight_map": []}', "expected an object as weight_map"),
    ("model.safetensors.index.json", b'{"weight_map": {"a": ["b"]}}', "expected names of files in weight_map"),
    ("config.json", b"[" * 200_000, "expected JSON: it is nested too deeply")])
def test_files_of_the_cache_that_are_damaged_are_named(cache, file, content, said):
    path = cache / "hub" / "models--someone--smooth" / file if "refs" in file else snapshot(cache) / file
    if file == "adapter_config.json":
        (snapshot(cache) / "adapter_model.safetensors").touch()
    if file == "model.safetensors.index.json":
        (snapshot(cache) / "model.safetensors").unlink()
    path.write_bytes(content)
    with pytest.raises(ValueError, match="^" + re.escape(f"{path}: {said}")):
        Chronos2Pipeline.from_pretrained("someone/smooth", cache_dir=cache / "hub")


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\0"])
def test_a_branch_without_a_commit_is_not_cached(cache, monkeypatch, content):
    reference = cache / "hub" / "models--someone--smooth" / "refs" / "main"
    reference.write_bytes(content)

    def opened(download, **options):
        monkeypatch.setitem(sys.modules, "huggingface_hub", download and SimpleNamespace(
            HfApi=None, snapshot_download=download))
        return Chronos2Pipeline.from_pretrained("someone/smooth", cache_dir=cache / "hub", threads=1, **options)

    def fails(*args, **kwargs):
        raise ValueError("no network")

    assert opened(lambda *args, **kwargs: snapshot(cache)).model.folder == snapshot(cache)
    for download in (None, fails, lambda *args, **kwargs: f"{snapshot(cache).parent}/"):
        with pytest.raises(OSError, match=re.escape(f" {reference} is damaged.")):
            opened(download)


def test_commits_of_sha_256(cache):
    commit = 64 * "e"
    snapshot(cache).rename(snapshot(cache, commit))
    (cache / "hub" / "models--someone--smooth" / "refs" / "main").write_text(commit)
    pipeline = Chronos2Pipeline.from_pretrained("someone/smooth", cache_dir=cache / "hub", threads=1)
    assert pipeline.model.folder == snapshot(cache, commit) and pipeline.opening()["revision"] == commit


def test_an_adapter_names_the_revision_of_its_base(cache, tmp_path):
    options = {"cache_dir": cache / "hub", "threads": 1}
    write_adapter(tmp_path / "adapter", "someone/smooth", revision=COMMIT)
    main_moves(cache)
    named = Chronos2Pipeline.from_pretrained(tmp_path / "adapter", **options)
    assert named.model.folder == snapshot(cache) and named.opening()["base_revision"] == COMMIT
    asked = Chronos2Pipeline.from_pretrained(tmp_path / "adapter", base_revision=LATER, **options)
    assert asked.model.folder == snapshot(cache, LATER)
    write_adapter(tmp_path / "of-a-folder", str(SMOOTH), revision=COMMIT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nobody asked for that revision
        Chronos2Pipeline.from_pretrained(tmp_path / "of-a-folder", threads=1)


def test_an_adapter_is_trained_on_the_base_that_it_was_opened_with(cache, tmp_path, monkeypatch):
    write_adapter(tmp_path / "adapter", "someone/smooth")
    main_moves(cache)
    pipeline = Chronos2Pipeline.from_pretrained(tmp_path / "adapter", base_revision=COMMIT, cache_dir=cache / "hub",
                                                threads=1)
    trained = []

    class Trainer:
        @classmethod
        def from_pretrained(cls, source, **options):
            trained.append(json.loads((source / "adapter_config.json").read_text()))
            assert (source / "adapter_model.safetensors").is_file()
            return cls()

        model = SimpleNamespace(config=SimpleNamespace())

        def fit(self, inputs, prediction_length, output_dir, finetuned_ckpt_name, **options):
            shutil.copytree(SMOOTH, output_dir / finetuned_ckpt_name)

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(is_available=bool), float32=None,
                                                              Tensor=(), device=str))
    monkeypatch.setitem(sys.modules, "chronos", SimpleNamespace(Chronos2Pipeline=Trainer))
    tuned = pipeline.fit([wave(50)], 4, output_dir=tmp_path / "tuned")
    assert tuned.model.folder == tmp_path / "tuned" / "finetuned-ckpt"
    assert [(config["base_model_name_or_path"], config["revision"]) for config in trained] == [
        (str(snapshot(cache)), None)]
    assert trained[0]["lora_alpha"] == 1
    with pytest.raises(NotImplementedError, match="finetune_mode='lora': .* would lack the adapter .*/adapter; 'full'"):
        pipeline.fit([wave(50)], 4, output_dir=tmp_path / "again", finetune_mode="lora")
    assert len(trained) == 1
    with pytest.raises(NotImplementedError, match="save_pretrained: an adapter is merged in memory; copy its folder"):
        pipeline.save_pretrained(tmp_path / "again")


@pytest.fixture
def trained(monkeypatch):
    """Arguments of chronos-forecasting's fit, whose result is the model of the tests or an adapter of what it was
    given."""
    calls = []

    class Trainer:
        @classmethod
        def from_pretrained(cls, source, device_map, **options):
            self = cls()
            self.source, self.device = source, device_map
            self.model = SimpleNamespace(config=SimpleNamespace(**json.loads((source / "config.json").read_text())))
            return self

        def fit(self, inputs, prediction_length, output_dir, finetuned_ckpt_name, **options):
            calls.append({"inputs": inputs, "prediction_length": prediction_length, "source": self.source,
                          "device": self.device, "config": self.model.config, **options})
            if options["finetune_mode"] == "lora":
                output_dir.mkdir(exist_ok=True)
                write_adapter(output_dir / finetuned_ckpt_name, str(self.source), self.source)
            else:
                shutil.copytree(SMOOTH, output_dir / finetuned_ckpt_name, dirs_exist_ok=True)

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(is_available=bool), float32=None,
                                                              Tensor=(), device=str))
    monkeypatch.setitem(sys.modules, "chronos", SimpleNamespace(Chronos2Pipeline=Trainer))
    return calls


def test_training_takes_what_a_forecast_takes(smooth, trained, tmp_path):
    nan = float("nan")
    masked = np.ma.masked_array([1.0, 99, 3], [False, True, False])
    for inputs in ([[1, None, 3]], (array for array in [np.array([1.0, nan, 3])]), [masked], [[masked]],
                   [{"target": masked}], [{"target": [1, None, 3]}]):
        smooth.fit(inputs, 1, output_dir=tmp_path)
        (found,) = trained.pop()["inputs"]
        found = found["target"] if isinstance(found, dict) else found
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found.ravel(), [1, nan, 3])
    covariates = {"x": masked, "kind": ["a", "b", None]}
    smooth.fit([{"target": [1, 2, 3], "past_covariates": covariates, "future_covariates": {"x": [4], "kind": None}}], 1,
               output_dir=tmp_path)
    (found,) = trained.pop()["inputs"]
    np.testing.assert_array_equal(found["past_covariates"]["x"], np.array([1, nan, 3], np.float32))
    assert found["past_covariates"]["kind"].tolist() == ["a", "b", None]
    assert found["future_covariates"]["x"].tolist() == [4] and found["future_covariates"]["kind"] is None


def test_labels_are_trained_on_as_they_are(smooth, trained, tmp_path):
    """Numbers beside texts are spelled as numbers of their type: 1, not 1.0."""
    items = [{"target": [1, 2, 3], "past_covariates": {"kind": kind, "x": x},
              "future_covariates": {"kind": ahead, "x": y}} for kind, x, ahead, y in (
                  ([1, 2, 1], [1, 2, 3], [2], [4]), (["1", "a", "b"], [True, False, True], ["1"], [5.5]))]
    smooth.fit(items, 1, output_dir=tmp_path)
    first, second = trained.pop()["inputs"]
    for group in ("past_covariates", "future_covariates"):
        assert first[group]["kind"].dtype.kind == "i" and second[group]["kind"].dtype.kind == "U"
        assert first[group]["x"].dtype == second[group]["x"].dtype == np.float32
    assert second["past_covariates"]["x"].tolist() == [1, 0, 1]


def test_training_refuses_what_a_forecast_refuses(smooth, trained, tmp_path):
    infinite = [1, float("inf"), 3]
    for inputs, said in (([infinite], "inputs[0]"), ([{"target": infinite}], "inputs[0]"),
                         ([[1, 1e39, 3]], "inputs[0]"),
                         ([{"target": [1, 2, 3], "past_covariates": {"x": infinite}}], "inputs[0]: 'x'")):
        with pytest.raises(ValueError, match=re.escape(f"{said}: expected numbers within float32")):
            smooth.fit(inputs, 1, output_dir=tmp_path)
    with pytest.raises(ValueError, match=re.escape("validation_inputs[0]: expected numbers within float32")):
        smooth.fit([[1, 2, 3]], 1, [infinite], output_dir=tmp_path)
    with pytest.raises(TypeError, match="prediction_length: expected a whole number, found 1.5"):
        smooth.fit([[1, 2, 3]], 1.5, output_dir=tmp_path)
    assert not trained


def test_arguments_of_training_are_those_of_upstream(smooth, trained, tmp_path):
    smooth.fit([[1, 2, 3]], 1, [[4, 5, 6]], "full", None, 64, 0.5, 7, 8, tmp_path, 9, "name", weight_decay=0.1)
    (found,) = trained
    del found["source"], found["device"], found["config"]
    assert found.pop("validation_inputs")[0].tolist() == [[4, 5, 6]] and found.pop("inputs")[0].tolist() == [[1, 2, 3]]
    assert found == {"prediction_length": 1, "finetune_mode": "full", "lora_config": None, "context_length": 64,
                     "learning_rate": 0.5, "num_steps": 7, "batch_size": 8, "min_past": 9, "callbacks": None,
                     "remove_printer_callback": False, "disable_data_parallel": True, "weight_decay": 0.1}


def fit_of(name, folder, mode="full", **opening):
    """The pipeline of a bundled checkpoint, and what is told while it is trained."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        pipeline = Chronos2Pipeline.from_pretrained(ROOT / "models" / name, threads=1, **opening)
        told.clear()
        pipeline.fit([[1, 2, 3]], 1, output_dir=folder, finetune_mode=mode)
    return pipeline, [str(warning.message) for warning in told]


FULL = "chronos-forecasting trains with full attention"
OF_WINDOW = FULL + ", and these weights were trained for windowed_future_global at radius 8: the result "


@pytest.mark.parametrize("name, said", [
    ("chronos2-micro", []), ("chronos2-micro-mixed", []), ("chronos2-micro-r8", [OF_WINDOW + "runs with full attention"])])
def test_what_is_trained_is_for_full_attention(trained, tmp_path, name, said):
    pipeline, told = fit_of(name, tmp_path)
    assert told == said
    kept = set(json.loads((pipeline.model.folder / "config.json").read_text()))
    assert set(vars(trained.pop()["config"])) == kept - {"time_attention", "time_attention_measured"} < kept


@pytest.mark.parametrize("name, patterns", [
    ("chronos2-micro", None), ("chronos2-micro-mixed", "full attention or windowed_future_global at radius 4, 8,"),
    ("chronos2-mini-mixed", "full attention or windowed_future_")])
def test_an_adapter_is_trained_for_less_than_its_base_is(trained, tmp_path, name, patterns):
    """Which its own caveats don't tell: they are the base's."""
    told = fit_of(name, tmp_path, "lora")[1]
    assert len(told) == (patterns is not None) and len(trained) == 1
    for said in told:
        assert said.startswith(f"{FULL}: the adapter is trained for that alone, though its base was trained for {patterns}")


def test_an_adapter_of_weights_for_a_window_is_not_trained(trained, tmp_path):
    with pytest.raises(NotImplementedError, match="finetune_mode='lora': .* at radius 8, under which an adapter of them "
                                                  "runs by default; 'full' gives"):
        fit_of("chronos2-micro-r8", tmp_path, "lora")
    assert not trained


def test_what_is_trained_is_opened_with_the_attention_that_was_asked_for(trained, tmp_path):
    window = {"attention": "windowed_future_global", "radius": 16}
    kept = "is opened with attention='windowed_future_global', as this pipeline was"
    caveat = "the weights were trained for full attention, not for windowed_future_global at radius 16"
    assert fit_of("chronos2-micro-r8", tmp_path, attention="full")[1] == [OF_WINDOW + "runs with full attention"]
    assert fit_of("chronos2-micro-r8", tmp_path, **window)[1] == [
        f"{OF_WINDOW}{kept}, and runs with full attention by default", caveat]
    assert fit_of("chronos2-micro-mixed", tmp_path, **window)[1] == [caveat]
    assert fit_of("chronos2-micro", tmp_path / "base", "lora", **window)[1] == [  # the base's, an adapter has no own
        caveat + ", which changed MASE by +83.9% (15 tasks)"]
    (said,) = fit_of("chronos2-micro-mixed", tmp_path / "lora", "lora", **window)[1]
    assert said.startswith(f"{FULL}: the adapter is trained for that alone") and said.endswith(f"; it {kept}")


def test_an_adapter_names_the_folder_that_it_was_trained_on_as_all_see_it(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(SMOOTH.parent)
    pipeline = Chronos2Pipeline.from_pretrained(SMOOTH.name, threads=1)
    pipeline.fit([[1, 2, 3]], 1, output_dir=tmp_path, finetune_mode="lora")
    assert trained.pop()["source"] == SMOOTH.resolve()


def test_a_model_is_saved_from_where_it_was_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(SMOOTH.parent)
    pipeline = Chronos2Pipeline.from_pretrained(SMOOTH.name, threads=1)
    monkeypatch.chdir(tmp_path)
    pipeline.save_pretrained("saved")
    assert (tmp_path / "saved" / "config.json").read_bytes() == (SMOOTH / "config.json").read_bytes()


@pytest.mark.parametrize("has_gpu, ours, theirs, said", [
    (False, "cpu", "cpu", []), (True, "cuda", "cuda", []), (True, "cuda:0", "cuda", []),
    (True, "cuda:1", "cuda", ["device='cuda:1': PyTorch's Trainer trains on the first GPU that it sees, cuda:0; "
                              "CUDA_VISIBLE_DEVICES in the environment tells which that is"]),
    (True, "cpu", "cuda", ["device='cpu': PyTorch has a GPU here, and trains on it; CUDA_VISIBLE_DEVICES= in the "
                           "environment keeps it on the processor"]),
    (False, "cuda:1", "cpu", ["device='cuda:1': PyTorch has no GPU here, and trains on the processor"])])
def test_training_runs_on_a_gpu_where_pytorch_has_one(smooth, trained, tmp_path, monkeypatch, has_gpu, ours, theirs,
                                                      said):
    """The device of the pipeline is told by hand: there is no GPU."""
    monkeypatch.setattr(sys.modules["torch"].cuda, "is_available", lambda: has_gpu)
    monkeypatch.setattr(smooth.model, "_device", ours)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        smooth.fit([[1, 2, 3]], 1, output_dir=tmp_path)
    assert [str(warning.message) for warning in told] == said and trained.pop()["device"] == theirs


def test_what_is_trained_is_not_mixed_with_another_model(smooth, trained, tmp_path):
    smooth.fit([[1, 2, 3]], 1, output_dir=tmp_path)
    smooth.fit([[1, 2, 3]], 1, output_dir=tmp_path)
    with pytest.raises(FileExistsError, match="finetuned-ckpt: holds another model's model.safetensors"):
        smooth.fit([[1, 2, 3]], 1, output_dir=tmp_path, finetune_mode="lora")
    write_adapter(tmp_path / "adapter", str(SMOOTH))
    with pytest.raises(FileExistsError, match="adapter: holds another model's adapter_config.json"):
        smooth.fit([[1, 2, 3]], 1, output_dir=tmp_path, finetuned_ckpt_name="adapter")
    assert len(trained) == 2


def test_a_result_that_can_not_be_opened_is_said_to_be_saved(smooth, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "copytree", lambda source, folder, **options: folder.mkdir())
    with pytest.raises(RuntimeError, match="fit: the result, which is saved in .*/finetuned-ckpt, can't be opened "
                                           "here: .*no config.json"):
        smooth.fit([[1, 2, 3]], 1, output_dir=tmp_path)


@pytest.mark.parametrize("revision", ["../../models--someone--smooth/refs/main", "/etc/hostname"])
def test_revisions_that_are_paths_elsewhere_are_refused(cache, revision):
    with pytest.raises(ValueError, match="revision: expected a branch, a tag or a commit, found"):
        Chronos2Pipeline.from_pretrained("someone/smooth", revision=revision, cache_dir=cache / "hub")


def test_a_download_that_can_not_be_forced_is_told(cache, monkeypatch):
    def told(name, why, **options):
        with pytest.warns(UserWarning, match="^force_download=True is ignored: " + why):
            Chronos2Pipeline.from_pretrained(name, force_download=True, threads=1, cache_dir=cache / "hub", **options)

    told(SMOOTH, ".*weights is a folder")
    told(None, "the bundled checkpoint is part of the package")
    told("someone/smooth", "local_files_only=True", local_files_only=True)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    told("someone/smooth", "huggingface_hub, which downloads, is not installed")


def test_what_is_not_there_says_so(cache, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(cache))
    for name in ("nobody/nothing", cache / "no-folder", "no-folder"):
        with pytest.raises(OSError):
            Chronos2Pipeline.from_pretrained(name)
    with pytest.raises(OSError, match="no config.json"):
        Chronos2Pipeline.from_pretrained(cache)
    with pytest.raises(NotImplementedError, match="S3"):
        Chronos2Pipeline.from_pretrained("s3://bucket/model")


def test_a_snapshot_that_is_not_whole_is_not_taken(cache, monkeypatch):
    """A download that stopped leaves some of the files."""
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    folder = snapshot(cache)
    weights = (folder / "model.safetensors").rename(folder / "weights")
    for left in ({}, {"model.safetensors.index.json": '{"weight_map": {"a": "model-1.safetensors", "b": "weights"}}'},
                 {"adapter_config.json": "{}"}):
        for name, text in left.items():
            (folder / name).write_text(text)
        with pytest.raises(OSError, match="someone/smooth is neither a folder nor whole in the cache"):
            Chronos2Pipeline.from_pretrained("someone/smooth", cache_dir=cache / "hub")
        for name in left:
            (folder / name).unlink()
    weights.rename(folder / "model.safetensors")
    Chronos2Pipeline.from_pretrained("someone/smooth", cache_dir=cache / "hub", threads=1)


def test_a_revision_of_a_folder_is_told_to_be_ignored(recwarn, tmp_path):
    pipeline = Chronos2Pipeline.from_pretrained(SMOOTH, revision="v99", threads=1)
    bundled = Chronos2Pipeline.from_pretrained(revision="v99", threads=1)
    write_adapter(tmp_path / "adapter", "chronos2-micro", ROOT / "models" / "chronos2-micro")
    adapted = Chronos2Pipeline.from_pretrained(tmp_path / "adapter", base_revision="v99", threads=1)
    for opened in (pipeline, bundled, adapted):
        pickle.loads(pickle.dumps(opened))
    assert [re.sub("/.*/", "", str(warning.message)) for warning in recwarn] == [
        "revision='v99' is ignored: weights is a folder",
        "revision='v99' is ignored: the bundled checkpoint has one",
        "base_revision='v99' is ignored: the bundled checkpoint has one"]
    assert {warning.filename for warning in recwarn} == {__file__}
    with pytest.warns(UserWarning, match="^base_revision='v99' is ignored: .*weights is no adapter"):
        Chronos2Pipeline.from_pretrained(SMOOTH, base_revision="v99", threads=1)


def test_other_checkpoints_are_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "t5"}')
    with pytest.raises(ValueError, match="Not a Chronos config file"):
        Chronos2Pipeline.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"chronos_config": {}, "chronos_pipeline_class": "ChronosBoltPipeline"}')
    with pytest.raises(ValueError, match="unknown pipeline class: ChronosBoltPipeline"):
        BaseChronosPipeline.from_pretrained(tmp_path)


@pytest.mark.parametrize("dtype, tolerance", [("float32", 0), ("auto", 0), ("bfloat16", 0.2), ("int8", 0.5)])
def test_data_types(pipeline, dtype, tolerance):
    other = Chronos2Pipeline.from_pretrained(dtype=dtype, threads=1, return_type="numpy")
    ours, exact = (p.predict([wave(200)], 8)[0] for p in (other, pipeline))
    assert np.abs(ours - exact).max() <= tolerance * 10  # the wave's amplitude
    assert (tolerance > 0) == (not np.array_equal(ours, exact))
    with pytest.raises(ValueError, match="expected float32, bfloat16 or int8"):
        Chronos2Pipeline.from_pretrained(torch_dtype="float64")


def test_two_data_types_that_differ_are_refused():
    for names in (("float32", "bfloat16"), ("int8", "auto")):
        with pytest.raises(ValueError, match="^dtype and torch_dtype: .*, found " + " and ".join(names)):
            Chronos2Pipeline.from_pretrained(SMOOTH, dtype=names[0], torch_dtype=names[1])
    for asked in ({"dtype": "bfloat16"}, {"torch_dtype": "bfloat16"}, {"dtype": "bfloat16", "torch_dtype": "bf16"}):
        opened = Chronos2Pipeline.from_pretrained(SMOOTH, threads=1, **asked)
        assert str(opened.model.dtype).endswith("bfloat16")


def test_attention_patterns(pipeline):
    series = [wave(600)]
    full = pipeline.predict(series, 8)[0]
    with pytest.warns(UserWarning, match=r"full attention, not for windowed_future_global at radius 8, which changed "
                                          r"MASE by \+71\.1% \(15 tasks\)$"):
        narrow = Chronos2Pipeline.from_pretrained(attention="windowed_future_global", threads=1, return_type="numpy")
    assert not np.array_equal(narrow.predict(series, 8)[0], full)
    np.testing.assert_array_equal(narrow.predict(series, 8, attention="full")[0], full)
    np.testing.assert_array_equal(
        pipeline.predict(series, 8, attention="windowed_future_visible", radius=float("inf"))[0], full)
    np.testing.assert_array_equal(pipeline.predict(series, 8)[0], full)  # a call's pattern is that call's
    with pytest.raises(ValueError, match="attention: expected one of .*, found ''"):
        pipeline.predict(series, 8, attention="")


@pytest.mark.filterwarnings("ignore:the weights were trained for")
def test_what_a_call_leaves_out_of_a_pattern_is_as_it_was_opened(smooth):
    opened = Chronos2Pipeline.from_pretrained(SMOOTH, attention="windowed_future_global", radius=1, reg_global=True,
                                              threads=1, return_type="numpy")
    series = [wave(600)]

    def of(**pattern):
        return smooth.predict(series, 8, **pattern)[0]

    def same(**asked):
        return opened.predict(series, 8, **asked)[0]

    glob = {"attention": "windowed_future_global"}
    np.testing.assert_array_equal(same(), of(**glob, radius=1, reg_global=True))
    np.testing.assert_array_equal(same(radius=2), of(**glob, radius=2, reg_global=True))
    np.testing.assert_array_equal(same(reg_global=False), of(**glob, radius=1))
    np.testing.assert_array_equal(same(attention="windowed_future_visible"),
                                  of(attention="windowed_future_visible", radius=1, reg_global=True))
    np.testing.assert_array_equal(same(attention="full"), of())
    assert len({array.tobytes() for array in (same(), same(radius=2), same(reg_global=False), of(), of(**glob))}) == 5
    context = opened.encode(series, 8, radius=2)
    np.testing.assert_array_equal(context.predict([{}])[0][0], of(**glob, radius=2, reg_global=True))


def test_weights_trained_with_a_window_run_with_it():
    trained = Chronos2Pipeline.from_pretrained(ROOT / "models" / "chronos2-micro-r8", threads=1, return_type="numpy")
    series = [wave(600)]
    with pytest.warns(UserWarning, match=r"at radius 8, not for full attention, .* by -0\.18% \(15 tasks\)$"):
        full = trained.predict(series, 8, attention="full")[0]
    assert not np.array_equal(trained.predict(series, 8)[0], full)


def test_attention_implementations_agree(smooth):
    eager = Chronos2Pipeline.from_pretrained(SMOOTH, attn_implementation="eager", threads=1, return_type="numpy")
    assert eager.model.config._attn_implementation == "eager"
    np.testing.assert_allclose(eager.predict([wave(80)], 8)[0], smooth.predict([wave(80)], 8)[0], rtol=1e-4)
    with pytest.raises(ValueError, match="without packing"):  # the fused backend's copy of the weights isn't made
        _native.Session(eager.model.native, _native.Attention())
    with pytest.raises(ValueError, match="attn_implementation"):
        Chronos2Pipeline.from_pretrained(SMOOTH, attn_implementation="paged")


def test_devices_and_unknown_options():
    for device in ("cpu", "auto", None, {"": "cpu"}):
        Chronos2Pipeline.from_pretrained(SMOOTH, device_map=device, trust_remote_code=True)
    with pytest.warns(UserWarning, match="device_map='cuda' is ignored"):
        Chronos2Pipeline.from_pretrained(SMOOTH, device_map="cuda")
    for device, other in (("cuda:0", "cuda:1"), ("cuda", 1), ("cuda", "cpu"), ("cuda:1", {"": 0})):
        with pytest.warns(UserWarning, match=f"is ignored: the engine runs on {device}, as `device` says"):
            _warn_of_device(other, device)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for device, same in (("cuda:1", "cuda:1"), ("cuda", 0), ("cuda:1", "cuda"), ("cuda:0", None), ("cuda", "auto")):
            _warn_of_device(same, device)
    with pytest.raises(TypeError, match="atention"):
        Chronos2Pipeline.from_pretrained(SMOOTH, atention="full")


def test_a_saved_model_is_the_same(smooth, tmp_path):
    smooth.save_pretrained(tmp_path / "copy")
    again = Chronos2Pipeline.from_pretrained(tmp_path / "copy", threads=1, return_type="numpy")
    np.testing.assert_array_equal(again.predict([wave(50)], 4)[0], smooth.predict([wave(50)], 4)[0])
    again.save_pretrained(tmp_path / "copy")  # over itself, which writes nothing
    assert json.loads((tmp_path / "copy" / "config.json").read_text())["chronos_config"]


@pytest.mark.parametrize("name", ["model.safetensors.index.json", "model-00001-of-00002.safetensors",
                                  "adapter_config.json"])
def test_a_model_is_not_saved_over_parts_of_another(smooth, tmp_path, name):
    (tmp_path / name).write_text("{}")
    with pytest.raises(FileExistsError, match=f"holds another model's {name}; expected a folder without"):
        smooth.save_pretrained(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_save_takes_a_folder_alone(smooth, tmp_path):
    with pytest.raises(TypeError, match="save_pretrained: only a folder is expected, found \\['safe_serialization'\\]"):
        smooth.save_pretrained(tmp_path / "saved", safe_serialization=True)
    assert not (tmp_path / "saved").exists()


def test_a_save_over_itself_writes_nothing(smooth, tmp_path, monkeypatch):
    (tmp_path / "optimizer.safetensors").write_text("{}")  # no part of a model
    smooth.save_pretrained(tmp_path)
    again = Chronos2Pipeline.from_pretrained(tmp_path, threads=1)

    def refused(*args, **kwargs):
        raise PermissionError

    monkeypatch.setattr("tempfile.TemporaryDirectory", refused)
    again.save_pretrained(tmp_path)


def test_a_save_that_fails_leaves_what_was_there(pipeline, smooth, tmp_path, monkeypatch):
    smooth.save_pretrained(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def full(source, copy):
        copy.write_bytes(source.read_bytes()[:9])
        if source.name == "config.json":  # the last one
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", full)
        with pytest.raises(OSError, match="No space left"):
            pipeline.save_pretrained(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    pipeline.save_pretrained(tmp_path)
    again = Chronos2Pipeline.from_pretrained(tmp_path, threads=1, return_type="numpy")
    np.testing.assert_array_equal(again.predict([wave(50)], 4)[0], pipeline.predict([wave(50)], 4)[0])


def test_a_tilde_is_the_home_of_the_user(smooth, trained, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    smooth.save_pretrained("~/saved")
    assert smooth.fit([[1, 2, 3]], 1, output_dir="~/tuned").model.folder == tmp_path / "tuned" / "finetuned-ckpt"
    Chronos2Pipeline.from_pretrained("~/saved", packed_cache="~/packed", threads=1)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["here", "packed", "saved", "tuned"]
    assert not list((tmp_path / "here").iterdir())


def test_no_folder_is_not_the_working_directory(smooth, trained, tmp_path, monkeypatch):
    smooth.save_pretrained(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="the model's name is empty"):
        Chronos2Pipeline.from_pretrained("")
    with pytest.raises(ValueError, match="save_directory is empty"):
        smooth.save_pretrained("")
    with pytest.raises(ValueError, match="output_dir is empty"):
        smooth.fit([[1, 2, 3]], 1, output_dir="")


def test_a_packed_cache_is_written_and_read(smooth, tmp_path):
    for _ in range(2):
        cached = Chronos2Pipeline.from_pretrained(SMOOTH, packed_cache=tmp_path, threads=1, return_type="numpy")
        np.testing.assert_array_equal(cached.predict([wave(50)], 4)[0], smooth.predict([wave(50)], 4)[0])
    assert list(tmp_path.iterdir())


def test_a_device_that_is_not_there(monkeypatch):
    monkeypatch.setenv("CHRONOS2_CUDA_LIBRARY", "/nowhere/libchronos2_cuda.so")
    assert str(Chronos2Pipeline.from_pretrained(SMOOTH, device="cpu").model.device) == "cpu"
    with pytest.raises(NotImplementedError, match="/nowhere/libchronos2_cuda.so"):
        Chronos2Pipeline.from_pretrained(SMOOTH, device="cuda")
    with pytest.raises(ValueError, match="abacus"):
        Chronos2Pipeline.from_pretrained(SMOOTH, device="abacus")


@pytest.mark.parametrize("arguments, text", [
    ({"threads": True}, "threads: expected a whole number, found True"),
    ({"threads": "2"}, "threads: expected a whole number, found '2'"),
    ({"device": None}, "device: expected a text as 'cpu' or 'cuda', found None"),
    ({"isa": None}, "isa: expected a text as 'auto', found None"),
    ({"attention": 5}, "attention: expected a text as 'full', found 5"),
    ({"attention": "windowed_future_null", "radius": True}, "radius: expected a number, found True"),
])
def test_options_of_another_type_are_named(arguments, text):
    with pytest.raises(TypeError, match=text):
        Chronos2Pipeline.from_pretrained(**arguments)


@pytest.mark.parametrize("place", ["adapter/base", "base"])
def test_an_adapters_base_lies_in_its_folder_or_beside_it(tmp_path, place):
    """As the library finds it."""
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": "base"}')
    (tmp_path / place).mkdir()
    base, found, name, _ = _hub.find_adapter(adapter)
    assert base.resolve() == tmp_path / place and found == adapter and name == str(tmp_path / place)


def test_isa_is_the_one_that_is_taken(monkeypatch):
    monkeypatch.setenv("CHRONOS2_ISA", "scalar")
    assert isa() == "scalar"
    monkeypatch.setenv("CHRONOS2_ISA", "foo")
    with pytest.raises(ValueError, match="CHRONOS2_ISA: expected one of auto, scalar"):
        isa()
