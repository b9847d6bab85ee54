"""Decompression bombs and similar small files: a command that reads one stays below a gigabyte of memory.

Limits on pixels, scans, fields and instructions bound the work; the tests of each reader check them. The timeout here
only ends a test that hangs.
"""

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import layers

TESTS = Path(__file__).parent.parent
MOST_MEMORY = 1_000_000_000
HANGS = 240  # seconds
ENTRY = "import sys; from minigooglenet.weights.onnx import import_graph; import_graph(sys.argv[1])"

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not hasattr(os, "wait4"), reason="os.wait4 measures the memory")]


def _module(folder, name):
    sys.path.insert(0, str(TESTS / folder))
    try:
        spec = importlib.util.spec_from_file_location(name, TESTS / folder / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(TESTS / folder))
    return module


images, weights = _module("data", "image_bombs"), _module("weights", "weight_bombs")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Return the file of a small network with 32 x 32 inputs."""
    g = mg.Graph(image=(3, 32, 32))
    g.add("mean", layers.GlobalAvgPool2d(), "image")
    g.add("fc", layers.Linear(3, 2, rng=0), "mean")
    path = tmp_path_factory.mktemp("network") / "net.safetensors"
    mg.weights.save(g, path, pixels="unit", classes=("dark", "light"))
    return path


# On Linux a process inherits the peak memory of the process that starts it, so a small process starts each command.
SMALL = """
import os, sys
process = os.posix_spawn(sys.executable, [sys.executable, *sys.argv[2:]], os.environ)
_, status, usage = os.wait4(process, 0)
open(sys.argv[1], "w").write(f"{os.waitstatus_to_exitcode(status)} {usage.ru_maxrss}")
"""


def _run(*command):
    """Return (exit code, output, peak of resident memory in bytes) of a Python process."""
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with tempfile.TemporaryDirectory() as folder:
        measured = Path(folder, "measured")
        words = [sys.executable, "-S", "-c", SMALL, measured, *command]
        process = subprocess.Popen(
            list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, start_new_session=True
        )
        guard = threading.Timer(HANGS, os.killpg, (process.pid, signal.SIGKILL))
        guard.start()
        output = process.communicate()[0].decode(errors="replace")
        guard.cancel()
        if process.returncode:
            return process.returncode, output, 0
        code, peak = map(int, measured.read_text().split())
    return code, output, peak * (1 if sys.platform == "darwin" else 1024)


def _check(code, output, peak, accepted=(0, 1, 2)):
    assert code in accepted, output[-2000:]
    assert "Traceback" not in output or "WeightsError" in output, output[-2000:]
    assert peak < MOST_MEMORY, f"{peak:,} bytes"


@pytest.mark.parametrize("name", images.IMAGES)
def test_classify_survives_image_bombs(name, network, tmp_path):
    path = tmp_path / "image"
    content = images.IMAGES[name]()
    assert len(content) < 1_100_000
    path.write_bytes(content)
    _check(*_run("-m", "minigooglenet", "classify", path, path, "--crops", "144", "--weights", network))


def test_evaluate_survives_a_folder_of_image_bombs(network, tmp_path):
    for kind in ("dark", "light"):
        (tmp_path / "val" / kind).mkdir(parents=True)
        (tmp_path / "train" / kind).mkdir(parents=True)
        for number, bomb in enumerate(("a GIF of 49 million pixels", "a TIFF of 900,000 strips", "a JPEG with junk")):
            (tmp_path / "val" / kind / f"{number}.png").write_bytes(images.IMAGES[bomb]())
        for part in ("train", "val"):
            images.noise((40, 40, 3)).save(tmp_path / part / kind / "good.png")
    code, output, peak = _run("-m", "minigooglenet", "evaluate", "--data", tmp_path, "--weights", network)
    _check(code, output, peak, (0,))
    assert "skipped: " in output


@pytest.mark.parametrize("name", weights.NETWORKS)
def test_import_graph_survives_onnx_bombs(name, tmp_path):
    pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    path.write_bytes(weights.NETWORKS[name]())
    code, output, peak = _run("-c", ENTRY, path)
    _check(code, output, peak, (1,))
    assert "WeightsError: cannot read" in output


@pytest.mark.parametrize("name", weights.FILES)
def test_inspect_survives_weights_bombs(name, tmp_path):
    path = tmp_path / "net"
    path.write_bytes(weights.FILES[name]())
    _check(*_run("-m", "minigooglenet", "weights", "inspect", path))


def test_classify_rejects_networks_with_huge_inputs(tmp_path):
    path, image = tmp_path / "net.safetensors", tmp_path / "image.png"
    path.write_bytes(weights.network(20_000))
    images.noise((40, 40, 3)).save(image)
    code, output, peak = _run("-m", "minigooglenet", "classify", image, "--weights", path)
    _check(code, output, peak, (1, 2))
    assert "bytes for one image" in " ".join(output.split())


def test_imported_onnx_arrays_are_in_memory_once(tmp_path):
    pytest.importorskip("onnx")
    path, outputs, inputs = tmp_path / "net.onnx", 1024, 100_000
    head = weights.onnx_large(outputs, inputs)
    with path.open("wb") as file:
        file.write(head[0])
        file.seek(4 * outputs * inputs, 1)  # a sparse file: zeros without disk space
        file.write(head[1])
    code, output, peak = _run("-c", ENTRY, path)
    baseline = _run("-c", ENTRY.replace("import_graph(sys", "import onnx, numpy; (sys"), path)[2]
    assert code == 0, output
    # The array, plus a quarter of its size for the booleans of the finiteness check.
    assert peak - baseline < 1.4 * 4 * outputs * inputs
    assert np.isfinite(peak)
