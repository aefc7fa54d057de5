"""Chronos-2 among sktime's forecasters: cross-validated like any other."""

import pandas as pd
from sktime.forecasting.model_evaluation import evaluate
from sktime.split import ExpandingWindowSplitter

from chronos2.sktime import Chronos2Forecaster

table = pd.read_csv("datasets/co2_weekly.csv", parse_dates=["timestamp"])
series = table.set_index("timestamp")["target"].asfreq("W-SAT")
windows = ExpandingWindowSplitter(initial_window=len(series) - 24, step_length=8, fh=range(1, 9))
scores = evaluate(Chronos2Forecaster(), windows, series)
print(scores["test_MeanAbsolutePercentageError"].round(4).to_list())

forecaster = Chronos2Forecaster().fit(series)
print(forecaster.predict_interval(fh=[1, 2, 3], coverage=0.8).round(1))
