"""The Python programs of tools/, bench/ and examples/ say what they are for, and do nothing else, under --help."""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import contenders  # noqa: E402
import package  # noqa: E402
import run  # noqa: E402
import short  # noqa: E402
import spark  # noqa: E402

WRITTEN = ("docs/*", "datasets/*", "bench/RESULTS.md")  # what these programs write in the tree
STARTS = re.compile(r"^(if __name__|(sys\.exit\()?main\(\))", re.MULTILINE)


def tree():
    return {path: hashlib.sha256(path.read_bytes()).digest() for glob in WRITTEN for path in ROOT.glob(glob) if path.is_file()}


def test_help_changes_nothing():
    programs = [p for glob in ("tools/*/*.py", "bench/*.py") for p in sorted(ROOT.glob(glob)) if STARTS.search(p.read_text())]
    programs = [p for p in programs if p.name != "make_datasets.py"]  # vega_datasets is asked of nobody else
    programs.append(ROOT / "examples/python/mlflow_model.py")
    before = tree()
    for program in programs:
        done = subprocess.run([sys.executable, str(program), "--help"], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, cwd=ROOT, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        assert done.returncode == 0 and done.stdout.startswith("usage: "), f"{program}: {done.stdout}{done.stderr}"
    assert len(programs) > 35 and tree() == before


def test_opening_the_model_is_start(monkeypatch, capsys, tmp_path):
    """bench/short.py multiplies what depends on the series, and nothing else."""
    clock = [0.0]

    class Pipeline:
        @staticmethod
        def from_pretrained(*_, **__):
            clock[0] += 7
            return Pipeline()

        def predict_df(self, table, **_):
            clock[0] += 2
            return table

    monkeypatch.setitem(sys.modules, "chronos", SimpleNamespace(BaseChronosPipeline=Pipeline))
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(set_num_threads=lambda _: None, float32=None))
    short.write(tmp_path / "in.csv", 3)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]  # and no part of it
    monkeypatch.setattr(short.time, "perf_counter", lambda: clock[0])
    short.upstream(tmp_path / "in.csv", 2, tmp_path / "out.csv")
    monkeypatch.undo()
    assert json.loads(capsys.readouterr().out) == [7, 0, 2, 0]
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 1 + 2 * short.STEPS


def test_a_sample_is_no_more_than_all(monkeypatch, capsys, tmp_path):
    """bench/short.py multiplies by what the other side really forecast."""
    asked = []

    def measured(command):
        asked.append(command)
        return 4.0, 4.0, 1.0, json.dumps([1, 0, 3, 0])

    monkeypatch.setattr(short, "measured", measured)
    for given, sample, whole in ((["4"], 4, 4), (["8", "4"], 4, 7)):
        monkeypatch.setattr(sys, "argv", ["short.py", "program", str(tmp_path), *given])
        short.main()
        assert asked[-1][-2] == sample
        assert f"| the same, in proportion | {given[0]} | {whole} | | |" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["short.py", "program", str(tmp_path), "4", "0"])
    with pytest.raises(SystemExit, match="2"):
        short.main()


def test_nothing_is_set_against_what_did_not_run(monkeypatch, capsys):
    """bench/package.py leaves the cells empty where upstream is no contender, and knows the names of contenders."""
    answer = {"seconds": 2.0, "peak_resident_mb": 8}
    monkeypatch.setattr(package, "frames", lambda *_: SimpleNamespace(turn=lambda: answer, close=lambda: None))
    args = SimpleNamespace(series=1, rounds=2, contenders=["ours"])
    rows = package.predict_df(lambda _: ("", None), args)[0][2:]
    assert [[cell.strip() for cell in row.strip("|").split("|")] for row in rows] == [["1", "ours", "2.0", "", "8", ""]]
    args.contenders = ["ours", package.UPSTREAM]
    rows = package.predict_df(lambda _: ("", None), args)[0][2:]
    assert "1.00 (1.00–1.00)" in rows[0] and rows[0].endswith("| 1.00 |")
    monkeypatch.setattr(sys, "argv", ["package.py", "predict_df", "--contenders", "ours,our"])
    with pytest.raises(SystemExit, match="2"):
        package.main()
    assert capsys.readouterr().err.endswith(
        "argument --contenders: expected ours, ours bf16, upstream float32 or upstream bf16, found 'our'\n")


@pytest.mark.parametrize("command", ["bench/coverage.py", "bench/serve.py", "tools/docs/forecast.py"])
def test_the_program_is_the_one_that_is_named(tmp_path, command):
    """CHRONOS2_BIN; and a server that ends at once is said, and no other server is measured in its place."""
    program = tmp_path / "chronos2"
    program.write_text(f"#!/bin/sh\necho \"$1\" > '{tmp_path}/ran'\nexit 3\n")
    program.chmod(0o755)
    (tmp_path / "tasks.yaml").write_text("tasks: [{dataset_path: a.jsonl, dataset_config: a, horizon: 1}]\n")
    (tmp_path / "a.jsonl").write_text('{"item_id": "a", "target": [1, 2, 3]}\n')
    more = [str(tmp_path)] if command == "bench/coverage.py" else []
    done = subprocess.run([sys.executable, command, *more], capture_output=True, text=True, check=False, cwd=ROOT, timeout=300,
                          env={**os.environ, "CHRONOS2_BIN": str(program)})
    assert done.returncode != 0 and (tmp_path / "ran").exists()
    if command == "bench/serve.py":
        assert "serve: error: chronos2 serve ended with status 3" in done.stderr.splitlines()


