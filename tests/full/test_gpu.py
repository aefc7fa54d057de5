"""What is meant for a machine with a GPU, tried on the emulated device: its scripts end well, and bf16 is as exact as
PyTorch's."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_check(tmp_path):
    environment = {**os.environ, "OUT": str(tmp_path), "PYTHON": sys.executable}
    done = subprocess.run(["tools/gpu/check.sh", "--emulate"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    sections = {entry["section"]: entry for entry in entries if "status" in entry}
    assert list(sections) == ["version", "golden", "sessions", "masked", "observers", "blind_heads", "speed", "study", "bf16"]
    assert "cuda: by libchronos2_cuda.so, tried on an H100 before its attention was rewritten" in sections["version"]["text"]
    sides = [entry for entry in entries if "side" in entry]
    assert not [entry for entry in sides if "failed" in entry]
    assert [entry["passes"] for entry in sides if entry["side"] == "ours bf16" and not entry["futures"]] == [1, 1]
    assert {entry["side"] for entry in sides} >= {"ours bf16", "ours bf16 r8", "ours fp32", "PyTorch sdpa bf16"}
    errors = re.findall(r"(\S+) (ours|PyTorch): mean (\S+), worst (\S+)", sections["bf16"]["text"])
    mean = {(model, side): float(value) for model, side, value, _ in errors}
    assert len(mean) >= 6
    for model in {model for model, _ in mean}:
        assert mean[model, "ours"] < mean[model, "PyTorch"]
    tables = subprocess.run([sys.executable, "bench/gpu.py", tmp_path / "results.jsonl"], cwd=ROOT, capture_output=True,
                            text=True, check=True).stdout
    assert "| study | passed |" in tables and "| ours bf16 r8 |" in tables


SLOW = "golden,sessions,masked,observers,blind_heads,speed,bf16,study"


def test_check_in_parts(tmp_path):
    """Sections are chosen by name, and share the seconds; results are added to those that are there."""
    environment = {**os.environ, "OUT": str(tmp_path), "PYTHON": sys.executable}
    for options in (["--only", "version"], ["--skip", SLOW], ["--only", "golden", "--seconds", "6"]):
        done = subprocess.run(["tools/gpu/check.sh", "--emulate", *options], cwd=ROOT, env=environment, capture_output=True,
                              text=True)
        assert done.returncode == (1 if "golden" in options else 0), done.stdout + done.stderr
    entries = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [(entry.get("section"), entry.get("status")) for entry in entries] == [
        (None, None), ("version", 0), (None, None), ("version", 0), (None, None), ("golden", -9)]
    assert re.fullmatch(r"[\d-]{10}T[\d:]{8}Z", entries[0]["run"])
    assert 5 < entries[-1]["seconds"] < 8
    done = subprocess.run(["tools/gpu/check.sh", "--emulate", "--only", "sped"], cwd=ROOT, env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 2 and "no section is called sped; expected version, golden," in done.stderr
    done = subprocess.run(["tools/gpu/check.sh", "--emulate", "--only", "version", "--skip", "version"], cwd=ROOT,
                          env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and "no section is left to run" in done.stderr


def marked(mark):
    """Processes with MARK=mark in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(process.name)
        except OSError:
            pass
    return found


