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
    paths = [node.get("d") for node in root.iter("{http://www.w3.org/2000/svg}path")]
    assert len(paths) >= 12 * 6 and not any("n" in path for path in paths)  # neither nan nor inf
    console, asked = show(browser, files / "plans.svg", 800)
    assert console == [] and len(asked) == 1
