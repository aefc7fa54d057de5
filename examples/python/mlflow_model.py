"""Chronos-2 as an MLflow model: a folder that `mlflow models serve`, a registry or Spark can use.

    python mlflow_model.py FOLDER

The package isn't on PyPI: a wheel of `make wheel` has to be named in pip_requirements, where the model is served.
"""

import argparse

import mlflow
import pandas as pd

import chronos2


class Forecaster(mlflow.pyfunc.PythonModel):
    """A table in long format in, its forecast out; params are arguments of predict_df."""

    def load_context(self, context):
        self.pipeline = chronos2.Chronos2Pipeline.from_pretrained(context.artifacts["model"], threads=1)

    def predict(self, context, model_input, params=None):
        return self.pipeline.predict_df(model_input, **{"prediction_length": 4, "quantile_levels": [0.1, 0.9],
                                                        **(params or {})})


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", help="where the model is saved")
folder = parser.parse_args().folder
# Elsewhere the requirement is "chronos2-c[frames] @ file:///PATH/TO/WHEEL".
mlflow.pyfunc.save_model(folder, python_model=Forecaster(), pip_requirements=["chronos2-c[frames]"],
                         artifacts={"model": str(chronos2.Chronos2Pipeline.from_pretrained().model.folder)})
table = pd.read_csv("datasets/co2_weekly.csv", parse_dates=["timestamp"])
print(mlflow.pyfunc.load_model(folder).predict(table).to_string(index=False, float_format="%.1f"))
