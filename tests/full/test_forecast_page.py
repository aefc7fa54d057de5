"""The page and the picture of forecasts in a real browser, with names that would be markup."""

import csv
import math
from xml.etree import ElementTree

import pytest
from browser import check, colours, show

HOSTILE = "</script><img src=x onerror=\"document.title='run'\"><b>_a_very_long_name_without_a_place_to_break"
SERIES, STEPS, HORIZON = 30, 130, 12


@pytest.fixture(scope="module")
def files(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("forecast")
    names = [HOSTILE, *(f"shop {i}" for i in range(1, SERIES))]
    with (folder / "past.csv").open("w", newline="") as past, (folder / "plans.csv").open("w", newline="") as plans:
        past, plans = csv.writer(past), csv.writer(plans)
        past.writerow(["item_id", "timestamp", "target", "price", "day"])
        plans.writerow(["scenario", "item_id", "timestamp", "price", "day"])
        for i, name in enumerate(names):
            for t in range(STEPS):
                y = "" if t == 100 else 50 + i + 10 * math.sin(t * math.pi / 3.5) + (t * 37 % 11)
                past.writerow([name, 2000 + t, y, 1 + t % 3, "<b>rest" if t % 7 > 4 else "work"])
            for scenario in ("<i>as now", "cheap"):
                for t in range(STEPS, STEPS + HORIZON):
                    plans.writerow([scenario, name, 2000 + t, 1 if scenario == "cheap" else 1 + t % 3, "work"])
    common = ("forecast", folder / "past.csv", "-n", HORIZON)
    program(*common, "--report", folder / "plain.html", "-o", folder / "plain.csv")
    program(*common, "--covariates", "price,day", "--scenarios", folder / "plans.csv", "--report",
            folder / "plans.html", "--plot", folder / "plans.svg", "-o", folder / "plans_out.csv")
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1400])
@pytest.mark.parametrize("name", ["plain", "plans"])
def test_page(browser, files, name, width, scheme):
    check(browser, files / f"{name}.html", width, scheme)
    found = colours(browser)
    assert len(found) == (12 if name == "plain" else 4 * 2 * 3)  # a page of series; each scenario, with two covariates
    assert min(found) > 8
    assert browser.execute_script("return document.images.length") == 0
    assert browser.title == "Forecasts"
    assert browser.execute_script("return document.querySelector('article h3').textContent") == HOSTILE


@pytest.fixture(scope="module")
def lone(program, tmp_path_factory):
    """Every second value missing, and one step ahead, at a level without a partner; and a series around 1e-30."""
    folder = tmp_path_factory.mktemp("lone")
    with (folder / "in.csv").open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["item_id", "timestamp", "target"])
        for name, unit in (("gaps", 1), ("tiny", 1e-30)):
            for t in range(80):
                out.writerow([name, 1900 + t, "" if name == "gaps" and t % 2 else unit * (2 + math.sin(t))])
    levels = ("--quantile-levels", "0.9,0.5,0.2,0.1")
    program("forecast", folder / "in.csv", "-n", 1, *levels, "--report", folder / "forecast.html")
    program("evaluate", folder / "in.csv", "-n", 1, *levels, "--report", folder / "evaluate.html")
    program("detect", folder / "in.csv", "--report", folder / "detect.html")
    return folder


CHARTS = """
    return [...document.querySelectorAll('#series canvas')].map((canvas) => {
      const chart = Chart.getChart(canvas);
      return { label: canvas.getAttribute('aria-label'), ticks: chart.scales.y.ticks.map((tick) => tick.label),
        edge: chart.scales.x.max, sets: chart.data.datasets.map((set, i) => ({ name: set.label, fill: set.fill || '',
        line: set.showLine !== false, radii: chart.getDatasetMeta(i).data.map((point) => point.options.radius),
        points: set.data.filter((point) => point.y !== null) })) };
    });"""


