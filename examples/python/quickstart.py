import pandas as pd

import chronos2

pipeline = chronos2.Chronos2Pipeline.from_pretrained()  # the bundled checkpoint
table = pd.read_csv("datasets/co2_weekly.csv", parse_dates=["timestamp"])
forecast = pipeline.predict_df(table, prediction_length=26, quantile_levels=[0.1, 0.25, 0.75, 0.9])
print(forecast.head(4).to_string(index=False, float_format="%.1f"))
chronos2.plot(table, forecast).figure.savefig("forecast.png")
