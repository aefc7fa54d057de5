"""predict_df: tables of pyarrow and polars."""

import importlib.util
import warnings
from decimal import Decimal

import numpy as np
import pytest

pd = pytest.importorskip("pandas")

from test_frames import future_of, table  # noqa: E402


@pytest.mark.skipif(not importlib.util.find_spec("pyarrow"), reason="pyarrow is not installed")
def test_decimals_of_arrow(smooth):
    import pyarrow

    df = table(covariates=("x",)).round(3)
    arrow = pyarrow.Table.from_pandas(df)
    expected = smooth.predict_df(arrow, prediction_length=3)
    for name in ("target", "x"):
        place = arrow.column_names.index(name)
        arrow = arrow.set_column(place, name, arrow[name].cast(pyarrow.decimal128(20, 3)))
    assert smooth.predict_df(arrow, prediction_length=3).equals(expected)
    texts = arrow.set_column(1, "timestamp", pyarrow.array(df["timestamp"].astype(str)))
    assert smooth.predict_df(texts, prediction_length=3)["predictions"].equals(expected["predictions"])
    future = future_of(df, 3, ("x",))
    forecast = smooth.predict_df(pyarrow.Table.from_pandas(df), future, prediction_length=3)
    assert smooth.predict_df(arrow, future, prediction_length=3).equals(forecast)
    judged = [smooth.evaluate(rows, 3, seasonality=1, known_covariates=["x"]) for rows in (arrow, df)]
    assert repr(judged[0]) == repr(judged[1])  # NaN too


def test_decimals_of_arrow_as_ids_stay_decimals(smooth):
    pyarrow = pytest.importorskip("pyarrow")
    df = table(ids=(Decimal("1.50"), Decimal("2.50")))
    found = smooth.predict_df(pyarrow.Table.from_pandas(df.astype({"timestamp": str})), prediction_length=1)
    assert found["item_id"].to_pylist() == [Decimal("1.50"), Decimal("2.50")]
    judged = smooth.evaluate(pyarrow.Table.from_pandas(df), 1, seasonality=1).series
    assert set(judged["item_id"]) == {Decimal("1.50"), Decimal("2.50")}


def test_a_table_that_pyarrow_can_not_read_says_why(smooth):
    polars = pytest.importorskip("polars")
    df = polars.from_pandas(table()).with_columns(polars.col("target").cast(polars.Int128))
    with pytest.raises(TypeError, match="^df: pyarrow can't read this DataFrame: .*_pli128"):
        smooth.predict_df(df, prediction_length=2)


def test_the_row_index_that_pandas_wrote_is_no_covariate(smooth):
    pyarrow = pytest.importorskip("pyarrow")
    df = table().set_axis(np.arange(20) * 3 % 20)
    expected = smooth.predict_df(df, prediction_length=2)
    typed = pyarrow.Table.from_pandas(df)
    for other in (typed, pyarrow.Table.from_pandas(df.astype({"timestamp": str}))):
        with pytest.warns(UserWarning, match="^df: the row index '__index_level_0__' that pandas wrote is no "):
            found = smooth.predict_df(other, prediction_length=2)
        assert found["predictions"].to_pylist() == expected["predictions"].tolist()
    for keys in (["timestamp"], ["item_id", "timestamp"]):
        for other in (df, df.astype({"timestamp": str})):
            found = smooth.predict_df(pyarrow.Table.from_pandas(other.set_index(keys)), prediction_length=2)
            assert found["predictions"].to_pylist() == expected["predictions"].tolist()


def test_a_row_index_whose_future_is_known_is_a_covariate(smooth):
    pyarrow = pytest.importorskip("pyarrow")
    df = table().assign(temp=np.arange(20) % 7 * 1.5)
    future = smooth.predict_df(df, prediction_length=2)[["item_id", "timestamp"]].assign(temp=[3.0, 4.5, 0.0, 1.5])
    expected = smooth.predict_df(df, future, prediction_length=2)
    assert not expected.equals(smooth.predict_df(df.drop(columns="temp"), prediction_length=2))
    indexed = pyarrow.Table.from_pandas(df.set_index("temp"))
    for ahead in (future, pyarrow.Table.from_pandas(future, preserve_index=False)):
        found = smooth.predict_df(indexed, ahead, prediction_length=2)
        assert found["predictions"].to_pylist() == expected["predictions"].tolist()


