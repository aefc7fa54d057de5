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
        found, said = forecast(tmp_path / name, "-n", 2)
        assert list(found["timestamp"]) == expected and "2 steps filled in" in said[-1], said
        assert run(tmp_path / name, "-n", 2, "-o", tmp_path / "out.arrow").returncode == 0
        assert feather.read_table(tmp_path / "out.arrow").schema.field("timestamp").type.tz == BERLIN
    ahead = pd.DataFrame({"timestamp": pd.date_range("2024-11-03", periods=2, freq="D").tz_localize(BERLIN), "price": [3.0, 4.0]})
    ahead.to_csv(tmp_path / "future.csv", index=False)  # is read in parts, too
    (tmp_path / "priced").mkdir()
    priced = df.assign(price=np.arange(len(df)) % 5.0)
    priced.iloc[:23].to_parquet(tmp_path / "priced" / "a.parquet")
    priced.iloc[23:].to_parquet(tmp_path / "priced" / "b.parquet")
    found, said = forecast(tmp_path / "priced", "-n", 2, "--covariates", "price", "--future", tmp_path / "future.csv")
    assert list(found["timestamp"]) == expected, said


def test_future_without_a_zone(tmp_path):
    """Instants of known futures whose zone isn't seen are counted by the clock of the past, so nothing is said of UTC."""
    days = pd.date_range("2024-10-01", periods=28, freq="D").tz_localize(BERLIN)  # clocks change in the future
    df = table(days).assign(price=np.arange(2 * len(days)) % 5.0)
    past, ahead = df[df["timestamp"].isin(days[:-2])], df[df["timestamp"].isin(days[-2:])].drop(columns="target")
    (tmp_path / "parts").mkdir()
    past.to_parquet(tmp_path / "past.parquet")
    past.to_parquet(tmp_path / "parts" / "past.parquet")
    for name, future in (("future", ahead), ("scenarios", ahead.assign(scenario="usual"))):
        bare = pa.Table.from_pandas(future, preserve_index=False).replace_schema_metadata(None)
        pq.write_table(bare, tmp_path / f"{name}.parquet", store_schema=False)  # as DuckDB and Spark do
    for source, name in (("past.parquet", "future"), ("past.parquet", "scenarios"), ("parts", "future")):
        found, said = forecast(tmp_path / source, "-n", 2, "--covariates", "price", f"--{name}", tmp_path / f"{name}.parquet")
        assert list(found["timestamp"]) == texts(days[-2:]) * 2
        assert not any("UTC" in line for line in said), said


def test_cutoff_of_a_task(tmp_path):
    """A time in a task is one on the clock of the series, for hours as well."""
    hours = pd.date_range("2024-06-01", periods=800, freq="h").tz_localize(BERLIN)
    df = pd.DataFrame({"item_id": "a", "timestamp": hours, "target": np.random.default_rng(3).normal(size=800).cumsum()})
    df.to_parquet(tmp_path / "zoned.parquet")
    df.assign(timestamp=df["timestamp"].dt.tz_localize(None)).to_csv(tmp_path / "local.csv", index=False)
    tasks = "".join(f"- {{dataset_path: {name}, dataset_config: {name[0]}, horizon: 24, seasonality: 24, eval_metric: MASE, "
                    "initial_cutoff: '2024-06-20 12:00:00'}\n" for name in ("zoned.parquet", "local.csv"))
    (tmp_path / "tasks.yaml").write_text("tasks:\n" + tasks)
    subprocess.run([PROGRAM, "study", "--tasks", tmp_path, "--out-prefix", tmp_path / "s", "--radii", "8", "--arms", "none",
                    "--perf-repeats", "1"], check=True, capture_output=True)
    scores = pd.read_csv(tmp_path / "s__arms.csv")
    assert scores.loc[scores["arm"] == "full", "MASE"].nunique() == 1, scores


def test_second_hour(tmp_path):
    """A day at the second of two equal times of the clock counts as the first, which is said."""
    days = pd.date_range("2024-10-15 02:30", periods=20, freq="D").tz_localize(BERLIN, ambiguous=np.zeros(20, bool))
    table(days).to_feather(tmp_path / "t.feather")
    _, said = forecast(tmp_path / "t.feather", "-n", 2)
    assert any("2 time stamps at a time that the clock shows twice count as the first" in line for line in said), said


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
    hours = pd.date_range(days[0], periods=25, freq="h")
    mixed = pd.concat([df, df[:25].assign(item_id="hours", timestamp=hours)], ignore_index=True)
    for stamps, differ in ((mixed, "frequency"), (df, None)):
        stamps.to_feather(tmp_path / "mixed.feather")
        ahead.to_feather(tmp_path / "future.feather")
        done = run(tmp_path / "mixed.feather", "-n", 6, "--covariates", "price", "--future", tmp_path / "future.feather")
        assert (done.returncode == 1) == bool(differ), done.stderr
        assert not differ or f"items differ in their {differ}: expected a column of ids" in done.stderr, done.stderr
    naive = ahead.assign(timestamp=ahead["timestamp"].dt.tz_localize(None))
    naive.to_feather(tmp_path / "future.feather")
    done = run(path, "-n", 6, "--covariates", "price", "--future", tmp_path / "future.feather")
    assert done.returncode == 1 and "expected an offset from UTC, as in the past" in done.stderr


