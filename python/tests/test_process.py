"""Threads, processes, pickles, interrupts; and that nothing of PyTorch is needed."""

import copy
import importlib.util
import os
import pickle
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import ROOT, SMOOTH, wave, write_adapter

import chronos2
from chronos2._progress import following


def python(code, *arguments, **environment):
    """Output of a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], text=True,
                          capture_output=True, check=False, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_neither_torch_nor_pandas_is_imported():
    assert python("""
        import sys, numpy as np, chronos2
        out = chronos2.Chronos2Pipeline.from_pretrained(threads=1).predict([np.arange(50.0)], 4)
        print(type(out[0]).__name__, sorted({"torch", "pandas", "transformers", "chronos"} & set(sys.modules)))
        """) == "ndarray []"


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed")
def test_results_are_tensors_where_torch_is_imported():
    assert python("""
        import sys, numpy as np, chronos2
        pipeline = chronos2.Chronos2Pipeline.from_pretrained(threads=1)
        series = [np.arange(50.0)]
        before = type(pipeline.predict(series, 4)[0]).__name__
        asked = type(pipeline.predict(series, 4, return_type="torch")[0]).__name__
        after = pipeline.predict_quantiles(series, 4)[1][0]
        tensor = sys.modules["torch"].tensor(series[0], dtype=sys.modules["torch"].bfloat16)
        pipeline.predict([tensor], 4), pipeline.predict(tensor[None, None].requires_grad_(), 4)
        kept = type(pipeline.predict(series, 4, return_type="numpy")[0]).__name__
        print(before, asked, type(after).__name__, after.dtype, kept, pipeline.model.device, pipeline.model.dtype,
              pipeline.dtypes["bfloat16"])
        """) == "ndarray Tensor Tensor torch.float32 ndarray cpu torch.float32 torch.bfloat16"


def test_threads_share_a_pipeline(smooth):
    inputs = [[wave(40 + 7 * n, level=n)] for n in range(12)]
    expected = [smooth.predict(series, 6)[0] for series in inputs]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for ours, theirs in zip(pool.map(lambda series: smooth.predict(series, 6)[0], inputs), expected):
                np.testing.assert_array_equal(ours, theirs)


def test_other_threads_run_during_a_forecast(pipeline):
    """The interpreter's lock is not held: this thread counts while another forecasts."""
    counted, done = 0, threading.Event()

    def forecast():
        pipeline.predict([wave(2048)] * 64, 64)
        done.set()

    worker = threading.Thread(target=forecast)
    worker.start()
    while not done.is_set():
        counted += 1
        time.sleep(0)
    worker.join()
    assert counted > 100


def test_a_pickled_pipeline_keeps_its_options():
    pipeline = chronos2.Chronos2Pipeline.from_pretrained(SMOOTH, dtype="bfloat16", attention="windowed_future_visible",
                                                         radius=3, threads=1, return_type="numpy")
    with pytest.warns(UserWarning, match="the weights were trained for"):
        again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(again.predict([wave(60)], 5)[0], pipeline.predict([wave(60)], 5)[0])
    assert again.model.attention == pipeline.model.attention


def test_the_kind_of_results_is_kept():
    pipeline = chronos2.Chronos2Pipeline.from_pretrained(SMOOTH, threads=1)
    pipeline.return_type = "torch"
    assert [p.return_type for p in (pickle.loads(pickle.dumps(pipeline)), copy.deepcopy(pipeline),
                                    pipeline.opened_like(SMOOTH))] == ["torch"] * 3


