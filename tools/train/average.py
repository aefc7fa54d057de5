"""Averages the weights of models of one shape: runs that part from the same weights and are averaged often err less than
each of them.

    python tools/train/average.py OUT start=0.5 build/train/main/model=0.5

OUT and the models are folders, the numbers their shares, which add up to 1. OUT has the config.json of the first model.
"""

import argparse
from pathlib import Path

from model import load, save, write


def share(text):
    folder, _, number = text.rpartition("=")
    if not (Path(folder) / "config.json").is_file():
        raise argparse.ArgumentTypeError(f"expected FOLDER=SHARE with a model's folder, found {text!r}")
    return Path(folder), float(number)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("models", nargs="+", type=share, metavar="FOLDER=SHARE")
    args = parser.parse_args()
    if abs(sum(number for _, number in args.models) - 1) > 1e-9:
        parser.error(f"expected shares that add up to 1, found {sum(number for _, number in args.models):g}")
    opened = [load(folder)[0] for folder, _ in args.models]
    if any(model.shape != opened[0].shape for model in opened):
        parser.error("expected models of one shape")
    parts = [(model.state_dict(), number) for model, (_, number) in zip(opened, args.models)]
    save(opened[0], {name: sum(number * weights[name] for weights, number in parts) for name in parts[0][0]}, args.out)
    write(args.out / "config.json", (args.models[0][0] / "config.json").read_text())


if __name__ == "__main__":
    main()
