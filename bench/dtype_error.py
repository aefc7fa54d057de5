"""Error of every dtype against PyTorch in float64, beside the error of PyTorch's own bfloat16, on the same inputs.

    python bench/dtype_error.py [--models odd,smooth,a,b,s,micro,base] [--isa LEVEL] [-o table.md]

In normalised units, asinh((y - loc) / scale): the root of the mean square and the largest, over every value of every
case. Golden models bring their own dense cases (`a`, `b` and `s` lie in ../shared/golden), `base` is a random model of the
published shape, `micro` the bundled checkpoint. Rows on so large an offset that float32 can't hold their location are
left out.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import load_file
from safetensors.torch import save_file

from contenders import PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "tools" / "golden"))
import oracle  # noqa: E402

GOLDEN = {name: ROOT / "tests" / "golden" / f"model-{name}" for name in ("odd", "smooth")}
GOLDEN |= {name: ROOT.parent / "shared" / "golden" / f"model-{name}" for name in "abs"}
MICRO = ROOT / "models" / "chronos2-micro"
DTYPES = ("fp32", "bf16", "int8")
COLUMNS = (*DTYPES, "PyTorch fp32", "PyTorch bf16")


def golden_cases(folder):
    for path in sorted((folder / "forward").glob("*.safetensors")):
        if "@" in path.name:
            continue
        with safe_open(path, "numpy") as file:
            patches = json.loads(file.metadata()["case"])["num_output_patches"]
        inputs = {key[3:]: torch.from_numpy(value) for key, value in load_file(path).items()
                  if key.startswith("in.") and key != "in.token_mask"}
        yield inputs | {"num_output_patches": patches}


def made_cases(contexts):
    for context, rows in contexts:
        rng = np.random.default_rng(context)
        yield {"context": oracle.stack([oracle.seasonal(rng, context) for _ in range(rows)]), "num_output_patches": 4}


def load(folder, dtype):
    """PyTorch's model. float64 on the sdpa path: the eager one takes softmax in float32, where its mask is infinite."""
    from chronos.chronos2 import Chronos2Model

    return Chronos2Model.from_pretrained(folder, attn_implementation="sdpa").to(dtype).eval()


def theirs(model, case):
    wide = torch.float64 if next(model.parameters()).dtype == torch.float64 else torch.float32
    inputs = {key: value.to(wide) if torch.is_tensor(value) and value.is_floating_point() else value
              for key, value in case.items()}
    output, loc, scale = oracle.forward(model, inputs)
    return [x.to(torch.float64).numpy() for x in (output.quantile_preds, loc, scale)]


def ours(folder, case, dtype, isa):
    with tempfile.TemporaryDirectory() as place:
        tensors = {f"in.{key}": value.contiguous() for key, value in case.items() if torch.is_tensor(value)}
        meta = {"case": json.dumps({"num_output_patches": case["num_output_patches"]})}
        save_file(tensors, f"{place}/case.safetensors", metadata=meta)
        subprocess.run([PROGRAM, "forward", f"{place}/case.safetensors", "-o", f"{place}/out.safetensors", "-m", folder,
                        "--dtype", dtype, "--isa", isa], check=True)
        out = load_file(f"{place}/out.safetensors")
    return [out[f"out.{key}"].astype(np.float64) for key in ("quantiles", "loc", "scale")]


def errors(folder, cases, isa="auto"):
    """Column -> the differences of all values to float64."""
    models = {"exact": load(folder, torch.float64), "PyTorch fp32": load(folder, torch.float32),
              "PyTorch bf16": load(folder, torch.bfloat16)}
    found = {column: [] for column in COLUMNS}
    for case in cases:
        exact, loc, scale = theirs(models["exact"], case)
        kept = (np.spacing(np.abs(loc).astype(np.float32)) <= 1e-3 * scale).reshape(-1)
        wanted = oracle.normalised(exact, loc, scale)[kept]
        for column in COLUMNS:
            values = ours(folder, case, column, isa) if column in DTYPES else theirs(models[column], case)
            found[column].append((oracle.normalised(*values)[kept] - wanted).ravel())
    return {column: np.concatenate(parts) for column, parts in found.items()}


def row(name, found):
    cells = [f"{np.sqrt(np.mean(found[c] ** 2)):.1e} ({np.abs(found[c]).max():.1e})" for c in COLUMNS]
    return "| " + " | ".join([name, *cells]) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="odd,smooth,a,b,s,micro,base")
    parser.add_argument("--isa", default="auto")
    parser.add_argument("-o", "--output", type=Path, help="write the table there too")
    args = parser.parse_args()
    torch.set_num_threads(2)
    lines = ["| model | " + " | ".join(COLUMNS) + " |", "| --- " * (1 + len(COLUMNS)) + "|"]
    print("\n".join(lines), flush=True)
    for name in args.models.split(","):
        with tempfile.TemporaryDirectory() as place:
            folder, cases = Path(place), made_cases([(512, 4), (2048, 2), (8192, 1)])
            if name == "base":
                oracle.random_model(3, d_model=768, d_kv=64, heads=12, d_ff=3072, layers=12, context_length=8192,
                                    max_output_patches=64, sharpness=3, spread=0.5).save_pretrained(folder)
            elif name == "micro":
                folder, cases = MICRO, made_cases([(512, 8), (2048, 4)])
            elif GOLDEN[name].is_dir():
                folder, cases = GOLDEN[name] / "weights", golden_cases(GOLDEN[name])
            else:
                print(f"left out: {GOLDEN[name]} is not here", file=sys.stderr)
                continue
            lines.append(row(name, errors(folder, cases, args.isa)))
            print(lines[-1], flush=True)
    if args.output:
        args.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
