"""Writes positive controls: series whose future only the distant past tells, and their task file OUT/tasks.yaml.

    python tools/datasets/make_controls.py build/controls
    python tools/datasets/make_controls.py build/pairs pairs

A study that finds no loss under a narrow window has to show that it could have found one. Each control is a task of
horizon 64 with 32 series of 8,256 steps:

    recall    Four plateaus are announced by markers of four heights, more than 3,200 steps (200 tokens) before the end.
              At the end one of the markers returns, and its plateau follows.
    period    A sequence of random levels repeats after a period of 1,500 to 6,000 steps, another one in each series.
    two_hops  Events at about t - 4000 set an amplitude each. Events at about t - 2000 each have a shape, and a marker
              that names one of the amplitudes. At the end a marker names a shape: shape times amplitude follows.

One more is as easy to read as may be, so that a small model can learn it:

    pairs     Four patches of 16 steps whose halves are a key and a value, more than 3,200 steps ago. At the end a key
              returns, and its value follows.

What lies between is noise. So within the last NEAR steps of a control nothing tells its future, and `item` can draw the
distant past anew while the rest stays as it is. No function of a maths library is called, so the files are the same on
every machine.
"""

import argparse
import json
from pathlib import Path
from random import Random

CONTEXT, HORIZON, ITEMS = 8192, 64, 32
LENGTH = CONTEXT + HORIZON
NEAR = {"recall": 3200, "period": 1300, "two_hops": 3200, "pairs": 3200}
HEIGHTS = (8, 12, 16, 20)  # of markers
MARKER = 8  # steps of one
PATCH = 16
KEYS = (6, 9, 13.5, 20)  # of pairs

TASK = (
    "- {{dataset_path: {name}.jsonl, dataset_config: control_{name}, horizon: {horizon}, num_windows: 1, seasonality: 1, "
    "eval_metric: MASE, extra_metrics: [WQL], quantile_levels: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]}}\n"
)


def noise(rng):
    return [rng.random() - 0.5 for _ in range(LENGTH)]


def put(y, at, values):
    for i, value in enumerate(values):
        y[at + i] += value


def marker(height):
    return [height] * MARKER


def signed(rng, low, high):
    return (low + (high - low) * rng.random()) * rng.choice([-1, 1])


def places(rng, count, first, last, size):
    """Starts of `count` pieces of `size` steps that don't touch within [first, last)."""
    slot = (last - first) // count
    return [first + k * slot + rng.randrange(slot - size) for k in range(count)]


def last_marker(rng, y, height):
    """A marker, 8 to 40 steps before the end of the context."""
    put(y, CONTEXT - MARKER - 8 - rng.randrange(32), marker(height))


def recall(rng, far):
    y, heights = noise(rng), rng.sample(HEIGHTS, 4)
    starts = places(rng, 4, CONTEXT - 6400, CONTEXT - NEAR["recall"], MARKER + HORIZON)
    asked = rng.randrange(4)
    last_marker(rng, y, heights[asked])
    for k, start in enumerate(starts):
        plateau = [signed(far, 2, 5)] * HORIZON
        put(y, start, marker(heights[k]) + plateau)
        if k == asked:
            put(y, CONTEXT, plateau)
    return y


def period(rng, far):
    y, length = noise(rng), 1500 + rng.randrange(4501)
    near = NEAR["period"]
    cycle = []  # the levels of [CONTEXT - length, CONTEXT): those before CONTEXT - near by `far`
    while len(cycle) < length:
        source = far if len(cycle) < length - near else rng
        end = length - near if source is far else length
        cycle += [signed(source, 0, 4)] * min(20 + source.randrange(41), end - len(cycle))
    cycle[-40:] = [0] * 40  # the end is at the mean, so that without the past nothing beats repeating it
    for t in range(LENGTH):
        y[t] += cycle[(t - CONTEXT) % length]
    return y


def two_hops(rng, far):
    y = noise(rng)
    amplitudes, shapes = rng.sample(HEIGHTS, 3), rng.sample(HEIGHTS, 3)
    value = [signed(far, 1, 4) for _ in range(3)]
    for k, start in enumerate(places(rng, 3, CONTEXT - 4600, CONTEXT - NEAR["two_hops"], MARKER + HORIZON)):
        put(y, start, marker(amplitudes[k]) + [value[k]] * HORIZON)
    asked = rng.randrange(3)
    for k, start in enumerate(places(rng, 3, CONTEXT - 2500, CONTEXT - 1600, 2 * MARKER + HORIZON)):
        shape = [sign for _ in range(HORIZON // 8) for sign in [rng.choice([-1, 1])] * 8]
        named = rng.randrange(3)
        put(y, start, marker(-shapes[k]) + marker(amplitudes[named]) + shape)
        if k == asked:
            put(y, CONTEXT, [value[named] * s for s in shape])
            last_marker(rng, y, -shapes[k])
    return y


def pairs(rng, far, context, first, end):
    """Four pairs at random patches from `first` to `end`; one of the three last patches asks for one of them."""
    y = [rng.random() - 0.5 for _ in range(context + HORIZON)]
    keys = rng.sample(KEYS, 4)
    value = [signed(far, 2, 10) for _ in keys]
    asked = rng.randrange(4)
    pieces = [*zip(keys, value), (keys[asked], 0)]
    spots = [*rng.sample(range(first, end), 4), context // PATCH - 1 - rng.randrange(3)]
    for levels, spot in zip(pieces, spots):
        for half, level in enumerate(levels):
            put(y, spot * PATCH + half * PATCH // 2, [level] * (PATCH // 2))
    put(y, context, [value[asked]] * HORIZON)
    return y


def far_pairs(rng, far):
    return pairs(rng, far, CONTEXT, (CONTEXT - 6400) // PATCH, (CONTEXT - NEAR["pairs"]) // PATCH)


CONTROLS = {"recall": recall, "period": period, "two_hops": two_hops}
PAIRS = {"pairs": far_pairs}


def item(name, index, far_seed=0):
    """Series `index` of a control. Another `far_seed` draws anew what lies before the last NEAR steps, and with it
    the future."""
    values = (CONTROLS | PAIRS)[name](Random(f"{name} {index}"), Random(f"{name} {index} far {far_seed}"))
    return [round(value, 3) for value in values]


def write(out, controls=CONTROLS):
    out.mkdir(parents=True, exist_ok=True)
    for name in controls:
        with (out / f"{name}.jsonl").open("w", newline="\n") as stream:
            for index in range(ITEMS):
                series = {"item_id": f"{name}{index:02d}", "start": "2020-01-01", "freq": "h", "target": item(name, index)}
                stream.write(json.dumps(series) + "\n")
    (out / "tasks.yaml").write_text("tasks:\n" + "".join(TASK.format(name=n, horizon=HORIZON) for n in controls))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("kind", nargs="?", choices=["pairs"])
    args = parser.parse_args()
    write(args.out, PAIRS if args.kind else CONTROLS)
