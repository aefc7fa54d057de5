"""predict_df through chronos2_predict_stream beside chronos-forecasting's, on every kind of table.

It runs on PYTHONPATH's package, else on that in build/python (`make python`).
"""

import json
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from chronos import Chronos2Pipeline as Upstream
from conftest import ROOT, TASKS, each_task, normalised

sys.path.append(str(ROOT / "build" / "python"))
import chronos2  # noqa: E402

pa = pytest.importorskip("pyarrow")
MODEL = ROOT / "tests" / "golden" / "model-smooth" / "weights"
LEVELS, HORIZON, TOLERANCE = [0.1, 0.5, 0.9], 6, 1e-5


@pytest.fixture(scope="module")
def pipelines():
    return (chronos2.Chronos2Pipeline.from_pretrained(MODEL, threads=1, return_type="numpy"),
            Upstream.from_pretrained(MODEL, device_map="cpu", dtype=torch.float32))


def frames(freq, zone=None):
    """Items of several lengths with numbers, categories and booleans, known and past; values are missing here and
    there."""
    rng, parts, ahead = np.random.default_rng(3), [], []
    for item, length in (("b", 70), ("c", 33), ("a", 120)):
        stamps = pd.date_range("2021-03-20", periods=length + HORIZON, freq=freq, tz=zone)
        kinds = rng.choice(["low", "mid", "high"], length + HORIZON).astype(object)
        kinds[rng.random(len(kinds)) < 0.1] = None
        part = pd.DataFrame({"item_id": item, "timestamp": stamps, "sales": 50 + rng.normal(size=len(stamps)).cumsum(),
                             "stock": rng.normal(size=len(stamps)).astype(np.float32),
                             "price": rng.integers(1, 9, len(stamps)), "kind": kinds,
                             "open": rng.random(len(stamps)) < 0.7, "heat": rng.normal(size=len(stamps))})
        part.loc[rng.random(len(part)) < 0.05, ["sales", "heat"]] = np.nan
        parts.append(part.iloc[:length])
        ahead.append(part.iloc[length:][["item_id", "timestamp", "price", "kind", "open"]])
    return pd.concat(parts, ignore_index=True), pd.concat(ahead, ignore_index=True)


