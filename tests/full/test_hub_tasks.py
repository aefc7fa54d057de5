"""The shared tasks as a hub has them, in Parquet with lists of values, give the study that their JSON Lines give."""

import csv
import json
import os
import subprocess
from collections import defaultdict

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import PROGRAM, ROOT, TASKS, needs_tasks

COMMIT = "d" * 40
TIMES = ("time_s", "speedup", "peak_reserved")  # in the names of columns that no two runs share
PLACES = ("dataset_path", "dataset_fingerprint", "id_column")


def stamps(row):
    return pd.date_range(row["start"], periods=len(row["target"]), freq=row["freq"])


def put_lines(folder):
    """The tasks as JSON Lines. Ids that come again get a number: rows of a table with one id are one series."""
    folder.mkdir()
    (folder / "tasks.yaml").write_text((TASKS / "tasks.yaml").read_text())
    for path in TASKS.glob("*.jsonl"):
        seen = defaultdict(int)
        with open(folder / path.name, "w") as out:
            for line in path.read_text().splitlines():
                row = json.loads(line)
                seen[row["item_id"]] += 1
                if seen[row["item_id"]] > 1:
                    row["item_id"] += f"-{seen[row['item_id']]}"
                out.write(json.dumps(row) + "\n")


def tables(path, as_columns):
    """A row a series. `as_columns`: series that are named ID_COLUMN become columns of one row."""
    groups = defaultdict(dict)
    for line in path.read_text().splitlines():
        row = json.loads(line)
        name, _, column = row["item_id"].rpartition("_") if as_columns else (row["item_id"], "", "target")
        groups[(len(groups), name) if not as_columns else (0, name)][column] = row
    columns = list(next(iter(groups.values())))
    values = {"id": [name for _, name in groups]}
    values["timestamp"] = pa.array(
        [list(stamps(next(iter(rows.values())))) for rows in groups.values()], pa.list_(pa.timestamp("ms"))
    )
    for column in columns:
        values[column] = pa.array([rows[column]["target"] for rows in groups.values()], pa.list_(pa.float64()))
    return pa.table(values)


def put_hub(root, lines):
    """Both data sets of the benchmark, with a card that says which files a configuration has; one is in two pieces."""
    tasks = yaml.safe_load((TASKS / "tasks.yaml").read_text())["tasks"]
    cards = defaultdict(list)
    for task in tasks:
        config = task["dataset_config"]
        as_columns = "generate_univariate_targets_from" in task
        task["dataset_path"] = "autogluon/chronos_datasets" + ("_extra" if as_columns else "")
        folder = root / "datasets" / task["dataset_path"] / COMMIT / config
        folder.mkdir(parents=True)
        table = tables(lines / f"{config}.jsonl", as_columns)
        pieces = 2 if config == "nn5" else 1
        size = -(-len(table) // pieces)
        for i in range(pieces):
            pq.write_table(table.slice(i * size, size), folder / f"train-{i:05}-of-{pieces:05}.parquet")
        cards[task["dataset_path"]].append(
            {"config_name": config, "data_files": [{"split": "train", "path": f"{config}/train-*"}]}
        )
    for name, configs in cards.items():
        repo = root / "datasets" / name
        (repo / "refs").mkdir()
        (repo / "refs/main").write_text(COMMIT)
        (repo / COMMIT / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': configs})}---\n")
    (root / "tasks.yaml").write_text(yaml.safe_dump({"tasks": tasks}))


def study(environment, tasks, prefix):
    command = [PROGRAM, "study", "--tasks", tasks, "--radii", "4", "--perf-repeats", "1", "--arms", "none",
               "--max-series-per-window", "4", "--context-length", "512", "--out-prefix", prefix]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def results(folder):
    """Every table of a study as rows, without times and places."""
    found = {}
    for path in sorted(folder.glob("p__*.csv")):
        with open(path, newline="") as stream:
            rows = list(csv.DictReader(stream))
        found[path.name] = [
            {k: v for k, v in row.items() if k not in PLACES and not any(part in k for part in TIMES)} for row in rows
        ]
    return found


@pytest.fixture
def parquet_hub(tmp_path):
    """A hub with two data sets in Parquet, and an environment that knows it and has no library of DuckDB."""
    root = tmp_path / "hub"
    for name in ("a", "b"):
        repo = root / "datasets" / "owner" / name
        (repo / "refs").mkdir(parents=True)
        (repo / "refs/main").write_text(COMMIT)
        (repo / COMMIT / "daily").mkdir(parents=True)
        (repo / COMMIT / "daily/train-0.parquet").write_text("never read")
    lists = [{"dataset_path": f"owner/{name}", "dataset_config": "daily", "task_name": name} for name in ("a", "b")]
    (root / "tasks.yaml").write_text(yaml.safe_dump({"tasks": lists}))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    environment |= {"HF_HOME": str(tmp_path / "home"), "CHRONOS2_DUCKDB": str(tmp_path / "libduckdb.so")}
    with subprocess.Popen([PROGRAM.parent / "fake_hub", root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hub:
        environment["HF_ENDPOINT"] = hub.stdout.readline().split()[0]
        yield root, environment
        hub.stdin.close()


@pytest.mark.parametrize("command", ["study", "forecast"])
def test_nothing_is_downloaded_that_can_not_be_read(parquet_hub, tmp_path, command):
    root, environment = parquet_hub
    what = ["--tasks", root / "tasks.yaml", "--out-prefix", tmp_path / "p"]
    if command == "forecast":
        what = ["hf://datasets/owner/a/daily/train-0.parquet", "--horizon", "3"]
    run = [str(part) for part in [PROGRAM, command, *what]]
    done = subprocess.run(run, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1 and "downloading" not in done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"chronos2: error: owner/a: daily/train-0.parquet: this needs DuckDB, and its library is not there "
        f"({tmp_path}/libduckdb.so): 'scripts/setup.sh duckdb' brings it, or set CHRONOS2_DUCKDB to the path of libduckdb.so")
    assert list((tmp_path / "home").rglob("*.parquet")) == []
    pull = [PROGRAM, "pull", "hf://datasets/owner/a"]  # reads nothing
    subprocess.run([str(part) for part in pull], check=True, env=environment)
    assert len(list((tmp_path / "home").rglob("*.parquet"))) == 1


@needs_tasks
def test_study_of_the_hub(tmp_path):
    root = tmp_path / "hub"
    root.mkdir()
    lines = tmp_path / "lines"
    put_lines(lines)
    put_hub(root, lines)
    local, remote = tmp_path / "local", tmp_path / "remote"
    local.mkdir()
    remote.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")} | {"HF_HOME": str(tmp_path / "home")}
    command = [PROGRAM.parent / "fake_hub", root]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hub:
        environment["HF_ENDPOINT"] = hub.stdout.readline().split()[0]
        said = study(environment, root / "tasks.yaml", remote / "p")
        assert said.count("downloading") == 10  # eight pieces, two cards
        hub.stdin.close()
    study(environment, lines / "tasks.yaml", local / "p")
    mine, theirs = results(remote), results(local)
    assert mine.keys() == theirs.keys() and len(mine) > 8
    for name in mine:
        assert mine[name] == theirs[name], name
    assert len(mine["p__perf_full.csv"]) == 7