@pytest.mark.parametrize("name", ["forecast", "evaluate", "detect"])
def test_what_a_line_does_not_show(browser, lone, name):
    """Observations without neighbours are dots, steps without neighbours have bands with a width."""
    check(browser, lone / f"{name}.html", 800, "light")
    charts = {chart["label"].split(",")[0]: chart for chart in browser.execute_script(CHARTS)}
    assert sorted(charts) == ["gaps", "tiny"]
    sets = charts["gaps"]["sets"]
    dots = [one for one in sets if one["name"] == "observed" and not one["line"]]
    assert [set(one["radii"]) for one in dots] == [{2}] and len(dots[0]["points"]) == 40
    assert not [one for one in charts["tiny"]["sets"] if one["name"] == "observed" and not one["line"]]
    bands = [one["points"] for one in sets if one["fill"]]
    assert len(bands) == (3 if name == "evaluate" else 1)
    for points in bands:
        assert len(points) % 2 == 0
        for left, right in zip(points[::2], points[1::2], strict=True):
            assert right["x"] - left["x"] == 1 and right["y"] == left["y"]
    if name == "forecast":
        assert bands[0][-1]["x"] == charts["gaps"]["edge"] == 80.5
    if name != "detect":
        quantiles = [one for one in sets if one["name"] == "quantile 0.2"]
        assert len(quantiles) == len(bands) and all(one["radii"] == [4] for one in quantiles)
    assert all(len(tick) <= 10 for chart in charts.values() for tick in chart["ticks"])
    assert all(len(set(chart["ticks"])) == len(chart["ticks"]) > 1 for chart in charts.values())


def test_coverage_that_is_missing(browser, program, tmp_path):
    """A step of the horizon that was never observed has no share, which is no share of zero."""
    rows = "".join(f"{1900 + t},{'' if t % 2 else 2 + math.sin(t / 9)}\n" for t in range(80))
    (tmp_path / "in.csv").write_text("timestamp,target\n" + rows)
    program("evaluate", tmp_path / "in.csv", "-n", 2, "--windows", 3, "--report", tmp_path / "page.html")
    check(browser, tmp_path / "page.html", 800, "light")
    shares, least = browser.execute_script("""
        const chart = Chart.getChart(document.querySelectorAll('#coverage canvas')[1]);
        return [chart.data.datasets[0].data, chart.scales.y.min];""")
    assert len(shares) == 2 and shares.count(None) == 1
    assert least > 0


def test_search_and_pages(browser, files):
    show(browser, files / "plain.html", 800)
    heads = "return [...document.querySelectorAll('article h3')].map((h) => h.textContent)"
    where = "return document.querySelector('.where').textContent"
    assert browser.execute_script(where) == "1–12 of 30"
    browser.execute_script("document.querySelector('[aria-label=\"next page\"]').click()")
    assert browser.execute_script(where) == "13–24 of 30"
    assert browser.execute_script(heads)[0] == "shop 12"
    box = browser.find_element("css selector", "input[type=search]")
    box.send_keys("SHOP 2")
    assert browser.execute_script(heads) == [f"shop {i}" for i in range(1, 30) if "2" in str(i)]
    box.send_keys("nothing like it")
    assert browser.execute_script(where) == "none found"
    assert browser.get_log("browser") == []


def test_print(browser, files):
    show(browser, files / "plans.html", 800, "dark")
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
    assert len(pdf) > 50_000 and browser.get_log("browser") == []


def test_picture(browser, files):
    root = ElementTree.parse(files / "plans.svg").getroot()
    texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any(text.startswith("</script><img") for text in texts)
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
    titles = [node.text for node in root.iter("{http://www.w3.org/2000/svg}title")]
    assert root.get("role") == "img" and titles[0].startswith("30 items") and titles[1:3] == [HOSTILE, "shop 1"]
    paths = [node.get("d") for node in root.iter("{http://www.w3.org/2000/svg}path")]
    assert len(paths) >= 12 * 6 and not any("n" in path for path in paths)  # neither nan nor inf
    console, asked = show(browser, files / "plans.svg", 800)
    assert console == [] and len(asked) == 1
