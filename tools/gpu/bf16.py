"""Errors of bf16 on the golden cases, ours by --device cuda beside PyTorch's, against PyTorch's float32 on the CPU.
Normalised units, asinh((y - loc) / scale)."""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

import libraries
import numpy as np
import torch
from chronos.chronos2 import Chronos2Model
from safetensors import safe_open
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"  # of PyTorch


def errors(quantiles, case):
    loc, scale = case["out.loc"][..., None], case["out.scale"][..., None]
    theirs = np.arcsinh((case["out.quantiles"] - loc) / scale)
    return np.abs(np.arcsinh((quantiles - loc) / scale) - theirs).ravel()


def ours(program, folder, path, out):
    subprocess.run([program, "forward", path, "-m", folder / "weights", "--device", "cuda", "--dtype", "bf16", "-o", out],
                   check=True, env={**os.environ, **libraries.environment()})
    return load_file(out)["out.quantiles"]


def pytorch(model, path, case):
    with safe_open(path, "np") as file:
        patches = json.loads(file.metadata()["case"])["num_output_patches"]
    given = {"context": case["in.context"], "group_ids": case.get("in.group_ids"),
             "future_covariates": case.get("in.future_covariates")}
    given = {name: torch.from_numpy(value).to(DEVICE) for name, value in given.items() if value is not None}
    with torch.no_grad():
        return model(**given, num_output_patches=patches).quantile_preds.float().cpu().numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path, help="the folder of chronos2")
    program = parser.parse_args().build.resolve() / "chronos2"
    for folder in sorted((ROOT / "tests" / "golden").glob("model-*")):
        model = Chronos2Model.from_pretrained(folder / "weights", dtype=torch.bfloat16).to(DEVICE).eval()
        found = {"ours": [], "PyTorch": []}
        with tempfile.TemporaryDirectory() as place:
            for path in sorted((folder / "forward").glob("*.safetensors")):
                if "@" in path.name:
                    continue
                case = load_file(path)
                found["ours"].append(errors(ours(program, folder, path, Path(place) / "out.safetensors"), case))
                found["PyTorch"].append(errors(pytorch(model, path, case), case))
        for name, parts in found.items():
            every = np.concatenate(parts)
            print(f"{folder.name} {name}: mean {np.nanmean(every):.3g}, worst {np.nanmax(every):.3g}", flush=True)


main()
