"""The examples of docs/python.md run as they stand there and print what it says."""

import contextlib
import io
import re
import sys

import pytest
from conftest import ROOT


@pytest.mark.filterwarnings("ignore:the weights were trained for")
def test_examples(monkeypatch, tmp_path):
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib").use("Agg")
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "torch", raising=False)  # with PyTorch loaded, forecasts would be tensors
    text = (ROOT / "docs" / "python.md").read_text()
    names, compared = {}, 0
    for code, said in re.findall(r"```python\n(.*?)```(?:\n\n```\n(.*?)```)?", text, flags=re.S):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, names)
        if said:
            assert out.getvalue() == said
            compared += 1
    assert compared == 3
    assert names["cheap"][0].shape == (1, 21, 16)
    assert (tmp_path / "forecast.png").stat().st_size > 10_000
    assert (ROOT / "examples" / "python" / "quickstart.py").read_text() in text
