"""The page that forecasts with the WebAssembly module (`make wasm`), driven in a real browser, beside the program."""

import csv
import functools
import http.server
import io
import threading

import pytest
from browser import asked, visit
from conftest import ROOT
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.ui import WebDriverWait

SITE = ROOT / "build-wasm" / "site"
LEVELS = ["0.05", "0.25", "0.5", "0.75", "0.95"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    if not SITE.is_dir():
        pytest.fail("build-wasm/site is missing: run `make wasm` first")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def page(browser, address):
    visit(browser, address, 1000)
    wait_for(browser, "steps from the last")
    return browser


def status(page):
    return page.execute_script("return document.getElementById('status').textContent")


def wait_for(page, text):
    WebDriverWait(page, 60).until(lambda _: text in status(page), f"{text!r} in the status")


def paste(page, text):
    page.execute_script("document.getElementById('status').textContent = ''; const box = document.getElementById('csv');"
                        "box.value = arguments[0]; box.dispatchEvent(new Event('input', {bubbles: true}))", text)


def warnings(page):
    return page.execute_script("return [...document.querySelectorAll('#warnings li')].map((line) => line.textContent)")


def offered(page, role):
    return [option.text for option in Select(page.find_element("id", role)).options]


def choose(page, role, text):
    """As a user does: the driver's own way makes no event."""
    page.execute_script("const list = document.getElementById(arguments[0]);"
                        "list.value = [...list.options].find((option) => option.text === arguments[1]).value;"
                        "list.dispatchEvent(new Event('input', {bubbles: true}))", role, text)


def downloaded(page):
    text = page.execute_async_script("fetch(document.getElementById('download').href).then((r) => r.text()).then(arguments[0])")
    return list(csv.DictReader(io.StringIO(text)))


def check_beside(program, page, tmp_path, text, *options):
    """The page's file has the program's forecasts of a text."""
    path = tmp_path / "past.csv"
    path.write_text(text)
    wanted = list(csv.DictReader(io.StringIO(
        program("forecast", path, "-n", 36, "--quantile-levels", ",".join(LEVELS), "--isa", "scalar", *options))))
    found = downloaded(page)
    stamp = options[options.index("--timestamp-column") + 1] if options else "timestamp"
    assert [row["timestamp"] for row in found] == [row[stamp] for row in wanted]
    for ours, theirs in zip(found, wanted):
        for level in LEVELS:
            assert float(ours[level]) == pytest.approx(float(theirs[level]), rel=2e-5, abs=1e-5)


def test_sample(program, page, address, tmp_path):
    check_beside(program, page, tmp_path, (SITE / "sample.csv").read_text())
    assert page.execute_script("return document.querySelectorAll('#table tr').length") == 1 + 36
    assert page.execute_script("return document.querySelectorAll('#chart .band').length") == 2
    assert {url.removeprefix(address) for url in asked(page) if url.startswith("http")} == {
        "", "page.mjs", "chronos2.mjs", "csv.mjs", "fan.mjs", "chronos2.wasm", "model/config.json",
        "model/model.safetensors", "sample.csv"}
    assert page.get_log("browser") == []


def test_pasted_series(program, page, tmp_path):
    rows = [f"{name},2024-01-{day:02},{day % 7 + 10 * place}" for place, name in enumerate(["<b>a", "b"]) for day in range(1, 31)]
    text = "\n".join(["shop,day,sold", *rows]) + "\n"
    paste(page, text)
    wait_for(page, "item '0' already has a row for 2024-01-01, at line 2; choose “Names of series”")
    assert offered(page, "target") == offered(page, "time")[1:] == offered(page, "id")[1:] == ["shop", "day", "sold"]
    choose(page, "id", "shop")
    wait_for(page, "2 items")
    assert offered(page, "item") == ["<b>a", "b"]
    choose(page, "item", "b")
    only = "\n".join(["shop,day,sold", *rows[30:]]) + "\n"
    check_beside(program, page, tmp_path, only, "--id-column", "shop", "--timestamp-column", "day", "--target", "sold")


def test_two_ways_to_read_are_asked_for(page):
    paste(page, "day,y\n" + "".join(f"{day:02}/{day + 1:02}/2024,{day}\n" for day in range(1, 4)))
    wait_for(page, "choose")
    assert "choose “Format of time stamps”" in status(page)
    assert page.execute_script("return document.getElementById('status').classList.contains('bad')")
    assert page.execute_script("return document.querySelector('#chart svg')") is None
    page.find_element("id", "time_format").send_keys("%d/%m/%Y")
    wait_for(page, "choose “Frequency”")


def test_what_is_filled_in_is_said(page):
    lines = [f"2024-01-{day:02},{'' if day == 9 else day % 5}" for day in range(1, 31)]
    paste(page, "day,y\n" + "\n".join(lines[:9] + lines[10:]) + "\n")
    wait_for(page, "1 item, 29 rows, daily (D), 1 step filled in. 36 steps from the last 28 observations")
    steps = page.find_element("id", "horizon")
    steps.clear()
    steps.send_keys("600")
    wait_for(page, "600 steps from")
    assert any("600" in line for line in warnings(page)), warnings(page)


def test_numbers_of_a_high_level(page):
    """The table's numbers tell a band's ends apart, whatever the level."""
    paste(page, "day,y\n" + "".join(f"2024-01-{day:02},{1_234_567 + day % 3}\n" for day in range(1, 31)))
    wait_for(page, "36 steps from the last 30")
    rows = page.execute_script("return [...document.querySelectorAll('#table tr')].slice(1).map((row) =>"
                               "[...row.querySelectorAll('td')].slice(1).map((cell) => cell.textContent))")
    assert len(rows) == 36 and all(float(row[0]) < float(row[-1]) for row in rows), rows


def test_errors(page):
    paste(page, "day,y\n2024-01-01,much\n2024-01-02,more\n")
    wait_for(page, "much")
    assert page.execute_script("return document.getElementById('numbers').hidden")
    paste(page, "")
    wait_for(page, "CSV: empty; expected a header line and rows")
    assert page.execute_script("return document.getElementById('status').classList.contains('bad')")


def drop(page, name, text):
    page.execute_script("""const given = new DataTransfer(); given.items.add(new File([arguments[1]], arguments[0]));
        document.getElementById('status').textContent = '';
        dispatchEvent(new DragEvent('drop', {dataTransfer: given, bubbles: true, cancelable: true}));""", name, text)


def test_sizes(page):
    paste(page, "y\n5\n")
    wait_for(page, "36 steps from the last 1 observation in")
    text = "step,y\n" + "".join(f"{i},{i % 24}.1234567\n" for i in range(70_000))
    drop(page, "big.csv", text)
    wait_for(page, "1 item, 70000 rows")
    shown = page.execute_script("return document.getElementById('csv').value")
    assert len(shown) < 20_000 and text.startswith(shown) and shown.endswith("\n")
    assert warnings(page)[0].startswith("the text area shows the first lines of big.csv, which is read whole")
    paste(page, shown)
    wait_for(page, f"1 item, {shown.count(chr(10)) - 1} rows")
    assert not any("big.csv" in line for line in warnings(page))
    page.execute_script("const box = document.getElementById('csv');"  # which a browser takes minutes to lay out
                        "Object.defineProperty(box, 'value', {get: () => 'y\\n' + '1\\n'.repeat(1e7)});"
                        "box.dispatchEvent(new Event('input', {bubbles: true}))")
    wait_for(page, "Expected a table of at most 20 MB")