def has_written(process):
    try:
        return int(re.search(r"wchar: (\d+)", Path("/proc", process, "io").read_text())[1]) > 0
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_check_is_stopped(tmp_path, number):
    """No section goes on, what it has said is kept, and so is nothing else."""
    environment = {**os.environ, "OUT": str(tmp_path / "out"), "PYTHON": sys.executable, "MARK": str(tmp_path),
                   "TMPDIR": str(tmp_path)}
    with subprocess.Popen(["tools/gpu/check.sh", "--emulate", "--only", "golden"], cwd=ROOT, env=environment,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as check:
        deadline = time.monotonic() + 120
        while not ((tmp_path / "out" / "results.jsonl").exists() and
                   any(has_written(process) for process in marked(tmp_path) if process != str(check.pid))):
            assert check.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        check.send_signal(number)
    assert check.returncode != 0
    assert not marked(tmp_path)
    entries = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert entries[-1]["section"] == "golden" and entries[-1]["status"] == -signal.SIGKILL
    assert "Running" in entries[-1]["text"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_speed_fails(tmp_path):
    """A side of ours that ends badly is said, in the status too; what was measured before stays told."""
    (tmp_path / "build").mkdir()
    program = tmp_path / "build" / "chronos2"
    program.write_text("""#!/bin/sh
case "$*" in *fp32*) exit 3 ;; esac
while read -r line; do echo '{"seconds": 2}'; done
exit 4
""")
    program.chmod(0o755)
    done = subprocess.run([sys.executable, "tools/gpu/speed.py", tmp_path / "build", tmp_path, "--small"], cwd=ROOT,
                          capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    of_bf16 = [entry for entry in entries if entry.get("side") == "ours bf16" and not entry["futures"]]
    assert [(entry.get("seconds_median"), entry.get("failed", "").split(" ")[-1]) for entry in of_bf16] == [(2, ""), (None, "4")]
    of_fp32 = [entry for entry in entries if entry.get("side") == "ours fp32"]
    assert len(of_fp32) == 1 and ("status 3" in of_fp32[0]["failed"] or "Broken pipe" in of_fp32[0]["failed"])
    assert "peak_alloc_mb" not in of_bf16[0] and [entry for entry in entries if entry.get("side") == "PyTorch eager bf16"]
    (tmp_path / "results.jsonl").write_text("".join(json.dumps({"section": "speed", **entry}) + "\n" for entry in entries))
    tables = subprocess.run([sys.executable, "bench/gpu.py", tmp_path / "results.jsonl"], cwd=ROOT, capture_output=True,
                            text=True, check=True).stdout
    assert re.search(r"\| ours bf16 \| failed: bench: \S+ ended with status 4 \|", tables)


def test_bf16_fails(tmp_path):
    """What the program says is passed on."""
    (tmp_path / "chronos2").write_text("#!/bin/sh\necho chronos2: error: no such device >&2\nexit 1\n")
    (tmp_path / "chronos2").chmod(0o755)
    done = subprocess.run([sys.executable, "tools/gpu/bf16.py", tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0 and "chronos2: error: no such device\n" in done.stderr


def test_memory_of_pytorch(monkeypatch):
    """Only the pipeline that computes counts, and the cache is emptied for no pass that is timed."""
    monkeypatch.syspath_prepend(ROOT / "bench")
    monkeypatch.syspath_prepend(ROOT / "tools" / "gpu")
    import sides

    class Model:
        forward = None

        def __init__(self, mb):
            self.mb, self.device = mb, "cuda"

        def modules(self):
            return []

        def to(self, device):
            self.device = device

    class Pipeline:
        def __init__(self, mb):
            self.model = Model(mb)

        def predict(self, _series, **_how):
            assert self.model.device == "cuda"
            gpu.top = max(gpu.top, 10 + sum(pipeline.model.mb for pipeline in pipelines.values()
                                            if pipeline.model.device == "cuda"))

    class Gpu:
        top = emptied = 0

        def empty_cache(self):
            self.emptied += 1

        def reset_peak_memory_stats(self):
            self.top = 0

        def max_memory_allocated(self):
            return self.top * 2**20

        def max_memory_reserved(self):
            return self.max_memory_allocated() + 2**20

    gpu, pipelines = Gpu(), {"bf16": Pipeline(228), "fp32": Pipeline(456)}
    monkeypatch.setattr(sides, "CUDA", gpu)
    monkeypatch.setattr(sides, "DEVICE", "cuda")
    for dtype, own in (("bf16", 228), ("fp32", 456)):
        side, gpu.emptied = sides.PyTorch(pipelines, dtype, "sdpa", [], 16, 1), 0
        side.turn()
        assert gpu.emptied == 0
        side.measure()
        side.turn()
        assert gpu.emptied == 1
        assert side.close() == {"peak_alloc_mb": own + 10, "peak_reserved_mb": own + 11}
        assert [pipeline.model.device for pipeline in pipelines.values()] == ["cuda", "cuda"]


def test_tables(tmp_path):
    """A side is set beside ours of the same run and section, and so is the peak."""
    def side(section, side, seconds):
        return {"section": section, "tokens": 515, "rows": 32, "futures": 0, "side": side, "passes": 5,
                "seconds_median": seconds, "work": 1e12, "peak_alloc_mb": 1, "peak_reserved_mb": 2}

    entries = []
    for run, (speed, compiled) in (("one", (1, 2)), ("two", (4, 8))):
        entries.append({"run": run})
        for section, ours in (("speed", speed), ("compile", compiled)):
            soon = side(section, "ours bf16", 100)  # what it took in the first rounds: later ones count
            entries += [{"section": section, "peak": "bf16 product", "tflop_per_s": 10 * ours}, soon,
                        side(section, "ours bf16", ours), side(section, "PyTorch", 16)]
    entries += [{"run": "three"}, side("speed", "PyTorch", 16)]
    (tmp_path / "results.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    said = subprocess.run([sys.executable, "bench/gpu.py", tmp_path / "results.jsonl"], cwd=ROOT, capture_output=True, text=True,
                          check=True).stdout
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in said.splitlines() if "PyTorch" in line]
    assert [(row[0], row[6], row[7]) for row in rows] == [
        ("speed", "16", "0.6%"), ("compile", "8", "0.3%"), ("speed", "4", "0.2%"), ("compile", "2", "0.1%"), ("speed", "", "")]
    assert "The run of two:" in said and said.count("| ours bf16 |") == 4


def test_libraries(tmp_path):
    """Ours come before the folders that are searched anyway; without ours nothing changes."""
    code = "import libraries; print(libraries.environment())"
    for ours, before, expected in ((None, "/a", {}), ("/b:/c", None, {"LD_LIBRARY_PATH": "/b:/c"}),
                                   ("/b:/c", "/a", {"LD_LIBRARY_PATH": "/b:/c:/a"})):
        environment = {key: value for key, value in os.environ.items() if key not in ("CHRONOS2_LIBRARIES", "LD_LIBRARY_PATH")}
        environment |= {"CHRONOS2_LIBRARIES": ours} if ours else {}
        environment |= {"LD_LIBRARY_PATH": before} if before else {}
        said = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "tools" / "gpu", env=environment, capture_output=True,
                              text=True, check=True).stdout
        assert said.strip() == str(expected)


def stub(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


NCU = """echo "$LD_LIBRARY_PATH $*" >&2
echo '==PROF== Connected'
echo '"ID","Kernel Name","Metric Name","Metric Unit","Metric Value"'
for pass in 1 2 3; do
  for name in 'fit_kernel(c2_gpu_fit)' 'void norm_kernel<bf16>(c2_gpu_norm)' 'void norm_kernel<bf16>(c2_gpu_norm)'; do
    echo "\\"0\\",\\"$name\\",\\"dram__bytes.sum\\",\\"Mbyte\\",\\"1.5\\""
    echo "\\"0\\",\\"$name\\",\\"gpu__time_duration.sum\\",\\"us\\",\\"1,000\\""
  done
done
"""


def test_kernel_times(tmp_path):
    """Sums are of one pass, however many bench makes, and the program finds its libraries."""
    stub(tmp_path / "ncu", NCU)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "CHRONOS2_LIBRARIES": "/ours", "LD_LIBRARY_PATH": "/a"}
    command = [sys.executable, "tools/gpu/kernel_times.py", "build", "--attention", "full"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert re.findall(r"(\d+) +([\d.]+) us +([\d.]+) MB  (.*)", done.stdout) == [
        ("2", "2000.0", "3.0", "void norm_kernel<bf16>"), ("1", "1000.0", "1.5", "fit_kernel")]
    assert done.stderr.startswith("/ours:/a ") and "--clock-control none" in done.stderr
    assert "build/chronos2 bench" in done.stderr and done.stderr.endswith("--attention full\n")
    for text, said in (("echo '==ERROR== no counters'; exit 5", "==ERROR== no counters\nkernel_times: error: ncu ended with status 5"),
                       ("", "kernel_times: error: ncu told of no fit_kernel")):
        stub(tmp_path / "ncu", text)
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr.startswith(said)


def test_sections(tmp_path):
    """As on a GPU: all but what is said, the most important first."""
    for name in ("chronos2", "test_cuda_forward", "test_cuda_sessions", "test_masked", "test_observers", "test_blind_heads"):
        stub(tmp_path / "build" / name, "")
    for name in ("nvidia-smi", "compute-sanitizer"):
        stub(tmp_path / "tools" / name, "")
    stub(tmp_path / "tools" / "ncu", NCU)
    environment = {**os.environ, "PATH": f"{tmp_path / 'tools'}:{os.environ['PATH']}"}

    def check(*options):
        return subprocess.run([sys.executable, "tools/gpu/check.py", tmp_path / "build", tmp_path, *options], cwd=ROOT,
                              env=environment, capture_output=True, text=True)

    names = re.search("expected (.*)", check("--only", "none").stderr)[1].split(", ")
    assert names.index("compile") < names.index("memcheck-bf16")
    slow = {"speed", "compile", "bf16"}  # PyTorch's
    done = check("--skip", ",".join(slow))
    assert done.returncode == 0, done.stdout
    done = check("--only", "initcheck-bf16")
    assert done.returncode == 0, done.stdout
    results = tmp_path / "results.jsonl"
    ran = [entry["section"] for entry in map(json.loads, results.read_text().splitlines()) if "section" in entry]
    assert ran == [name for name in names if name not in slow]
    assert ran[-1] == "initcheck-bf16" and ran.index("kernels") < ran.index("kernels-r8")
    command = [sys.executable, "bench/gpu.py", results, "--text"]
    assert "2000.0 us" in subprocess.run([*command, "kernels"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    done = subprocess.run([*command, "speed"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "has no section speed" in done.stderr


def test_compiled(tmp_path):
    """torch.compile takes long: one point, and ours in bf16 alone beside it."""
    stub(tmp_path / "chronos2", """while read -r line; do echo '{"seconds": 2}'; done
echo '{"work": 1, "gflop_per_s": 1, "peak_alloc_mb": 1, "peak_reserved_mb": 1}'
""")
    done = subprocess.run([sys.executable, "tools/gpu/speed.py", tmp_path, tmp_path, "--small", "--compile"], cwd=ROOT,
                          env={**os.environ, "TORCHDYNAMO_DISABLE": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(entry["tokens"], entry["rows"], entry["futures"], entry["side"]) for entry in entries if "side" in entry} == {
        (12, 2, 0, "ours bf16"), (12, 2, 0, "PyTorch compile bf16")}


def wheel(folder):
    """A package that says that it was imported."""
    name = "chronos_forecasting-2.3.2"
    files = {"chronos/__init__.py": "raise SystemExit('the chronos of the archive')\n",
             f"{name}.dist-info/METADATA": "Metadata-Version: 2.1\nName: chronos-forecasting\nVersion: 2.3.2\n",
             f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    files[f"{name}.dist-info/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{name}.dist-info/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as package:
        for file, text in files.items():
            package.writestr(file, text)


def test_pack(tmp_path):
    """What travels is the working tree and one archive, which check.sh unpacks; here with the emulator as the device."""
    build, machine = tmp_path / "build", tmp_path / "machine"
    build.mkdir()
    for name in ("chronos2", "test_cuda_forward", "test_cuda_sessions", "test_masked", "test_observers", "test_blind_heads"):
        (build / name).symlink_to(ROOT / "build" / name)
    wheel(tmp_path)
    environment = {**os.environ, "PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path),
                   "PIP_CONFIG_FILE": os.devnull, "CHRONOS2_TEST_SIZE": "small"}

    def pack(**more):
        return subprocess.run(["tools/gpu/pack.sh", build], cwd=ROOT, env=environment | more, capture_output=True, text=True)

    done = pack()
    assert done.returncode == 1 and f"{build}/libchronos2_cuda.so is missing" in done.stderr
    stale = b"const unsigned *c2_cuda_device_table(void) { static const unsigned table[64] = {5}; return table; }"
    subprocess.run(["cc", "-w", "-shared", "-fPIC", "-o", build / "libchronos2_cuda.so", "-x", "c", "-"], input=stale, check=True)
    done = pack()
    assert done.returncode == 1 and re.match("pack: error: .* is made of other sources than this program", done.stderr)
    (build / "libchronos2_cuda.so").unlink()
    (build / "libchronos2_cuda.so").symlink_to(ROOT / "build" / "libchronos2_cuda_emulated.so")
    earlier = build / "gpu" / "out" / "results.jsonl"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("{}")
    done = pack()
    assert done.returncode == 0 and re.search(r"are [\d.]+ MiB together, of at most 64\n", done.stdout), done.stderr
    assert earlier.read_text() == "{}"
    done = pack(MOST_MIB="20")
    assert done.returncode == 1 and "MiB together; expected at most 20" in done.stderr
    done = pack(MOST_MIB="many")
    assert done.returncode == 2 and "expected MOST_MIB to be a number of MiB, found 'many'" in done.stderr

    (machine / "build").mkdir(parents=True)
    (build / "gpu.tar.gz").rename(machine / "build" / "gpu.tar.gz")
    tree = subprocess.run("git ls-files -z | tar -c --null -T -", shell=True, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-x"], cwd=machine, input=tree, check=True)
    for only in ("blind_heads,bf16", "version"):
        done = subprocess.run(["tools/gpu/check.sh", "--only", only], cwd=machine, capture_output=True, text=True,
                              env={key: value for key, value in environment.items() if key != "OUT"})
        assert f"check: unpacked {machine}/build/gpu.tar.gz" in done.stderr
        (machine / "build" / "chronos2").write_text("of an earlier archive")
    entries = [json.loads(line) for line in (machine / "build" / "gpu" / "out" / "results.jsonl").read_text().splitlines()]
    sections = {entry["section"]: entry for entry in entries if "section" in entry}
    assert {name: entry["status"] for name, entry in sections.items()} == {"blind_heads": 0, "bf16": 1, "version": 0}
    assert sections["bf16"]["text"] == "the chronos of the archive\n"


def test_train(tmp_path):
    """It stops after its time, and the next call goes on. What is brought back is in parts, with the states if they fit."""
    steps = []
    out, model = tmp_path / "out", Path("main") / "model" / "model.safetensors"
    for most in ("15", "64"):
        done = subprocess.run(["tools/gpu/train.sh", "0.05", "--cpu"], cwd=ROOT, capture_output=True, text=True,
                              env={**os.environ, "OUT": str(out), "TRAIN": str(tmp_path / "train"), "PYTHON": sys.executable,
                                   "MOST_FILE_MIB": "1", "MOST_MIB": most})
        assert done.returncode == 0, done.stderr
        steps.append(int(re.search(r"(\d+) of \d+ steps", done.stdout)[1]))
        parts = sorted(out.iterdir())
        assert len(parts) > 1 and max(part.stat().st_size for part in parts) <= 2**20
        with tarfile.open(fileobj=io.BytesIO(b"".join(part.read_bytes() for part in parts))) as tar:
            assert tar.extractfile(f"./{model}").read() == (tmp_path / "train" / model).read_bytes()
            assert "./main/first.csv" in tar.getnames() and ("./main/state.pt" in tar.getnames()) == (most == "64")
        assert ("the states are not packed" in done.stderr) == (most == "15")
    assert 0 < steps[0] < steps[1]
    for options, said in ((["soon"], "expected the number of minutes first, found 'soon'"),
                          (["1", "--out", "here"], "expected TRAIN=DIR in the environment, not --out")):
        done = subprocess.run(["tools/gpu/train.sh", *options], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 2 and said in done.stderr