def test_a_pickle_of_a_relative_path_opens_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "there" / "nowhere").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "there")
    shutil.copytree(SMOOTH, "base")
    shutil.copytree(SMOOTH, tmp_path / "there" / "hub" / "models--some--one" / "snapshots" / "main")
    write_adapter(tmp_path / "adapter", "base")
    caches = {"packed_cache": "packed", "cache_dir": "hub", "threads": 1}
    for name in ("base", "../adapter", "some/one"):
        pipeline = chronos2.Chronos2Pipeline.from_pretrained(name, **caches)
        assert list((tmp_path / "there" / "packed").iterdir())
        shutil.rmtree("packed")
        with monkeypatch.context() as elsewhere:
            elsewhere.chdir(tmp_path / "there" / "nowhere")
            again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(pipeline))))
            assert again.model.folder.samefile(tmp_path / "there" / pipeline.model.folder)
            assert (again.model.adapter is None) == (name != "../adapter")
        assert list((tmp_path / "there" / "packed").iterdir()) and not list((tmp_path / "there" / "nowhere").iterdir())
        shutil.rmtree("packed")


def test_copies_open_the_base_that_an_adapter_named(tmp_path, monkeypatch):
    """Whatever the working directory and HOME hold where they are opened."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    for place in (tmp_path, home, tmp_path / "by-name"):
        shutil.copytree(SMOOTH, place / "base")
    for name in ("base", "chronos2-micro"):
        shutil.copytree(SMOOTH, elsewhere / name)
    monkeypatch.setenv("HOME", str(home))
    write_adapter(tmp_path / "beside", "base")
    write_adapter(tmp_path / "of-home", "~/base")
    write_adapter(tmp_path / "by-name" / "adapter", str(SMOOTH))
    for adapter, base_model, base in (("beside", None, tmp_path), ("of-home", None, home),
                                      ("by-name/adapter", "~/base", home)):
        pipeline = chronos2.Chronos2Pipeline.from_pretrained(tmp_path / adapter, base_model=base_model, threads=1)
        assert pipeline.model.folder.samefile(base / "base")
        with monkeypatch.context() as there:
            there.chdir(elsewhere)
            there.setenv("HOME", str(elsewhere))
            for again in (copy.copy(pipeline), pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(pipeline))))):
                assert again.model.folder.samefile(base / "base")


def test_copies_open_the_bundled_checkpoint_beside_a_folder_of_its_name(tmp_path, monkeypatch):
    write_adapter(tmp_path / "adapter", "chronos2-micro", ROOT / "models" / "chronos2-micro")
    pipelines = [chronos2.Chronos2Pipeline.from_pretrained("chronos2-micro", threads=1),
                 chronos2.Chronos2Pipeline.from_pretrained(tmp_path / "adapter", threads=1)]
    shutil.copytree(ROOT / "models" / "chronos2-micro", tmp_path / "chronos2-micro")
    monkeypatch.chdir(tmp_path)
    assert copy.copy(pipelines[0]).model.folder == pipelines[0].model.folder
    with pytest.warns(UserWarning, match="^chronos2-micro is a folder here, which is opened in place of the bundled"):
        assert copy.copy(pipelines[1]).model.folder.samefile(tmp_path / "chronos2-micro")  # its base has that name


def test_an_adapter_is_opened_with_another_base(tmp_path):
    shutil.copytree(SMOOTH, tmp_path / "base")
    write_adapter(tmp_path / "adapter", "someone/nowhere", revision="v1")
    pipeline = chronos2.Chronos2Pipeline.from_pretrained(tmp_path / "adapter", base_model=tmp_path / "base", threads=1)
    assert pickle.loads(pickle.dumps(pipeline)).model.folder == pipeline.model.folder == tmp_path / "base"
    assert pipeline.opened_like(SMOOTH).model.adapter is None
    with pytest.warns(UserWarning, match="^base_model='base' is ignored: .*weights is no adapter"):
        chronos2.Chronos2Pipeline.from_pretrained(SMOOTH, base_model="base", threads=1)


def test_warnings_need_no_working_directory(tmp_path):
    """Which a daemon may have lost."""
    assert python("""
        import os, sys, warnings, chronos2
        os.mkdir(sys.argv[1])
        os.chdir(sys.argv[1])
        os.rmdir(sys.argv[1])
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            chronos2.Chronos2Pipeline.from_pretrained(revision="v9", threads=1)
        print([(warning.filename, str(warning.message)[:24]) for warning in told])
        """, tmp_path / "gone") == "[('<string>', \"revision='v9' is ignored\")]"


def test_a_forked_process_forecasts_the_same():
    assert python("""
        import os, sys, numpy as np, chronos2
        pipeline = chronos2.Chronos2Pipeline.from_pretrained(sys.argv[1], threads=2, return_type="numpy")
        series = [np.sin(np.arange(90.0))] * 9
        expected = pipeline.predict(series, 5)
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                same = all((a == b).all() for a, b in zip(pipeline.predict(series, 5), expected))
                os._exit(0 if same else 1)
            children.append(child)
        states = [os.waitpid(child, 0)[1] for child in children]
        print(states, all((a == b).all() for a, b in zip(pipeline.predict(series, 5), expected)))
        """, SMOOTH) == "[0, 0, 0] True"


def test_workers_of_a_pool_unpickle_a_pipeline():
    assert python("""
        import multiprocessing, sys, numpy as np, chronos2

        def run(job):
            return job[0].predict([job[1]], 3)[0]

        if __name__ == "__main__":
            pipeline = chronos2.Chronos2Pipeline.from_pretrained(sys.argv[1], threads=1, return_type="numpy")
            jobs = [(pipeline, np.arange(20.0 + n)) for n in range(4)]
            with multiprocessing.get_context("fork").Pool(2) as pool:
                print(all((a == run(job)).all() for a, job in zip(pool.map(run, jobs), jobs)))
        """, SMOOTH) == "True"


INTERRUPTED = """
    import signal, numpy as np, chronos2
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without one
    pipeline = chronos2.Chronos2Pipeline.from_pretrained(threads=1)
    begun = lambda done, total: print("begun", flush=True)
    try:
        {call}
    except KeyboardInterrupt:
        pipeline.predict([np.arange(20.0)], 4)  # works afterwards
        print("stopped")
    """
PREDICT = "pipeline.predict([np.arange(2000.0)] * 200_000, 64, progress=begun)"
PREDICT_DF = """import pandas as pd
        rows = pd.DataFrame({"timestamp": pd.date_range("2020-01-01", periods=500, freq="h"), "target": 1.0})
        df = pd.concat([rows.assign(item_id=i) for i in range(2000)])
        pipeline.predict_df(df, prediction_length=900, progress=begun)"""


@pytest.mark.parametrize("call", [PREDICT, pytest.param(PREDICT_DF, marks=pytest.mark.skipif(
    not importlib.util.find_spec("pandas"), reason="pandas is not installed"))], ids=["predict", "predict_df"])
def test_an_interrupt_stops_a_forecast(call):
    """It would go on for minutes."""
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(INTERRUPTED.format(call=call))], text=True,
                             stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == "begun\n"
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=60)[0].split()[-1] == "stopped"
        assert child.returncode == 0
    finally:
        child.kill()


def test_progress_counts_series(smooth):
    reports = []
    smooth.predict([wave(30)] * 20, 4, batch_size=8, progress=lambda *report: reports.append(report))
    assert reports == [(8, 20), (16, 20), (20, 20)]
    reports.clear()
    smooth.predict([wave(30)] * 20, 900, batch_size=8, progress=lambda *report: reports.append(report),
                   after_batch=lambda: reports.append("batch"))
    assert reports == [(8, 20), "batch", (16, 20), "batch", (20, 20), "batch"]
    for wrong in ("bar", 1, 1.0, 0):
        with pytest.raises(TypeError, match="progress: expected a bool or a function"):
            smooth.predict([wave(30)], 4, progress=wrong)
    smooth.predict([wave(30)], 4, progress=np.False_)


@pytest.mark.skipif(not importlib.util.find_spec("pandas"), reason="pandas is not installed")
def test_progress_counts_items_of_a_table(smooth):
    import pandas as pd

    rows = pd.DataFrame({"timestamp": pd.date_range("2020-01-01", periods=9, freq="h"), "target": 1.0})
    reports = []
    smooth.predict_df(pd.concat([rows.assign(item_id=i) for i in range(1500)]), prediction_length=2, batch_size=400,
                      progress=lambda *report: reports.append(report))
    assert reports == [(400, 1500), (800, 1500), (1024, 1500), (1424, 1500), (1500, 1500)]  # 1024 are read at once


def test_reports_between_the_passes_of_a_rollout_are_left_out():
    for asked in (True, False):
        reports = []
        after_batch = (lambda: reports.append("batch")) if asked else None
        with following(lambda *report: reports.append(report), after_batch) as after:
            for done in (0, 0, 8, 8, 8, 16):
                after(done, 16)
        assert reports == [(8, 16), "batch", (16, 16), "batch"] if asked else [(8, 16), (16, 16)]
    with following(None, None) as after:
        assert after is None


@pytest.mark.skipif(not importlib.util.find_spec("tqdm"), reason="tqdm is not installed")
def test_progress_may_be_a_bar(smooth, capsys):
    for asked in (True, np.True_):
        smooth.predict([wave(30)] * 20, 4, progress=asked)
        assert "20/20" in capsys.readouterr().err


def test_a_bar_needs_tqdm(smooth, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="pip install tqdm; or give a function"):
        smooth.predict([wave(30)], 4, progress=True)


def test_what_after_batch_raises_stops_the_forecast(smooth, capfd):
    calls = []

    def after_batch():
        calls.append(None)
        if len(calls) == 3:
            raise TimeoutError("time limit exceeded")

    series = [wave(30)] * 20
    with pytest.raises(TimeoutError, match="time limit exceeded"):
        smooth.predict(series, 4, batch_size=2, after_batch=after_batch)
    assert len(calls) == 3
    calls.clear()
    smooth.predict(series, 4, batch_size=10, after_batch=lambda: calls.append(None))
    assert len(calls) == 2
    assert capfd.readouterr() == ("", "")


def test_what_is_dropped_is_freed():
    """Memory of this process doesn't grow with pipelines and forecasts that are dropped."""
    grown = int(python("""
        import resource, sys, numpy as np, chronos2
        peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        def once():
            pipeline = chronos2.Chronos2Pipeline.from_pretrained(threads=1)
            pipeline.predict_quantiles([np.arange(500.0)] * 20, 20)
            pipeline.embed([np.arange(500.0)])
        for _ in range(3): once()
        before = peak()
        for _ in range(12): once()
        print(peak() - before)
        """))
    assert grown < 20_000  # KiB; a pipeline holds as much


def test_chronos_is_this_package_on_request():
    assert python("""
        import chronos2
        chronos2.install_as_chronos()
        from chronos import BaseChronosPipeline, Chronos2Pipeline, ForecastType
        from chronos.chronos2.pipeline import Chronos2Pipeline as Deep
        import chronos.chronos2
        print(Chronos2Pipeline is Deep is chronos2.Chronos2Pipeline is chronos.chronos2.Chronos2Pipeline)
        chronos2.install_as_chronos()
        import importlib.util
        from chronos.chronos2 import Chronos2Model
        print(importlib.util.find_spec("chronos").name, importlib.util.find_spec("chronos.chronos2").name)
        print(chronos.__version__)
        try:
            Chronos2Model.from_pretrained("x")
        except NotImplementedError as error:
            print(error)
        """).splitlines() == ["True", "chronos chronos.chronos2", "2.3.2",
                              "Chronos2Model is chronos-forecasting's; `chronos` is chronos2 here"]


def test_the_package_is_typed():
    package = ROOT / "python" / "chronos2"
    assert (package / "py.typed").is_file()
