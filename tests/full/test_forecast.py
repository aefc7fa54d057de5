"""`chronos2 forecast` on CSV files beside Chronos2Pipeline.predict_df on the same data, with the bundled checkpoint."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from chronos import Chronos2Pipeline
from conftest import ROOT, normalised
from safetensors import safe_open

MODEL = ROOT / "models" / "chronos2-micro"
LEVELS = [0.05, 0.1, 0.33, 0.5, 0.9]
TOLERANCE = 2e-4


@pytest.fixture(scope="module")
def pipeline():
    return Chronos2Pipeline.from_pretrained(MODEL, dtype=torch.float32)


def series(rng, item, start, freq, length):
    step = np.arange(length)
    level = 10.0 ** rng.uniform(-1, 3)
    values = level * (3 + np.sin(2 * np.pi * step / 12 + rng.uniform(0, 6)) + 0.2 * rng.normal(size=length))
    return pd.DataFrame({"item_id": item, "timestamp": pd.date_range(start, periods=length, freq=freq),
                         "target": values})


def run_forecast(program, tmp_path, frame, *options):
    frame.to_csv(tmp_path / "in.csv", index=False)
    levels = ",".join(map(str, LEVELS))
    text = program("forecast", tmp_path / "in.csv", "-m", MODEL, "--quantile-levels", levels, *options)
    return pd.read_csv(io.StringIO(text), parse_dates=["timestamp"], dtype={"item_id": str})


def assert_same(ours, theirs, history):
    """Same columns, rows and timestamps; values within the tolerance in units of each target's history."""
    key = ["item_id", "target_name", "timestamp"]
    assert list(ours.columns) == ["item_id", "timestamp", "target_name", "predictions", *map(str, LEVELS)]
    assert list(theirs.columns) == list(ours.columns)
    ours, theirs = (f.sort_values(key).reset_index(drop=True) for f in (ours, theirs))
    pd.testing.assert_frame_equal(ours[key], theirs[key], check_dtype=False)
    worst = 0.0
    for (item, target), rows in theirs.groupby(["item_id", "target_name"]):
        past = history.loc[history["item_id"] == item, target].to_numpy(np.float64)
        loc, scale = np.nanmean(past), np.nanstd(past)
        for column in ours.columns[3:]:
            difference = normalised(ours.loc[rows.index, column], loc, scale) - normalised(rows[column], loc, scale)
            worst = max(worst, np.abs(difference).max())
    assert worst < TOLERANCE
    return worst


FREQUENCIES = [("15min", "2024-02-28 22:15"), ("h", "2024-03-30 05:00"), ("D", "2023-12-25"), ("B", "2024-01-04"),
               ("W-SUN", "2020-01-05"), ("MS", "2015-10-01"), ("ME", "2015-10-31"), ("QS-JAN", "2001-04-01"),
               ("YS-JAN", "1960-01-01"), ("bh", "2024-01-04 09:00"), ("WOM-3FRI", "2010-01-15"), ("WOM-1MON", "2010-01-04"),
               ("BMS", "2010-01-01"), ("BQE-DEC", "2001-03-30")]


@pytest.mark.parametrize("freq,start", FREQUENCIES)
def test_frequencies_and_unequal_lengths(program, tmp_path, pipeline, freq, start):
    rng = np.random.default_rng(len(freq) + len(start))
    frame = pd.concat([series(rng, item, start, freq, n) for item, n in (("b", 60), ("a", 33), ("c", 150))])
    theirs = pipeline.predict_df(frame, prediction_length=20, quantile_levels=LEVELS)
    assert_same(run_forecast(program, tmp_path, frame, "--horizon", 20), theirs, frame)


def test_rows_in_any_order(program, tmp_path, pipeline):
    rng = np.random.default_rng(3)
    frame = pd.concat([series(rng, item, "2024-01-01", "D", 80) for item in "xyz"])
    theirs = pipeline.predict_df(frame, prediction_length=9, quantile_levels=LEVELS)
    shuffled = frame.sample(frac=1, random_state=1)
    assert_same(run_forecast(program, tmp_path, shuffled, "--horizon", 9), theirs, frame)


def test_missing_values(program, tmp_path, pipeline):
    rng = np.random.default_rng(4)
    frame = pd.concat([series(rng, item, "2024-01-01", "h", 300) for item in "xy"], ignore_index=True)
    frame.loc[rng.random(len(frame)) < 0.2, "target"] = np.nan
    theirs = pipeline.predict_df(frame, prediction_length=30, quantile_levels=LEVELS)
    assert_same(run_forecast(program, tmp_path, frame, "--horizon", 30), theirs, frame)


