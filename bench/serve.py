#!/usr/bin/env python3
"""`chronos2 serve` beside chronos-forecasting behind FastAPI: requests a second and their latency.

    venv/bin/python bench/serve.py [--model models/chronos2-micro] [--seconds 8] [--clients 1 8 64]

Both servers run on this machine with the same model, in turn; every client waits for its answer before it asks again. The
other server needs fastapi and uvicorn. It forecasts in a thread of uvicorn's pool, one request at a time, as such servers
are written."""

import argparse
import asyncio
import json
import math
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

from contenders import PROGRAM, ROOT

APP = '''
import os, threading
import torch
from chronos import Chronos2Pipeline
from fastapi import FastAPI
pipeline = Chronos2Pipeline.from_pretrained(os.environ["MODEL"], device_map="cpu", torch_dtype=torch.float32)
app, lock = FastAPI(), threading.Lock()
@app.get("/ping")
def ping(): return {}
@app.post("/invocations")
def invocations(body: dict):
    levels = body["parameters"]["quantile_levels"]
    targets = [torch.tensor(one["target"]) for one in body["inputs"]]
    with lock:
        quantiles, mean = pipeline.predict_quantiles(targets, prediction_length=body["parameters"]["prediction_length"],
                                                     quantile_levels=levels)
    return {"predictions": [{"mean": m[0].tolist(), **{str(q): v[0, :, i].tolist() for i, q in enumerate(levels)}}
                            for m, v in zip(mean, quantiles)]}
'''


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def start(name, model, port):
    environment = dict(os.environ, MODEL=str(model), OMP_NUM_THREADS=str(os.cpu_count()))
    if name == "chronos2 serve":
        command = [PROGRAM, "serve", "--listen", f"127.0.0.1:{port}", "-m", model, "--log", "errors"]
    else:
        (Path("/tmp") / "chronos2_bench_app.py").write_text(APP)
        command = [sys.executable, "-m", "uvicorn", "chronos2_bench_app:app", "--app-dir", "/tmp", "--port", str(port),
                   "--log-level", "error"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL), port


async def ask(reader, writer, head, body):
    writer.write(head + body)
    top = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in top.split(b"\r\n", 1)[0], top
    return await reader.readexactly(int(re.search(rb"content-length: *(\d+)", top, re.I).group(1)))


async def wait_for(name, process, port):
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"serve: error: {name} ended with status {process.returncode}")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.2)
    raise SystemExit(f"serve: error: {name} did not start")


async def load(port, body, clients, seconds):
    head = (f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    durations = []
    stop = time.perf_counter() + seconds

    async def client():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (began := time.perf_counter()) < stop:
            await ask(reader, writer, head, body)
            durations.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    durations.sort()
    pick = lambda share: 1000 * durations[min(len(durations) - 1, int(share * len(durations)))]  # noqa: E731
    return len(durations) / (time.perf_counter() - began), pick(0.5), pick(0.99)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", type=Path, default=ROOT / "models/chronos2-micro")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    args = parser.parse_args()
    target = [round(10 + 3 * math.sin(t / 4) + (t * 7919 % 13) / 10, 3) for t in range(512)]
    body = json.dumps({"inputs": [{"target": target}],
                       "parameters": {"prediction_length": 24, "quantile_levels": [0.1, 0.5, 0.9]}}).encode()
    names = ("chronos2 serve", "FastAPI + chronos-forecasting")
    servers = {name: start(name, args.model.resolve(), port) for name, port in zip(names, free_ports(len(names)), strict=True)}
    try:
        for name, (process, port) in servers.items():
            asyncio.run(wait_for(name, process, port))
            asyncio.run(load(port, body, 2, 1))
        print("| clients | server | requests/s | p50 ms | p99 ms |\n| --- | --- | --- | --- | --- |")
        for clients in args.clients:
            for name in names:
                rate, middle, late = asyncio.run(load(servers[name][1], body, clients, args.seconds))
                print(f"| {clients} | {name} | {rate:.0f} | {middle:.1f} | {late:.1f} |", flush=True)
    finally:
        for process, _ in servers.values():
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