def kinds_of(frame):
    """The frame as every kind of table, with its name."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    yield "pandas", frame
    yield "pyarrow", table
    yield "batches of seven rows", pa.Table.from_batches(table.to_batches(max_chunksize=7))
    ids = table["item_id"].dictionary_encode()
    yield "dictionaries", table.set_column(0, "item_id", ids)
    polars = pytest.importorskip("polars")
    yield "polars", polars.from_pandas(frame)


def as_pandas(table):
    return table if isinstance(table, pd.DataFrame) else table.to_pandas()


def compare(pipelines, df, future, target, kinds=None, **options):
    ours, upstream = pipelines
    options = {"target": target, "prediction_length": HORIZON, "quantile_levels": LEVELS, **options}
    theirs = upstream.predict_df(df, future, **options)
    first, worst = None, 0.0
    futures = [(None, None)] * 5 if future is None else kinds_of(future)
    for (name, past), (_, ahead) in zip(kinds_of(df), futures):
        if kinds and name not in kinds:  # polars has an order of its own
            continue
        found = as_pandas(ours.predict_df(past, ahead, **options))
        first = found if first is None else first
        assert list(found.columns) == list(theirs.columns)
        for column in ("item_id", "timestamp", "target_name"):
            assert found[column].tolist() == theirs[column].tolist(), (name, column)
        for column in found.columns[3:]:
            np.testing.assert_array_equal(found[column], first[column], err_msg=name)  # the same bits from all
            for one in theirs["target_name"].unique():
                loc, scale = df[one].mean(), df[one].std()
                a, b = (normalised(frame.loc[frame["target_name"] == one, column], loc, scale)
                        for frame in (found, theirs))
                worst = max(worst, float(np.abs(a - b).max()))
    assert worst < TOLERANCE, worst


@pytest.mark.parametrize("freq", ["h", "D", "B", "MS", "QE", "W-WED"])
@pytest.mark.parametrize("target", ["sales", ["sales", "stock"]], ids=["one", "several"])
def test_covariates_and_categories(pipelines, freq, target):
    df, future = frames(freq)
    compare(pipelines, df, future, target)


@pytest.mark.parametrize("options", [{"cross_learning": True}, {"cross_learning": True, "batch_size": 20},
                                     {"context_length": 40}, {"validate_inputs": False}], ids=str)
def test_options(pipelines, options):
    df, future = frames("h")
    compare(pipelines, df, future, ["sales", "stock"], **options)


@pytest.mark.parametrize("freq", ["h", "30min", "D", "MS"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns"])
def test_time_zones(pipelines, freq, zone):
    """chronos-forecasting takes none. Summer begins within the items, or after them."""
    df, future = frames(freq, zone)
    plain, known = frames(freq)
    options = {"target": "sales", "prediction_length": HORIZON}
    expected = pipelines[0].predict_df(plain, known, **options)
    for (name, past), (_, ahead) in zip(kinds_of(df), kinds_of(future)):
        found = as_pandas(pipelines[0].predict_df(past, ahead, **options))
        assert found["timestamp"].tolist() == future["timestamp"].tolist(), name
        np.testing.assert_array_equal(found["predictions"], expected["predictions"], err_msg=name)


def test_rows_in_any_order(pipelines):
    df, future = frames("30min")
    compare(pipelines, df.sample(frac=1, random_state=4), future.sample(frac=1, random_state=5), "sales")


def test_gaps_under_a_given_frequency_are_consecutive_steps(pipelines):
    df, _ = frames("D")
    with pytest.warns(UserWarning, match="not one step of the given frequency apart"):
        compare(pipelines, df.drop(index=[10, 11, 50]), None, "sales", freq="D")


def test_categories_in_their_own_order(pipelines):
    df, future = frames("h")
    order = pd.CategoricalDtype(["none", "mid", "low", "high"])
    df["kind"], future["kind"] = df["kind"].astype(order), future["kind"].astype(order)
    compare(pipelines, df, future, ["sales", "stock"], kinds=("pandas", "pyarrow", "dictionaries"))


def test_ids_that_are_numbers(pipelines):
    df, future = (frame.assign(item_id=frame["item_id"].map({"a": -7, "b": 1 << 40, "c": 0})) for frame in frames("h"))
    compare(pipelines, df, future, "sales")


# ---- The shared tasks -----------------------------------------------------------------------------

@pytest.fixture(scope="module")
def trained():
    model = ROOT / "models" / "chronos2-micro"
    return (chronos2.Chronos2Pipeline.from_pretrained(model, threads=2, return_type="numpy"),
            Upstream.from_pretrained(model, device_map="cpu", dtype=torch.float32))


@each_task
def test_shared_tasks(trained, task):
    """Every series of real data of seven kinds, from all but its last horizon. Both forecasts are float32, which is
    coarse where a series lies many deviations from 0."""
    ours, upstream = trained
    horizon, levels = task["horizon"], task["quantile_levels"]
    items = [json.loads(line) for line in (TASKS / task["dataset_path"]).read_text().splitlines()]
    pasts = [np.array(item["target"], np.float64)[:-horizon] for item in items]
    df = pd.concat([pd.DataFrame({"item_id": f"{i}", "timestamp": pd.date_range(item["start"], periods=len(past),
                                                                               freq=item["freq"]), "target": past})
                    for i, (item, past) in enumerate(zip(items, pasts))], ignore_index=True)
    asked = {"prediction_length": horizon, "quantile_levels": levels}
    expected = upstream.predict_df(df, **asked)
    seen = [past[-ours.model_context_length:] for past in pasts]
    loc = np.repeat([np.nanmean(past) for past in seen], horizon)
    scale = np.repeat([max(np.nanstd(past), 1e-5) for past in seen], horizon)
    coarse = 2 * np.finfo(np.float32).eps * np.abs(expected["predictions"]) / scale
    for name, table in kinds_of(df):
        if name not in ("pandas", "pyarrow", "polars"):
            continue
        found = as_pandas(ours.predict_df(table, **asked))
        assert list(found.columns) == list(expected.columns)
        for column in ("item_id", "timestamp", "target_name"):
            assert found[column].tolist() == expected[column].tolist(), (name, column)
        for column in found.columns[3:]:
            off = np.abs(normalised(found[column], loc, scale) - normalised(expected[column], loc, scale))
            assert (off < TOLERANCE + coarse).all(), (name, column, off.max())