def test_a_column_of_another_library_is_no_table(smooth):
    for column in (pytest.importorskip("polars").Series([1.0]), pytest.importorskip("pyarrow").chunked_array([[1.0]])):
        with pytest.raises(TypeError, match="^df: expected a pandas DataFrame .*, found (Series|ChunkedArray)$"):
            smooth.predict_df(column, prediction_length=2)


@pytest.mark.parametrize("kind", ["ArrowInvalid", "ArrowTypeError"])
def test_an_error_within_a_stream_is_the_stream_s(smooth, kind):
    pyarrow = pytest.importorskip("pyarrow")
    whole = pyarrow.Table.from_pandas(table())

    def batches():
        yield from whole.to_batches()
        raise getattr(pyarrow, kind)("the third row is damaged")

    with pytest.raises(Exception, match="the third row is damaged") as raised:
        smooth.predict_df(pyarrow.RecordBatchReader.from_batches(whole.schema, batches()), prediction_length=2)
    assert "expected a pandas DataFrame" not in str(raised.value)


def test_a_reader_whose_batches_are_not_of_its_schema_is_refused(smooth):
    pyarrow = pytest.importorskip("pyarrow")
    whole = pyarrow.Table.from_pandas(table())
    narrow = whole.set_column(2, "target", whole["target"].cast(pyarrow.float16()))
    for call in (smooth.predict_df, smooth.evaluate):
        reader = pyarrow.RecordBatchReader.from_batches(whole.schema, iter([*whole.to_batches(), *narrow.to_batches()]))
        with pytest.raises(ValueError, match=r"^Schema at index \d was different"):
            call(reader, prediction_length=2)


@pytest.mark.skipif(not importlib.util.find_spec("pyarrow"), reason="pyarrow is not installed")
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_other_tables_in_the_same_kind_out(smooth, zone):
    import pyarrow

    df = table(covariates=("x", "kind"))
    df["kind"] = np.where(df["kind"] > 0, "up", "down")
    df["timestamp"] = df["timestamp"].dt.tz_localize(zone)
    future = future_of(df.assign(timestamp=df["timestamp"].dt.tz_localize(None)), 3, ["x"])
    future["timestamp"] = future["timestamp"].dt.tz_localize(zone)
    expected = smooth.predict_df(df, future, prediction_length=3)
    arrow = smooth.predict_df(pyarrow.Table.from_pandas(df), pyarrow.Table.from_pandas(future), prediction_length=3)
    assert isinstance(arrow, pyarrow.Table)
    pd.testing.assert_frame_equal(arrow.to_pandas(), expected, check_dtype=False)
    if importlib.util.find_spec("polars"):
        import polars

        frame = smooth.predict_df(polars.from_pandas(df), polars.from_pandas(future), prediction_length=3)
        assert isinstance(frame, polars.DataFrame)
        pd.testing.assert_frame_equal(frame.to_pandas(), expected, check_dtype=False)


@pytest.mark.parametrize(("cells", "odd"), [(["1.5", "-", "2"], "-"), (["7", "n.a.", "1e3"], "n.a."),
                                            (["x", None, "1_2"], None), (["1", "2", None], None), (["1,5", "1.5", "-"], "-"),
                                            (["1.234,5", "2"], None), (["1,234.5", "-"], "-"),
                                            (["1\u202f234", "1'234", " 5 "], None), (["1 234", "1 23"], "1 23"),
                                            (["1", "2\t"], r"2\x09")])
def test_texts_that_are_partly_numbers_are_told(smooth, cells, odd):
    """Once, also where the table becomes one of pandas for its time stamps. Codes of a dictionary are asked for."""
    pyarrow = pytest.importorskip("pyarrow")
    from chronos2 import arrow

    df = table(covariates=("x",))
    df["x"] = pd.Series((cells * len(df))[:len(df)], dtype=object)
    whole = pyarrow.Table.from_pandas(df)
    coded = whole.set_column(3, "x", whole["x"].dictionary_encode())
    tables = [whole, whole.set_column(1, "timestamp", whole["timestamp"].cast("string"))]
    if importlib.util.find_spec("polars"):
        tables.append(importlib.import_module("polars").from_arrow(whole))
    calls = [lambda rows=rows: smooth.predict_df(rows, prediction_length=2) for rows in tables]
    calls.append(lambda: arrow.forecast(whole, smooth, prediction_length=2).read_all())
    for call in calls:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            call()
        assert [str(warning.message) for warning in told] == (
            [f"column 'x' is read as categories: '{odd}' is no number"] if odd else [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smooth.predict_df(coded, prediction_length=2)
