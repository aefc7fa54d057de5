"""Writes tests/golden: small random models, inputs, and what PyTorch makes of them (float32, CPU).

    pip install chronos-forecasting==2.3.2
    python tools/golden/make_golden.py [OUT]

tests/golden/README.md describes the files.
"""

import argparse
import json
import logging
import shutil
import warnings
from pathlib import Path

import numpy as np
import torch
from chronos.chronos2 import Chronos2Pipeline
from safetensors.torch import load_file, save_file

import oracle
from oracle import seasonal, stack

MODELS = {
    # no size is a multiple of a vector register, and heads * d_kv != d_model
    "odd": dict(d_model=22, d_kv=6, heads=3, d_ff=30, layers=2, context_length=208, max_output_patches=2,
                sharpness=3),
    # broad attention and calm forecasts, for rollouts and long contexts
    "smooth": dict(d_model=16, d_kv=8, heads=2, d_ff=32, layers=2, context_length=1600, max_output_patches=3,
                   sharpness=2, spread=0.3),
}
G, V, N = "windowed_future_global", "windowed_future_visible", "windowed_future_null"
PATTERNS = {"": ("full", 0, False), "@r0": (G, 0, False), "@r2": (G, 2, False), "@r2g": (G, 2, True),
            "@r8": (G, 8, False), "@r1000": (G, 1000, False), "@v2": (V, 2, False), "@v0g": (V, 0, True),
            "@n2": (N, 2, False), "@n0g": (N, 0, True), "@n1000": (N, 1000, False)}
FEW = ("", "@r2")
ALL_PATTERNS = {"odd": {"plain", "ragged", "missing", "groups", "future_covariates"},
                "smooth": {"full_context", "longer_than_model"}}  # the others come with FEW
WITH_STATES = {"plain", "groups"}
LEVELS = [0.03, 0.5, 0.62, 0.995]


def forward_cases(rng, context_length):
    gaps = [seasonal(rng, 120) for _ in range(3)]
    gaps[0][17:70] = np.nan
    gaps[1][rng.random(120) < 0.5] = np.nan
    gaps[2][-33:] = np.nan
    odd_rows = [np.full(40, -3.25), np.full(40, np.nan), [41.0], np.zeros(33), seasonal(rng, 50) * 1e15,
                seasonal(rng, 50) * 1e-15, np.where(rng.random(70) < 0.85, 0, 9.0), seasonal(rng, 48) * 1e4 + 1e6]
    known = np.full((4, 23), np.nan, dtype=np.float32)
    known[1], known[3] = seasonal(rng, 23), seasonal(rng, 23)
    known[3, [4, 5, 19]] = np.nan
    return {
        "plain": dict(context=stack([seasonal(rng, 112) for _ in range(2)]), num_output_patches=2),
        "ragged": dict(context=stack([seasonal(rng, n) for n in (1, 16, 17, 95, 130)]), num_output_patches=1),
        "missing": dict(context=stack(gaps), num_output_patches=1),
        "degenerate_rows": dict(context=stack([np.asarray(r, dtype=np.float32) for r in odd_rows]),
                                num_output_patches=1),
        "groups": dict(context=stack([seasonal(rng, n) for n in (64, 30, 64, 64, 9)]),
                       group_ids=torch.tensor([7, 7, 2, 7, 2]), num_output_patches=1),
        "future_covariates": dict(context=stack([seasonal(rng, n) for n in (90, 90, 50, 50)]),
                                  group_ids=torch.tensor([0, 0, 5, 5]), future_covariates=torch.from_numpy(known),
                                  num_output_patches=2),
        "full_context": dict(context=stack([seasonal(rng, context_length)]), num_output_patches=2),
        "longer_than_model": dict(context=stack([seasonal(rng, context_length + 21)]), num_output_patches=1),
    }


