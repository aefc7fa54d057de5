#!/usr/bin/env python3
"""Writes the seeds of tests/fuzz/corpus. Later finds are added there by hand, under names of their own."""

import hashlib
import json
import os
import random
import struct

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def put(target, name, content):
    folder = os.path.join(HERE, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def safetensors(tensors, metadata=None):
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, dtype, shape, content in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def hub_seeds():
    """What a hub replies to the questions for a model and for files of a data set."""
    commit = "a" * 40

    def git(content):
        return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()

    def small(content):
        head = f"200\nX-Repo-Commit: {commit}\nETag: \"{git(content)}\"\nContent-Length: {len(content)}\n\n".encode()
        return [head, head + content]

    def large(content):
        digest = hashlib.sha256(content).hexdigest()
        head = (f"302\nLocation: http://cdn/x\nX-Repo-Commit: {commit}\nX-Linked-ETag: \"{digest}\"\n"
                f"X-Linked-Size: {len(content)}\nETag: \"other\"\n\n").encode()
        return [head, head, f"200\nContent-Length: {len(content)}\n\n".encode() + content]

    def page(entries, more=""):
        return f"200\nContent-Type: application/json\n{more}\n{json.dumps(entries)}".encode()

    def revision():
        return [f'200\n\n{{"sha": "{commit}"}}'.encode()]

    def entry(path, content, lfs=True):
        e = {"type": "file", "path": path, "size": len(content), "oid": git(content)}
        return e | ({"lfs": {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}} if lfs else {})

    def seed(asked, *replies):
        return b"\n====\n".join([asked.encode(), *[r for group in replies for r in group]]) + b"\n"

    weights = safetensors([("w", "F32", [2], bytes(8))])
    config = b'{"model_type": "t5"}'
    index = json.dumps({"weight_map": {"w": "model-1.safetensors"}}).encode()
    missing = [b"404\nX-Error-Code: EntryNotFound\n\n"]
    card = ("---\nconfigs:\n- config_name: c\n  data_files:\n  - split: train\n    path: c/train-*.parquet\n---\nText\n").encode()
    data = b"PAR1 not really PAR1"
    yield "model", seed("model o/n\noffline model o/n", small(config), large(weights))
    yield "revision", seed("model o/n@refs/pr/1\nmodel o/n@refs/pr/1", small(config), large(weights), small(config))
    yield "shards", seed("model o/n", small(config), missing, small(index), large(weights))
    yield "resumed", seed("model o/n", small(config), large(weights)[:1], [b"0"], large(weights)[1:])
    yield "busy", seed("model o/n", [b"429\nRetry-After: 1\n\n", b"503\nRetry-After: 1e9\n\n"], small(config))
    yield "adapter", seed("model o/n", missing, small(b'{"base_model_name_or_path": "o/base"}'), large(weights))
    yield "refused", seed("model o/n", [b"401\nX-Error-Code: RepoNotFound\nX-Error-Message: no\n\n"])
    listed = page([entry("c/train-0.parquet", data), entry("README.md", card, False), entry("../x", data)])
    yield "dataset", seed("dataset o/n c\noffline dataset o/n c", revision(), [listed], small(card), large(data))
    yield "pages", seed("path hf://datasets/o/n/c", revision(),
                        [page([entry("c/1.parquet", data)], "Link: </api/2>; rel=\"next\"\n"), page([entry("c/2.csv", data)])],
                        large(data), large(data))
    yield "file", seed("path hf://datasets/o/n@main/c/1.parquet", revision(), [page([entry("c/1.parquet", data)])], large(data))


def stream_seeds():
    """Tables that are forecast, from which mutations lead elsewhere."""
    def column(kind, rows, values):
        head = bytes([0, 0, 1, 1])  # offset, lie, null_count, validity
        if kind == "time":
            return head + bytes([9, 130, 0])  # step, begin, noise
        if kind == "text":
            return head + bytes([0, *values])
        return head + bytes(values)

    def table(formats, batches, odd=0):
        return bytes([len(formats) - 2, batches - 1, odd, *formats])

    def batch(rows, ids, kinds):
        ids = [ids] * rows
        columns = [column("number", rows, ids), column("time", rows, ())]
        columns += [column(kind, rows, [7 * i % 3 if kind == "text" else (5 * i + 1) % 200 for i in range(rows)])
                    for kind in kinds]
        return bytes([rows, 0, 0]) + b"".join(columns)

    # ids int64, time stamps of microseconds, target float64, x float64, kind text, a last one
    for index, (mode, more, apart, known) in enumerate([
            (0, 0, 0, 0), (64, 3, 0, 0), (128, 4, 0, 0), (16, 8, 0, 0), (32, 16, 0, 0), (1, 32, 0, 0), (193, 5, 0, 0),
            (0, 64 + 3, 0, 1), (64, 64, 0, 1), (2, 64 + 8 + 3, 0, 1), (0, 0, 3, 0), (0, 64 + 3, 2, 1), (64, 0, 15, 0),
            (0, 16, 14, 0)]):
        last = "number" if apart & 4 else "text"  # the future's rows
        past = [batch(10, 1, ["number", "number", last]), batch(12, 2, ["number", "number", last])]
        seed = bytes([mode, more, apart]) + table([1, 0, 0, 0, 2 if apart & 4 else 0], 2)
        if known:
            seed += table([1, 8, 24], 2, 5)  # names by their numbers: ids, time stamps, x
        yield f"table{index}", seed + b"".join(past) + b"".join(batch(1 + mode % 3, i, ["number"]) for i in (1, 2))


def config(**changes):
    c = {
        "architectures": ["Chronos2Model"], "d_model": 10, "d_kv": 4, "d_ff": 12, "num_layers": 2, "num_heads": 2,
        "layer_norm_epsilon": 1e-6, "rope_theta": 10000.0, "initializer_factor": 1.0, "feed_forward_proj": "relu",
        "chronos_config": {
            "context_length": 48, "input_patch_size": 8, "input_patch_stride": 8, "output_patch_size": 8,
            "max_output_patches": 2, "quantiles": [0.1, 0.5, 0.9], "time_encoding_scale": 48, "use_arcsinh": True,
            "use_reg_token": True,
        },
    }
    c.update(changes)
    return json.dumps(c)


def noise(seed, size):
    return bytes(random.Random(seed).randrange(256) for _ in range(size))


def perf(k, model="m__full"):
    columns = ("task_name,horizon,num_windows,seasonality,num_forecasts,MASE,WQL,inference_time_s_median,"
               "inference_time_s_mean,inference_time_s_std,peak_alloc_mb_median,peak_alloc_mb_max,"
               "peak_reserved_mb_median,peak_reserved_mb_max,model_name\n")
    return columns + "".join(
        f"t{i},{12 + i},1,{1 + i},{10 * i + 1},{.8 + .1 * i + k:g},{.5 + .05 * i + k:g},{.1 * (i + 1):g},"
        f"{.1 * (i + 1) + k:g},.01,{100 + i},{101 + i},{200 + i},{201 + i},{model}\n" for i in range(3))


def main():
    put("safetensors", "three", safetensors([("a", "F32", [2], b"\0" * 8), ("b", "BF16", [1, 3], b"\0" * 6),
                                             ("c", "F64", [], b"\0" * 8)], {"format": "pt"}))
    put("safetensors", "empty_and_whole", safetensors([("a", "F16", [0], b""), ("b", "I64", [1], b"\0" * 8),
                                                       ("z", "BOOL", [2], b"\0" * 2)]))
    put("config", "small", config())
    put("config", "other", config(d_model=6, num_layers=1, time_attention={"pattern": "full"}))
    for target in ("model", "adapter", "cache"):
        put(target, "unchanged", b"\0")
        for seed in range(4):
            put(target, f"edits{seed}", noise(seed, 8 * (seed + 1)))
    past = ("item_id,timestamp,target,price,holiday,b\na,2020-01-01,1,2,x,3\na,2020-01-02,2,3,,4\n"
            'a,2020-01-04,,3,"y,""z",4\nb,2020-01-01,1,2,x,3\nb,2020-01-02,1,2,x,3\nb,2020-01-03,1,2,x,3\n')
    future = ("item_id,timestamp,price,holiday\na,2020-01-05,1,x\na,2020-01-06,2,y\nb,2020-01-04,1,x\n"
              "b,2020-01-05,2,x\n")
    scenarios = "scenario,timestamp,price\ns,2020-01-04,1\ns,2020-01-05,2\nother,2020-01-04,3\nother,2020-01-05,4\n"
    put("csv", "plain", "@" + past)
    put("csv", "two_targets", "`" + past)
    put("csv", "covariates", "\x10" + past + "====\n" + future)
    put("csv", "scenarios", "P" + "timestamp,target,price,holiday\n2020-01-01,1,1,x\n2020-01-02,1,2,x\n2020-01-03,4,3,x\n"
        + "====\n" + scenarios)
    put("csv", "business_days", "\x0d" + "timestamp,target\n2020-01-03,1\n2020-01-06,2\n2020-01-07,3\n")
    put("csv", "clock", b"\0item_id,timestamp,target\r\na,2020-01-31 05:00:00.5,1e300\r\n"
        b"a,2020-01-31T05:00:01.0,-0\r\na,2020-01-31 05:00:01.5Z,NaN\r\n")
    put("csv", "mark_and_quarters", b"\0\xef\xbb\xbftimestamp,target\n2020-03-31,1\n2020-06-30,1\n2020-12-31,2\n")
    put("jsonl", "covariates", '@{"item_id":"a","start":"2020-01-01","freq":"D","target":[1,2,null,3.5],'
        '"past_covariates":{"p":[1,2,3,4],"q":["a","b",null,true]},"future_covariates":{"p":[1,2]}}\n'
        '{"target":[[1,2],[3,4]],"start":"2020-01-01 00:00","freq":"15min"}\n')
    put("jsonl", "short", '@{"target":[]}\n\n{"item_id":3,"target":[1e308,-1e-308]}\n')
    put("jsonl", "text", '@{"item_id":"\\u00fc\\ud83d\\ude00\\n","target":[1,2],"start":"2020-01-01","freq":"D"}\n')
    put("serve", "sagemaker", '0{"inputs":[{"target":[1.0,2.5,null,4],"item_id":"a","start":"2024-01-01T01:00:00",'
        '"past_covariates":{"x":[1,2,3,4],"k":["A","B","B","A"]},"future_covariates":{"x":[1,2]}},'
        '{"target":[[1,2],[3,4]],"item_id":"b","start":"2024-02-02"}],"parameters":{"prediction_length":2,"freq":"1h",'
        '"quantile_levels":[0.1,0.5,0.999],"batch_size":2,"predict_batches_jointly":false,'
        '"attention":"windowed_future_null","radius":"inf","context_length":33}}')
    put("serve", "short", '0{"inputs":[{"target":[1]}]}')
    put("serve", "kserve", '1{"model":"m","inputs":[{"type":"univariate_time_series","name":"n","series":[1,2,3],'
        '"frequency":"month","start_timestamp":"2025-06-30T13:10:00Z"},{"type":"multivariate_time_series","name":"n",'
        '"series":[[1,2],[3,4]],"frequency":"D"}],"options":{"horizon":3,"quantiles":[0.1,0.9]},"metadata":{}}')
    put("tasks", "two", "tasks:\n- dataset_path: d.csv\n  horizon: 3\n  num_windows: 2\n  window_step_size: 3D\n"
        '  initial_cutoff: "2020-01-10"\n  target: [target, b]\n  known_dynamic_columns: [x]\n'
        "  past_dynamic_columns: []\n  extra_metrics: [WQL, MAE]\n  quantile_levels: [0.1, 0.5]\n"
        '- {dataset_path: d.csv, task_name: "t", generate_univariate_targets_from: __ALL__, max_context_length: ~,\n'
        "   initial_cutoff: -20}\n")
    put("tasks", "anchors", "%YAML 1.1\n---\ntasks: &x\n- &y {dataset_path: d.csv}\n- *y\n...\n")
    put("tasks", "folded", "tasks:\n  - dataset_path: >-\n      d.csv\n    task_name: 'one'\n    horizon: 4\n"
        "    seasonality: 7\n    min_context_length: 5\n    max_context_length: 12\n    num_windows: 3\n")
    mass = ("task_name,radius,kept_mass_frac_ctxQ,kept_edges_frac_ctxQ,probe_weight_sum,window_index,S_tokens,"
            "ctx_tokens,q_sel_ctx_queries\n" + "".join(
                f"t{i},{r},{.5 + .01 * i:g},{.2 + .01 * r:g},10,0,{40 + i},{30 + i},5\n"
                for i in range(3) for r in (2, 8)))
    naive = "task_name,MASE,WQL\n" + "".join(f"t{i},{1 + .1 * i:g},.7\n" for i in range(3))
    put("from_csv", "two_radii", "====\n".join([perf(0), perf(.01, "m__sparse"), perf(.002), "", mass, naive]))
    compared = ("task_name,radius,MASE_full,inference_time_s_median_full,peak_alloc_mb_median_full,"
                "peak_reserved_mb_median_full,MASE_sparse,inference_time_s_median_sparse,peak_alloc_mb_median_sparse,"
                "peak_reserved_mb_median_sparse\na,4,2.8,0.012,24.0,80.0,3.0,0.01,18.0,72.5\n"
                "b,4,1.0,0.02,40.0,100.0,1.1,0.0167,30.0,87.5\n")
    put("from_csv", "compared", "====\n".join(["", "", "", compared, "", ""]))
    times = ["2020-01-31", "2020-01-31 05:00:00.000001", "0001-01-01", "9999-12-31", "2020-02", "1900", "2020-03-05 10:00+05:30"]
    freqs = ["D", "15min", "W-SUN", "ME", "BMS", "QE-NOV", "YE", "1000000000us", "B", "BQS-FEB",
             "bh", "WOM-3FRI", "LWOM-SUN", "SMS-15", "HYE-MAR", "5"]
    for i, freq in enumerate(freqs):
        put("calendar", f"{i}", f"{freq}\n{times[i % len(times)]}\n".encode() + noise(i, 20))
    for seed in range(8):
        put("api", f"series{seed}", bytes([seed, 16 * seed + seed]) + noise(seed, 60 * (seed + 1)))
    for pattern in range(4):  # fused forecasts of three series, two patches each, of finite numbers
        finite = bytes(b % 0xf4 for b in noise(pattern + 8, 600))
        put("api", f"pattern{pattern}", bytes([0, 0x20 + pattern, 0, 2, 17, 40, 0]) + finite)
    for name, seed in stream_seeds():
        put("stream", name, seed)
    for name, seed in hub_seeds():
        put("hub", name, seed)


if __name__ == "__main__":
    main()
