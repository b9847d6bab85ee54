"""Decompression bombs and similar weights files are rejected before anything large is built."""

import numpy as np
import pytest
import torch_made
import weight_bombs
import weight_files

import minigooglenet as mg
from minigooglenet.weights.contents import WeightsError

IMAGE = np.zeros((3, 8, 8), np.uint8)
REJECTED = {
    "an npz with a large dictionary": "array 'w' has compression method 14",
    "an npz with a deep header": "has a header that NumPy cannot parse",
    "a state dict with a tuple of tuples": "it does not contain a plain state dict",
    "an old state dict with a tuple of tuples": "it does not contain a plain state dict",
    "a deep header": "its header is not JSON",
    "a long format": "its metadata is corrupt",
    "a Caffe layer of empty blobs": "more than 1,000 fields",
    "empty Caffe layers": "more than 1,000 fields",
}


@pytest.mark.parametrize("name", REJECTED)
def test_small_weights_bombs_are_rejected(name, tmp_path):
    (tmp_path / "net").write_bytes(weight_bombs.FILES[name]())
    with pytest.raises(WeightsError, match=f"(?s)cannot read .*{REJECTED[name]}"):
        mg.weights.read(tmp_path / "net")


def test_ordinary_state_dicts_pass_the_pickle_limits(tmp_path):
    state = {f"layer{i}.weight": np.zeros((2, 3), np.float32) for i in range(2_000)}
    for make in (torch_made.archive, torch_made.stream):
        (tmp_path / "state.pth").write_bytes(make({"state_dict": state, "epoch": 3}))
        assert len(mg.weights.read(tmp_path / "state.pth").arrays) == 2_000


def test_networks_with_huge_inputs_are_rejected(tmp_path):
    (tmp_path / "net.safetensors").write_bytes(weight_bombs.network(8_000))
    loaded = mg.weights.load(tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match=r"inputs \(3, 8000, 8000\) needs 2,304,000,0\d\d bytes for one image"):
        loaded.classify(IMAGE)
    (tmp_path / "net.safetensors").write_bytes(weight_bombs.network(1_000))
    with pytest.raises(ValueError, match=r"144 crops of \(3, 1000, 1000\) need 432,000,000 bytes.*fewer crops"):
        mg.weights.load(tmp_path / "net.safetensors").classify(IMAGE, crops=144)


def test_bfloat16_file_is_parsed_once(tmp_path, monkeypatch):
    from minigooglenet.weights import safetensors

    header = {str(i): {"dtype": "BF16", "shape": [1], "data_offsets": [2 * i, 2 * i + 2]} for i in range(50)}
    (tmp_path / "net.safetensors").write_bytes(weight_files.safetensors(header, b"\x80\x3f" * 50))
    parsed, header_of = [], safetensors._header
    monkeypatch.setattr(safetensors, "_header", lambda file: parsed.append(file) or header_of(file))
    arrays = mg.weights.read(tmp_path / "net.safetensors").arrays
    assert len(parsed) == 1
    assert all(array.tolist() == [1.0] for array in arrays.values())