def test_times_that_the_clock_leaves_out_or_shows_twice(pipeline, tmp_path):
    for start, stamp in (("2024-03-20 02:30", "2024-03-31 03:30:00+02:00"), ("2024-10-16 02:30", "2024-10-27 02:30:00+02:00")):
        df = table(pd.date_range(start, periods=10, freq="D").tz_localize(BERLIN), items=1)
        line = f"item 'i0': the clock of Europe/Berlin leaves out or shows twice the time of a step, which is {stamp} here"
        with pytest.warns(UserWarning, match=line.replace("+", r"\+")):
            expected = pipeline.predict_df(df, prediction_length=4)
        for path in write(df, tmp_path)[:2]:
            found, said = forecast(path, "-n", 4)
            assert list(found["timestamp"]) == texts(expected["timestamp"]) and found["timestamp"][1] == stamp
            assert said[1:] == [f"chronos2: warning: {line}"]
            assert len(forecast(path, "-n", 1)[1]) == 1


def test_zones_that_the_system_lacks(pipeline, tmp_path, monkeypatch):
    """Days of theirs are an error, hours are counted, as in Python."""
    monkeypatch.setenv("TZDIR", str(tmp_path))
    days = table(pd.date_range("2024-09-28", periods=30, freq="D").tz_localize(BERLIN))
    hours = table(pd.date_range("2024-10-26", periods=30, freq="h").tz_localize("UTC").tz_convert(BERLIN))
    expected = f"this system has no time zone '{BERLIN}'; TZDIR may name its folder"
    for given in (None, "D"):
        with pytest.raises(NotImplementedError, match=expected):
            pipeline.predict_df(days, prediction_length=2, freq=given)
        for path in write(days, tmp_path):
            done = run(path, "-n", 2, *(("--freq", given) if given else ()))
            assert done.returncode == 1 and done.stderr == f"chronos2: error: {path}: {expected}\n"
    ahead = pipeline.predict_df(hours, prediction_length=2)["timestamp"]
    for path in write(hours, tmp_path):
        found, said = forecast(path, "-n", 2)
        assert list(found["timestamp"]) == texts(ahead.dt.tz_convert("UTC"))
        assert "read with time stamps with a zone as instants in UTC" in said[0]
    named = pa.Table.from_pandas(hours)
    for name in ("Europe/../Berlin", "no zone"):
        stamps = named["timestamp"].cast(pa.int64()).cast(pa.timestamp("us", name))
        feather.write_feather(named.set_column(1, "timestamp", stamps), tmp_path / "t.feather")
        done = run(tmp_path / "t.feather", "-n", 2)
        assert done.returncode == 1
        assert done.stderr.endswith(f"expected a time zone such as UTC, +02:00 or Europe/Berlin, found '{name}'\n")


def test_offsets_of_old_times(pipeline, tmp_path):
    """Berlin was 53 minutes and 28 seconds ahead of UTC: instants hold where offsets are written in minutes."""
    df = table(pd.date_range("1860-01-01", periods=20, freq="YS", unit="us").tz_localize(BERLIN))
    expected = pipeline.predict_df(df, prediction_length=16)["timestamp"]
    for path in write(df, tmp_path)[:2]:
        found, _ = forecast(path, "-n", 16)
        assert found["timestamp"][0] == "1879-12-31 23:59:32+00:53" and found["timestamp"][14] == "1894-01-01 00:00:00+01:00"
        assert [pd.Timestamp(stamp) for stamp in found["timestamp"]] == list(expected)


