"""A real browser without a network, for the tests of pages."""

import json
import shutil

from selenium import webdriver
from selenium.webdriver.chrome.service import Service


def start():
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


def visit(browser, address, width, scheme="light", offline=False):
    """Opens an address as a screen of this width and scheme shows it; the logs begin there."""
    call = browser.execute_cdp_cmd
    call("Network.enable", {})
    call("Network.emulateNetworkConditions",
         {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
    call("Emulation.setDeviceMetricsOverride",
         {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500})
    call("Emulation.setEmulatedMedia",
         {"media": "screen", "features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser.get("about:blank")
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(address)


def asked(browser):
    """The addresses that were asked for since."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def show(browser, page, width, scheme="light"):
    """Opens the page without a network; its console's lines and the addresses that it asked for."""
    visit(browser, page.as_uri(), width, scheme, offline=True)
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    addresses = asked(browser)
    return browser.get_log("browser"), addresses


def check(browser, page, width, scheme):
    """What holds for every page: no script error, no request, drawn to the end, nothing wider than the screen."""
    console, addresses = show(browser, page, width, scheme)
    assert console == []
    assert addresses == [page.as_uri()]
    assert browser.execute_script("return document.documentElement.dataset.ready") == "yes"
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    dark = "return getComputedStyle(document.body).backgroundColor !== 'rgb(255, 255, 255)'"
    assert browser.execute_script(dark) == (scheme == "dark")
    assert "nan" not in browser.execute_script("return document.body.innerText").lower().split()


def colours(browser):
    """How many colours each chart has: an empty one has few."""
    return browser.execute_script("""
        return [...document.querySelectorAll('canvas')].map((canvas) => {
          const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
            .data.buffer);
          return new Set(pixels).size;
        });""")
