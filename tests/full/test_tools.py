"""The Python programs of tools/, bench/ and examples/ say what they are for, and do nothing else, under --help."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
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
