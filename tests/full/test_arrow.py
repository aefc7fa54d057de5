"""What pyarrow and pandas write is read by the program, and what it writes by pyarrow: the same forecast as from CSV."""

import subprocess
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pytest
from conftest import PROGRAM

ITEMS, ROWS = 3, 50
COVARIATES = ("--covariates", "price,promo,open")


def run(*args):
    return subprocess.run([str(PROGRAM.resolve()), "forecast", *map(str, args), "-n", "3"], capture_output=True,
                          text=True, check=False)


def forecast(*args):
    done = run(*args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(part, *args):
    done = run(*args)
    assert done.returncode == 1 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("chronos2: error: ") and part in lines[0], done.stderr


def table(stamps=pa.timestamp("us"), ids=pa.string(), target=pa.float64(), day=False):
    rng = np.random.default_rng(1)
    start = datetime(2024, 1, 1)
    step = timedelta(days=1) if day else timedelta(hours=1)
    times = pa.array([start + t * step for _ in range(ITEMS) for t in range(ROWS)], pa.timestamp("us"))
    names = pa.array([f"it'em, {i}" for i in range(ITEMS) for _ in range(ROWS)])
    if pa.types.is_timestamp(stamps) and stamps.tz:
        times = times.cast(pa.int64()).cast(pa.timestamp("us", stamps.tz))
    return pa.table({
        "item_id": names.dictionary_encode() if ids == "dictionary" else names.cast(ids),
        "timestamp": times.cast(stamps),
        "target": pa.array([None if t == 7 else float(np.float32(rng.normal())) for _ in range(ITEMS) for t in range(ROWS)],
                           target),
        "price": pa.array(rng.integers(9, size=ITEMS * ROWS), pa.int16()),
        "promo": pa.array([None if i % 9 == 2 else str(rng.choice(["none", "big"])) for i in range(ITEMS * ROWS)]),
        "open": pa.array(rng.integers(2, size=ITEMS * ROWS).astype(bool)),
    })


def write(kind, rows, path, options=None):
    with {"file": ipc.new_file, "stream": ipc.new_stream}[kind](path, rows.schema, options=options) as out:
        for batch in rows.to_batches(max_chunksize=40):
            out.write_batch(batch)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    here = tmp_path_factory.mktemp("arrow")
    for day in (False, True):
        rows = table(day=day)
        stamp = pa.array([t.strftime("%Y-%m-%d %H:%M:%S") for t in rows["timestamp"].to_pylist()])
        rows = rows.set_column(1, "timestamp", stamp).set_column(5, "open", rows["open"].cast(pa.string()))
        pa.csv.write_csv(rows, here / ("daily.csv" if day else "hourly.csv"))
        zoned = pa.array([f"{t}Z" for t in stamp.to_pylist()])
        pa.csv.write_csv(rows.set_column(1, "timestamp", zoned), here / ("daily_utc.csv" if day else "hourly_utc.csv"))
    return here


@pytest.mark.parametrize("kind", ["file", "stream"])
@pytest.mark.parametrize("form", [
    {}, {"stamps": pa.timestamp("s")}, {"stamps": pa.timestamp("ms")}, {"stamps": pa.timestamp("ns")},
    {"stamps": pa.timestamp("ns", "UTC")}, {"stamps": pa.timestamp("ms", "UTC")}, {"ids": pa.large_string()},
    {"ids": "dictionary"}, {"target": pa.float32()}, {"stamps": pa.date32(), "day": True},
    {"stamps": pa.date64(), "day": True}])
def test_read(folder, kind, form):
    path = folder / ("t.arrow" if kind == "file" else "t.arrows")
    write(kind, table(**form), path)
    zoned = "tz" in dir(form.get("stamps")) and form["stamps"].tz
    csv = ("daily" if "day" in form else "hourly") + ("_utc" if zoned else "") + ".csv"
    assert forecast(path, *COVARIATES) == forecast(folder / csv, *COVARIATES)


@pytest.mark.parametrize("codec", ["uncompressed", "lz4", "zstd"])
def test_feather(folder, codec):
    feather.write_feather(table(), folder / "t.feather", compression=codec)
    assert forecast(folder / "t.feather", *COVARIATES) == forecast(folder / "hourly.csv", *COVARIATES)


def test_pandas(folder):
    table().to_pandas().to_feather(folder / "p.feather")
    assert forecast(folder / "p.feather", *COVARIATES) == forecast(folder / "hourly.csv", *COVARIATES)
    with open(folder / "p.feather", "rb") as file:
        done = subprocess.run([str(PROGRAM.resolve()), "forecast", "-", *COVARIATES, "-n", "3"], stdin=file,
                              capture_output=True, check=False)
    assert done.stdout.decode() == forecast(folder / "hourly.csv", *COVARIATES)


def test_future(folder):
    """A known future as Arrow beside a past as CSV."""
    start = pd.Timestamp("2024-01-01") + pd.Timedelta(hours=ROWS)
    future = pd.DataFrame({"item_id": np.repeat([f"it'em, {i}" for i in range(ITEMS)], 3),
                           "timestamp": [start + pd.Timedelta(hours=t) for _ in range(ITEMS) for t in range(3)],
                           "price": np.arange(3 * ITEMS) % 4})
    future.to_csv(folder / "future.csv", index=False)
    future.to_feather(folder / "future.feather")
    args = (folder / "hourly.csv", "--covariates", "price", "--future")
    assert forecast(*args, folder / "future.feather") == forecast(*args, folder / "future.csv")


def test_future_of_large_table(folder):
    """The past is read in parts, the future as a whole."""
    hours = pd.date_range("2010-01-01", periods=85_000, freq="h")
    past = pd.concat([pd.DataFrame({"item_id": i, "timestamp": hours, "target": np.arange(len(hours)) % 24, "price": 1})
                      for i in ("a", "b")])
    past.to_csv(folder / "large.csv", index=False)
    assert (folder / "large.csv").stat().st_size > 1 << 22
    steps = pd.date_range(hours[-1], periods=4, freq="h")[1:]
    future = pd.concat([pd.DataFrame({"item_id": i, "timestamp": steps, "price": [1, 2, 3]}) for i in ("a", "b")],
                       ignore_index=True)
    future.to_csv(folder / "steps.csv", index=False)
    future.to_feather(folder / "steps.feather")
    args = (folder / "large.csv", "--covariates", "price", "--future")
    assert forecast(*args, folder / "steps.feather") == forecast(*args, folder / "steps.csv")
    past.reset_index(drop=True).to_feather(folder / "large.feather")
    assert forecast(folder / "large.feather", *args[1:], folder / "steps.csv") == forecast(*args, folder / "steps.csv")


def test_refusals(folder):
    compressed = ipc.IpcWriteOptions(compression="lz4")
    write("file", table(ids="dictionary"), folder / "bad.arrow", compressed)
    refused("a dictionary is compressed: write it uncompressed", folder / "bad.arrow")
    nested = table().append_column("list", pa.array([[1.0]] * ITEMS * ROWS))
    write("file", nested, folder / "bad.arrow")
    refused("column 'list' holds nested values", folder / "bad.arrow")
    write("file", table().append_column("view", table()["promo"].cast(pa.string_view())), folder / "bad.arrow")
    refused("Utf8View not yet supported in IPC reader; polars writes", folder / "bad.arrow")
    (folder / "bad.arrow").write_bytes(b"ARROW1\0\0\4\0\0\0" + bytes(60) + b"ARROW1")  # as polars 2.1 does
    refused("expected a message at byte 8, as Arrow has it from version 0.15 on; polars writes", folder / "bad.arrow")
    write("file", table().set_column(2, "target", table()["promo"]), folder / "bad.arrow")
    refused("column 'target': expected numbers, found string", folder / "bad.arrow")
    odd = table(pa.timestamp("ns"))
    odd = odd.set_column(1, "timestamp", pa.compute.add(odd["timestamp"].cast(pa.int64()), 1).cast(pa.timestamp("ns")))
    write("file", odd, folder / "bad.arrow")
    refused("bad.arrow:1: column 'timestamp': expected whole microseconds", folder / "bad.arrow")
    write("file", table().set_column(2, "target", pa.array([np.inf] * ITEMS * ROWS)), folder / "bad.arrow")
    refused("expected a finite number or nothing, found inf", folder / "bad.arrow")
    write("file", table().set_column(1, "timestamp", pa.nulls(ITEMS * ROWS, pa.timestamp("us"))), folder / "bad.arrow")
    refused("bad.arrow:1: column 'timestamp'", folder / "bad.arrow")
    write("stream", table().slice(0, 0), folder / "bad.arrow")
    refused("no rows", folder / "bad.arrow")
    (folder / "bad.arrow").write_text("item_id,timestamp,target\n")
    refused("expected Arrow's IPC format", folder / "bad.arrow")


def test_write(folder):
    assert forecast(folder / "hourly.csv", "-o", folder / "o.csv") == ""
    expected = pd.read_csv(folder / "o.csv", parse_dates=["timestamp"])
    for name in ("o.arrow", "o.feather", "o.arrows"):
        assert forecast(folder / "hourly.csv", "-o", folder / name) == ""
        read = ipc.open_stream if name == "o.arrows" else ipc.open_file
        with open(folder / name, "rb") as file:
            found = read(file).read_all()
        assert found.schema.field("timestamp").type == pa.timestamp("us")
        assert found.schema.field("0.1").type == pa.float32() and found.schema.field("item_id").type == pa.string()
        found.validate(full=True)
        assert found.column_names == list(expected.columns)
        for column in found.column_names:
            wanted = expected[column].astype(np.float32) if column[0] in "p0" else expected[column]
            assert found[column].to_pylist() == wanted.tolist(), column
    feather.write_feather(table(), folder / "t.feather", compression="lz4")
    forecast(folder / "t.feather", *COVARIATES, "-o", folder / "again.arrow")
    forecast(folder / "hourly.csv", *COVARIATES, "-o", folder / "csv.arrow")
    assert (folder / "again.arrow").read_bytes() == (folder / "csv.arrow").read_bytes()


@pytest.mark.parametrize("first, after", [(1980, "2020-01-01"), (0, "40"), (1704067200, "2024-01-01 00:00:40")])
def test_whole_numbers_of_several_files(tmp_path, first, after):
    whole = pa.table({"item_id": ["a"] * 40 + ["b"] * 40, "timestamp": [*range(first, first + 40)] * 2, "target": [i % 7 for i in range(80)]})
    for name, rows in ("one", whole), ("a", whole.slice(0, 60)), ("b", whole.slice(60)):
        write("file", rows, tmp_path / f"{name}.arrow")
    joined = forecast(tmp_path / "a.arrow", tmp_path / "b.arrow")
    assert joined == forecast(tmp_path / "one.arrow")
    assert joined.splitlines()[1].startswith(f"a,{after},target,")
