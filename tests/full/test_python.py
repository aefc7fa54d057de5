"""The Python package beside chronos-forecasting: the same calls, the same results.

It runs on PYTHONPATH's package, else on that in build/python (`make python`).
"""

import sys

import numpy as np
import pandas as pd
import pytest
import torch
from chronos import Chronos2Pipeline as Upstream
from chronos.chronos2.preprocess import from_data_frame, from_list_of_dicts
from conftest import ROOT, normalised

sys.path.append(str(ROOT / "build" / "python"))
import chronos2  # noqa: E402

MODEL = ROOT / "models" / "chronos2-micro"
SMOOTH = ROOT / "tests" / "golden" / "model-smooth" / "weights"
LEVELS = [0.03, 0.1, 0.5, 0.9]
TOLERANCE = 2e-4


@pytest.fixture(scope="module", params=[MODEL, SMOOTH], ids=["micro", "smooth"])
def pipelines(request):
    return (chronos2.BaseChronosPipeline.from_pretrained(request.param, device_map="cpu", threads=1),
            Upstream.from_pretrained(request.param, device_map="cpu", dtype=torch.float32))


def worst(ours, theirs, pasts):
    """Largest difference in units of each target's past; shapes and types are the same."""
    assert len(ours) == len(theirs) == len(pasts)
    difference = 0.0
    for a, b, past in zip(ours, theirs, pasts):
        assert isinstance(a, torch.Tensor) and a.dtype == b.dtype == torch.float32 and a.shape == b.shape
        for row_a, row_b, values in zip(a, b, np.atleast_2d(past)):
            loc, scale = np.nanmean(values), np.nanstd(values)
            difference = max(difference, np.abs(normalised(row_a, loc, scale) - normalised(row_b, loc, scale)).max())
    return difference


def walk(rng, *shape):
    return 20 + rng.normal(size=shape).cumsum(-1)


def dicts(rng, targets, horizon):
    inputs = []
    for length in (40, 133, 75):
        kinds = np.array(["sun", "rain", "fog"], object)
        past = {"price": rng.random(length), "kind": kinds[rng.integers(0, 3, length)],
                "open": rng.random(length) > 0.5}
        past["kind"][3] = None
        future = {"price": rng.random(horizon), "kind": rng.choice(["sun", "fog", "storm"], horizon)}
        inputs.append({"target": walk(rng, *([targets] if targets > 1 else []), length), "past_covariates": past,
                       "future_covariates": future})
    return inputs


def test_the_trial_of_an_adapter_is_not_kept(tmp_path):
    """The cache has the packed weights of the model and of the result."""
    packed, inputs = tmp_path / "packed", [walk(np.random.default_rng(16), 60)]
    pipeline = chronos2.Chronos2Pipeline.from_pretrained(SMOOTH, threads=1, packed_cache=packed)
    before = set(packed.iterdir())
    pipeline.fit(inputs, 8, num_steps=1, finetune_mode="lora", output_dir=tmp_path / "tuned",
                 lora_config={"r": 2, "target_modules": ["self_attention.q"]})
    assert len(before) == 1 and len(set(packed.iterdir()) - before) == 1


@pytest.mark.parametrize("form", ["array", "tensors", "dicts", "dicts of several targets"])
@pytest.mark.parametrize("options", [{}, {"cross_learning": True, "batch_size": 8}, {"context_length": 50}], ids=str)
def test_predict_quantiles(pipelines, form, options):
    rng = np.random.default_rng(11)
    horizon = 21
    inputs = {"array": lambda: walk(rng, 3, 2, 70),
              "tensors": lambda: [torch.tensor(walk(rng, 90)), torch.tensor(walk(rng, 2, 41), dtype=torch.float32)],
              "dicts": lambda: dicts(rng, 1, horizon),
              "dicts of several targets": lambda: dicts(rng, 2, horizon)}[form]()
    pasts = [np.asarray(item["target"] if isinstance(item, dict) else item) for item in inputs]
    ours, theirs = (p.predict_quantiles(inputs, prediction_length=horizon, quantile_levels=LEVELS, **options)
                    for p in pipelines)
    assert worst(ours[0], theirs[0], pasts) < TOLERANCE
    assert worst(ours[1], theirs[1], pasts) < TOLERANCE
    assert worst(*(p.predict(inputs, prediction_length=horizon, **options) for p in pipelines), pasts) < TOLERANCE