def record_states(model, states):
    """Hooks that put embeddings and the states after every sub-layer into `states`."""
    places = iter(("embed.context", "embed.future"))
    hooks = [model.input_patch_embedding.register_forward_hook(
        lambda _m, _i, out: states.__setitem__(next(places), out))]
    for number, block in enumerate(model.encoder.block):
        for part, layer in zip(("time", "group", "ffn"), block.layer):
            key = f"block.{number}.{part}"
            hooks.append(layer.register_forward_hook(
                lambda _m, _i, out, key=key: states.__setitem__(key, out if torch.is_tensor(out) else out[0])))
    return hooks


def write_forward(folder, name, suffix, model, inputs):
    pattern, radius, reg_global = PATTERNS[suffix]
    future = inputs["num_output_patches"]
    states = {}
    hooks = record_states(model, states) if name in WITH_STATES and suffix in FEW else []
    output, loc, scale = oracle.forward(model, inputs, pattern=pattern, radius=radius, reg_global=reg_global,
                                        output_attentions=pattern == "full")
    for hook in hooks:
        hook.remove()
    case = {"num_output_patches": future}
    tensors = {f"in.{key}": value for key, value in inputs.items() if torch.is_tensor(value)}
    tensors |= {"out.quantiles": output.quantile_preds, "out.loc": loc, "out.scale": scale}
    tensors |= {f"mid.{key}": value for key, value in states.items()}
    if pattern == "full":
        mask = tensors["in.token_mask"] = oracle.token_mask(model, inputs["context"], future)
        case["kept_mass"] = [
            {"radius": r, "reg_is_global": g, "exclude_reg_query": x,
             **oracle.kept_mass(output.enc_time_self_attn_weights, mask, future, r, g, x)}
            for r in (0, 1, 2, 4, 8, 16) for g in (False, True) for x in (False, True)]
    else:
        case |= {"attention": pattern, "radius": radius, "reg_is_global": reg_global}
    save_file({key: value.detach().clone().contiguous() for key, value in tensors.items()},
              folder / f"{name}{suffix}.safetensors", metadata={"case": json.dumps(case)})


def covariates(rng, length, horizon):
    load = seasonal(rng, length)
    load[[3, 10]] = np.nan
    shops = np.array(["north", "south", "west"])
    return {"past_covariates": {"load": load, "holiday": rng.integers(0, 2, length).astype(np.float32),
                                "shop": rng.choice(shops, length)},
            "future_covariates": {"holiday": rng.integers(0, 2, horizon).astype(np.float32),
                                  "shop": rng.choice(np.array(["north", "west", "unseen"]), horizon)}}


def predict_cases(rng, block):
    """name -> (inputs, arguments of Chronos2Pipeline.predict); `block` = steps of one pass."""
    def pair(length):
        return np.stack([seasonal(rng, length), seasonal(rng, length, level=-5.0)])

    gappy = seasonal(rng, 75)
    gappy[20:31] = np.nan
    long = 2 * block + 11
    return {
        "univariate": ([{"target": seasonal(rng, 18)}, {"target": gappy}, {"target": seasonal(rng, 100)}],
                       dict(prediction_length=19)),
        "short_context": ([{"target": seasonal(rng, 90)}, {"target": seasonal(rng, 40)}],
                          dict(prediction_length=8, context_length=36)),
        "multivariate": ([{"target": pair(60)}, {"target": pair(33)}], dict(prediction_length=9)),
        "covariates_single_target": ([{"target": seasonal(rng, 80), **covariates(rng, 80, 13)},
                                      {"target": seasonal(rng, 47), **covariates(rng, 47, 13)}],
                                     dict(prediction_length=13)),
        "covariates_multi_target": ([{"target": pair(65), **covariates(rng, 65, 13)}], dict(prediction_length=13)),
        "cross_learning": ([{"target": seasonal(rng, n)} for n in (55, 30, 55)],
                           dict(prediction_length=10, cross_learning=True)),
        "long_horizon": ([{"target": seasonal(rng, 120)}, {"target": seasonal(rng, 70)}],
                         dict(prediction_length=long)),
        "long_horizon_covariates": ([{"target": seasonal(rng, 100), **covariates(rng, 100, long)}],
                                    dict(prediction_length=long)),
    }