def test_rollout(program, tmp_path, pipeline):
    """Beyond what one pass gives."""
    rng = np.random.default_rng(5)
    horizon = pipeline.model_prediction_length + 40
    frame = pd.concat([series(rng, item, "2020-01-01", "D", n) for item, n in (("x", 700), ("y", 90))])
    theirs = pipeline.predict_df(frame, prediction_length=horizon, quantile_levels=LEVELS)
    assert_same(run_forecast(program, tmp_path, frame, "--horizon", horizon), theirs, frame)


def test_short_context(program, tmp_path, pipeline):
    rng = np.random.default_rng(6)
    frame = series(rng, "x", "2020-01-01", "D", 400)
    theirs = pipeline.predict_df(frame, prediction_length=12, quantile_levels=LEVELS, context_length=100)
    ours = run_forecast(program, tmp_path, frame, "--horizon", 12, "--context-length", 100)
    assert_same(ours, theirs, frame)


def test_cross_learning(program, tmp_path, pipeline):
    rng = np.random.default_rng(7)
    frame = pd.concat([series(rng, item, "2022-01-01", "D", n) for item, n in (("a", 100), ("b", 40), ("c", 100))])
    theirs = pipeline.predict_df(frame, prediction_length=14, quantile_levels=LEVELS, cross_learning=True)
    assert_same(run_forecast(program, tmp_path, frame, "--horizon", 14, "--cross-learning"), theirs, frame)


def test_several_targets_and_covariates(program, tmp_path, pipeline):
    rng = np.random.default_rng(8)
    parts, known = [], []
    for item, n in (("a", 120), ("b", 70)):
        frame = series(rng, item, "2022-01-01", "D", n + 14)
        frame["second"] = series(rng, item, "2022-01-01", "D", n + 14)["target"]
        frame["load"] = rng.normal(size=n + 14)
        frame["promo"] = rng.integers(0, 2, n + 14).astype(float)
        parts.append(frame.iloc[:n])
        known.append(frame.iloc[n:][["item_id", "timestamp", "promo"]])
    frame, future = pd.concat(parts), pd.concat(known)
    theirs = pipeline.predict_df(frame, future_df=future, target=["target", "second"], prediction_length=14,
                                 quantile_levels=LEVELS)
    future.to_csv(tmp_path / "future.csv", index=False)
    ours = run_forecast(program, tmp_path, frame, "--horizon", 14, "--target", "target,second", "--past-covariates",
                        "load,promo", "--future", tmp_path / "future.csv")
    assert_same(ours, theirs, frame)


@pytest.mark.parametrize("past_words,future_words",
                         [(("True", "False"), ("TRUE", "FALSE")), (("true", "false"), ("True", "False")),
                          (("TRUE", "FALSE", ""), ("true", "false", "")), (("True", "TRUE", "maybe"),) * 2])
def test_booleans_and_all_covariates(program, tmp_path, pipeline, past_words, future_words):
    """Both sides read the same files: pandas' spellings of booleans are one category each, unless the column holds
    anything else. Every other column is a covariate, known where the future has it."""
    rng = np.random.default_rng(9)
    parts, known = [], []
    for item, n in (("a", 90), ("b", 61)):
        frame = series(rng, item, "2022-01-01", "D", n + 14)
        code = rng.integers(0, len(past_words), n + 14)
        frame["target"] *= 1 + 0.5 * code
        frame["load"] = rng.normal(size=n + 14)
        frame["promo"] = np.array(past_words)[code]
        parts.append(frame.iloc[:n])
        frame = frame.assign(promo=np.array(future_words)[code])
        known.append(frame.iloc[n:][["item_id", "timestamp", "promo"]])
    pd.concat(parts).to_csv(tmp_path / "past.csv", index=False)
    pd.concat(known).to_csv(tmp_path / "future.csv", index=False)
    frame, future = (pd.read_csv(tmp_path / f"{name}.csv", parse_dates=["timestamp"]) for name in ("past", "future"))
    theirs = pipeline.predict_df(frame, future_df=future, prediction_length=14, quantile_levels=LEVELS)
    text = program("forecast", tmp_path / "past.csv", "-m", MODEL, "--quantile-levels", ",".join(map(str, LEVELS)),
                   "--horizon", 14, "--all-covariates", "--future", tmp_path / "future.csv")
    ours = pd.read_csv(io.StringIO(text), parse_dates=["timestamp"], dtype={"item_id": str})
    assert_same(ours, theirs, frame)


def test_checkpoint_loads_in_both(program, pipeline):
    """The bundled folder is read whole by PyTorch, in the stored type, and counts as many parameters in the program."""
    with safe_open(MODEL / "model.safetensors", "pt") as file:
        stored = {name: file.get_tensor(name) for name in file.keys()}
    loaded = pipeline.model.state_dict()
    assert set(stored) == set(loaded)
    for name, tensor in stored.items():
        assert torch.equal(tensor.float(), loaded[name]), name
    total = sum(tensor.numel() for tensor in stored.values())
    assert str(total) in program("inspect", MODEL).replace(",", "")
