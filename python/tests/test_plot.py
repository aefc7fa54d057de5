"""plot: what is drawn."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

import chronos2  # noqa: E402


def tables():
    stamps = pd.date_range("2024-01-01", periods=24, freq="h")
    past = pd.DataFrame({"item_id": np.repeat(["a", "b"], 20), "timestamp": [*stamps[:20], *stamps[:20]],
                         "target": np.arange(40.0)})
    ahead = pd.DataFrame({"item_id": np.repeat(["a", "b"], 4), "timestamp": [*stamps[20:], *stamps[20:]],
                          "target_name": "target", "predictions": np.arange(8.0), "0.1": np.arange(8.0) - 1,
                          "0.5": np.arange(8.0), "0.9": np.arange(8.0) + 1})
    return past, ahead


def test_the_end_of_the_past_the_median_and_the_band():
    past, ahead = tables()
    ax = chronos2.plot(past, ahead, "b", steps=10)
    observed, median = (line.get_ydata() for line in ax.get_lines())
    np.testing.assert_array_equal(observed, np.arange(30.0, 40))
    np.testing.assert_array_equal(median, [4, 5, 6, 7])
    (band,) = ax.collections
    assert band.get_datalim(ax.transData).y0 == 3 and band.get_datalim(ax.transData).y1 == 8
    assert ax.get_title() == "b"


def test_bands_lie_one_upon_another_and_the_legend_shows_how_they_look():
    past, ahead = tables()
    ahead = ahead.assign(**{"0.05": ahead["predictions"] - 2, "0.95": ahead["predictions"] + 2})
    ax = chronos2.plot(past, ahead)
    assert [band.get_label() for band in ax.collections] == ["0.05 to 0.95", "0.1 to 0.9"]
    outer, inner = (patch.get_alpha() for patch in ax.get_legend().get_patches())
    assert outer == pytest.approx(ax.collections[0].get_alpha()) and inner == pytest.approx(outer + outer * (1 - outer))


def test_the_first_series_is_drawn_and_axes_may_be_given():
    past, ahead = tables()
    ax = matplotlib.pyplot.subplots()[1]
    assert chronos2.plot(past.sample(frac=1, random_state=1), ahead, ax=ax) is ax
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), np.arange(8.0, 20))
    with pytest.raises(ValueError, match="no series 'c'"):
        chronos2.plot(past, ahead, "c")


def test_a_row_index_may_have_the_name_of_a_column():
    past, ahead = tables()
    expected = chronos2.plot(past, ahead, "b").get_lines()[0].get_xydata()
    for name in ("timestamp", "item_id"):
        found = chronos2.plot(past.set_index(name, drop=False), ahead.set_index(name, drop=False), "b")
        np.testing.assert_array_equal(found.get_lines()[0].get_xydata(), expected)
    pyarrow = pytest.importorskip("pyarrow")
    found = chronos2.plot(pyarrow.Table.from_pandas(past.set_index("timestamp")), ahead, "b")
    np.testing.assert_array_equal(found.get_lines()[0].get_xydata(), expected)


@pytest.mark.parametrize("stamps", ["timestamp", 0])
def test_time_stamps_may_be_texts(stamps):
    past, ahead = (frame.rename(columns={"timestamp": stamps}) for frame in tables())
    expected = chronos2.plot(past, ahead, "b", timestamp_column=stamps)
    texts = [frame.astype({stamps: str}) for frame in (past, ahead)]
    for pair in (texts, (past, texts[1]), (texts[0], ahead)):
        found = chronos2.plot(*pair, "b", timestamp_column=stamps)
        for line, same in zip(found.get_lines(), expected.get_lines()):
            np.testing.assert_array_equal(line.get_xydata(), same.get_xydata())
        assert found.collections[0].get_datalim(found.transData).bounds == pytest.approx(
            expected.collections[0].get_datalim(expected.transData).bounds)


def test_numbers_are_no_time_stamps():
    past, ahead = tables()
    with pytest.raises(ValueError, match="column 'timestamp': expected time stamps, found numbers"):
        chronos2.plot(past.assign(timestamp=np.arange(40)), ahead)


def test_what_can_not_be_drawn_is_refused():
    past, ahead = tables()
    with pytest.raises(ValueError, match="steps: expected at least 0, found -3"):
        chronos2.plot(past, ahead, steps=-3)
    with pytest.raises(TypeError, match="steps: expected a whole number, found 2.5"):
        chronos2.plot(past, ahead, steps=2.5)
    with pytest.raises(ValueError, match="df has no series 'b'"):
        chronos2.plot(past[past["item_id"] == "a"], ahead, "b")
    with pytest.raises(ValueError, match="the forecast has no rows"):
        chronos2.plot(past, ahead.iloc[:0])


@pytest.mark.parametrize("name", ["item_id", "timestamp", "target"])
def test_a_column_that_is_there_twice(name):
    past, ahead = tables()
    with pytest.raises(ValueError, match=f"^df: several columns are named '{name}'$"):
        chronos2.plot(pd.concat([past, past[[name]]], axis=1), ahead)
    if name in ahead:
        with pytest.raises(ValueError, match=f"^forecast: several columns are named '{name}'$"):
            chronos2.plot(past, pd.concat([ahead, ahead[[name]]], axis=1))


def test_decimals_of_arrow_are_drawn():
    pyarrow = pytest.importorskip("pyarrow")
    past, ahead = tables()
    arrow = pyarrow.Table.from_pandas(past)
    arrow = arrow.set_column(2, "target", arrow["target"].cast(pyarrow.decimal128(20, 3)))
    drawn = chronos2.plot(arrow, ahead, "b").get_lines()[0].get_ydata()
    assert drawn.dtype == np.float64 and drawn.tolist() == np.arange(28.0, 40).tolist()


def test_what_is_missing_is_named(monkeypatch):
    past, ahead = tables()
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(ImportError, match="pip install pyarrow"):
            chronos2.plot(SimpleNamespace(__arrow_c_stream__=None), ahead)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="plot needs matplotlib and pandas: pip install matplotlib pandas"):
        chronos2.plot(past, ahead)