def plain(value):
    """As JSON says it: NaN is null."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(part) for part in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and np.isnan(value) else value


def write_predict(folder, name, pipeline, inputs, arguments):
    arguments = dict(arguments)
    options = dict(arguments, limit_prediction_length=False)
    quantiles, mean = pipeline.predict_quantiles(inputs, quantile_levels=LEVELS, **options)
    groups = {"out": pipeline.predict(inputs, **options), "quantiles": quantiles, "mean": mean}
    if name in ("univariate", "multivariate"):
        groups["embed"] = pipeline.embed(inputs)[0]
    tensors = {f"{kind}.{i}": value.detach().float().clone().contiguous()
               for kind, values in groups.items() for i, value in enumerate(values)}
    save_file(tensors, folder / f"{name}.safetensors")
    text = json.dumps({"inputs": plain(inputs), "predict": arguments, "quantile_levels": LEVELS})
    (folder / f"{name}.json").write_text(text + "\n")


def write_copies(out, model, case):
    """The odd model in half precision and in two shards, each with one case."""
    weights = load_file(out / "model-odd" / "weights" / "model.safetensors")
    for kind, dtype in (("bf16", torch.bfloat16), ("f16", torch.float16)):
        folder = out / f"model-odd-{kind}"
        for part in ("weights", "forward"):
            (folder / part).mkdir(parents=True)
        rounded = {name: weight.to(dtype) for name, weight in weights.items()}
        save_file(rounded, folder / "weights" / "model.safetensors", metadata={"format": "pt"})
        config = json.loads((out / "model-odd" / "weights" / "config.json").read_text())
        config["dtype"] = str(dtype).removeprefix("torch.")
        (folder / "weights" / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        model.load_state_dict({name: weight.float() for name, weight in rounded.items()})
        write_forward(folder / "forward", "missing", "", model, case)
    model.load_state_dict(weights)

    folder = out / "model-odd-sharded"
    for part in ("weights", "forward"):
        (folder / part).mkdir(parents=True)
    names = sorted(weights)
    half = len(names) // 2
    files = {f"model-0000{i + 1}-of-00002.safetensors": part for i, part in enumerate((names[:half], names[half:]))}
    for file, part in files.items():
        save_file({name: weights[name] for name in part}, folder / "weights" / file, metadata={"format": "pt"})
    index = {"metadata": {"total_size": sum(w.numel() * w.element_size() for w in weights.values())},
             "weight_map": {name: file for file, part in files.items() for name in part}}
    (folder / "weights" / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    config["architectures"] = ["Chronos2ForForecasting"]  # as registries of other runtimes name the class
    config["torch_dtype"] = "float32"  # as transformers 4 wrote it
    del config["dtype"]
    (folder / "weights" / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    write_forward(folder / "forward", "missing", "", model, case)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=Path(__file__).resolve().parents[2] / "tests" / "golden")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # levels outside the trained ones and long horizons are meant
    logging.disable(logging.WARNING)
    for old in args.out.glob("model-*"):
        shutil.rmtree(old)
    for name, shape in MODELS.items():
        folder = args.out / f"model-{name}"
        for part in ("weights", "forward", "predict"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(args.seed)
        model = oracle.random_model(args.seed + len(name), **shape)
        model.save_pretrained(folder / "weights")
        cases = forward_cases(rng, shape["context_length"])
        for case, inputs in cases.items():
            for suffix in PATTERNS if case in ALL_PATTERNS[name] else FEW:
                write_forward(folder / "forward", case, suffix, model, inputs)
        pipeline = Chronos2Pipeline(model=model)
        for case, (inputs, arguments) in predict_cases(rng, 16 * shape["max_output_patches"]).items():
            write_predict(folder / "predict", case, pipeline, inputs, arguments)
        if name == "odd":
            write_copies(args.out, model, cases["missing"])
        print(f"{name}: {sum(p.numel() for p in model.parameters())} parameters")


if __name__ == "__main__":
    main()
