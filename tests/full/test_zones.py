"""Tables whose time stamps have a time zone: the command counts as predict_df does on the same table, and keeps the zone."""

import io
import subprocess
from datetime import timedelta, timezone

import chronos2
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from conftest import PROGRAM, ROOT

MODEL = ROOT / "models" / "chronos2-micro"
STEPS = 6


@pytest.fixture(scope="module")
def pipeline():
    return chronos2.Chronos2Pipeline.from_pretrained(MODEL, threads=1, return_type="numpy")


def run(*args):
    return subprocess.run([str(PROGRAM.resolve()), "forecast", "-m", str(MODEL), *map(str, args)], capture_output=True,
                          text=True, check=False)


def forecast(*args):
    done = run(*args)
    assert done.returncode == 0, done.stderr
    return pd.read_csv(io.StringIO(done.stdout), dtype={"timestamp": str}), done.stderr.splitlines()


def table(stamps, items=2):
    return pd.concat([pd.DataFrame({"item_id": f"i{k}", "timestamp": stamps,
                                    "target": (np.arange(len(stamps)) * 0.37 + k) % 3 + k}) for k in range(items)],
                     ignore_index=True)


def write(df, folder):
    """As pandas and polars write it."""
    df.to_feather(folder / "t.feather")
    df.to_parquet(folder / "t.parquet")
    paths = [folder / "t.feather", folder / "t.parquet"]
    if not isinstance(df["timestamp"].dt.tz, timezone):  # polars has named zones alone
        paths.append(folder / "polars.parquet")
        pl.from_pandas(df).write_parquet(paths[-1])
    return paths


def texts(stamps):
    return [stamp.isoformat(" ") for stamp in stamps]


BERLIN, NEW_YORK, SYDNEY = "Europe/Berlin", "America/New_York", "Australia/Sydney"
INDIA = timezone(timedelta(hours=5, minutes=30))
CASES = [  # a change of the clocks lies in the past, in the future, at the step between them, or nowhere
    (BERLIN, "2024-03-10", "D", 30, None), (BERLIN, "2024-09-28", "D", 30, None), (BERLIN, "2024-09-30", "D", 27, "D"),
    (BERLIN, "2024-09-01 18:30", "2D", 30, None), (BERLIN, "2024-09-02", "B", 40, None),
    (BERLIN, "2024-08-04", "W-SUN", 12, None), (NEW_YORK, "2024-01-03", "W-WED", 12, "W-WED"),
    (BERLIN, "2023-01-01", "MS", 22, None), (SYDNEY, "2022-01-31", "ME", 20, None), (BERLIN, "2018-01-01", "QS", 20, None),
    (NEW_YORK, "1990-01-01", "YS", 20, None), (INDIA, "2024-01-01", "D", 30, None),
    (BERLIN, "2024-10-25 12:00", "h", 35, None), (BERLIN, "2024-10-26 08:00", "15min", 70, None),
    (BERLIN, "2024-10-20 06:00", "12h", 12, None), (NEW_YORK, "2024-11-01", "h", 60, "h"), ("UTC", "2024-02-20", "D", 30, None),
    ("UTC", "2024-02-20", "h", 30, None), (NEW_YORK, "2024-10-28 09:00", "bh", 40, None)]


@pytest.mark.parametrize("zone, start, freq, rows, given", CASES)
def test_as_predict_df(pipeline, tmp_path, zone, start, freq, rows, given):
    fixed = freq.endswith(("h", "min")) and freq != "bh"
    stamps = pd.date_range(start, periods=rows, freq=freq, tz="UTC").tz_convert(zone) if fixed else \
        pd.date_range(start, periods=rows, freq=freq).tz_localize(zone)
    df = table(stamps)
    expected = pipeline.predict_df(df, prediction_length=STEPS, quantile_levels=[0.1, 0.9], freq=given)
    args = ("-n", STEPS, "--quantile-levels", "0.1,0.9", *(("--freq", given) if given else ()))
    for path in write(df, tmp_path):
        found, said = forecast(path, *args)
        assert list(found["timestamp"]) == texts(expected["timestamp"]), (path, said)
        for column in ("predictions", "0.1", "0.9"):
            np.testing.assert_allclose(found[column], expected[column], rtol=1e-6)
        assert not any("UTC" in line or "warning" in line for line in said), said
        assert run(path, *args, "-o", tmp_path / "out.feather").returncode == 0
        out = feather.read_table(tmp_path / "out.feather")
        assert out["timestamp"].type == pa.Schema.from_pandas(df).field("timestamp").type
        assert list(out["timestamp"].to_pandas()) == list(expected["timestamp"])
        assert run(path, *args, "-o", tmp_path / "out.parquet").returncode == 0
        assert pq.read_table(tmp_path / "out.parquet")["timestamp"].to_pylist() == texts(expected["timestamp"])


