"""How other programs call chronos-forecasting, and the examples of Python: each in an interpreter of its own.

It runs on PYTHONPATH's package, else on that in build/python (`make python`).
"""

import os
import re
import subprocess
import sys
import textwrap

import pytest
from conftest import ROOT

PACKAGE = os.environ.get("PYTHONPATH") or str(ROOT / "build" / "python")
EXAMPLES = ROOT / "examples" / "python"


def python(*arguments, cwd=ROOT):
    """Output of a fresh interpreter, and its errors apart."""
    environment = {**os.environ, "PYTHONPATH": PACKAGE, "MPLBACKEND": "Agg"}
    done = subprocess.run([sys.executable, *map(str, arguments)], text=True, capture_output=True, check=False, cwd=cwd,
                          env=environment)
    assert done.returncode == 0, done.stderr
    assert "Exception ignored" not in done.stderr
    return done.stdout.strip()


def code(text):
    return "-c", textwrap.dedent(text)


def test_autogluon():
    """Its Chronos2Model: imports, a table that is sorted already, jointly, with a time limit; then once more, late."""
    assert python(*code("""
        import time, chronos2, numpy as np, pandas as pd, torch
        chronos2.install_as_chronos()
        from chronos import BaseChronosPipeline, ChronosBoltPipeline, ChronosPipeline
        from chronos.chronos_bolt import ChronosBoltModelForForecasting, ResidualBlock
        from chronos.chronos2.pipeline import Chronos2Pipeline

        def limit(seconds):
            end = time.monotonic() + seconds
            def after_batch():
                if time.monotonic() > end:
                    raise TimeoutError("time limit exceeded")
            return after_batch

        rng = np.random.default_rng(0)
        stamps = pd.date_range("2024-01-01", periods=85, freq="h")
        rows = [pd.DataFrame({"item_id": i, "timestamp": stamps, "target": rng.random(85), "x": rng.random(85)})
                for i in "abc"]
        past, future = (pd.concat([frame[part] for frame in rows]).reset_index(drop=True)
                        for part in (slice(80), slice(80, 85)))
        future = future.drop(columns="target")
        pipeline = Chronos2Pipeline.from_pretrained("models/chronos2-micro", device_map="cpu", revision=None)
        asked = dict(df=past, future_df=future, target="target", prediction_length=5, quantile_levels=[0.1, 0.5],
                     context_length=None, batch_size=256, validate_inputs=False, cross_learning=True)
        frame = pipeline.predict_df(**asked, after_batch=limit(60))
        frame = frame.rename(columns={"predictions": "mean"}).drop(columns="target_name")
        assert list(frame.columns) == ["item_id", "timestamp", "mean", "0.1", "0.5"] and len(frame) == 15
        bundled = chronos2.Chronos2Pipeline.from_pretrained()
        same = bundled.predict_df(past, future, prediction_length=5, cross_learning=True)
        assert (frame["mean"].to_numpy() == same["predictions"].to_numpy()).all()
        try:
            pipeline.predict_df(**asked, after_batch=limit(-1))
        except TimeoutError as error:
            print(error)
        for other in (ChronosPipeline, ChronosBoltPipeline):
            try:
                other.from_pretrained("amazon/chronos-bolt-tiny")
            except NotImplementedError as error:
                print(str(error).split()[0], isinstance(pipeline, other))
        """)) == "time limit exceeded\nChronosPipeline False\nChronosBoltPipeline False"


def test_sktime():
    """Its own forecaster over ours, and ours of its kind: the same values."""
    out = python(*code("""
        import chronos2
        chronos2.install_as_chronos()
        import numpy as np, pandas as pd, torch
        from sktime.datasets import load_longley
        from sktime.forecasting.chronos2 import Chronos2Forecaster as Theirs
        from chronos2.sktime import Chronos2Forecaster as Ours

        y, X = load_longley()
        theirs = Theirs("models/chronos2-micro", config={"torch_dtype": torch.float32}, ignore_deps=True)
        both = [f.fit(y[:-3], X[:-3]).predict(fh=[1, 3], X=X[-3:]) for f in (theirs, Ours(options={"threads": 1}))]
        assert type(theirs.model_pipeline) is chronos2.Chronos2Pipeline
        np.testing.assert_array_equal(both[0].to_numpy(), both[1].to_numpy())
        two = pd.DataFrame({"a": y, "b": y[::-1].to_numpy()})
        levels = Ours().fit(two).predict_quantiles(fh=[2], alpha=[0.1, 0.9])
        pipeline = chronos2.Chronos2Pipeline.from_pretrained(return_type="numpy")
        expected = pipeline.predict_quantiles([two.to_numpy().T], 2, [0.1, 0.9])[0][0][:, 1]
        np.testing.assert_array_equal(levels.to_numpy().ravel(), expected.ravel())
        print(list(levels.columns))
        """))
    assert out == "[('a', 0.1), ('a', 0.9), ('b', 0.1), ('b', 0.9)]"


@pytest.mark.parametrize("name, said", [
    ("mlflow_model", r"mauna_loa 2002-01-05 +target +371.7 370.1 372.4"),
    ("sktime_forecaster", r"2002-01-05  370.1  372.4"),
    ("quickstart", r"mauna_loa 2002-01-05 +target +371.7 370.1 371.0 372.2 372.4")])
def test_examples(name, said, tmp_path):
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    folder = ["model"] if name == "mlflow_model" else []
    assert re.search(said, python(EXAMPLES / f"{name}.py", *folder, cwd=tmp_path))


def test_the_reference_has_every_public_name(tmp_path):
    python("-m", "pdoc", "--docformat", "numpy", "-o", tmp_path, "chronos2", "chronos2.arrow", "chronos2.spark",
           "chronos2.sktime")
    page = (tmp_path / "chronos2.html").read_text()
    for name in ("Chronos2Pipeline.predict_df", "EncodedContext.predict", "install_as_chronos", "plot"):
        assert f'id="{name}"' in page, name
    assert 'id="forecast"' in (tmp_path / "chronos2/spark.html").read_text()
