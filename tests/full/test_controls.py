"""The positive controls: who sees the distant past forecasts them well, who doesn't can't."""

import sys

import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools" / "datasets"))

from make_controls import CONTEXT, CONTROLS, HEIGHTS, HORIZON, KEYS, MARKER, NEAR, PAIRS, PATCH, item, write  # noqa: E402

SERIES = range(12)


def markers(y):
    """{start: height} of the markers of a past."""
    level = np.convolve(y, np.ones(MARKER) / MARKER, "valid")
    found = {}
    for start in np.flatnonzero(np.abs(level) > 6.5):
        height = min(HEIGHTS, key=lambda h: abs(abs(level[start]) - h))
        if np.abs(np.abs(y[start:start + MARKER]) - height).max() <= 0.51:
            found[int(start)] = int(np.sign(level[start])) * height
    return found


def recall(y):
    *earlier, last = sorted(markers(y).items())
    start = next(at for at, height in earlier if height == last[1])
    return np.full(HORIZON, y[start + MARKER:start + MARKER + HORIZON].mean())


def period(y):
    recent = y[-1500:]
    lags = range(1500, 6001)
    errors = [np.abs(recent - y[-1500 - lag:-lag]).mean() for lag in lags]
    lag = lags[int(np.argmin(errors))]
    return y[-lag:][:HORIZON]


def two_hops(y):
    *earlier, last = sorted(markers(y).items())
    at = {height: start for start, height in reversed(earlier)}  # an amplitude's marker stands first where it is set
    event = at[last[1]]
    shape = y[event + 2 * MARKER:event + 2 * MARKER + HORIZON].reshape(-1, 8).mean(axis=1)
    named = at[dict(earlier)[event + MARKER]]
    return y[named + MARKER:named + MARKER + HORIZON].mean() * np.repeat(np.sign(shape), 8)


def pairs(y):
    halves = y.reshape(-1, 2, PATCH // 2).mean(axis=2)
    found = [(min(KEYS, key=lambda k: abs(k - first)), second) for first, second in halves if first > 5]
    *earlier, (asked, _) = found
    return np.full(HORIZON, dict(earlier)[asked])


ORACLES = {"recall": recall, "period": period, "two_hops": two_hops, "pairs": pairs}


def error_of(forecast_of, name):
    """Mean absolute error over that of repeating the last step, the seasonal naive forecast of these tasks."""
    series = [np.array(item(name, i)) for i in SERIES]
    error = sum(np.abs(y[CONTEXT:] - forecast_of(i, y[:CONTEXT])).mean() for i, y in zip(SERIES, series))
    return error / sum(np.abs(y[CONTEXT:] - y[CONTEXT - 1]).mean() for y in series)


@pytest.mark.parametrize("name", ORACLES)
def test_the_distant_past_tells(name):
    assert error_of(lambda _, past: ORACLES[name](past), name) < 0.25


@pytest.mark.parametrize("name", ORACLES)
def test_the_rest_does_not(name):
    """The best forecast from the last NEAR steps is the median of the futures that go with them."""
    near = NEAR[name]

    def best(i, past):
        drawn = [np.array(item(name, i, far_seed)) for far_seed in range(1, 41)]
        assert all(np.array_equal(y[CONTEXT - near:CONTEXT], past[-near:]) for y in drawn)
        return np.median([y[CONTEXT:] for y in drawn], axis=0)

    assert error_of(best, name) > 0.85


def test_files(tmp_path, program):
    """The study reads them, and the files are the same each time."""
    for folder in ("one", "two"):
        write(tmp_path / folder, CONTROLS | PAIRS)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    said = program("study", "--tasks", tmp_path / "one", "--context-length", "64", "--radii", "1", "--arms", "none",
                   "--perf-repeats", "1", "--out-prefix", tmp_path / "p")
    assert "4 tasks" in said
