"""Writes datasets/: public-domain series that Python packages carry, as CSV in long format, and tasks.yaml.

    pip install pandas pyyaml statsmodels==0.15.0 vega_datasets==0.9.0
    python tools/datasets/make_datasets.py

Nothing is downloaded and nothing is changed but units' names and layout; an empty target is a missing value.
"""

import argparse
from pathlib import Path

import pandas as pd
import statsmodels.api as sm
import yaml
from vega_datasets import data as vega

FOLDER = Path(__file__).resolve().parents[2] / "datasets"


def series(item_id, timestamps, values):
    return pd.DataFrame({"item_id": item_id, "timestamp": pd.to_datetime(timestamps), "target": list(values)})


def columns(frame, timestamps, names):
    return pd.concat([series(name, timestamps, frame[name]) for name in names])


def hourly_climate_normals():
    """Means of each hour of the year over decades, which vega_datasets dates 2010: a climate, not weather."""
    seattle, sf = vega.seattle_temps(), vega.sf_temps()
    return pd.concat([series("seattle", seattle["date"], seattle["temp"]), series("sf", sf["date"], sf["temp"])])


def daily_weather():
    frame = vega.seattle_weather()
    return columns(frame, frame["date"], ["temp_max", "temp_min", "wind", "precipitation"])


def weekly_co2():
    frame = sm.datasets.co2.load_pandas().data
    return series("mauna_loa", frame.index, frame["co2"])


def monthly_elnino():
    frame = sm.datasets.elnino.load_pandas().data.set_index("YEAR").astype(float)
    values = frame.to_numpy().ravel()
    return series("nino_1_2", pd.date_range(f"{int(frame.index[0])}-01-01", periods=len(values), freq="MS"), values)


def monthly_employment():
    frame = vega.us_employment()
    return columns(frame, frame["month"], [c for c in frame.columns if c not in ("month", "nonfarm_change")])


def quarterly_macro():
    frame = sm.datasets.macrodata.load_pandas().data
    stamps = pd.date_range("1959-01-01", periods=len(frame), freq="QS")
    return columns(frame, stamps, [c for c in frame.columns if c not in ("year", "quarter")])


def yearly(frame, year, value, item_id):
    return series(item_id, [f"{int(y)}-01-01" for y in frame[year]], frame[value])


def yearly_sunspots():
    return yearly(sm.datasets.sunspots.load_pandas().data, "YEAR", "SUNACTIVITY", "sunspots")


def yearly_nile():
    return yearly(sm.datasets.nile.load_pandas().data, "year", "volume", "nile")


# name, series, horizon, seasonality, evaluation windows
TASKS = [
    ("climate_normals_hourly", hourly_climate_normals, 48, 24, 8),
    ("weather_daily", daily_weather, 28, 1, 5),
    ("co2_weekly", weekly_co2, 26, 52, 8),
    ("elnino_monthly", monthly_elnino, 24, 12, 8),
    ("employment_monthly", monthly_employment, 12, 12, 3),
    ("macro_quarterly", quarterly_macro, 8, 4, 5),
    ("sunspots_yearly", yearly_sunspots, 11, 11, 6),
    ("nile_yearly", yearly_nile, 10, 1, 3),
]


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    FOLDER.mkdir(exist_ok=True)
    tasks = []
    for name, make, horizon, seasonality, windows in TASKS:
        frame = make()
        daily = (frame["timestamp"] == frame["timestamp"].dt.normalize()).all()
        frame["timestamp"] = frame["timestamp"].dt.strftime("%Y-%m-%d" if daily else "%Y-%m-%d %H:%M:%S")
        frame.to_csv(FOLDER / f"{name}.csv", index=False, float_format="%.10g", lineterminator="\n")
        tasks.append(
            {
                "dataset_path": f"{name}.csv",
                "dataset_config": name,
                "horizon": horizon,
                "num_windows": windows,
                "seasonality": seasonality,
                "eval_metric": "MASE",
                "extra_metrics": ["WQL"],
                "quantile_levels": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
                "id_column": "item_id",
            }
        )
        print(name, frame["item_id"].nunique(), "series", len(frame), "rows", frame["target"].isna().sum(), "missing")
    (FOLDER / "tasks.yaml").write_text(yaml.safe_dump({"tasks": tasks}, sort_keys=False))


main()
