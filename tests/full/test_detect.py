"""chronos2 detect on much clean data: the rate of false alarms within bounds that follow from how bands are calibrated;
and its page in a real browser."""

import math
import re
import subprocess

import numpy as np
import pytest
from browser import check, colours, show
from conftest import PROGRAM

SERIES, STEPS, WARMUP, COVERAGE = 40, 500, 32, 0.99


def detect(*args):
    done = subprocess.run([str(PROGRAM), "detect", *map(str, args)], capture_output=True, text=True, check=True)
    return done.stdout, [int(n) for n in re.search(r"(\d+) of (\d+) observations lie outside", done.stderr).groups()]


def write(path, noise, spikes=()):
    with open(path, "w") as stream:
        stream.write("item_id,timestamp,target\n")
        for i, row in enumerate(noise):
            for t, e in enumerate(row):
                name = '"</script><b onclick=""alert(1)"">"' if i == 3 else f"s{i}"
                y = 20 + 5 * (i % 4) * math.sin(2 * math.pi * t / 12) + e + (30 if (i, t) in spikes else 0)
                stream.write(f"{name},{t},{y:.6f}\n")


def test_false_alarms(tmp_path):
    """A step with n earlier ones is flagged with probability 1 - ceil(0.99 (n + 1)) / (n + 1), independently of the
    others, where scores are exchangeable; with fewer than 99, all other steps calibrate the band: 1%. Four deviations."""
    random = np.random.default_rng(8)
    noise = random.normal(size=(SERIES, STEPS))
    for t in range(1, STEPS):
        noise[:, t] += 0.4 * noise[:, t - 1]
    write(tmp_path / "clean.csv", noise)
    _, (flags, judged) = detect(tmp_path / "clean.csv", "--coverage", COVERAGE)
    n = np.arange(STEPS - WARMUP)
    p = np.where(n < 99, 1 - COVERAGE, 1 - np.ceil(COVERAGE * (n + 1) - 1e-9) / (n + 1))
    mean, deviation = SERIES * p.sum(), math.sqrt(SERIES * (p * (1 - p)).sum())
    print(f"{flags} of {judged} flagged ({100 * flags / judged:.2f}%), expected {mean:.0f} +- {4 * deviation:.0f}")
    assert judged == SERIES * (STEPS - WARMUP)
    assert abs(flags - mean) < 4 * deviation


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detect")
    random = np.random.default_rng(2)
    write(folder / "in.csv", random.normal(size=(10, 200)), {(3, 190), (5, 150)})
    out, _ = detect(folder / "in.csv", "-n", "4", "--report", folder / "r.html")
    assert "s5,150," in out and "alert(1)" in out
    return folder / "r.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1400])
def test_page(browser, page, width, scheme):
    check(browser, page, width, scheme)
    found = colours(browser)
    assert len(found) == 8 and min(found) > 8
    heads = browser.execute_script("return [...document.querySelectorAll('#flags tbody th')].map((h) => h.textContent)")
    assert set(heads[:2]) == {"s5", '</script><b onclick="alert(1)">'}


def test_print(browser, page):
    show(browser, page, 800)
    assert len(browser.execute_cdp_cmd("Page.printToPDF", {})["data"]) > 20_000 and browser.get_log("browser") == []
