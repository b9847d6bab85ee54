"""Decompression bombs and similar weights files are rejected before anything large is built."""

import pickletools

import numpy as np
import pytest
import weight_bombs
import weight_files

import minigooglenet as mg
from minigooglenet.weights import pickles
from minigooglenet.weights.contents import WeightsError

IMAGE = np.zeros((3, 8, 8), np.uint8)
REJECTED = {
    "an npz with a large dictionary": "array 'w' has compression method 14",
    "an npz with a deep header": "has a header that NumPy cannot parse",
    "a state dict with a tuple of tuples": "it has a tuple of 1,023 parts, more than 1,000",
    "an old state dict with a tuple of tuples": "it has a tuple of 1,023 parts, more than 1,000",
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


def test_pickle_instructions_are_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "MOST_STEPS", 1_000)
    (tmp_path / "net").write_bytes(weight_bombs.torch_lists())
    with pytest.raises(WeightsError, match="its pickle has 1,000 instructions"):
        mg.weights.read(tmp_path / "net")


def test_parts_of_shared_tuples_are_counted(tmp_path):
    for depth, accepted in ((8, True), (10, False)):
        path = tmp_path / "pickle"
        path.write_bytes(weight_bombs.tuples(depth))
        assert sum(1 for _ in pickletools.genops(path.read_bytes())) < 100
        with path.open("rb") as file:
            if accepted:
                pickles.check(file, path.stat().st_size)
            else:
                with pytest.raises(ValueError, match=r"it has a tuple of 1,\d+ parts"):
                    pickles.check(file, path.stat().st_size)


def test_ordinary_state_dicts_pass_the_pickle_check(tmp_path):
    torch = pytest.importorskip("torch")
    state = {f"layer{i}.weight": torch.zeros(2, 3) for i in range(200)}
    for old in (False, True):
        path = tmp_path / "state.pth"
        torch.save({"state_dict": state, "epoch": 3}, path, _use_new_zipfile_serialization=not old)
        with pytest.raises(WeightsError, match="torchvision's GoogLeNet"):  # readable, but a different network
            mg.weights.read(path)


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
