"""Every action opens a weights file once and parses its header once, in every format."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch_made
from safetensors.numpy import save_file
from test_caffe import model as caffe_model
from test_caffe import weights as caffe_weights

import minigooglenet as mg
from minigooglenet.weights.state_dicts.googlenet import names

# In a separate process, because an audit hook cannot be removed. Opening a descriptor does not open the file again.
CHILD = """
import contextlib, io, json, os, sys, warnings
import minigooglenet as mg
from minigooglenet import weights
from minigooglenet.cli import main
from minigooglenet.weights import caffe, npz, onnx, safetensors, torch_state
from minigooglenet.weights.onnx import walk

warnings.simplefilter("ignore")
seen, results = [], {}

def hook(event, arguments):
    if event == "open" and arguments and isinstance(arguments[0], (str, bytes, os.PathLike)):
        seen.append(os.path.basename(os.fsdecode(arguments[0])))

def counted(module, name):
    function = getattr(module, name)
    setattr(module, name, lambda *args: seen.append("parsed") or function(*args))

for module, name in (
    (safetensors, "_header"), (npz, "_count"), (caffe, "layers_of"), (torch_state, "read"), (walk, "walk")
):
    counted(module, name)
READ = {
    "load": weights.load,
    "read": weights.read,
    "load_into": lambda path: weights.load_into(network(path), path, strict=False),
    "training_images": weights.training_images,
    "inspect": lambda path: main(["weights", "inspect", path]),
    "import_graph": onnx.import_graph,
}

def network(path):
    variant = "torchvision" if os.path.basename(path) in ("a.pth", "b.safetensors") else "paper"
    return mg.models.googlenet(3, aux=False, variant=variant, init="zeros")

sys.addaudithook(hook)
for action, path in json.loads(sys.argv[1]):
    seen.clear()
    with contextlib.redirect_stdout(io.StringIO()):
        READ[action](path)
    results[f"{action} {os.path.basename(path)}"] = seen.count(os.path.basename(path)), seen.count("parsed")
print(json.dumps(results), "safetensors" in sys.modules)
"""


def _torchvision(path):
    g = mg.models.googlenet(3, aux=False, variant="torchvision", init="zeros")
    arrays = {**g.params, **g.buffers}
    state = {key: np.array(arrays[name], "f4") for key, name in names().items()}
    if path.suffix == ".pth":
        path.write_bytes(torch_made.archive(state))
    else:
        save_file(state, path)


def _files(folder):
    """Write a file of each format, and return (action, path) for all actions on each file."""
    g = mg.models.googlenet(3, aux=False, width=1.0, init="zeros")
    mg.weights.save(g, folder / "a.safetensors", notes={"a": "b"})
    np.savez(folder / "a.npz", **g.params, **g.buffers)
    (folder / "a.caffemodel").write_bytes(caffe_model(caffe_weights()))
    _torchvision(folder / "b.safetensors")
    params = {f"params/{name}": np.array(array) for name, array in g.params.items()}
    save_file({**params, "trainer/state": np.zeros(2, np.uint8)}, folder / "c.safetensors")
    jobs = [(action, "a.safetensors") for action in ("load", "read", "load_into", "training_images", "inspect")]
    jobs += [(action, "a.npz") for action in ("read", "load_into", "training_images", "inspect")]
    jobs += [(action, file) for action in ("load", "read", "inspect") for file in ("a.caffemodel", "b.safetensors")]
    jobs += [("load_into", "a.caffemodel"), ("load_into", "b.safetensors"), ("load_into", "c.safetensors")]
    return [(action, str(folder / file)) for action, file in jobs]


def _counts(jobs):
    """Return ({"action file": [times opened, times parsed]}, whether safetensors was imported)."""
    done = subprocess.run([sys.executable, "-c", CHILD, json.dumps(jobs)], capture_output=True, text=True, check=True)
    counts, _, library = done.stdout.strip().rpartition(" ")
    return json.loads(counts), library == "True"


def test_weights_file_is_opened_and_parsed_once(tmp_path):
    jobs = _files(tmp_path)
    counts, library = _counts(jobs)
    assert set(map(tuple, counts.values())) == {(1, 1)}, counts
    assert len(counts) == len(jobs)
    assert not library  # it would open the file without an audit event


def test_torch_file_is_opened_once(tmp_path):
    _torchvision(tmp_path / "a.pth")
    counts, _ = _counts([(action, str(tmp_path / "a.pth")) for action in ("load", "read", "load_into", "inspect")])
    assert set(map(tuple, counts.values())) == {(1, 1)}, counts


def test_onnx_file_is_opened_once(tmp_path):
    pytest.importorskip("onnx")
    mg.weights.onnx.export(mg.models.mini_googlenet(2, width=0.1, rng=0), tmp_path / "a.onnx")
    assert _counts([("import_graph", str(tmp_path / "a.onnx"))])[0] == {"import_graph a.onnx": [1, 1]}
