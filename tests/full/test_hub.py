"""huggingface_hub and the program on one cache, against the fake hub: each finds what the other has downloaded."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROGRAM, ROOT

COMMIT = "c" * 40
MICRO = ROOT / "models" / "chronos2-micro"
FAKE_HUB = PROGRAM.parent / "fake_hub"


@pytest.fixture
def hub(tmp_path):
    """A hub with the model o/micro and the data set o/data, and the environment of its users."""
    if not FAKE_HUB.exists():
        pytest.fail(f"{FAKE_HUB} is missing: build the tests with libcurl")
    model = tmp_path / "models/o/micro"
    data = tmp_path / "datasets/o/data"
    for repo in (model, data):
        (repo / "refs").mkdir(parents=True)
        (repo / "refs/main").write_text(COMMIT)
        (repo / COMMIT).mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(MICRO / name, model / COMMIT / name)
    (data / COMMIT / "nile").mkdir()
    shutil.copy(ROOT / "datasets/nile_yearly.csv", data / COMMIT / "nile/train.csv")
    (data / COMMIT / "README.md").write_text(
        "---\nconfigs:\n- config_name: nile\n  data_files:\n  - split: train\n    path: nile/train*\n---\n"
    )
    with subprocess.Popen([FAKE_HUB, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        endpoint = process.stdout.readline().split()[0]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        environment |= {
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(tmp_path / "home"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_TOKEN": "secret-token",
        }
        yield tmp_path, environment
        process.stdin.close()


def run(environment, *command, offline=False):
    if offline:
        environment = environment | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def theirs(environment, call, offline=False):
    """Runs a call of huggingface_hub in a process of its own, which reads the environment when it starts."""
    return run(environment, sys.executable, "-c", f"import huggingface_hub as h; print(h.{call})", offline=offline)


def requests(root):
    log = root / "log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def layout(root):
    """Every file and link of the cache, without what only one of the two keeps."""
    cache = root / "home/hub"
    return {
        (str(path.relative_to(cache)), os.readlink(path) if path.is_symlink() else None)
        for path in cache.rglob("*")
        if not path.is_dir() and path.name not in ("CACHEDIR.TAG",) and "/trees/" not in str(path)
    }


def test_theirs_finds_ours(hub):
    root, environment = hub
    folder = run(environment, PROGRAM, "pull", "o/micro")
    before = requests(root)
    for name in ("config.json", "model.safetensors"):
        path = theirs(environment, f"hf_hub_download('o/micro', '{name}')", offline=True)
        assert path == f"{folder}/{name}"
    assert requests(root) == before
    snapshot = theirs(environment, "snapshot_download('o/micro')")
    assert snapshot == folder
    downloads = [line for line in (root / "log").read_text().splitlines() if " GET /blob" in line]
    assert len(downloads) == 1
    report = theirs(environment, "scan_cache_dir().warnings")
    assert report == "[]"


def test_ours_finds_theirs(hub):
    root, environment = hub
    snapshot = theirs(environment, "snapshot_download('o/micro')")
    before = requests(root)
    assert run(environment, PROGRAM, "pull", "o/micro") == snapshot
    assert run(environment, PROGRAM, "pull", "o/micro", offline=True) == snapshot
    assert requests(root) == before
    run(environment, PROGRAM, "inspect", "o/micro", offline=True)


def test_layouts_are_the_same(hub):
    root, environment = hub
    run(environment, PROGRAM, "pull", "o/micro")
    ours = layout(root)
    shutil.rmtree(root / "home")
    theirs(environment, "snapshot_download('o/micro')")
    assert layout(root) == ours


def test_datasets(hub):
    root, environment = hub
    folder = run(environment, PROGRAM, "pull", "--dataset", "o/data")
    before = requests(root)
    path = theirs(environment, "hf_hub_download('o/data', 'nile/train.csv', repo_type='dataset')", offline=True)
    assert path == f"{folder}/nile/train.csv"
    # Their list of files is ours, and ours theirs.
    assert theirs(environment, f"snapshot_download('o/data', repo_type='dataset', revision='{COMMIT}')") == folder
    assert not [line for line in (root / "log").read_text().splitlines()[before:] if "/tree/" in line]
    shutil.rmtree(root / "home")
    assert theirs(environment, "snapshot_download('o/data', repo_type='dataset')") == folder
    before = requests(root)
    assert run(environment, PROGRAM, "pull", "--dataset", "o/data", offline=True) == folder
    assert requests(root) == before


OPEN = "import chronos2; print(chronos2.Chronos2Pipeline.from_pretrained('o/micro', {}).model.folder)"


def test_a_forced_download_asks_the_hub_again(hub):
    root, environment = hub
    folder = run(environment, sys.executable, "-c", OPEN.format(""))
    before = (root / "log").read_text()
    assert run(environment, sys.executable, "-c", OPEN.format("")) == folder
    assert (root / "log").read_text() == before
    assert run(environment, sys.executable, "-c", OPEN.format("force_download=True")) == folder
    more = (root / "log").read_text()[len(before):].splitlines()
    assert [line for line in more if " GET /blob" in line]
    done = subprocess.run([sys.executable, "-c", OPEN.format("force_download=True")], capture_output=True, text=True,
                          env=environment | {"HF_HUB_OFFLINE": "1"}, check=False)
    said = done.stderr.splitlines()[-1]
    assert said.startswith("OSError: o/micro: force_download=True, and the hub gives no answer: "), said


def test_half_of_theirs_is_no_harm(hub):
    """A file of theirs that was killed while it was on its way has a name of its own; ours is whole all the same."""
    root, environment = hub
    digest = hashlib.sha256((MICRO / "model.safetensors").read_bytes()).hexdigest()
    blobs = root / "home/hub/models--o--micro/blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{digest}.abcdef01.incomplete").write_bytes(b"half")
    folder = Path(run(environment, PROGRAM, "pull", "o/micro"))
    assert (folder / "model.safetensors").read_bytes() == (MICRO / "model.safetensors").read_bytes()


def test_both_at_once(hub):
    root, environment = hub
    (root / "faults").write_text("0|GET /blob|slow|20000000\n")
    call = "import huggingface_hub as h; print(h.snapshot_download('o/micro'))"
    commands = [[PROGRAM, "pull", "o/micro"], [sys.executable, "-c", call]] * 2
    running = [
        subprocess.Popen(c, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for c in commands
    ]
    said = [process.communicate() for process in running]
    assert all(process.returncode == 0 for process in running), said
    assert len({out.strip() for out, _ in said}) == 1
    downloads = [line for line in (root / "log").read_text().splitlines() if " GET /blob" in line]
    assert len(downloads) == 1  # they hold the same lock
