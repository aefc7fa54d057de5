"""Frequencies and time stamps beside pandas: how they continue, how they are inferred, how offsets are printed."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

MODEL = ROOT / "models" / "chronos2-micro"
WEEKDAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
FREQUENCIES = (
    ["us", "ms", "s", "min", "15min", "h", "2h", "36h", "bh", "2bh", "5bh", "D", "3D", "10D", "B", "4B", "MS", "ME", "BMS",
     "BME", "5MS", "7BME"]
    + [f"W-{day}" for day in WEEKDAYS] + ["3W-THU"]
    + [f"WOM-{week}{day}" for week in range(1, 5) for day in WEEKDAYS] + [f"LWOM-{day}" for day in WEEKDAYS] + ["2WOM-3FRI"]
    + [f"SMS-{day}" for day in (2, 10, 15, 27)] + [f"SME-{day}" for day in (1, 15, 27)] + ["3SMS-15"]
    + [f"{name}-{month}" for name in ("QS", "QE", "BQS", "BQE", "HYS", "HYE", "BHYS", "BHYE", "YS", "YE", "BYS", "BYE")
       for month in MONTHS]
)
STARTS = ["1999-12-31", "2024-01-10 05:00:00", "2024-02-29 13:30:00", "2023-12-30 17:00:00", "2022-05-01 00:00:00"]


def forecast_stamps(program, path, horizon, *options):
    """Rows of item, stamp as written."""
    text = program("forecast", path, "-m", MODEL, "--horizon", horizon, "--quantile-levels", "0.5", *options)
    return pd.read_csv(io.StringIO(text), dtype=str)[["item_id", "timestamp"]]


def test_continued_as_pandas(program, tmp_path):
    """Every frequency from every start: 20 observed steps and the 30 after them."""
    lines, expected = [], {}
    for freq in FREQUENCIES:
        for start in STARTS:
            if freq.endswith("bh") and start.endswith("17:00:00"):
                start = "2023-12-30 18:00:00"  # pandas begins at 17:00 itself, which is 09:00 of the next day
            item = f"{freq} {start}"
            stamps = pd.date_range(start, periods=50, freq=freq)
            lines.append(json.dumps({"item_id": item, "start": start, "freq": freq, "target": list(range(20))}))
            expected[item] = list(stamps[20:])
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(lines))
    found = forecast_stamps(program, path, 30)
    assert found["item_id"].nunique() == len(expected) == len(FREQUENCIES) * len(STARTS)
    for item, rows in found.groupby("item_id"):
        assert list(pd.to_datetime(rows["timestamp"], format="ISO8601")) == expected[item], item


INFERRED = ["us", "ms", "s", "min", "15min", "h", "2h", "36h", "bh", "D", "3D", "B", "MS", "ME", "BMS", "BME", "5MS", "W-MON",
            "W-SUN", "3W-THU", "WOM-1MON", "WOM-3FRI", "WOM-4SUN", "QS-JAN", "QS-FEB", "QE-NOV", "BQS-MAR", "BQE-DEC",
            "HYS-JAN", "HYE-NOV", "YS-JAN", "YS-JUL", "YE-JUN", "BYS-MAY", "BYE-DEC", "2YS-JAN"]


@pytest.mark.parametrize("freq", INFERRED)
@pytest.mark.parametrize("start", STARTS)
def test_inferred_as_pandas(program, tmp_path, freq, start):
    """The stamps after the last one follow what pandas.infer_freq finds."""
    stamps = pd.date_range(start, periods=26, freq=freq)
    if freq == "bh" and stamps[0].hour == 17:
        stamps = stamps[1:]
    inferred = pd.infer_freq(stamps)
    assert inferred is not None
    path = tmp_path / "in.csv"
    pd.DataFrame({"timestamp": stamps, "target": np.arange(len(stamps))}).to_csv(path, index=False)
    offset = pd.tseries.frequencies.to_offset(inferred)
    expected = [stamps[-1] + (k + 1) * offset for k in range(7)]
    found = forecast_stamps(program, path, 7)["timestamp"]
    assert list(pd.to_datetime(found, format="ISO8601")) == expected


@pytest.mark.parametrize("offset", ["+00:00", "+01:00", "-03:30", "+14:00", "-12:00"])
@pytest.mark.parametrize("freq", ["h", "D", "B", "MS", "15min"])
def test_offsets_are_kept(program, tmp_path, offset, freq):
    """As text, the stamps of the forecast are those that pandas writes."""
    stamps = pd.date_range(f"2024-01-01 00:00:00{offset}", periods=31, freq=freq)
    frame = pd.DataFrame({"timestamp": stamps, "target": np.arange(31)})
    frame[:26].to_csv(tmp_path / "in.csv", index=False)
    expected = pd.read_csv(io.StringIO(frame[26:].to_csv(index=False)), dtype=str)["timestamp"]
    assert list(forecast_stamps(program, tmp_path / "in.csv", 5)["timestamp"]) == list(expected)


@pytest.mark.parametrize("change", ["2024-03-30 12:00", "2024-10-26 12:00"])
def test_hours_over_a_change_of_clocks(program, tmp_path, change):
    """With several offsets in one item, the forecast follows the instants."""
    stamps = pd.date_range(change, periods=36, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"timestamp": [s.isoformat() for s in stamps], "target": np.arange(36)})
    frame[:30].to_csv(tmp_path / "in.csv", index=False)
    found = pd.to_datetime(forecast_stamps(program, tmp_path / "in.csv", 6)["timestamp"], utc=True)
    assert list(found) == list(stamps[30:].tz_convert("UTC"))