def test_zones_that_differ_or_are_unknown(tmp_path):
    """Such days are counted in UTC, which is warned of."""
    warning = "days, weeks and months are UTC's; convert them to local time without a zone to count local ones"
    stamps = pd.date_range("2024-09-01", periods=20, freq="D").tz_localize(BERLIN)
    paths = []
    for zone, name in ((BERLIN, "a"), ("Europe/Paris", "b")):
        for end in ("feather", "parquet"):
            paths.append(tmp_path / f"{name}.{end}")
            getattr(table(stamps.tz_convert(zone), 1).assign(item_id=name), f"to_{end}")(paths[-1])
    for several in (paths[::2], paths[1::2], (tmp_path / "?.parquet",)):
        found, said = forecast(*several, "-n", 1)
        assert list(found["timestamp"]) == ["2024-09-20 22:00:00+00:00"] * 2
        assert f"time stamps have {'a zone' if len(several) == 1 else 'several zones'} and" in said[1] and warning in said[1], said
    table(stamps.tz_convert("UTC"), 1).assign(item_id="utc").to_feather(tmp_path / "utc.feather")
    table(stamps.tz_convert("UTC"), 1).assign(item_id="csv").to_csv(tmp_path / "utc.csv", index=False)
    assert len(forecast(tmp_path / "utc.feather", tmp_path / "utc.csv", "-n", 1)[1]) == 1
    pq.write_table(pq.read_table(paths[1]), tmp_path / "bare.parquet", store_schema=False)
    found, said = forecast(tmp_path / "bare.parquet", "-n", 1)
    assert list(found["timestamp"]) == ["2024-09-20 22:00:00+00:00"] and "time stamps have a zone" in said[1]
    assert run(tmp_path / "bare.parquet", "-n", 1, "-o", tmp_path / "out.feather").returncode == 0
    assert feather.read_table(tmp_path / "out.feather")["timestamp"].to_pylist() == ["2024-09-20 22:00:00+00:00"]


def test_other_commands(tmp_path):
    """What they write has the past's own time stamps; forecasts that evaluate writes are read back."""

    def call(command, *args):
        done = subprocess.run([str(PROGRAM.resolve()), command, "-m", str(MODEL), *map(str, args)], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    stamps = pd.date_range("2024-09-28", periods=60, freq="D").tz_localize(BERLIN)
    rows = tmp_path / "rows.csv"
    for path in write(table(stamps, 1), tmp_path):
        call("evaluate", path, "-n", 3, "--windows", 12, "--forecasts", rows)
        written = pd.read_csv(rows, dtype=str)
        assert list(written["timestamp"]) == texts(stamps[24:]) and written["cutoff"][0] == str(stamps[23])
        mase = call("evaluate", path, "-n", 3, "--windows", 12, "--against", rows).splitlines()[1].split()
        assert mase[0] == "MASE" and mase[1] == mase[4]
        found = pd.read_csv(io.StringIO(call("detect", path, "--all", "--last", 20)), dtype=str)["timestamp"]
        assert list(found) == texts(stamps[40:])


def test_against_without_a_zone(tmp_path):
    """Instants of given forecasts are met by those of the past, so nothing is said of UTC."""
    past, rows, bare = (tmp_path / name for name in ("past.parquet", "rows.csv", "rows.parquet"))
    table(pd.date_range("2024-09-28", periods=60, freq="D").tz_localize(BERLIN), 1).to_parquet(past)
    command = [str(PROGRAM.resolve()), "evaluate", "-m", str(MODEL), past, "-n", "3", "--windows", "12"]
    subprocess.run([*command, "--forecasts", rows], capture_output=True, check=True)
    given = pd.read_csv(rows)
    given = given.assign(**{name: pd.to_datetime(given[name], utc=True) for name in ("timestamp", "cutoff")})
    given = pa.Table.from_pandas(given, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(given, bare, store_schema=False)
    done = subprocess.run([*command, "--against", bare], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "UTC" not in done.stderr, done.stderr
    mase = done.stdout.splitlines()[1].split()
    assert mase[0] == "MASE" and mase[1] == mase[4]


def test_pages(tmp_path):
    """Time stamps of items of one wall and two zones."""
    for name, zone in (("a", BERLIN), ("b", "Africa/Lagos")):
        stamps = pd.date_range("2024-11-20", periods=12, freq="D").tz_localize(zone)
        pd.DataFrame({"timestamp": stamps, name: np.arange(12.0) % 5}).to_feather(tmp_path / f"{name}.feather")
    frames = [tmp_path / "a.feather", tmp_path / "b.feather"]
    found, _ = forecast(*frames, "--wide", "-n", 150, "--report", tmp_path / "page.html")
    ends = [found["timestamp"][149], found["timestamp"][299]]
    assert ends == ["2025-04-30 00:00:00+02:00", "2025-04-30 00:00:00+01:00"]
    page = (tmp_path / "page.html").read_text()
    assert all(end in page for end in ends)
    assert run(*frames, "--wide", "-n", 2, "-o", tmp_path / "out.feather").returncode == 0
    assert feather.read_table(tmp_path / "out.feather")["timestamp"].to_pylist()[::2] == [
        "2024-12-02 00:00:00+01:00", "2024-12-02 00:00:00+01:00"]