def test_peak_is_the_programs_own():
    held = bytearray(os.urandom(1 << 20)) * 400
    _, _, peak, said = contenders.measured(["echo", "done"])
    assert peak < 200 and said == "done\n" and len(held) == 400 << 20
    with pytest.raises(SystemExit, match="false ended with status 1"):
        contenders.measured(["false"])


def test_options_of_a_section_are_recorded():
    parser = argparse.ArgumentParser(prog="run.py")
    parser.add_argument("sections", nargs="+")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--per-file", type=int, default=6)
    parser.add_argument("--contenders", type=lambda text: text.split(","), default=["ours"])
    parser.add_argument("--models")
    parser.add_argument("--write", action="store_true")
    assert run.command(parser, parser.parse_args(["dense", "ragged"]), "dense") == "python bench/run.py dense"
    args = parser.parse_args(["ragged", "--per-file", "2", "--contenders", "ours,ours bf16", "--models", "here", "--write"])
    assert run.command(parser, args, "ragged") == "python bench/run.py ragged --per-file 2 --contenders 'ours,ours bf16'"
    parser = spark.options()
    parser.prog = "spark.py"
    args = parser.parse_args(["--growth", "1,4", "--partitions", "2", "--dtype", "bfloat16", "--write"])
    assert run.command(parser, args) == "python bench/spark.py --growth 1,4 --partitions 2"


def test_rounds_are_those_that_were_made(monkeypatch):
    """Above a table stands how often each of its contenders had its turn."""
    turns = []

    def contender(*_):
        turns.append(0)
        place = len(turns) - 1

        def turn(*_):
            turns[place] += 1
            return {"seconds": 1.0}

        return SimpleNamespace(turn=turn, close=lambda: {"work": 1, "peak_resident_mb": 1})

    def bench_peak(command, **_):
        turns.append(int(command[2]))
        return SimpleNamespace(stdout="")

    monkeypatch.setattr(run, "program", contender)
    monkeypatch.setattr(run, "pytorch", contender)
    monkeypatch.setattr(run.subprocess, "run", bench_peak)
    args = SimpleNamespace(threads=1, rounds=5)
    for section, made, said in (("sparse", {25, 5}, "25 rounds, 5 from 2048 tokens on"), ("futures", {2}, "2 rounds"),
                                ("long", {3}, "3 rounds"), ("gemm", {11}, "11 rounds")):
        turns.clear()
        assert run.run_section(section, lambda _: ("", None), args)[1] == said
        assert set(turns) == made
    seen = []
    monkeypatch.setattr(package, "timed", lambda _: seen.append(1) or 1.0)
    assert package.first(lambda _: ("", None), SimpleNamespace(rounds=1))[1] == "5 rounds" and len(seen) == 2 + 2 * 5
    monkeypatch.setattr(package, "installed", lambda _: 1)
    monkeypatch.setattr(package, "folder_bytes", lambda _: 1)
    assert package.size(None, args)[1] is None
    monkeypatch.setattr(run, "machine", lambda _: "a machine")
    assert run.caption(args, None, "python x") == "a machine; `python x`."
    assert run.caption(args, run.rounds_said(1), "python x") == "a machine; 1 round; `python x`."


@pytest.mark.parametrize("path", ["eager", "sdpa"])
def test_peak_is_of_the_best_path(monkeypatch, path):
    """Each path of PyTorch has a process of its own, and the peak is that of the path whose time is shown."""
    seconds, peaks = {"eager": 2.0, "sdpa": 2.0, path: 1.0}, {"eager": 900, "sdpa": 700}

    def pytorch(*_):
        seen = []

        def turn(name):
            seen.append(name)
            return {"seconds": seconds[name], "peak_resident_mb": max(peaks[n] for n in seen)}

        return SimpleNamespace(turn=turn, close=lambda: None)

    ours = SimpleNamespace(turn=lambda: {"seconds": 1.0}, close=lambda: {})
    monkeypatch.setattr(run, "program", lambda *_: ours)
    monkeypatch.setattr(run, "pytorch", pytorch)
    job = {"horizon": 1}
    _, best, peak, _ = run.beside_pytorch(lambda _: ("", None), SimpleNamespace(threads=1, rounds=2), "small", job, [],
                                          ["eager", "sdpa"])
    assert (best, peak) == (path, peaks[path])


def test_what_cannot_be_is_refused(tmp_path):
    program = tmp_path / "chronos2"
    program.write_text("#!/bin/sh\necho 'isa: neon'\n")
    program.chmod(0o755)
    for command, said in ((["tools/parity/parity.py"], "parity: error: the page is about scalar, avx2, avx512: this machine has neon"),
                          (["tools/train/judge.py", "model", "--only", "long", "--out", str(tmp_path)],
                           "judge.py: error: --only long needs --long: the folder of those tasks")):
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, cwd=ROOT,
                              env={**os.environ, "CHRONOS2_BIN": str(program)})
        assert done.returncode != 0 and done.stderr.splitlines()[-1] == said
