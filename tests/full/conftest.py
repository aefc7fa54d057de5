"""Shared by the tests that run PyTorch beside the program."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("CHRONOS2_BIN", ROOT / "build" / "chronos2"))
TASKS = ROOT.parent / "shared" / "data" / "cbii"
tasks = yaml.safe_load((TASKS / "tasks.yaml").read_text())["tasks"] if TASKS.is_dir() else []
needs_tasks = pytest.mark.skipif(not tasks, reason="../shared/data/cbii is not here")
each_task = pytest.mark.parametrize("task", tasks or [pytest.param({"dataset_config": "none"}, marks=needs_tasks)],
                                    ids=lambda t: t["dataset_config"])
torch.set_num_threads(1)  # models this small gain nothing from two, which wait for each other on a busy machine
sys.path.insert(0, str(ROOT / "tools" / "parity"))
from parity import differences  # noqa: E402, F401: for the tests


@pytest.fixture(scope="session")
def program():
    """Runs the program; fails with its message."""

    def run(*args):
        done = subprocess.run([str(PROGRAM), *map(str, args)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def browser():
    from browser import start

    driver = start()
    yield driver
    driver.quit()


def normalised(values, loc, scale):
    """Forecasts as the model sees them: asinh((y - loc) / scale)."""
    return np.arcsinh((np.asarray(values, np.float64) - loc) / scale)
