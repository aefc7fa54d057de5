"""The study's page in a real browser: no script error, no request, charts drawn, nothing wider than a phone."""

import csv
import json
import re
import shutil

import pytest
import yaml
from browser import check, colours, show
from conftest import ROOT

HOSTILE = "</script><img src=x onerror=\"document.title='run'\"><b>_a_very_long_name_without_a_place_to_break"


@pytest.fixture(scope="module")
def page(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    tasks = yaml.safe_load((ROOT / "datasets" / "tasks.yaml").read_text())["tasks"][-3:]
    for task in tasks:
        shutil.copy(ROOT / "datasets" / task["dataset_path"], folder)
    tasks[1]["dataset_config"] = HOSTILE  # sunspots: worse than seasonal naive, so that a warning names it
    (folder / "tasks.yaml").write_text(yaml.safe_dump({"tasks": tasks}))
    program("study", "--tasks", folder, "--radii", "1,8,inf", "--perf-repeats", "1", "--ablate", "0:3",
            "--out-prefix", folder / "p")
    return folder / "p__report.html"


@pytest.fixture(scope="module")
def least(program, tmp_path_factory):
    """One task, one radius, one series with a gap, no quantiles: no interval can be had."""
    folder = tmp_path_factory.mktemp("least")
    series = {"item_id": "a", "start": "2020-01-01", "freq": "D", "target": [None, 1, None, *range(40)]}
    (folder / "one.jsonl").write_text(json.dumps(series))
    (folder / "tasks.yaml").write_text("tasks:\n- {dataset_path: one.jsonl, dataset_config: one, horizon: 3}\n")
    program("study", "--tasks", folder, "--radii", "0", "--perf-repeats", "1", "--out-prefix", folder / "p")
    return folder / "p__report.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1400])
def test_page(browser, page, width, scheme):
    check(browser, page, width, scheme)


def test_charts_are_drawn(browser, page):
    show(browser, page, 800)
    found = colours(browser)
    assert len(found) >= 4 + 3  # mass, accuracy, time, memory, and a forecast of each task
    assert min(found) > 20


def times(browser):
    return browser.execute_script("""
        return Chart.getChart(document.querySelector('#time canvas')).data.datasets.map((set) => [set.label, set.data.length]);""")


def test_times_of_which_some_differ(browser, page, tmp_path):
    """Tasks whose interval holds 1 are points of their own; of one repeat there is no interval that doesn't."""
    show(browser, page, 800)
    assert times(browser)[-1] == ["no difference shown", 3]
    low = iter([1.01, 0.9, 0.9] * 3)
    text, count = re.subn(r'"speedup_low_95":[^,}]*', lambda _: f'"speedup_low_95":{next(low)}', page.read_text())
    assert count == 9
    mixed = tmp_path / "mixed.html"
    mixed.write_text(re.sub(r'"speedup_high_95":[^,}]*', '"speedup_high_95":1.2', text))
    check(browser, mixed, 800, "light")
    assert times(browser)[-2:] == [["measured, radius 8", 1], ["no difference shown", 2]]


def test_marks_of_wide_changes(browser, page, tmp_path):
    """They rise, differ, and are changes that there can be, however far the intervals reach."""
    text, count = re.subn(r'"high_90_percent":[^,}]*', '"high_90_percent":5296.5', page.read_text())
    assert count > 3
    wide = tmp_path / "wide.html"
    wide.write_text(re.sub(r'"low_90_percent":[^,}]*', '"low_90_percent":-99.5', text))
    check(browser, wide, 800, "light")
    marks = browser.execute_script("""
        return Chart.getChart(document.querySelector('#accuracy canvas')).scales.y.ticks.map((tick) => tick.label);""")
    numbers = [float(mark.replace("\N{MINUS SIGN}", "-")) for mark in marks]
    assert len(numbers) > 5 and numbers == sorted(set(numbers)) and numbers[0] > -100 and numbers[-1] == 1000


def test_heads_without_a_share(browser, page, tmp_path):
    """A head without a share is no share of zero, and no part of its layer's mean."""
    def rows(place):
        return browser.execute_script("return [...document.querySelectorAll(arguments[0])].map((row) =>"
                                      "[...row.querySelectorAll('td')].map((cell) => cell.textContent))", f"{place} table.heat tbody tr")

    text, count = re.subn(r'("heads":\[)[^,]*,[^,]*,[^,]*', r"\1null,null,null", page.read_text())
    assert count == 1
    text, count = re.subn(r'"future_mass":[^,}]*', '"future_mass":null', text)
    assert count == 20
    odd = tmp_path / "odd.html"
    odd.write_text(text)
    check(browser, odd, 800, "light")
    head, *others, mean = rows("#heads")[0]
    assert head == "–" and abs(float(mean) - sum(map(float, others)) / len(others)) <= 1
    assert {cell for row in rows("#sinks") for cell in row} == {"–"}
    assert browser.execute_script("return document.querySelector('.sink')") is None


def test_ablated_heads(browser, page):
    """A row for the chosen head and one for all others, with the change and interval of the study's files."""
    show(browser, page, 800)
    rows = browser.execute_script("""
        return [...document.querySelectorAll('#sinks table:last-of-type tbody tr')].map((row) => row.innerText);""")
    with open(str(page).replace("report.html", "equivalence.csv"), newline="") as stream:
        found = {row["arm"]: row for row in csv.DictReader(stream) if row["metric"] == "MASE"}
    for name, arm in (("the chosen 1 head", "ablated"), ("the other 19 heads", "ablated_others")):
        text = next(row for row in rows if row.startswith(name))
        assert f"{float(found[arm]['change_percent']):+.2f}%".replace("-", "\N{MINUS SIGN}") in text


def test_ablated_heads_by_another_metric(browser, page, tmp_path):
    """Their table has the metrics that are compared, the leading one first."""
    text, count = re.subn(r'("metric":|"metrics":\[)"MASE"', r'\1"RMSE"', page.read_text())
    assert count > 3
    other = tmp_path / "other.html"
    other.write_text(text)
    check(browser, other, 800, "light")
    heads = browser.execute_script("""
        return [...document.querySelectorAll('#sinks table:last-of-type thead th')].map((cell) => cell.innerText);""")
    assert heads[-2:] == ["RMSE (90% interval)", "WQL (90% interval)"]


def test_least(browser, least):
    console, _ = show(browser, least, 360)
    assert console == []
    cells = "return [...document.querySelectorAll('#accuracy tbody td')].map((cell) => cell.textContent)"
    assert "yes" not in browser.execute_script(cells)  # one task shows no equality
    assert "nan" not in browser.execute_script("return document.body.innerText").lower()
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("files", ["small__*.csv", "small__perf_compare_r?.csv"])
def test_from_csv(browser, program, tmp_path, files):
    """A study that ran no model: no heads, no forecasts, no baseline; without a probe no tokens either."""
    for file in (ROOT / "tests" / "study" / "from_csv").glob(files):
        shutil.copy(file, tmp_path)
    program("study", "--from-csv", tmp_path, "--out-prefix", tmp_path / "p")
    console, _ = show(browser, tmp_path / "p__report.html", 360)
    assert console == []
    assert browser.execute_script("return document.documentElement.dataset.ready") == "yes"
    assert "nan" not in browser.execute_script("return document.body.innerText").lower()
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360


def test_names_are_text(browser, page):
    show(browser, page, 360)
    assert browser.title == "Study of sparse attention"
    assert browser.execute_script("return document.images.length") == 0
    shown = browser.execute_script("return document.querySelectorAll('#tasks tbody th')[1].textContent")
    assert shown == HOSTILE
    assert HOSTILE[:40] in browser.execute_script("return document.querySelector('.warnings').textContent")


def test_print(browser, page):
    console, _ = show(browser, page, 800, "dark")
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
    assert len(pdf) > 50_000 and console == [] and browser.get_log("browser") == []
    assert not browser.execute_script("return document.documentElement.classList.contains('printing')")
