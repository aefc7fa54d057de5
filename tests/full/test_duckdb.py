"""What DuckDB reads and writes for the program: the same forecast as from CSV, and hostile files."""

import gzip
import os
import re
import signal
import subprocess
import time
import zipfile
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PROGRAM

LIBRARY = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "chronos2/libduckdb.so"


def run(*args, cwd=None):
    return subprocess.run([str(PROGRAM.resolve()), "forecast", *map(str, args)], capture_output=True, text=True, check=False, cwd=cwd)


def forecast(*args, cwd=None):
    done = run(*args, "-n", 3, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(part, *args, cwd=None):
    done = run(*args, "-n", 3, cwd=cwd)
    assert done.returncode in (1, 2) and done.stdout == "", done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("chronos2: error: ") and part in lines[0], done.stderr


def table(items=3, rows=50):
    rng = np.random.default_rng(1)
    start = datetime(2024, 1, 1)
    return pl.DataFrame(
        {
            "item_id": [f"it'em {i}" for i in range(items) for _ in range(rows)],
            "timestamp": [start + timedelta(hours=t) for _ in range(items) for t in range(rows)],
            "target": [None if t == 7 else float(rng.normal()) for _ in range(items) for t in range(rows)],
            "price": [int(rng.integers(9)) for _ in range(items) for _ in range(rows)],
            "promo": [str(rng.choice(["none", "big"])) for _ in range(items) for _ in range(rows)],
            "open": [bool(rng.integers(2)) for _ in range(items) for _ in range(rows)],
        }
    )


def write_csv(df, path):
    df.with_columns(pl.col("open").cast(pl.String)).write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    assert LIBRARY.exists() or "CHRONOS2_DUCKDB" in os.environ, "scripts/setup.sh duckdb"
    here = tmp_path_factory.mktemp("tables")
    write_csv(table(), here / "plain.csv")
    table().write_parquet(here / "t.parquet")
    return here


COLUMNS = "--covariates=price,promo,open"


def test_parquet_forecasts_as_csv_does(folder):
    expected = forecast(folder / "plain.csv", COLUMNS)
    assert forecast(folder / "t.parquet", COLUMNS) == expected
    with gzip.open(folder / "t.csv.gz", "wb") as out:
        out.write((folder / "plain.csv").read_bytes())
    assert forecast(folder / "t.csv.gz", COLUMNS) == expected
    types = [pl.Datetime("ms"), pl.Datetime("us"), pl.Datetime("ns")]
    for kind in types:
        table().with_columns(pl.col("timestamp").cast(kind), pl.col("price").cast(pl.Int16)).write_parquet(folder / "k.parquet")
        assert forecast(folder / "k.parquet", COLUMNS) == expected
    table().with_columns(pl.col("promo").cast(pl.Categorical)).write_parquet(folder / "k.parquet")
    assert forecast(folder / "k.parquet", COLUMNS) == expected


def test_semicolons_in_gzip(folder):
    text = "item_id;timestamp;target\n" + "".join(f"a;{d}.01.2024;{d},5\n" for d in range(10, 31))
    (folder / "g.csv").write_text(text)
    with gzip.open(folder / "g.csv.gz", "wt") as out:
        out.write(text)
    assert forecast(folder / "g.csv.gz") == forecast(folder / "g.csv")


def test_folders_patterns_and_partitions(folder):
    df = table()
    parts = folder / "parts"
    for item, rows in df.group_by("item_id", maintain_order=True):
        where = parts / f"region={item[0][-1]}"
        where.mkdir(parents=True)
        rows.write_parquet(where / "rows.parquet")
    expected = forecast(folder / "plain.csv", COLUMNS)
    assert forecast(parts, COLUMNS) == expected
    assert forecast(f"{parts}/*/*.parquet", COLUMNS) == expected
    by_region = forecast(parts, "--id-column=region")
    assert [line.split(",")[0] for line in by_region.splitlines()[1::3]] == ["0", "1", "2"]


def days(item, count=20, hour=0):
    stamps = [datetime(2024, 1, 1, hour) + timedelta(days=i) for i in range(count)]
    return pl.DataFrame({"item_id": [item] * count, "timestamp": stamps, "target": [0.37 * (i % 7) for i in range(count)]})


def write_pair(where, first, second):
    where.mkdir()
    first.write_parquet(where / "a.parquet")
    second.write_parquet(where / "b.parquet")
    return where / "a.parquet", where / "b.parquet"


WHOLE = pl.col("target").round().cast(pl.Int64)


@pytest.mark.parametrize("first, second", [
    (days("a").with_columns(WHOLE), days("b")),
    (days("a").with_columns(pl.col("timestamp").cast(pl.Date)), days("b", hour=6)),
    (days("a"), days("b").with_columns(pl.col("timestamp").cast(pl.Datetime("ns")), pl.col("target").cast(pl.Float32))),
    (days(1).with_columns(pl.col("item_id").cast(pl.Int32)), days(2).with_columns(pl.lit(1).alias("more"))),
    (days("a").with_columns(pl.lit(None).alias("kind")), days("b").with_columns(pl.lit("x").alias("kind"))),
])
def test_types_of_a_folder(tmp_path, first, second):
    one_by_one = forecast(*write_pair(tmp_path / "parts", first, second))
    done = run(tmp_path / "parts", "-n", 3)
    assert (done.returncode, done.stdout) == (0, one_by_one), done.stderr
    assert ("ignored column: more" in done.stderr) == ("more" in second.columns)
    assert forecast(f"{tmp_path}/parts/*.parquet") == one_by_one


FLAG = pl.int_range(pl.len()) % 2


@pytest.mark.parametrize("first, second, found", [
    (days(7), days("007"), "column 'item_id' holds VARCHAR, but BIGINT in "),
    (days(1), days(1.4), "column 'item_id' holds DOUBLE, but BIGINT in "),
    (days("a"), days("b").with_columns(pl.col("timestamp").dt.replace_time_zone("UTC")),
     "column 'timestamp' holds TIMESTAMP WITH TIME ZONE, but TIMESTAMP in "),
    (days("a").with_columns(pl.col("timestamp").dt.replace_time_zone("UTC")), days("b"),
     "column 'timestamp' holds TIMESTAMP, but TIMESTAMP WITH TIME ZONE in "),
    (days("a").with_columns(c=FLAG == 1), days("b").with_columns(c=FLAG), "column 'c' holds BIGINT, but BOOLEAN in "),
    (days("a").with_columns(c=FLAG), days("b").with_columns(c=pl.lit("x")), "column 'c' holds VARCHAR, but BIGINT in "),
    (days("a").with_columns(WHOLE), days("b").with_columns(pl.col("target").cast(pl.Float32)),
     "column 'target' holds FLOAT, but BIGINT in "),
    (days("a").with_columns(timestamp=FLAG), days("b"), "column 'timestamp' holds TIMESTAMP, but BIGINT in "),
    (days("a").with_columns(c=FLAG), days("b"), "b.parquet: expected a column 'c', as in "),
    (days("a"), days("b").with_columns(c=FLAG), "a.parquet: expected a column 'c', as in "),
])
def test_types_of_a_folder_that_do_not_agree(tmp_path, first, second, found):
    write_pair(tmp_path / "parts", first, second)
    covariates = ["--all-covariates"] if "c" in first.columns + second.columns else []
    refused(found, tmp_path / "parts", *covariates)
    refused(found, f"{tmp_path}/parts/*.parquet", *covariates)


def test_columns_of_a_folder_that_have_other_places(tmp_path):
    """Names that differ in case, keys of the path, structs."""
    one_by_one = forecast(*write_pair(tmp_path / "parts", days("a"), days("b")))
    write_pair(tmp_path / "case", days("a"), days("b").rename({"target": "Target"}))
    assert forecast(tmp_path / "case") == one_by_one
    for item in "ab":
        (tmp_path / f"keys/item_id={item}").mkdir(parents=True)
        days(item).drop("item_id").write_parquet(tmp_path / f"keys/item_id={item}/x.parquet")
    assert forecast(tmp_path / "keys") == one_by_one
    pair = pl.struct(pl.lit(1).alias("n"), pl.lit("x").alias("t")).alias("s")
    write_pair(tmp_path / "structs", days("a").with_columns(pair), days("b").with_columns(pair))
    assert forecast(tmp_path / "structs") == one_by_one
    refused("column 's'", tmp_path / "structs", "--covariates=s")


def test_keys_of_a_path(tmp_path):
    """Folders named key=value are columns below the folder or the pattern that is named, and never in the place of the
    file's own."""
    days("a").write_parquet(tmp_path / "plain.parquet")
    expected = forecast(tmp_path / "plain.parquet")
    for key in ("target=5", "TARGET=5", "item_id=z"):
        where = tmp_path / "runs" / key
        where.mkdir(parents=True)
        days("a").write_parquet(where / "x.parquet")
        for source in (where / "x.parquet", where, f"{where}/*.parquet"):
            assert forecast(source) == expected
        assert forecast(key, cwd=tmp_path / "runs") == expected
        found = f"column '{key.split('=')[0].lower()}' is in the file, and the folder '{key}' gives it too"
        (tmp_path / key[:2]).mkdir()
        where.rename(tmp_path / key[:2] / key)
        refused(found, tmp_path / key[:2])
        refused(found, f"{tmp_path / key[:2]}/*/x.parquet")
        refused(found, f"{key[:3]}*/*.parquet", cwd=tmp_path / key[:2])
    doubled = tmp_path / "d" / "target=a=b"  # no key to DuckDB
    doubled.mkdir(parents=True)
    days("a").write_parquet(doubled / "x.parquet")
    assert forecast(tmp_path / "d") == expected
    below = tmp_path / "year=2024"
    for item in "ab":
        (below / f"item_id={item}").mkdir(parents=True)
        days(item).drop("item_id").write_parquet(below / f"item_id={item}/x.parquet")
    ids = [line.split(",")[0] for line in forecast(below).splitlines()[1:]]
    assert ids == ["a"] * 3 + ["b"] * 3 and forecast(f"{below}/*/*.parquet") == forecast(below)


def test_texts_of_keys(tmp_path):
    """What a folder's name says is read as a cell of CSV: names stay as they are, numbers and time stamps are such."""

    def later(item, first, count=20):
        return days(item, count).with_columns(pl.col("timestamp") + timedelta(days=first))

    for item, first in (("2024-1-2", 0), ("2024-01-02", 20), ("007", 0), ("7", 20)):
        (tmp_path / "ids" / f"item_id={item}").mkdir(parents=True)
        later(item, first).drop("item_id").write_parquet(tmp_path / "ids" / f"item_id={item}/x.parquet")
    done = run(tmp_path / "ids", "-n", 1)
    assert sorted(line.split(",")[0] for line in done.stdout.splitlines()[1:]) == ["007", "2024-01-02", "2024-1-2", "7"]
    for name, prices in (("number", ["1.5", "2", "+3", ".5e1", "NA"]), ("category", ["1.5", "2", "+3", "1_000", "x"])):
        for k, price in enumerate(prices):
            (tmp_path / name / f"price={price}").mkdir(parents=True)
            later("a", 4 * k, 4).write_parquet(tmp_path / name / f"price={price}/x.parquet")
        table = pl.concat([later("a", 4 * k, 4) for k in range(len(prices))])
        column = pl.Series("price", np.repeat(prices, 4))
        table.with_columns(column).write_csv(tmp_path / f"{name}.csv", datetime_format="%Y-%m-%d")
        assert forecast(tmp_path / name, "--covariates=price") == forecast(tmp_path / f"{name}.csv", "--covariates=price")
    for k in range(12):
        (tmp_path / "days" / f"timestamp=2024-01-{k + 1:02d}").mkdir(parents=True)
        days("a", 12)[k : k + 1].drop("timestamp").write_parquet(tmp_path / "days" / f"timestamp=2024-01-{k + 1:02d}/x.parquet")
    days("a", 12).write_csv(tmp_path / "days.csv", datetime_format="%Y-%m-%d")
    assert forecast(tmp_path / "days") == forecast(tmp_path / "days.csv")


# ---- Excel ----------------------------------------------------------------------------------------

SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def sheet_of(rows):
    def cell(column, row, value):
        where = f'r="{"ABCDEFGH"[column]}{row}"'
        return f"<c {where}><v>{value}</v></c>" if isinstance(value, (int, float)) else f'<c {where} t="inlineStr"><is><t>{value}</t></is></c>'

    lines = (f'<row r="{r}">' + "".join(cell(c, r, v) for c, v in enumerate(row) if v is not None) + "</row>" for r, row in enumerate(rows, 1))
    return f'<worksheet xmlns="{SPREADSHEET}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def write_book(path, *sheets):
    count = range(1, len(sheets) + 1)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml."
    parts = "".join(f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{kind}worksheet+xml"/>' for i in count)
    links = "".join(f'<Relationship Id="r{i}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>' for i in count)
    names = "".join(f'<sheet name="S{i}" sheetId="{i}" r:id="r{i}"/>' for i in count)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{kind}sheet.main+xml"/>{parts}</Types>')
        book.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>')
        book.writestr("xl/workbook.xml", f'<workbook xmlns="{SPREADSHEET}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>')
        book.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>')
        for i, rows in enumerate(sheets, 1):
            book.writestr(f"xl/worksheets/sheet{i}.xml", sheet_of(rows))
        book.comment = b"a comment"


HEADER = ["item_id", "timestamp", "target"]


def cells(item, base=1, count=20):
    return [[item, f"2024-01-{k + 1:02d}", base + k % 7] for k in range(count)]


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    here = tmp_path_factory.mktemp("books")
    write_book(here / "book.xlsx", [HEADER, *cells("a")])
    if "its extension 'excel'" in run(here / "book.xlsx", "-n", 1).stderr:
        pytest.skip("DuckDB has no extension 'excel' here")
    return here


def same_as_csv(book, rows, *args):
    """The forecast of a book is that of the rows as CSV. Returns what is said."""
    text = [",".join("" if v is None else str(v) for v in row) for row in rows]
    book.with_suffix(".csv").write_text("\n".join(text) + "\n", encoding="utf-8")
    assert forecast(book, *args) == forecast(book.with_suffix(".csv"), *args)
    return run(book, "-n", 3, *args).stderr


def test_empty_rows_of_a_book(books):
    rows = [HEADER, *cells("a"), *cells("b", 100)]
    for at in (3, 21, len(rows)):  # within an item, between items, at the end
        write_book(books / "gap.xlsx", rows[:at] + [[], [None, "", None]] + rows[at:])
        assert "2 items, 40 rows" in same_as_csv(books / "gap.xlsx", rows)


def test_steps_of_a_book(books):
    """Without time stamps an empty row between others is a step, as in CSV; those below them are none."""
    rows = [["target", "note"], *([k % 7, "x"] for k in range(20))]
    rows.insert(9, [None, None])
    write_book(books / "steps.xlsx", [*rows, [], [None, ""]])
    assert "1 item, 21 rows" in same_as_csv(books / "steps.xlsx", rows)
    one = [row[:1] for row in rows]
    write_book(books / "one.xlsx", [*one, [], [""]])
    one[9] = ["NaN"]
    assert "1 item, 21 rows" in same_as_csv(books / "one.xlsx", one)
    write_book(books / "ids.xlsx", [["item_id", "target"], ["a", 1], ["a", 2], [], ["a", 3], []])
    refused("ids.xlsx:3: column 'item_id': expected the name of an item, found nothing", books / "ids.xlsx")


def test_whole_numbers_of_a_book(books):
    rows = [HEADER, *cells(7), *cells(12345678, 100), *cells(1234567890123456, 1000), *cells(7.5, 5)]
    write_book(books / "numbers.xlsx", rows)
    assert "4 items, 80 rows" in same_as_csv(books / "numbers.xlsx", rows)
    rows = [["timestamp", "target", "price"], *([1990 + k, k % 7, 0.5 * (k % 3)] for k in range(20))]
    write_book(books / "years.xlsx", rows)
    assert "yearly" in same_as_csv(books / "years.xlsx", rows, "--covariates=price")
    write_book(books / "years.xlsx", [*rows, [2010.5, 1, 1]])
    refused("years.xlsx:21: column 'timestamp': expected a time stamp, found '2010.5'", books / "years.xlsx")


def test_sheets_of_a_book(books):
    first, second = [HEADER, *cells("a")], [HEADER, *cells("b")]
    write_book(books / "two.xlsx", first, second, second)
    assert "daily (D), read with the first of 3 sheets alone" in same_as_csv(books / "two.xlsx", first)
    assert "sheet" not in same_as_csv(books / "book.xlsx", first)
    query = f"SELECT * FROM read_xlsx('{books / 'two.xlsx'}', sheet = 'S2')"
    assert [line[0] for line in forecast("--sql", query).splitlines()[1:]] == ["b"] * 3
    whole = (books / "two.xlsx").read_bytes()
    (books / "odd.xlsx").write_bytes(whole + bytes(70000))
    for odd in (whole + bytes(70000), *(whole[:-cut] for cut in (20, 60, 200, len(whole) - 10))):  # DuckDB hangs on the last
        (books / "odd.xlsx").write_bytes(odd)
        refused("odd.xlsx: damaged or cut off: expected a ZIP archive", books / "odd.xlsx")


def test_sql_that_ends_as_on_windows(folder):
    query = "SELECT * FROM 'plain.csv'"
    assert forecast("--sql", query + ";\r\n\r\n", cwd=folder) == forecast("--sql", query, cwd=folder)


def test_temporary_folder(tmp_path):
    """DuckDB's folder is the user's own, under a name that nobody can guess, and a signal leaves none."""
    rows, temporary = tmp_path / "rows.csv", tmp_path / "temporary"
    os.mkfifo(rows)
    temporary.mkdir()
    days("a").write_parquet(tmp_path / "few.parquet")
    command = [str(PROGRAM.resolve()), "forecast", "-n", "3"]

    def within(temp):
        return {"env": {**os.environ, "TMPDIR": str(temp)}, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

    child = subprocess.Popen([*command, "--sql", f"SELECT * FROM read_csv('{rows}')"], **within(temporary))
    for _ in range(1000):  # it waits for somebody who writes
        if os.listdir(temporary):
            break
        time.sleep(0.01)
    (name,) = os.listdir(temporary)
    assert re.fullmatch("chronos2-[0-9a-f]{16}", name) and (temporary / name).stat().st_mode & 0o777 == 0o700
    child.terminate()
    assert child.wait(60) == -signal.SIGTERM and os.listdir(temporary) == []
    for temp in (temporary, tmp_path / "missing"):  # a folder that can't be made is no reason to fail
        subprocess.run([*command, tmp_path / "few.parquet"], **within(temp), check=True)
    assert os.listdir(temporary) == []


def test_hidden_names_of_a_folder(tmp_path):
    names = ("x.parquet", "_key=1/y.parquet", ".h.parquet", "_h.parquet", "_temporary/0/t.parquet", ".git/g.parquet")
    for item, name in zip("abcdef", names):
        (tmp_path / "parts" / name).parent.mkdir(parents=True, exist_ok=True)
        days(item).write_parquet(tmp_path / "parts" / name)
    (tmp_path / "parts/_SUCCESS").write_text("")
    (tmp_path / "parts/x.parquet").rename(tmp_path / "parts/_key=1/x.parquet")
    done = run(tmp_path / "parts", "-n", 3)
    assert [line[0] for line in done.stdout.splitlines()[1:]] == ["a"] * 3 + ["b"] * 3
    assert "2 items, 40 rows, daily (D), read with 4 hidden names (. or _ in front) passed over" in done.stderr
    (tmp_path / "none/_x").mkdir(parents=True)
    refused("a directory without Parquet files, names with . or _ in front being passed over", tmp_path / "none")


def test_names_that_differ_in_case(tmp_path):
    for names in (["target", "Target"], ["Target", "target", "target_1"], ["target", "PRICE", "price"]):
        pl.DataFrame({name: np.arange(20.0) + k for k, name in enumerate(names)}).write_parquet(tmp_path / "c.parquet")
        again = "price" if "price" in names else names[1]
        for target in ("target", "target_1"):
            refused(f"c.parquet: column '{again}' comes twice", tmp_path / "c.parquet", f"--target={target}")


def test_names_of_a_folder(tmp_path):
    names = ("x.parquet", "y.pq", "below/z.PARQUET")
    (tmp_path / "parts/below").mkdir(parents=True)
    for item, name in zip("abc", names):
        days(item).write_parquet(tmp_path / "parts" / name)
    (tmp_path / "parts/other.txt").write_text("x")
    rows = sorted(forecast(tmp_path / "parts").splitlines())
    assert rows == sorted(forecast(*(tmp_path / "parts" / name for name in names)).splitlines())
    refused("the output would be one of the files", tmp_path / "parts", "-o", tmp_path / "parts/out.pq")


def test_many_columns(tmp_path):
    """DuckDB takes memory for each column, which a limit for all files alike would not give."""
    rng = np.random.default_rng(3)
    wide = pl.DataFrame({"timestamp": days("a", 120)["timestamp"]} | {f"c{i}": rng.normal(size=120) for i in range(5000)})
    wide.write_parquet(tmp_path / "wide.parquet")
    wide.write_csv(tmp_path / "wide.csv", datetime_format="%Y-%m-%d %H:%M:%S")
    assert forecast(tmp_path / "wide.parquet", "--wide") == forecast(tmp_path / "wide.csv", "--wide")


def test_decimals(tmp_path):
    expected = None
    for digits in (20, 38, 50, 76):
        kind = (pa.decimal128 if digits <= 38 else pa.decimal256)(digits, 3)
        values = pa.array([Decimal(i % 7) for i in range(20)], kind)
        pq.write_table(pa.table({"target": values, "lists": pa.array([[v] for v in values.to_pylist()], pa.list_(kind)),
                                 "other": [i % 7 for i in range(20)]}), tmp_path / "d.parquet")
        expected = expected or forecast(tmp_path / "d.parquet", "--target=other").replace("other", "target")
        if digits <= 38:
            assert forecast(tmp_path / "d.parquet") == expected
        else:
            assert forecast(tmp_path / "d.parquet", "--target=other").replace("other", "target") == expected
            for name in ("target", "lists"):
                refused(f"column '{name}' holds decimals of {digits} digits", tmp_path / "d.parquet", f"--target={name}")


def test_texts_that_are_partly_numbers(tmp_path):
    for texts, said in ((["1", "-", "3"], "column 'x' is read as categories: '-' at line 2 is no number"),
                        (["a", "-", None], None), (["1", "2", None], None)):
        pq.write_table(pa.table({"target": [1, 2, 4], "x": texts}), tmp_path / "x.parquet")
        for source in ([tmp_path / "x.parquet"], ["--sql", f"from '{tmp_path}/x.parquet'"]):
            done = run(*source, "--horizon=1", "--covariates=x")
            assert done.returncode == 0, done.stderr
            assert ("is read as categories" in done.stderr) == bool(said)
            assert not said or said in done.stderr


def test_nested_rows(folder):
    nested = table().group_by("item_id", maintain_order=True).agg("timestamp", "target")
    nested.write_parquet(folder / "nested.parquet")
    assert forecast(folder / "nested.parquet") == forecast(folder / "plain.csv")


def test_nested_rows_that_cannot_be_told_apart(folder):
    nested = table().group_by("item_id", maintain_order=True).agg("timestamp", "target")
    second = pl.int_range(pl.len()) == 1
    empty = nested.with_columns(pl.col("timestamp", "target").list.head(pl.when(second).then(0).otherwise(50)))
    empty.write_parquet(folder / "empty.parquet")
    refused("found an empty one", folder / "empty.parquet")
    short = nested.with_columns(pl.col("target").list.head(pl.when(second).then(49).otherwise(50)))
    short.write_parquet(folder / "short.parquet")
    refused("as many elements as the other lists", folder / "short.parquet")


def test_time_zones_and_whole_numbers(folder):
    df = table(1).with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))
    df.write_parquet(folder / "utc.parquet")
    assert ",".join(forecast(folder / "utc.parquet").splitlines()[1].split(",")[:2]) == "it'em 0,2024-01-03 02:00:00+00:00"
    pl.DataFrame({"timestamp": range(5, 45), "target": np.arange(40.0)}).write_parquet(folder / "count.parquet")
    assert forecast(folder / "count.parquet").splitlines()[1].startswith("0,45,target,")
    pl.DataFrame({"timestamp": ["28.01.2024", "29.01.2024", "30.01.2024"], "target": [1, 2, 3]}).write_parquet(folder / "text.parquet")
    refused("found '28.01.2024'; give --time-format", folder / "text.parquet")
    assert ",2024-01-31," in forecast(folder / "text.parquet", "--time-format=%d.%m.%Y")


def test_digits_of_clocks(tmp_path):
    digits = days("a").with_columns(pl.col("timestamp").dt.strftime("%Y%m%d%H").cast(pl.Int64))
    digits.write_parquet(tmp_path / "d.parquet")
    digits.write_ipc_stream(tmp_path / "d.arrows", compat_level=pl.CompatLevel.oldest())
    days("a").write_parquet(tmp_path / "t.parquet")
    for name in ("d.parquet", "d.arrows"):
        refused("2024010100 may be 2024-01-01", tmp_path / name)
        assert forecast(tmp_path / name, "--time-format=%Y%m%d%H") == forecast(tmp_path / "t.parquet")


def test_zones_of_parquet(folder):
    hours = pl.Series([datetime(2024, 3, 30, 20) + timedelta(hours=t) for t in range(12)])
    berlin = hours.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
    pl.DataFrame({"timestamp": berlin, "target": np.arange(12.0)}).write_parquet(folder / "berlin.parquet")
    done = run(folder / "berlin.parquet", "-n", 1)
    assert done.stdout.splitlines()[1].startswith("0,2024-03-31 10:00:00+02:00,target,")
    query = f"SELECT * FROM '{folder}/berlin.parquet'"  # whose zone isn't seen
    done = run("--sql", query, "-n", 1)
    assert done.stdout.splitlines()[1].startswith("0,2024-03-31 08:00:00+00:00,target,")
    assert "read with time stamps with a zone as instants in UTC" in done.stderr
    named = hours.dt.to_string() + " Europe/Berlin"
    pl.DataFrame({"timestamp": named, "target": np.arange(12.0)}).write_parquet(folder / "named.parquet")
    refused("named.parquet:1: column 'timestamp': expected an offset from UTC", folder / "named.parquet")


UTC_DAYS = "are counted in UTC, so days, weeks and months are UTC's; convert them to local time without a zone to count local ones"


def test_days_of_a_zone(tmp_path):
    """Without Arrow's schema beside it, Parquet has no zone: its days are those of UTC."""

    def write(days, name="z", zone="Europe/Berlin"):
        wall = pl.Series(days, dtype=pl.Datetime("us")).dt.replace_time_zone(zone)
        df = pl.DataFrame({"item_id": "a", "timestamp": wall, "target": np.arange(len(days)) % 5.0})
        pq.write_table(df.to_arrow(), tmp_path / f"{name}.parquet", store_schema=False)

    def warned(source, *args):
        done = run(source, "-n", 2, *args)
        assert done.returncode == 0, done.stderr
        return [line for line in done.stderr.splitlines() if UTC_DAYS in line]

    source = tmp_path / "z.parquet"
    days = [datetime(2024, 3, 1) + timedelta(days=t) for t in range(28)]
    weeks = [datetime(2024, 1, 7) + timedelta(weeks=t) for t in range(12)]
    work = [day for day in days if day.weekday() < 5]
    for stamps, args in ((days, []), (work, []), (weeks, ["--freq=W-SUN"]), (days, ["--freq=24h"])):
        write(stamps)
        assert warned(source, *args) == [f"chronos2: warning: {source}: time stamps have a zone and {UTC_DAYS}"]
    (tmp_path / "parts").mkdir()  # a folder is read in parts
    write(days, "parts/a")
    done = run(tmp_path / "parts", "-n", 2)
    assert done.stderr.splitlines()[1:] == [f"chronos2: warning: {tmp_path}/parts: time stamps have a zone and {UTC_DAYS}"]
    write(days, zone="UTC")
    write([days[0] + timedelta(hours=t) for t in range(6)], "hours")
    for name in ("z", "hours"):
        assert warned(tmp_path / f"{name}.parquet") == []
    long = [datetime(2024, 3, 1) + timedelta(days=t) for t in range(40)]
    write(long)
    write([datetime(2024 + m // 12, m % 12 + 1, 1) for m in range(14)], "months")
    write([datetime(2024, 1, 1, 16) + timedelta(days=t) for t in (0, 1, 3, 7, 8, 13, 15, 16, 20)], "odd")
    refused("follow no regular frequency; give --freq", tmp_path / "odd.parquet")  # no clock changed
    advice = "; time stamps have a zone and are counted in UTC: convert them to local time without a zone\n"
    for name, args in (("z", ()), ("z", ("--freq=D",)), ("months", ())):
        done = run(tmp_path / f"{name}.parquet", "-n", 2, *args)
        assert done.returncode == 1 and done.stderr.endswith(advice) and "freq" not in done.stderr.split("item")[1], done.stderr


def test_nanoseconds(folder):
    expected = "column 'timestamp': expected whole microseconds, found nanoseconds between them"
    for step, said in ((1500, expected), (2000, None)):
        stamps = pl.Series("timestamp", [i * step for i in range(9)]).cast(pl.Datetime("ns"))
        pl.DataFrame([stamps, pl.Series("target", [float(i % 3) for i in range(9)])]).write_parquet(folder / "ns.parquet")
        for source in (["ns.parquet"], ["--sql", "SELECT * FROM 'ns.parquet'"]):
            if said:
                refused(said, *source, cwd=folder)
            else:
                assert "\n0,1970-01-01 00:00:00.000018," in forecast(*source, cwd=folder)
    query = "SELECT make_timestamp_ns({}) AS timestamp, i % 3 AS target FROM range(9) AS r(i)"
    refused(expected, "--sql", query.format("i * 1000 - 1"))
    refused("expected a time stamp or a number", "--sql", query.format("CASE WHEN i <> 4 THEN i * 1000 END"))


def test_nested_rows_of_one_series(folder):
    nested = table().group_by("item_id", maintain_order=True).agg("timestamp", "target")
    halves = [nested.with_columns(pl.col("timestamp", "target").list.slice(at, 25)) for at in (25, 0)]
    pl.concat(halves).write_parquet(folder / "halves.parquet")
    assert forecast(folder / "halves.parquet") == forecast(folder / "plain.csv")
    pl.concat([nested, nested]).write_parquet(folder / "twice.parquet")
    refused("item 'it'em 0' already has a row for 2024-01-01, at line 1", folder / "twice.parquet")


def test_sql(folder):
    query = f"SELECT * EXCLUDE (open) FROM '{folder}/plain.csv' ORDER BY item_id DESC, timestamp;"
    ids = [line.split(",")[0] for line in forecast("--sql", query).splitlines()[1::3]]
    assert ids == ["it'em 2", "it'em 1", "it'em 0"]
    query = "SELECT (27 + i)::VARCHAR || '.01.2024' AS timestamp, i AS target FROM range(4) AS r(i)"
    refused("found '27.01.2024'; give --time-format", "--sql", query)
    assert forecast("--sql", query, "--time-format=%d.%m.%Y").splitlines()[1].startswith("0,2024-01-31,target,")
    refused("expected one SELECT", "--sql", f"COPY (SELECT 1) TO '{folder}/made.csv'")
    refused("expected one SELECT", "--sql", "INSTALL httpfs")
    refused("DuckDB:", "--sql", "SELECT 1; SELECT 2")
    assert not (folder / "made.csv").exists()
    refused("DuckDB: ", "--sql", "SELECT * FROM nowhere")
    for again in ("target", "TARGET"):
        query = f"SELECT *, target * 1000 AS {again} FROM '{folder}/t.parquet'"
        refused(f"the query: column '{again}' comes twice", "--sql", query)
        refused(f"the query: column '{again}' comes twice", "--sql", query + ";", "--all-covariates")
    replaced = f"WITH t AS (SELECT * REPLACE (target * 2 AS target) FROM '{folder}/t.parquet') SELECT * FROM t -- twice"
    assert forecast("--sql", replaced) == forecast("--sql", replaced.replace("t -- twice", "t"))
    refused("expected a column 'target'", "--sql", "SELECT 1 AS a")
    refused("found a control character in 'a'", "--sql", "SELECT CASE WHEN i < 5 THEN 'a' ELSE 'a' || chr(0) || 'b' END AS item_id, "
            "DATE '2024-01-01' + i::INT AS timestamp, i::DOUBLE AS target FROM range(10) t(i)")


def test_durations(tmp_path):
    (tmp_path / "parts").mkdir()
    df = days("a").with_columns(d=pl.duration(hours=pl.col("target").fill_null(1)))
    table = df.to_arrow()
    assert table.schema.field("d").type == pa.duration("us")
    pq.write_table(table, tmp_path / "parts/d.parquet")
    pq.write_table(table, tmp_path / "parts/plain.parquet", store_schema=False)  # whole numbers, for all that it says
    for source in ("parts/d.parquet", "parts"):
        for args in (("--target=d",), ("--covariates=d",), ("--all-covariates",)):
            refused("d.parquet: column 'd' holds durations, which DuckDB reads as whole numbers", tmp_path / source, *args)
    assert forecast(tmp_path / "parts/d.parquet") == forecast(tmp_path / "parts/plain.parquet")
    forecast(tmp_path / "parts/plain.parquet", "--covariates=d")
    for name in ("d", "dddd"):  # of polars' schemas one is not as long as Arrow wants it
        df.rename({"d": name}).write_parquet(tmp_path / "polars.parquet")
        refused(f"column '{name}' holds durations", tmp_path / "polars.parquet", f"--covariates={name}")
    kept = table.replace_schema_metadata({b"ARROW:schema": b"not base64", b"k\xff": b"\xff"})
    pq.write_table(kept, tmp_path / "odd.parquet", store_schema=False)
    forecast(tmp_path / "odd.parquet", "--covariates=d")


def test_links_in_circles(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).symlink_to(tmp_path, target_is_directory=True)
    refused("a directory without Parquet files", tmp_path)


def test_databases_are_read_only(folder):
    import duckdb

    path = folder / "some.duckdb"
    made = duckdb.connect(str(path), config={"storage_compatibility_version": "v1.0.0"})
    made.execute("CREATE TABLE sales AS SELECT 'x' AS item_id, DATE '2024-01-01' + i::INT AS timestamp, i * 1.5 AS target FROM range(40) t(i)")
    made.close()
    before = path.read_bytes()
    assert forecast("--sql", "FROM sales", "--db", path).splitlines()[1].startswith("x,2024-02-10,target,")
    refused("--db: expected --sql", folder / "plain.csv", "--db", path)
    assert path.read_bytes() == before


def test_output(folder):
    expected = pl.read_csv(forecast(folder / "plain.csv").encode(), schema_overrides={"timestamp": pl.Datetime("us")})
    assert forecast(folder / "plain.csv", "-o", folder / "out.parquet") == ""
    found = pl.read_parquet(folder / "out.parquet")
    assert found.columns == expected.columns
    assert found.schema["timestamp"] == pl.Datetime("us") and found.schema["0.1"] == pl.Float32
    assert found["item_id"].to_list() == expected["item_id"].to_list()
    assert found["timestamp"].to_list() == expected["timestamp"].to_list()
    assert found["0.9"].to_list() == expected["0.9"].cast(pl.Float32).to_list()
    before = (folder / "out.parquet").read_bytes()
    refused("cannot open", "/dev/null/none.csv", "-o", folder / "out.parquet")
    assert (folder / "out.parquet").read_bytes() == before


@pytest.mark.parametrize("kind, expected", [(pl.Int64, pl.Int64), (pl.UInt8, pl.Int64), (pl.UInt64, pl.String), (pl.String, pl.String)])
def test_output_has_the_ids_type(tmp_path, kind, expected):
    ids = [7, 12] if kind == pl.UInt8 else [7, 9007199254740993]  # no float64 is the second
    rows = pl.concat(days(i).with_columns(pl.lit(i, pl.Int64).alias("item_id")) for i in ids).cast({"item_id": kind})
    rows.write_parquet(tmp_path / "t.parquet")
    rows.write_ipc_stream(tmp_path / "t.arrow", compat_level=pl.CompatLevel.oldest())
    wanted = [str(i) if expected == pl.String else i for i in ids for _ in range(3)]
    for source in "t.parquet", "t.arrow":
        for name, read in ("o.parquet", pl.read_parquet), ("o.arrow", pl.read_ipc):
            forecast(tmp_path / source, "-o", tmp_path / name)
            found = read(tmp_path / name)["item_id"]
            assert found.dtype == expected and found.to_list() == wanted, (source, name)


def test_output_of_ids_of_several_files(tmp_path):
    """They are whole numbers if those of all files are."""
    for name, i in ("a.parquet", 1), ("b.parquet", 2):
        days(str(i)).with_columns(pl.lit(i).alias("item_id")).write_parquet(tmp_path / name)
    days("3").write_csv(tmp_path / "c.csv")
    for files, wanted in ("a.parquet b.parquet", [1, 2]), ("a.parquet c.csv", ["1", "3"]), ("c.csv a.parquet", ["3", "1"]):
        forecast(*[tmp_path / name for name in files.split()], "-n", 1, "-o", tmp_path / "o.parquet")
        assert pl.read_parquet(tmp_path / "o.parquet")["item_id"].unique(maintain_order=True).to_list() == wanted, files


def test_output_of_steps_in_parts(tmp_path):
    rows = [(i - 250, s, i % 7 + s / 100, "0" * 60) for i in range(500) for s in range(124)]
    df = pl.DataFrame(rows, schema=["item_id", "timestamp", "target", "note"], orient="row")
    (tmp_path / "parts").mkdir()
    df.write_csv(tmp_path / "in.csv")
    df.write_parquet(tmp_path / "parts/in.parquet")
    for source in ("in.csv", "parts"):
        for name in ("out.arrow", "out.parquet"):
            forecast(tmp_path / source, "--freq=1", "--context-length=16", "-o", tmp_path / name)
            read = pl.read_parquet if name == "out.parquet" else pl.read_ipc
            found = read(tmp_path / name)
            assert found["timestamp"].to_list() == [124, 125, 126] * 500, (source, name)
            ids = [i if source == "parts" else str(i) for i in range(-250, 250) for _ in range(3)]
            assert found["item_id"].to_list() == ids, (source, name)


@pytest.mark.parametrize("name", ["a'b.parquet", "a'); COPY (SELECT 1) TO 'made.csv'; --.parquet", 'a"b.parquet', "[a].parquet", "a*b?.parquet", "a\nb.parquet"])
def test_hostile_names(folder, name):
    table().write_parquet(folder / name)
    (folder / "aXbY.parquet").write_bytes(b"none of this")
    assert forecast(name, cwd=folder) == forecast(folder / "plain.csv")
    assert not (folder / "made.csv").exists()


def test_hostile_content(folder):
    whole = (folder / "t.parquet").read_bytes()
    rng = np.random.default_rng(2)
    for i in range(60):
        bad = bytearray(whole)
        if i % 3 == 0:
            bad = bad[: rng.integers(len(bad))]
        for _ in range(8 if i % 3 else 0):
            bad[rng.integers(max(len(bad) - 3000, 0) if i % 2 else 0, len(bad))] = rng.integers(256)
        (folder / "bad.parquet").write_bytes(bad)
        done = run(folder / "bad.parquet", "-n", 3)
        assert done.returncode in (0, 1), done.stderr
        assert done.returncode == 0 or done.stderr.splitlines()[-1].startswith("chronos2: error: "), done.stderr
    (folder / "bad.parquet").write_bytes(b"")
    refused("bad.parquet: DuckDB: ", folder / "bad.parquet")
    pl.DataFrame({"item_id": ["a", None], "timestamp": [1, 2], "target": [1.0, 2.0]}).write_parquet(folder / "null.parquet")
    refused("null.parquet:2: column 'item_id': expected the name of an item, found nothing", folder / "null.parquet")
    pl.DataFrame({"timestamp": [1, None, 3], "target": [1.0, 2.0, 3.0]}).write_parquet(folder / "null.parquet")
    refused("null.parquet:2: column 'timestamp': expected a time stamp", folder / "null.parquet")
    pl.DataFrame({"timestamp": [1, 2, 3], "target": [1.0, float("inf"), 3.0]}).write_parquet(folder / "inf.parquet")
    refused("inf.parquet:2: column 'target': expected a finite number or nothing, found inf", folder / "inf.parquet")
    pl.DataFrame({"timestamp": [1, 2, 3], "target": ["1", "2", "3"]}).write_parquet(folder / "text.parquet")
    refused("column 'target': expected numbers, found another type", folder / "text.parquet")
    pl.DataFrame({"item_id": ["a\x1b"] * 3, "timestamp": [1, 2, 3], "target": [1, 2, 3]}).write_parquet(folder / "esc.parquet")
    refused("a control character in", folder / "esc.parquet")
    refused("expected a local file", "https://example.org/a.parquet")
    (folder / "book.xlsx").write_bytes(b"PK")
    refused("book.xlsx: damaged or cut off: expected a ZIP archive", folder / "book.xlsx")
    refused("expected the names of files: of a pattern DuckDB reads the first Excel file and no other", "*.xlsx", cwd=folder)
