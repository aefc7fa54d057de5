"""Compiles the CUDA kernels for each architecture, warnings being errors, and sets docs/cuda.md beside
what they take: registers, shared memory, spills. It fails where a kernel spills, or where the table of the same nvcc
differs; with --write it writes the table."""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "cuda.md"
ARCHITECTURES = ("80", "90")
BEGIN, END = "<!-- written by tools/gpu/resources.py -->\n", "<!-- end -->\n"


def readable(symbol):
    """attend_bf16_kernel<64> of _Z18attend_bf16_kernelILi64EEv13c2_gpu_attend."""
    length, rest = re.match(r"_Z(\d+)(.*)", symbol).groups()
    name, rest = rest[: int(length)], rest[int(length):]
    given = re.match(r"I(.*?)Ev", rest)
    if not given:
        return name
    parts = re.findall(r"Li(\d+)E|(f)(?![a-z])|\d(bf16)", given[1] + "E")
    return name + "<" + ", ".join(number or ("float" if single else other) for number, single, other in parts) + ">"


def compile_for(nvcc, architecture):
    """What each kernel takes: registers, bytes of shared memory, bytes spilled."""
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(
            [nvcc, "-std=c++17", "-O3", "-DC2_DEVICE_VERSION=0", f"-I{ROOT / 'src'}", "-cubin", f"-arch=sm_{architecture}", "-Werror", "all-warnings",
             "-Xptxas", "-v", "-o", f"{place}/kernels.cubin", ROOT / "src" / "cuda" / "device.cu"],
            capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"nvcc for sm_{architecture}: {done.stderr}")
    found, name = {}, None
    for line in done.stderr.splitlines():
        if entry := re.search(r"Compiling entry function '(\S+)'", line):
            name = readable(entry[1])
        elif spills := re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", line):
            found.setdefault(name, {})["spills"] = max(map(int, spills.groups()))
        elif used := re.search(r"Used (\d+) registers", line):
            shared = re.search(r"(\d+) bytes smem", line)
            found[name] |= {"registers": int(used[1]), "shared": int(shared[1]) if shared else 0}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nvcc", nargs="?", default="nvcc")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    nvcc = args.nvcc
    taken = [compile_for(nvcc, architecture) for architecture in ARCHITECTURES]
    version = re.search(r"release ([\d.]+)", subprocess.run([nvcc, "--version"], capture_output=True, text=True).stdout)[1]
    lines = [f"Compiled by nvcc {version} (`-O3`). A block has 128 threads in the tiles of attention, 256 elsewhere.\n", "\n",
             "| kernel | registers, 8.0 | registers, 9.0 | shared memory, bytes | spilled bytes, 8.0 | spilled bytes, 9.0 |\n",
             "| --- | --- | --- | --- | --- | --- |\n"]
    for name in sorted(taken[0]):
        one, other = (t[name] for t in taken)
        lines.append(f"| `{name}` | {one['registers']} | {other['registers']} | {one['shared']:,} | {one['spills']} | "
                     f"{other['spills']} |\n")
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    table, after = rest.split(END)
    if args.write:
        PAGE.write_text(before + BEGIN + "".join(lines) + END + after)
    elif table.startswith(lines[0]) and table != "".join(lines):
        sys.exit(f"{PAGE}: the kernels take something else by now: tools/gpu/resources.py --write")
    spilled = [name for t in taken for name in t if t[name]["spills"]]
    if spilled:
        sys.exit(f"registers are spilled by {', '.join(sorted(set(spilled)))}")
    print(f"{len(taken[0])} kernels, {len(ARCHITECTURES)} architectures, nvcc {version}")


main()