def test_items_of_their_own(tmp_path):
    """Items end on either side of a change; one counts hours, one is too short for a frequency of its own."""
    spans = {"a": pd.date_range("2024-10-01", periods=20, freq="D"), "b": pd.date_range("2024-10-20", periods=20, freq="D"),
             "short": pd.date_range("2024-10-26", periods=2, freq="D"), "hours": pd.date_range("2024-10-26", periods=44, freq="h")}
    parts = [pd.DataFrame({"item_id": k, "timestamp": v.tz_localize(BERLIN) if k != "hours" else
                           v.tz_localize("UTC").tz_convert(BERLIN), "target": np.arange(len(v)) % 5.0}) for k, v in spans.items()]
    paths = write(pd.concat(parts, ignore_index=True), tmp_path)
    for path in paths:
        found, _ = forecast(path, "-n", 2)
        assert list(found["timestamp"]) == [
            "2024-10-21 00:00:00+02:00", "2024-10-22 00:00:00+02:00", "2024-11-09 00:00:00+01:00", "2024-11-10 00:00:00+01:00",
            "2024-10-28 00:00:00+01:00", "2024-10-29 00:00:00+01:00", "2024-10-27 21:00:00+01:00", "2024-10-27 22:00:00+01:00"]


def test_gaps_and_parts(tmp_path):
    """Days that are left out, in a folder of files, which is read in parts, and sorted where rows come apart."""
    df = table(pd.date_range("2024-10-10", periods=24, freq="D").tz_localize(BERLIN))
    df = df[df["timestamp"].dt.day != 20]
    expected = texts(pd.date_range("2024-11-03", periods=2, freq="D").tz_localize(BERLIN)) * 2
    for name, rows in (("ordered", df), ("apart", df.sort_values("timestamp"))):
        (tmp_path / name).mkdir()
        rows.iloc[:23].to_parquet(tmp_path / name / "a.parquet")
        rows.iloc[23:].to_parquet(tmp_path / name / "b.parquet")
        found, said = forecast(tmp_path / name, "-n", 2, "-o", tmp_path / "out.csv") if False else forecast(tmp_path / name, "-n", 2)
        assert list(found["timestamp"]) == expected and "2 missing steps" in said[0], said
        assert run(tmp_path / name, "-n", 2, "-o", tmp_path / "out.arrow").returncode == 0
        assert feather.read_table(tmp_path / "out.arrow").schema.field("timestamp").type.tz == BERLIN


def test_known_future(pipeline, tmp_path):
    """Rows of --future are instants, of whatever zone or offset, for all items or each."""
    days = pd.date_range("2024-10-01", periods=31, freq="D").tz_localize(BERLIN)
    df = table(days[:25]).assign(price=np.tile(np.arange(25) % 4.0, 2))
    ahead = pd.DataFrame({"timestamp": days[25:], "price": np.arange(6.0)})
    each = pd.concat([ahead.assign(item_id=f"i{k}") for k in range(2)], ignore_index=True)
    expected = pipeline.predict_df(df, future_df=each[["item_id", "timestamp", "price"]], prediction_length=6, quantile_levels=[0.5])
    for path in write(df, tmp_path)[:2]:
        for future in (ahead, each):
            for stamps in (lambda t: t, lambda t: t.dt.tz_convert(NEW_YORK), lambda t: t.dt.tz_convert("UTC")):
                moved = future.assign(timestamp=stamps(future["timestamp"]))
                moved.to_csv(tmp_path / "future.csv", index=False)
                moved.to_parquet(tmp_path / "future.parquet")
                moved.to_feather(tmp_path / "future.feather")
                for name in ("future.csv", "future.parquet", "future.feather"):
                    found, said = forecast(path, "-n", 6, "--covariates", "price", "--future", tmp_path / name)
                    assert list(found["timestamp"]) == texts(expected["timestamp"])
                    np.testing.assert_allclose(found["predictions"], expected["predictions"], rtol=1e-6)
                    assert not any("offsets" in line for line in said), said
    naive = ahead.assign(timestamp=ahead["timestamp"].dt.tz_localize(None))
    naive.to_feather(tmp_path / "future.feather")
    done = run(path, "-n", 6, "--covariates", "price", "--future", tmp_path / "future.feather")
    assert done.returncode == 1 and "expected an offset from UTC, as in the past" in done.stderr