def kinds(name, ahead):
    """Labels in every type that an array of three can have."""
    values = {"int": [0, 1, 1], "bool": [False, True, True], "texts": ["0", "1", "1"],
              "numbers and texts": [1, "a", 2.5], "booleans": [False, True, None], "numbers": [0, 1, None],
              "both": [0, True, 1], "both again": [False, 1, 0], "days": ["2020-01-01", "2020-01-02", "NaT"],
              "seconds": ["2020-01-02", "2020-01-01", "NaT"],
              "days among objects": [np.datetime64("2020-01-01"), np.datetime64("2020-01-02"), None],
              "texts of days": ["2020-01-01", "2020-01-02", "2020-01-03"]}[name]
    types = {"int": int, "bool": bool, "texts": str, "days": "M8[D]", "seconds": "M8[s]", "texts of days": str}
    step = np.arange(7, 12) if ahead else np.arange(60)
    return np.array(values, types.get(name, object))[(step * 7 + step // 3) % 3]


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.filterwarnings("ignore:.*categories that the past never had", "ignore:.*booleans in others")
def test_types_of_labels(pipelines, targets):
    """Items' types are joined as NumPy joins them, and what the future names is found as pandas finds it."""
    times = ["days", "seconds", "days among objects", "texts of days"]
    others = ["int", "bool", "texts", "numbers and texts", "booleans", "numbers", "both", "both again"]
    rng = np.random.default_rng(23)
    cases = [((a, b), (b, a)) for group in (times[:2], others) for a in group for b in group]
    cases += [((past,), (future,)) for group in (times, others) for past in group for future in group]
    for pasts, futures in cases:
        inputs = [{"target": walk(rng, targets, 60), "past_covariates": {"x": kinds(past, False)},
                   "future_covariates": {"x": kinds(future, True)}} for past, future in zip(pasts, futures)]
        try:
            theirs = pipelines[1].predict(inputs, prediction_length=5)
        except ValueError:  # texts that are no numbers, in the future of numbers
            with pytest.raises(ValueError):
                pipelines[0].predict(inputs, prediction_length=5)
            continue
        found = pipelines[0].predict(inputs, prediction_length=5)
        assert worst(found, theirs, [item["target"] for item in inputs]) < TOLERANCE, (pasts, futures)


@pytest.mark.parametrize("options", [
    {"max_output_patches": 1}, {"max_output_patches": 2, "unrolled_quantiles": [0.1, 0.5, 0.9]},
    {"unrolled_quantiles": [0.5]}], ids=str)
def test_rollouts(pipelines, options):
    """Rollouts magnify float32's rounding, upstream's most: docs/compat.md."""
    inputs = [walk(np.random.default_rng(17), 120)]
    horizon = 3 * 16 + 5
    assert worst(*(p.predict(inputs, prediction_length=horizon, **options) for p in pipelines), inputs) < 3e-3


def frames(rng, freq, horizon):
    parts, ahead = [], []
    for item, length in (("b", 60), ("a", 45)):
        stamps = pd.date_range("2020-01-31 05:00", periods=length + horizon, freq=freq)
        part = pd.DataFrame({"item_id": item, "timestamp": stamps, "y": walk(rng, length + horizon),
                             "z": walk(rng, length + horizon), "x": rng.random(length + horizon),
                             "kind": pd.Categorical(rng.choice(["lo", "hi", "mid"], length + horizon)),
                             "past": rng.random(length + horizon)})
        parts.append(part[:length])
        ahead.append(part[["item_id", "timestamp", "x", "kind"]][length:])
    return pd.concat(parts, ignore_index=True), pd.concat(ahead, ignore_index=True)


@pytest.mark.parametrize("freq", ["15min", "h", "D", "B", "W-SUN", "ME", "QS-FEB", "YE", "bh"])
@pytest.mark.parametrize("target", ["y", ["y", "z"]], ids=str)
def test_predict_df(pipelines, freq, target):
    df, future = frames(np.random.default_rng(12), freq, 7)
    ours, theirs = (p.predict_df(df.sample(frac=1, random_state=1), future, target=target, prediction_length=7,
                                 quantile_levels=LEVELS) for p in pipelines)
    pd.testing.assert_frame_equal(ours.iloc[:, :3], theirs.iloc[:, :3])
    assert list(ours.columns) == list(theirs.columns) and (ours.dtypes == theirs.dtypes).all()
    for column in ours.columns[3:]:
        for name in ours["target_name"].unique():
            rows = ours["target_name"] == name
            loc, scale = df[name].mean(), df[name].std()
            a, b = (normalised(frame.loc[rows, column], loc, scale) for frame in (ours, theirs))
            assert np.abs(a - b).max() < TOLERANCE


@pytest.mark.parametrize("target", ["y", ["y", "z"]], ids=str)
@pytest.mark.filterwarnings("ignore:.*categories that the past never had")
def test_categories_that_never_occur(pipelines, target):
    """They take a code beside several targets; in the future they have one there, too."""
    df, future = frames(np.random.default_rng(19), "h", 7)
    for frame in (df, future):
        frame["kind"] = frame["kind"].cat.set_categories(["never", "lo", "neither", "hi", "mid"])
    future.loc[[1, 9], "kind"] = "neither"
    ours, theirs, fewer = (p.predict_df(rows, future, target=target, prediction_length=7, quantile_levels=LEVELS)
                           for p, rows in ((pipelines[0], df), (pipelines[1], df), (pipelines[0], df.assign(
                               kind=df["kind"].cat.remove_unused_categories()))))
    for name in ours["target_name"].unique():
        rows = ours["target_name"] == name
        a, b, c = (normalised(frame.loc[rows, "predictions"], df[name].mean(), df[name].std())
                   for frame in (ours, theirs, fewer))
        assert np.abs(a - b).max() < TOLERANCE
        assert (np.abs(a - c).max() > TOLERANCE) == (target != "y")


def test_prepared_inputs(pipelines):
    df, future = frames(np.random.default_rng(13), "h", 5)
    prepared = from_data_frame(df, target_columns=["y", "z"], prediction_length=5, future_df=future)
    pasts = [item["context"].numpy() for item in prepared]
    assert worst(*(p.predict(prepared, prediction_length=5) for p in pipelines), pasts) < TOLERANCE


@pytest.mark.parametrize("horizon", [12, 40])
@pytest.mark.filterwarnings("ignore:.*values of known futures")
def test_prepared_inputs_with_short_futures(pipelines, horizon):
    df, future = frames(np.random.default_rng(14), "h", 5)
    prepared = from_data_frame(df, target_columns=["y", "z"], prediction_length=5, future_df=future)
    pasts = [item["context"].numpy() for item in prepared]
    assert worst(*(p.predict(prepared, prediction_length=horizon) for p in pipelines), pasts) < TOLERANCE


def test_embeddings(pipelines):
    rng = np.random.default_rng(14)
    inputs = [walk(rng, 90), walk(rng, 2, 41)]
    (ours, scales), (theirs, expected) = (p.embed(inputs) for p in pipelines)
    for a, b in zip(ours, theirs):
        torch.testing.assert_close(a, b, atol=2e-3, rtol=2e-3)
    for (loc, scale), (their_loc, their_scale) in zip(scales, expected):
        torch.testing.assert_close(loc, their_loc)
        torch.testing.assert_close(scale, their_scale)


@pytest.mark.parametrize("inputs", [
    torch.rand(16), [torch.rand(1, 2, 9)], [{"target": torch.rand(9), "extra": 1}], [],
    [{"target": torch.rand(1, 2, 3)}],
    [{"target": torch.rand(9), "past_covariates": [1]}],
    [{"target": torch.rand(9), "past_covariates": {"a": torch.rand(8)}}],
    [{"target": torch.rand(9), "past_covariates": {"a": torch.rand(9)}, "future_covariates": {"b": torch.rand(4)}}],
    [{"target": torch.rand(9), "past_covariates": {"a": torch.rand(9)}, "future_covariates": {"a": torch.rand(5)}}],
], ids=list(range(9)))
def test_both_refuse_an_input_for_the_same_reason(pipelines, inputs):
    said = []
    for pipeline in pipelines:
        with pytest.raises(ValueError) as error:
            pipeline.predict(inputs, prediction_length=4)
        said.append(str(error.value).split("(")[0].split(",")[0][:40])
    assert said[0] == said[1]


@pytest.mark.parametrize("univariate", [False, True])
def test_predict_fev(pipelines, tmp_path, univariate):
    import fev

    rng = np.random.default_rng(15)
    stamps = pd.date_range("2021-01-01", periods=60, freq="D").to_numpy()
    rows = [{"id": name, "timestamp": stamps, "y": walk(rng, 60), "x": rng.random(60)} for name in ("a", "b")]
    pd.DataFrame(rows).to_parquet(tmp_path / "data.parquet")
    task = fev.Task(dataset_path=str(tmp_path / "data.parquet"), horizon=6, num_windows=2, target="y",
                    known_dynamic_columns=["x"], eval_metric="MASE", quantile_levels=[0.1, 0.5])
    scores = []
    for pipeline in pipelines:
        predictions, seconds = pipeline.predict_fev(task, as_univariate=univariate)
        assert seconds > 0
        scores.append(task.evaluation_summary(predictions, model_name="x")["test_error"])
    assert scores[0] == pytest.approx(scores[1], rel=1e-4)


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_what_is_fine_tuned_opens_here(tmp_path, mode):
    rng = np.random.default_rng(16)
    inputs = [walk(rng, 60) for _ in range(4)]
    pipeline = chronos2.Chronos2Pipeline.from_pretrained(SMOOTH, threads=1)
    tuned = pipeline.fit(inputs, prediction_length=8, num_steps=3, batch_size=4, finetune_mode=mode, learning_rate=1e-2,
                         output_dir=tmp_path)
    before, after = (p.predict(inputs, prediction_length=8) for p in (pipeline, tuned))
    assert worst(after, before, inputs) > TOLERANCE
    theirs = Upstream.from_pretrained(tmp_path / "finetuned-ckpt", dtype=torch.float32)
    assert worst(after, theirs.predict(inputs, prediction_length=8), inputs) < TOLERANCE


def test_what_is_fine_tuned_runs_as_it_was_trained(tmp_path):
    """With full attention, though the weights before were trained under a window."""
    rng = np.random.default_rng(24)
    inputs = [walk(rng, 600) for _ in range(2)]
    pipeline = chronos2.Chronos2Pipeline.from_pretrained(ROOT / "models" / "chronos2-micro-r8", threads=1)
    with pytest.warns(UserWarning, match="trained for windowed_future_global at radius 8: the result runs with full"):
        tuned = pipeline.fit(inputs, prediction_length=8, num_steps=1, batch_size=2, output_dir=tmp_path)
    theirs = Upstream.from_pretrained(tmp_path / "finetuned-ckpt", dtype=torch.float32)
    assert worst(*(p.predict(inputs, prediction_length=8) for p in (tuned, theirs)), inputs) < TOLERANCE
    with pytest.warns(UserWarning, match="the weights were trained for full attention, not for windowed"):
        tuned.predict(inputs, prediction_length=8, attention="windowed_future_global")


@pytest.mark.parametrize("settings", [
    {"use_dora": True}, {"bias": "all"}, {"modules_to_save": ["output_patch_embedding"]}, {"rank_pattern": {"q": 4}},
    {"target_modules": ["shared"]}], ids=lambda settings: next(iter(settings)))
def test_adapters_that_can_not_be_opened_are_not_trained(tmp_path, settings):
    pipeline = chronos2.Chronos2Pipeline.from_pretrained(SMOOTH, threads=1)
    config = {"r": 2, "target_modules": ["self_attention.q"], **settings}
    with pytest.raises(NotImplementedError, match="lora_config: its adapters can't be opened here: adapter_"):
        pipeline.fit([walk(np.random.default_rng(16), 60)], 8, num_steps=1, finetune_mode="lora", lora_config=config,
                     output_dir=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", ["array", "lists", "dicts", "numbers beside texts", "prepared", "lora"])
def test_training_takes_every_form_of_input(tmp_path, form):
    rng = np.random.default_rng(21)
    lora = {"finetune_mode": "lora", "lora_config": {"r": 2, "target_modules": ["self_attention.q"]}}
    options, file = (lora, "adapter_model.safetensors") if form == "lora" else ({}, "model.safetensors")
    inputs = dicts(rng, 1 + (form == "numbers beside texts"), 8)
    if form == "numbers beside texts":  # which several targets rank among all of them
        for item, texts in zip(inputs, (False, True, True)):
            for group, length in (("past_covariates", item["target"].shape[-1]), ("future_covariates", 8)):
                item[group]["kind"] = rng.choice(["1", "2", "a"] if texts else [1, 2, 3], length)
    inputs = {"array": lambda: walk(rng, 2, 2, 60), "lists": lambda: [[None, *walk(rng, 60)]],
              "prepared": lambda: from_list_of_dicts(inputs, 8)}.get(form, lambda: inputs)()
    tuned = []
    for pipeline in (chronos2.Chronos2Pipeline.from_pretrained(SMOOTH, threads=1),
                     Upstream.from_pretrained(SMOOTH, dtype=torch.float32)):
        is_plain = form == "lists" and isinstance(pipeline, Upstream)
        theirs = [np.array(item, float) for item in inputs] if is_plain else inputs
        np.random.seed(0)
        torch.manual_seed(0)
        folder = tmp_path / type(pipeline).__module__
        pipeline.fit(theirs, 8, num_steps=2, batch_size=4, learning_rate=1e-2, output_dir=folder, **options)
        tuned.append((folder / "finetuned-ckpt" / file).read_bytes())
    assert tuned[0] == tuned[1]


def test_tensors_that_numpy_lacks(pipelines):
    values = torch.tensor(walk(np.random.default_rng(22), 60), dtype=torch.float32)
    negative = torch.complex(torch.zeros(60), -values).conj().imag
    assert negative.is_neg()
    for inputs in ([negative], [values.to(torch.float8_e4m3fn)], [values.bfloat16()]):
        pasts = [inputs[0].float().resolve_neg().numpy()]
        assert worst(*(p.predict(inputs, prediction_length=5) for p in pipelines), pasts) < TOLERANCE


def test_a_device_computes_the_same(monkeypatch):
    """On the emulated CUDA device that the build brings."""
    monkeypatch.setenv("CHRONOS2_CUDA_LIBRARY", str(ROOT / "build" / "libchronos2_cuda_emulated.so"))
    inputs = [walk(np.random.default_rng(18), 90), walk(np.random.default_rng(19), 2, 41)]
    there = chronos2.Chronos2Pipeline.from_pretrained(SMOOTH, device="cuda", threads=1)
    here = chronos2.Chronos2Pipeline.from_pretrained(SMOOTH, threads=1)
    assert there.model.device == torch.device("cuda")
    assert worst(*(p.predict(inputs, prediction_length=8) for p in (there, here)), inputs) < TOLERANCE


@pytest.mark.parametrize("validate", [True, False])
def test_duckdb_relations_in_and_out(tmp_path, validate):
    import duckdb

    df, future = frames(np.random.default_rng(20), "D", 5)
    df, future = df.drop(columns="z").astype({"kind": str}), future.astype({"kind": str})
    pipeline = chronos2.Chronos2Pipeline.from_pretrained(SMOOTH, threads=1)
    options = {"target": "y", "prediction_length": 5, "quantile_levels": LEVELS, "validate_inputs": validate}
    connection = duckdb.connect()
    for name, frame in (("past", df), ("ahead", future)):
        frame.to_parquet(tmp_path / f"{name}.parquet")
    past, ahead = (connection.sql(f"from '{tmp_path / name}.parquet' order by item_id desc, timestamp")
                   for name in ("past", "ahead"))
    found = pipeline.predict_df(past, ahead, **options)
    assert isinstance(found, duckdb.DuckDBPyRelation)
    expected = pipeline.predict_df(df, future, **options)
    pd.testing.assert_frame_equal(found.df(), expected, check_dtype=False)
    assert found.aggregate("count(*)").fetchall() == [(len(expected),)]


def test_duckdb_keeps_the_names_of_the_caller(tmp_path):
    """A table's relations have its name, and so may a forecast's have that of a table."""
    import duckdb

    df = frames(np.random.default_rng(20), "D", 5)[0][["item_id", "timestamp", "y"]]
    pipeline = chronos2.Chronos2Pipeline.from_pretrained(SMOOTH, threads=1)
    options = {"target": "y", "prediction_length": 5, "quantile_levels": LEVELS}

    def check(relation, past):
        found = pipeline.predict_df(relation, **options)
        pd.testing.assert_frame_equal(found.df(), pipeline.predict_df(past, **options), check_dtype=False)
        return found

    with duckdb.connect(tmp_path / "sales.db") as connection:
        connection.register("given", df)
        connection.sql("create table sales as from given")
        connection.unregister("given")
        check(connection.table("sales"), df)
        found = check(connection.table("sales").filter("item_id = 'a'"), df[df["item_id"] == "a"])
        assert connection.sql("from sales").shape[0] == len(df)
        assert connection.sql("select view_name from duckdb_views() where not internal").fetchall() == []
        again = found.project("item_id, timestamp, predictions as y")
        check(again.set_alias("chronos2_forecast"), again.df())
        connection.sql("create table chronos2_forecast as select 1 as mine")
        found = check(connection.table("sales"), df)
        expected = found.df()
        connection.sql("drop table sales")
        pd.testing.assert_frame_equal(found.df(), expected)
        assert connection.sql("from chronos2_forecast").fetchall() == [(1,)]
        connection.sql("create table sales as from df")
    with duckdb.connect(tmp_path / "sales.db", read_only=True) as connection:
        check(connection.table("sales"), df)
