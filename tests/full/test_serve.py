"""The server beside clients in numbers: a thousand at once, a hundred thousand bad bodies, schemathesis, the requests that
SageMaker and KServe document, and its page in a browser."""

import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import pyarrow as pa
import pytest
import yaml
from browser import asked, visit
from conftest import PROGRAM, ROOT

CLIENTS = 1000
SECONDS = float(os.environ.get("CHRONOS2_SOAK_SECONDS", 12))
SEEDS = [path.read_bytes()[1:] for path in sorted((ROOT / "tests/fuzz/corpus/serve").iterdir())
         if not path.name.startswith("arrow")]


class Server:
    def __init__(self, *options):
        self.process = subprocess.Popen([PROGRAM, "serve", "--listen", "127.0.0.1:0", "--log", "errors", *options],
                                        stderr=subprocess.PIPE, text=True)
        self.lines = []
        for line in self.process.stderr:
            self.lines.append(line)
            if '"listening"' in line:
                break
        self.port = int(json.loads(self.lines[-1])["address"].rsplit(":", 1)[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def post(self, path, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024

    def metric(self, name):
        with urllib.request.urlopen(self.url + "/metrics", timeout=60) as reply:
            return float(re.search(rf"^{name} (\S+)$", reply.read().decode(), re.M).group(1))


@pytest.fixture(scope="module")
def server():
    one = Server()
    drain = subprocess.Popen(["cat"], stdin=one.process.stderr, stdout=subprocess.DEVNULL)  # the pipe never fills
    yield one
    one.process.terminate()
    assert one.process.wait(60) == 0
    drain.wait(10)


# ---- Clients --------------------------------------------------------------------------------------


def head(path, size):
    return (f"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
            f"Content-Length: {size}\r\n\r\n").encode()


async def read_answer(reader):
    """Status and body; None where the connection has ended."""
    try:
        top = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"content-length: *(\d+)", top, re.I).group(1))
        return int(top.split(b" ", 2)[1]), await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def run_client(port, bodies, alone, stop, counts, number):
    await asyncio.sleep(number / CLIENTS)  # not all in one moment: the backlog is finite
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    loop = asyncio.get_running_loop()
    while loop.time() < stop:
        k = (number + counts["sent"]) % len(bodies)
        counts["sent"] += 1
        writer.write(head("/invocations", len(bodies[k])) + bodies[k])
        answer = await read_answer(reader)
        if answer is None:
            counts["lost"] += 1
            break
        counts["right" if answer == (200, alone[k]) else "wrong"] += 1
    writer.close()


async def sample_memory(server, every, samples):
    while True:
        await asyncio.sleep(every)
        samples.append(server.resident())


async def run_clients(server, bodies, alone, seconds):
    counts, samples = {"sent": 0, "lost": 0, "right": 0, "wrong": 0}, []
    stop = asyncio.get_running_loop().time() + seconds
    sampling = asyncio.create_task(sample_memory(server, seconds / 60, samples))
    await asyncio.gather(*(run_client(server.port, bodies, alone, stop, counts, i) for i in range(CLIENTS)))
    sampling.cancel()
    return counts, samples


def make_bodies():
    draw = random.Random(3)
    bodies = []
    for k in range(40):
        series = [{"target": [round(draw.gauss(10, 3), 3) for _ in range(draw.choice((20, 100, 300)))]}
                  for _ in range(draw.choice((1, 1, 1, 3)))]
        if k % 5 == 0:
            series[0]["past_covariates"] = {"k": [draw.choice("ab") for _ in series[0]["target"]]}
        parameters = {"prediction_length": draw.choice((8, 24)), "quantile_levels": [0.1, 0.9]}
        if k % 7 == 0:
            parameters["cross_learning"] = True
        bodies.append(json.dumps({"inputs": series, "parameters": parameters}).encode())
    return bodies


def test_thousand_clients(server):
    """Every answer has the bits of a request alone, none is lost, and memory stays as it is."""
    bodies = make_bodies()
    alone = [json.dumps(server.post("/invocations", body)[1], separators=(",", ":")).encode() for body in bodies]
    raw = []
    for body in bodies:
        request = urllib.request.Request(server.url + "/invocations", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            raw.append(reply.read())
    assert [json.loads(text) for text in raw] == [json.loads(text) for text in alone]
    counts, samples = asyncio.run(run_clients(server, bodies, raw, SECONDS))
    print(f"{counts}; resident MB: " + " ".join(f"{one:.1f}" for one in samples))
    assert counts["lost"] == counts["wrong"] == 0
    assert counts["right"] == counts["sent"] > CLIENTS
    settled = samples[len(samples) // 2:]
    assert max(settled) < settled[0] * 1.1 + 8
    for _ in range(100):  # until the server has seen the last client go
        if server.metric("chronos2_requests_active") == 1:
            break
        time.sleep(0.1)
    assert server.metric("chronos2_memory_bytes") == 0
    assert server.metric("chronos2_series_total") > server.metric("chronos2_batches_total") > 0


def mangle(body, draw):
    body = bytearray(body)
    for _ in range(draw.choice((1, 1, 2, 5))):
        at = draw.randrange(len(body) + 1)
        kind = draw.randrange(5)
        if kind == 0 and at < len(body):
            body[at] = draw.randrange(256)
        elif kind == 1:
            del body[at:at + draw.choice((1, 3, 30))]
        elif kind == 2:
            body[at:at] = draw.choice((b",", b"[", b"]", b"{", b"}", b'"', b"1e999", b"-1", b"null", b"NaN", b"\xff",
                                       b'\\ud800', b"0.5", b'"inputs"', b"[[[[", b"9" * 30))
        elif kind == 3:
            other = draw.choice(SEEDS)
            body[at:at] = other[draw.randrange(len(other)):][:20]
        else:
            del body[at:]
    return bytes(body)


async def send_mangled(port, count, seed):
    """Statuses of bad bodies, sent behind each other in groups."""
    draw = random.Random(seed)
    statuses = {}
    for _ in range(count // 50):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        paths = ("/invocations", "/v1/timeseries/forecast", "/v1/contexts", f"/v1/contexts/{'0' * 32}/forecast")
        batch = [(draw.choice(paths), mangle(draw.choice(SEEDS), draw)) for _ in range(50)]
        writer.write(b"".join(head(path, len(body)) + body for path, body in batch))
        for path, body in batch:
            answer = await read_answer(reader)
            assert answer, (path, body)
            status, text = answer
            assert status in (200, 201, 400, 404), (path, body, answer)
            parsed = json.loads(text)
            assert ("error" in parsed and parsed["error"] is not None) == (status >= 400), (path, body, answer)
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()
    return statuses


def test_malformed_bodies(server):
    async def run():
        return await asyncio.gather(*(send_mangled(server.port, 25_000, seed) for seed in range(4)))

    before = server.resident()
    found = {}
    for statuses in asyncio.run(run()):
        for status, number in statuses.items():
            found[status] = found.get(status, 0) + number
    assert sum(found.values()) == 100_000
    assert found[400] > 30_000 and found[200] > 100
    assert server.post("/invocations", {"inputs": [{"target": [1, 2, 3]}]})[0] == 200
    assert server.resident() < before * 1.1 + 270  # kept contexts have 256 MiB


# ---- Documented requests --------------------------------------------------------------------------


def test_sagemaker_requests(server):
    """The payloads of the notebook that shows how to use an endpoint, as boto3's invoke_endpoint sends them."""
    status, answer = server.post("/invocations", {
        "inputs": [{"target": [0.0, 4.0, 5.0, 1.5, -3.0, -5.0, -3.0, 1.5, 5.0, 4.0, 0.0, -4.0, -5.0, -1.5, 3.0, 5.0, 3.0]}],
        "parameters": {"prediction_length": 10}})
    assert status == 200
    assert list(answer["predictions"][0]) == ["mean", "0.1", "0.5", "0.9"]
    assert all(len(values) == 10 for values in answer["predictions"][0].values())
    status, answer = server.post("/invocations", {
        "inputs": [{"target": [1.0, 2.0, 3.0, 2.0, 0.5, 2.0, 3.0, 2.0, 1.0], "item_id": "product_A",
                    "start": "2024-01-01T01:00:00"},
                   {"target": [5.4, 3.0, 3.0, 2.0, 1.5, 2.0, -1.0], "item_id": "product_B",
                    "start": "2024-02-02T03:00:00"}],
        "parameters": {"prediction_length": 5, "freq": "1h", "quantile_levels": [0.1, 0.5, 0.9], "batch_size": 2}})
    assert status == 200
    assert [(p["item_id"], p["start"]) for p in answer["predictions"]] == [
        ("product_A", "2024-01-01T10:00:00"), ("product_B", "2024-02-02T10:00:00")]
    words = ["A", "B", "B", "B", "A", "A", "A", "A", "B"]
    status, answer = server.post("/invocations", {
        "inputs": [{"target": [1.0, 2.0, 3.0, 2.0, 0.5, 2.0, 3.0, 2.0, 1.0],
                    "past_covariates": {"feat_1": [3.0, 6.0, 9.0, 6.0, 1.5, 6.0, 9.0, 6.0, 3.0], "feat_2": words},
                    "future_covariates": {"feat_1": [2.5, 2.2, 3.3], "feat_2": ["B", "A", "A"]}},
                   {"target": [5.4, 3.0, 3.0, 2.0, 1.5, 2.0, -1.0],
                    "past_covariates": {"feat_1": [0.6, 1.2, 1.8, 1.2, 0.3, 1.2, 1.8], "feat_2": words[:7]},
                    "future_covariates": {"feat_1": [1.2, 0.3, 4.4], "feat_2": ["A", "B", "A"]}}],
        "parameters": {"prediction_length": 3, "quantile_levels": [0.1, 0.5, 0.9]}})
    assert status == 200
    assert [len(p["0.9"]) for p in answer["predictions"]] == [3, 3]


def post_arrow(server, table, **parameters):
    """Status and the answer's table or refusal."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    headers = {"Content-Type": "application/vnd.apache.arrow.stream", "X-Chronos2-Parameters": json.dumps(parameters)}
    request = urllib.request.Request(server.url + "/invocations", sink.getvalue().to_pybytes(), headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as reply:
            return reply.status, pa.ipc.open_stream(reply.read()).read_all().to_pydict()
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_arrow_request(server):
    """pyarrow as the client: the numbers of the JSON protocol."""
    values = {"a": [1.0, 2, 3, 2, 0.5, 2, 3], "b": [5.0, 4, 3, 4, 5]}
    table = pa.table({"item_id": [k for k, v in values.items() for _ in v],
                      "timestamp": pa.array([3600 * t for v in values.values() for t in range(len(v))], pa.timestamp("s")),
                      "target": [x for v in values.values() for x in v]})
    status, found = post_arrow(server, table, prediction_length=3)
    assert status == 200
    status, answer = server.post("/invocations", {"inputs": [{"target": v} for v in values.values()],
                                                  "parameters": {"prediction_length": 3}})
    assert status == 200 and found["item_id"] == ["a"] * 3 + ["b"] * 3
    for column, key in (("predictions", "mean"), ("0.1", "0.1"), ("0.9", "0.9")):
        expected = [x for p in answer["predictions"] for x in p[key]]
        assert found[column] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("columns", "kind"), [(1, pa.int8()), (1, pa.bool_()), (50, pa.bool_())])
def test_arrow_memory(columns, kind):
    """However small its values are, a table takes at most 20 times the largest body while it is read."""
    body = 4 << 20
    rows = body // (columns + 2)
    names = ["target", *(f"x{i}" for i in range(1, columns))]
    server = Server("--max-body", "4", "--max-memory", "4")

    def post(length):
        column = pa.array([False] * length).cast(kind)
        return post_arrow(server, pa.table([column] * columns, names))

    try:
        assert post(20)[0] == 200
        before = server.metric("chronos2_peak_resident_bytes")
        status, answer = post(rows + 1)
        assert status == 413 and f"expected at most {body} values" in answer["error"]["message"]
        assert server.metric("chronos2_peak_resident_bytes") - before < 2 * body
        status, answer = post(rows)  # is read, and not forecast
        assert status == 413 and "series and results would take" in answer["error"]["message"]
        assert 8 * body < server.metric("chronos2_peak_resident_bytes") - before < 20 * body
    finally:
        server.process.terminate()
        assert server.process.wait(60) == 0


def numbers(size):
    return '{"inputs":[{"target":[' + ",".join("1" * (size // 2 - 20)) + "]}]}"


def categories(size):
    length = size // 2 // 1000 - 20
    covariates = ",".join(f'"{i}":["a"{",1" * (length - 1)}]' for i in range(990))
    return '{"inputs":[{"target":[' + ",".join("1" * length) + '],"past_covariates":{' + covariates + "}}]}"


@pytest.mark.parametrize(("make", "said"), [(numbers, "JSON of numbers takes up to"), (categories, "while bodies are parsed up to")])
def test_json_memory(make, said):
    """What JSON takes at most while it is read is what docs/serve.md says, beside the body itself."""
    times = int(re.search(said + r"\s+(\d+)\s+times", (ROOT / "docs/serve.md").read_text()).group(1))
    server = Server("--max-body", "8", "--max-memory", "8")
    try:
        assert server.post("/invocations", {"inputs": [{"target": [1, 2, 3]}]})[0] == 200
        before = server.metric("chronos2_peak_resident_bytes")
        body = make(8 << 20).encode()
        status, answer = server.post("/invocations", body)
        assert status == 413 and "series and results would take" in answer["error"]["message"]
        took = (server.metric("chronos2_peak_resident_bytes") - before) / len(body)
        assert times < took < times + 2
    finally:
        server.process.terminate()
        assert server.process.wait(60) == 0


def test_kserve_request(server):
    """The request of KServe's own test, and what that test asks of the answer."""
    request = {"model": "chronos2-micro", "options": {"horizon": 8, "quantiles": [0.1, 0.5, 0.9]}, "inputs": [
        {"type": "univariate_time_series", "name": "stock_price", "series": [120, 122, 125, 127, 130, 133, 135],
         "frequency": "day", "start_timestamp": "2025-06-05T13:10:00Z"},
        {"type": "univariate_time_series", "name": "humidity", "series": [33, 34, 35, 36, 37], "frequency": "H",
         "start_timestamp": "2025-06-05T13:10:00Z"}]}
    status, answer = server.post("/v1/timeseries/forecast", request)
    assert status == 200 and answer["status"] == "completed" and answer["model"] == request["model"]
    starts = ["2025-06-12T13:10:00Z", "2025-06-05T18:10:00Z"]
    for output, given, start in zip(answer["outputs"], request["inputs"], starts, strict=True):
        [content] = output["content"]
        assert output["type"] == "time_series_forecast" and output["status"] == "completed"
        assert (content["name"], content["type"], content["frequency"], content["start_timestamp"]) == (
            given["name"], given["type"], given["frequency"], start)
        assert len(content["mean_forecast"]) == 8
        low, middle, high = (content["quantiles"][str(q)] for q in request["options"]["quantiles"])
        assert all(a <= b <= c for a, b, c in zip(low, middle, high, strict=True))
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_kserve_client(server):
    """The example in KServe's own types: it reads the answer and refusals, and has the numbers of the other protocol."""
    python = os.environ.get("CHRONOS2_KSERVE_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import kserve.protocol.rest.timeseries.types"], check=False,
                      capture_output=True).returncode:
        pytest.skip(f"{python} has no kserve: CHRONOS2_KSERVE_PYTHON may name a Python that has")

    def run(model):
        return subprocess.run([python, ROOT / "examples/serve/kserve_client.py", server.url, model], check=False,
                              capture_output=True, text=True, timeout=120)

    done = run("chronos2-micro")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    targets = [[33, 34, 35, 36, 37], [[1, 2, 3, 2, 1, 2, 3], [9, 8, 9, 7, 9, 6, 9]]]
    status, expected = server.post("/invocations", {
        "inputs": [{"target": target} for target in targets],
        "parameters": {"prediction_length": 4, "quantile_levels": [0.1, 0.9]}})
    assert status == 200 and answer["status"] == "completed"
    [one, two] = [output["content"][0] for output in answer["outputs"]]
    for content, prediction in zip((one, two), expected["predictions"], strict=True):
        assert content["mean_forecast"] == prediction["mean"]
        assert content["quantiles"] == {level: prediction[level] for level in ("0.1", "0.9")}
    assert (one["name"], one["start_timestamp"], one["frequency"]) == ("humidity", "2025-06-05T18:10:00Z", "H")
    assert (two["name"], two["start_timestamp"], len(two["mean_forecast"])) == ("two sensors", "", 2)
    done = run("another")
    assert done.returncode == 1 and done.stderr.startswith("400 BadRequestError: ") and "chronos2-micro" in done.stderr


def test_schemathesis(server, tmp_path):
    """Every operation of docs/openapi.yaml does what it says, for requests of all kinds."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", ROOT / "docs/openapi.yaml", "--url", server.url,
               "--phases", "examples,coverage,fuzzing", "--max-examples", "12", "--workers", "1", "--seed", "7",
               "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,"
               "response_schema_conformance,response_headers_conformance"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_described_options(server):
    """docs/openapi.yaml gives KServe's options what SageMaker's parameters have, and the server knows each."""
    schemas = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())["components"]["schemas"]
    shared = set(schemas["Parameters"]["properties"]) - {"prediction_length", "quantile_levels", "freq"}
    assert set(schemas["ForecastRequest"]["properties"]["options"]["properties"]) == {"horizon", "quantiles"} | shared
    given = {"attention": "full", "cross_learning": True, "predict_batches_jointly": True, "batch_size": 9,
             "context_length": 9, "radius": 9}
    assert set(given) == shared
    one = {"type": "univariate_time_series", "name": "s", "frequency": "D", "series": [1, 2, 3]}
    for name, value in given.items():
        options = {"horizon": 1, name: value, **({"attention": "windowed_future_null"} if name == "radius" else {})}
        status, answer = server.post("/v1/timeseries/forecast",
                                     {"model": "chronos2-micro", "inputs": [one], "options": options})
        assert status == 200 and not any("ignored" in line for line in answer.get("warnings", [])), (name, answer)


def seconds_to_end(options):
    """What a server may take after SIGTERM: --grace, then the times in which those that it gives up, and those that came
    late, are told so."""
    usage = subprocess.run([PROGRAM, "serve", "--help"], check=True, capture_output=True, text=True).stdout
    grace = re.search(r"--grace SECONDS.*?\[(\d+)\]", usage, re.S).group(1)
    if "--grace" in options:
        grace = options[options.index("--grace") + 1]
    times = re.findall(r"(?:LAST_WORDS|LEAVE) = (\d+)", (ROOT / "serve/web_microhttpd.c").read_text())
    assert len(times) == 2
    return float(grace) + sum(map(int, times))


def test_examples_end():
    """A server ends by itself before what has started it kills it."""
    examples = ROOT / "examples/serve"
    [deployment, _] = yaml.safe_load_all((examples / "kubernetes.yaml").read_text())
    service = yaml.safe_load((examples / "kserve.yaml").read_text())
    for pod in (deployment["spec"]["template"]["spec"], service["spec"]["predictor"]):
        [container] = pod["containers"]
        pause = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
        assert pod.get("terminationGracePeriodSeconds", 30) > seconds_to_end(container["args"]) + float(pause[1])
    unit = (examples / "chronos2.service").read_text()
    options = re.search(r"^ExecStart=(.*)$", unit, re.M).group(1).split()
    assert int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.M).group(1)) > seconds_to_end(options)


# ---- The page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [360, 800, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page(browser, server, width, scheme):
    """The example is forecast, a slider and the pattern change it; no script error, no other host, nothing too wide."""
    from selenium.webdriver.support.ui import WebDriverWait

    visit(browser, server.url + "/", width, scheme)
    wait = WebDriverWait(browser, 60)
    note = "return document.querySelector('article .note')?.textContent || ''"

    def settled(previous):
        wait.until(lambda b: (text := b.execute_script(note)) != previous and "answered" in text)
        return browser.execute_script("return [...document.querySelectorAll('canvas')].map((c) => c.toDataURL())")

    browser.execute_script("document.getElementById('example').click()")
    plain = settled("")
    slide = """const one = document.querySelector('input[type=range]'); one.value = one.min;
               document.querySelector('article .note').textContent = '';
               one.dispatchEvent(new Event('input'));"""
    browser.execute_script(slide)
    moved = settled("")
    assert len(plain) == len(moved) == 2 and plain[0] != moved[0]
    browser.execute_script("""const one = document.getElementById('attention'); one.value = 'windowed_future_null';
                               document.querySelector('article').remove(); one.dispatchEvent(new Event('change'));""")
    sparse = settled("")
    browser.execute_script(slide)
    slid = settled("")
    assert slid[0] != sparse[0] and slid[0] != moved[0]  # an unknown future is the same to both patterns
    assert browser.get_log("browser") == []
    addresses = asked(browser)
    assert addresses and all(address.startswith(server.url) for address in addresses)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def forecast(browser, text, steps=4, **chosen):
    """What the page says of a table: its status, what it read, the headings, warnings, and what it asked of the server."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.execute_script("""
        window.bodies = window.bodies || (() => { const plain = window.fetch; window.fetch = (path, how) => {
          window.bodies.push(JSON.parse(how.body)); return plain(path, how); }; return []; })();
        window.bodies.length = 0;
        delete document.documentElement.dataset.forecasts;
        document.getElementById('table').value = arguments[0]; document.getElementById('horizon').value = arguments[1];
        for (const [role, name] of Object.entries(arguments[2])) {
          const list = document.getElementById(role);
          list.value = [...list.options].find((option) => option.text === name).value;
        }
        document.getElementById('form').requestSubmit();""", text, steps, chosen)
    WebDriverWait(browser, 60).until(
        lambda b: b.execute_script("return document.documentElement.dataset.forecasts"), text[:80])
    texts = """return ['#status', '#reading li', 'article h3', 'article .warnings li'].map(
                 (what) => [...document.querySelectorAll(what)].map((one) => one.textContent))"""
    [status], *rest = browser.execute_script(texts)
    return status, *rest, browser.execute_script("return window.bodies")


def days(count, cells, head="timestamp,target", step=1):
    stamps = [str(np.datetime64("2024-01-01") + step * i) for i in range(count)]
    return "\n".join([head, *(cells(stamp, i) for i, stamp in enumerate(stamps))])


def test_page_reads(browser, server):
    """Rows are sorted; what is chosen, uneven or left to the server to say is said."""
    visit(browser, server.url + "/", 1000)
    rows = days(30, lambda stamp, i: f"{stamp},{i}").split("\n")
    for table in ([rows[0], *rows[:0:-1]], [rows[0], *rows[11:], *rows[1:11]]):
        status, read, names, told, bodies = forecast(browser, "\n".join(table))
        assert (status, read, names, told) == ("", ["Target: target. Covariates: none."], ["series"], [])
        assert bodies[0]["inputs"] == [{"item_id": "series", "target": list(range(30))}]
    status, read, _, _, _ = forecast(browser, "\n".join(rows[:9] + rows[11:]))
    assert not status and "(2024-01-08 is followed by 2024-01-11)" in read[1] and "nothing is filled in" in read[1]
    months = "\n".join(["timestamp,target", *(f"{np.datetime64('2023-01') + i},{i}" for i in range(24))])
    assert forecast(browser, months)[1] == ["Target: target. Covariates: none."]
    status, read, _, told, _ = forecast(browser, days(40, lambda stamp, i: f"{stamp},{i % 7}"), 1024)
    assert len(told) == 1 and "rolled out" in told[0]
    table = days(30, lambda stamp, i: f"{'ab'[i % 2]};{stamp};{i};{'xy'[i % 3 // 2]};{i / 2}", "shop;day;sold;kind;price")
    assert forecast(browser, table)[0] == "Choose the column to forecast."
    status, read, names, _, bodies = forecast(browser, table, target="sold", id="shop")
    assert (status, names) == ("", ["a", "b"])
    assert read[0] == "Target: sold. Covariates: kind (words), price (numbers)."
    assert bodies[1]["inputs"][0]["past_covariates"]["price"] == [i / 2 for i in range(1, 30, 2)]
    assert "rows of a series count as its steps" in forecast(browser, "target\n1\n2\n3\n")[1][0]
    many = "\n".join(["item_id,target", *(f"{k},{i}" for k in range(21) for i in range(3))])
    assert "The first 20 of 21 series are forecast." in forecast(browser, many)[1]
    assert forecast(browser, days(20_000, lambda stamp, i: f"{stamp},{i % 7},{i % 3}", "timestamp,target,price"))[0] == ""
    uneven = "timestamp,target\n" + "".join(f"2024-01-01 00:{m:02},1\n" for m in (0, 10, 21, 31))
    assert "00:10 is followed by 2024-01-01 00:21" in " ".join(forecast(browser, uneven)[1])
    clocks = "timestamp,target\n" + "".join(f"2024-01-01 0{2 - h}:00-0{h}:00,{h}\n" for h in (2, 1, 0))
    assert forecast(browser, clocks)[0] == 'Series "series" has several rows for 2024-01-01 00:00-02:00: choose the column of ' \
        "the series' names, if there is one."  # one instant, whatever the offsets
    words = forecast(browser, days(9, lambda stamp, i: f"{stamp},{i},{'10-12' if i % 2 else '12-14'}", "timestamp,target,hours"))
    assert words[0] == ""


@pytest.mark.parametrize(("table", "why"), [
    (days(9, lambda stamp, i: f"2024-01-0{1 + i // 2},{i}"), "several rows for 2024-01-01"),
    (days(9, lambda stamp, i: f"{stamp};{i},5", "timestamp;target"), 'row 2: expected a number with a decimal point, found "0,5"'),
    (days(9, lambda stamp, i: f"{stamp};{i};{i},5", "timestamp;target;price"), 'Column "price", row 2: expected a number with a decimal point, or a word'),
    (days(9, lambda stamp, i: f"{i},{stamp},{stamp}", "target,day,updated"), 'Column "updated", row 2'),
    (days(9, lambda stamp, i: f"{stamp},{'1e999' if i == 4 else i}"), 'row 6: expected a number with a decimal point, found "1e999"'),
    (days(9, lambda stamp, i: f"{stamp},{i},{'-1e999' if i == 4 else i}", "timestamp,target,x"), 'found "-1e999"'),
    (days(9, lambda stamp, i: f"{stamp},{i},1,2", "timestamp,target,x,x"), 'Several columns are named "x".'),
    (days(9, lambda stamp, i: f"{i},{stamp},{i}", ",timestamp,target"), "Column 1 has no name."),
    ("timestamp,target\n2024-02-30,1\n", 'found "2024-02-30"'),
    ("timestamp,target\n31.01.2024,1\n", 'found "31.01.2024"'),
    ("timestamp,target\n2024-01-01 00:00,1\n2024-01-01T01:00:00+01:00,2\n",
     'Column "timestamp", row 3: expected a time without an offset from UTC, as in the first row of its series, found "2024-01-01T01'),
    ("item_id,timestamp,target\na,2024-01-01 00:00Z,1\nb,2024-01-01 00:00,1\na,2024-01-01,2\n",
     'row 4: expected a time with an offset from UTC'),
    (days(3, lambda stamp, i: f"{stamp if i else 2023},{i}"), 'row 3: expected a whole number, as in the first row'),
    (days(3, lambda stamp, i: f"{20240104 if i == 2 else stamp},{i}"), "row 4: expected a time without an offset from UTC"),
    ("timestamp,target\n", "no rows below"),
    ("1\n2\n3\n", "The first row holds numbers"),
    ('timestamp,target\n2024-01-01,"12"5\n', "Row 2, cell 2: expected its end after the closing quote"),
    ('timestamp,target\n2024-01-01,12"5"\n', "Row 2, cell 2: a quote inside a cell that is not quoted"),
    ('timestamp,target\n2024-01-01,"12\n2024-01-02,3\n', "Row 2, cell 2: the quote that opens it is never closed"),
    ('timestamp,target\n2024-01-01,"12""\n2024-01-02,3\n', "Row 2, cell 2: the quote that opens it is never closed"),
    ("timestamp,target\n2024-01-01,1\n2024-01-02,none\n", 'row 3: expected a number with a decimal point, found "none"'),
    ("timestamp,target\n2024-01-01,1\n,\n", 'Column "timestamp", row 3'),
    ("", "The table is empty."),
])
def test_page_refuses(browser, server, table, why):
    if browser.current_url != server.url + "/":
        visit(browser, server.url + "/", 1000)
    status, _, names, _, bodies = forecast(browser, table)
    assert why in status and names == [] and bodies == []


def test_page_cells(browser, server):
    """Cells are read as `chronos2 forecast` reads them: what is missing, quotes, and spaces around numbers alone."""
    spellings = re.search(r"spellings\[\] = \{(.*?)\};", (ROOT / "data/cell.c").read_text(), re.S).group(1)
    spellings = re.findall(r'"(.*?)"', spellings)
    assert "NaN" in spellings and "" in spellings
    visit(browser, server.url + "/", 1000)
    rows = days(len(spellings) + 1, lambda stamp, i: f"{stamp},{['1', *spellings][i]}")
    assert forecast(browser, rows)[4][0]["inputs"][0]["target"] == [1] + [None] * len(spellings)
    table = 'item_id,timestamp,target,"a;""b"""\n' + "".join(
        f'{name}, 2024-01-0{i + 1} ," {i} ","x\ny"\n' for name in ("a", '" a"') for i in range(3))
    status, read, names, _, bodies = forecast(browser, table)
    assert (status, names) == ("", ["a", " a"])
    assert read == ['Target: target. Covariates: a;"b" (words).']
    assert [body["inputs"][0]["target"] for body in bodies] == [[0, 1, 2]] * 2
    assert bodies[0]["inputs"][0]["past_covariates"] == {'a;"b"': ["x\ny"] * 3}
    table = '"a,\nb";timestamp;target;n\nx;2024-01-01;0;0\n NaN ;2024-01-02;1; NaN \nNaN;2024-01-03;2;2\n'
    status, _, _, _, bodies = forecast(browser, table)
    assert status == "" and bodies[0]["inputs"][0]["past_covariates"] == {"a,\nb": ["x", " NaN ", None], "n": [0, None, 2]}


SLIDE = """const one = document.querySelectorAll('input[type=range]')[arguments[0]]; one.value = arguments[1];
           one.dispatchEvent(new Event('input'));"""


def wait_for_note(browser, text):
    from selenium.webdriver.support.ui import WebDriverWait

    note = "return document.querySelector('article .note').textContent"
    WebDriverWait(browser, 60).until(lambda b: text in b.execute_script(note), text)


def clear_note(browser):
    browser.execute_script("document.querySelector('article .note').textContent = ''")


@pytest.mark.parametrize("attention", ["auto", "windowed_future_null"])
def test_page_names(browser, server, attention):
    """Covariates may be called as what all objects of JavaScript have."""
    visit(browser, server.url + "/", 1000)
    browser.execute_script("document.getElementById('attention').value = arguments[0]", attention)
    names = ["constructor", "toString", "__proto__"]
    table = days(20, lambda stamp, i: f"{stamp},{i % 7},{i % 2},{i % 3},{i % 5}", "timestamp,target," + ",".join(names))
    assert forecast(browser, table)[0] == ""
    for k, value in enumerate([1, 2, 3]):
        clear_note(browser)
        browser.execute_script(SLIDE, k, value)
        wait_for_note(browser, "answered")
    first, body = json.loads(browser.execute_script("return JSON.stringify([window.bodies[0], window.bodies.at(-1)])"))
    assert list(first["inputs"][0]["past_covariates"]) == names
    given = body["scenarios"][0]["future_covariates"][0] if attention != "auto" else body["inputs"][0]["future_covariates"]
    assert given == {name: [k + 1] * 4 for k, name in enumerate(names)}
    assert browser.get_log("browser") == []


def test_page_file(browser, server):
    """A file that isn't UTF-8 is refused, and the table stays as it is."""
    from selenium.webdriver.support.ui import WebDriverWait

    drop = """const given = new DataTransfer(); given.items.add(new File([new Uint8Array(arguments[0])], 'shop.csv'));
              document.dispatchEvent(new DragEvent('drop', {dataTransfer: given, bubbles: true, cancelable: true}));"""
    visit(browser, server.url + "/", 1000)
    forecast(browser, days(9, lambda stamp, i: f"{stamp},{i}"))
    text = "item_id,timestamp,target\nK\u00f6ln,2024-01-01,1\n"
    shown = "return [document.getElementById('status').textContent, document.getElementById('table').value]"
    browser.execute_script(drop, list(text.encode("latin-1")))
    WebDriverWait(browser, 60).until(lambda b: "shop.csv: expected text in UTF-8." in b.execute_script(shown)[0])
    assert browser.execute_script(shown)[1].startswith("timestamp,target\n")
    browser.execute_script(drop, list(b"\xef\xbb\xbf" + text.encode()))
    WebDriverWait(browser, 60).until(lambda b: b.execute_script(shown)[1] == text)


def test_page_lost_context(browser, server):
    """A context that is gone is made anew; a wish that comes while a request fails is asked for behind it."""
    visit(browser, server.url + "/", 1000)
    browser.execute_script("""document.getElementById('attention').value = 'windowed_future_null';
        window.ids = []; const plain = window.fetch; window.fetch = async (path, how) => {
          const reply = await plain(path, how);
          if (path === 'v1/contexts') window.ids.push((await reply.clone().json()).id);
          return reply; };""")
    table = days(30, lambda stamp, i: f"{stamp},{i % 7},{i % 5}", "timestamp,target,price")
    assert forecast(browser, table)[0] == ""
    (context,) = browser.execute_script("return window.ids")
    urllib.request.urlopen(urllib.request.Request(f"{server.url}/v1/contexts/{context}", method="DELETE"), timeout=60)
    clear_note(browser)
    browser.execute_script(SLIDE, 0, 3)
    wait_for_note(browser, "answered")
    assert len(browser.execute_script("return window.ids")) == 2
    clear_note(browser)
    browser.execute_script("""const plain = window.fetch; window.fetch = (path, how) => new Promise((_, fail) => {
        window.fetch = plain; window.failNow = () => fail(new Error('no network')); });""")
    browser.execute_script(SLIDE, 0, 1)
    browser.execute_script(SLIDE, 0, 4)
    browser.execute_script("window.failNow()")
    wait_for_note(browser, "answered")
    assert browser.execute_script("return window.bodies.at(-1)") == {"scenarios": [{"future_covariates": [{"price": [4] * 4}]}]}
