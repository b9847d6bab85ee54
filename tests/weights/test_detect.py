"""Format detection: the content of a file selects its reader, not its name."""

import json
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch_made
import weight_files as make

from minigooglenet import weights
from minigooglenet.weights import caffe, detect, npz, safetensors, torch_state, torchvision

LEGACY = detect.TORCH_MAGIC + bytes(20)


def _field(number, data):
    """Return a protobuf field that contains bytes."""
    tag, size = number << 3 | 2, len(data)
    varints = bytearray()
    for value in (tag, size):
        while value > 127:
            varints.append(value & 127 | 128)
            value >>= 7
        varints.append(value)
    return bytes(varints) + data


CAFFE = _field(1, b"GoogLeNet")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (make.native(), detect.SAFETENSORS),
        (make.safetensors({"a": make.ENTRY}, bytes(8)), detect.SAFETENSORS),
        (make.archive([("a.npy", make.npy())]), detect.NPZ),
        (make.archive([("archive/data.pkl", b""), ("archive/data/0", b"")]), detect.TORCH),
        (LEGACY, detect.TORCH),
        (b"\x80\3" + LEGACY[2:], detect.TORCH),
        (b"\x80\4\x95" + struct.pack("<Q", 13) + LEGACY[2:], detect.TORCH),
        (CAFFE + _field(2, bytes(300)) + _field(2, b""), detect.CAFFE),
        (CAFFE + _field(100, bytes(300)), detect.CAFFE),
        (_field(100, bytes(10)), detect.CAFFE),
        ((CAFFE + _field(3, b"data") + b"\x20\x01" + _field(100, bytes(300)))[:-9], detect.CAFFE),
    ],
)
def test_file_format_is_detected_from_the_content(tmp_path, data, kind):
    (tmp_path / "weights.png").write_bytes(data)
    with (tmp_path / "weights.png").open("rb") as file:
        assert detect.file_format(file) == kind


@pytest.mark.parametrize("length", [640, 896, 1152, 35_615, 19_778, 12_040])
def test_safetensors_detection_ignores_the_header_length(tmp_path, length):
    # 640 is 80 02, the beginning of a pickle; 35,615 is 1f 8b, as in gzip; 19,778 is BM, as in a bitmap.
    header = json.dumps({"a": make.ENTRY}).encode().ljust(length)
    (tmp_path / "file").write_bytes(make.safetensors(header, bytes(8)))
    assert weights.read(tmp_path / "file").arrays["a"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("data", "reader"),
    [
        (make.native(), safetensors.Reader),
        (make.archive([("a.npy", make.npy())]), npz.Reader),
        (CAFFE + _field(2, bytes(300)), caffe.Reader),
        (torch_made.stream({"w": np.ones(2)}), torch_state.Reader),
        (torch_made.archive({"w": np.ones(2)}), torch_state.Reader),
        (torch_made.archive({"inception3a.branch1.conv.weight": np.ones(2)}), torchvision.Reader),
        (make.safetensors({"inception3a.branch1.conv.weight": make.ENTRY}, bytes(8)), torchvision.Reader),
    ],
)
def test_every_format_has_a_reader(tmp_path, data, reader):
    (tmp_path / "file").write_bytes(data)
    with detect.opened(tmp_path / "file") as opened:
        assert type(opened) is reader
    assert reader in detect.READERS


def test_format_detection_reads_little_of_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"\x20\x01" * 1_000_000)
    with (tmp_path / "file").open("rb") as file, pytest.raises(ValueError, match="it is not a safetensors"):
        detect.file_format(file)


def test_package_import_loads_no_format_libraries():
    names = ("safetensors", "google.protobuf", "torch", "onnx")
    code = f"import sys, minigooglenet.weights; print([name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
