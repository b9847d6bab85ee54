"""Files that are not weights, corrupt files and hostile files: each is rejected with one sentence and little memory."""

import os
import pickle
import struct
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
import weight_files as make

import minigooglenet as mg
from minigooglenet import weights
from minigooglenet.weights import safetensors
from minigooglenet.weights.contents import MOST_TEXT

MOST_MEMORY = 4 * 1024**2
SOUND = make.native()
MINI = {"model": "mini_googlenet", "arguments": {"width": 0.1}}
A = make.ENTRY


def _with(entry=None, data=bytes(8), **more):
    return make.safetensors({"a": {**A, **(entry or {})}, **more}, data)


def _members(*members, **settings):
    return make.archive([(name, data) for name, data in members], **settings)


def _bomb():
    """Return a small archive whose single array unpacks to 1 GB, without making the gigabyte."""
    data = _members(("a.npy", make.npy(shape="(250000000,)", data=bytes(1000))), method=zipfile.ZIP_DEFLATED)
    size = make.npy(shape="(250000000,)", data=b"")
    return data.replace(struct.pack("<I", len(size) + 1000), struct.pack("<I", len(size) + 10**9))


def _hidden():
    """Return an archive whose directory declares its second entry as the comment of the first."""
    data = bytearray(make.archive([("a.npy", make.npy()), ("b.npy", make.npy())]))
    start = data.index(b"PK\x01\x02")
    data[start + 32] = data.index(b"PK\x05\x06") - data.rindex(b"PK\x01\x02")
    return bytes(data)


def _flag(data, bit):
    """Return an archive whose first member has a flag set, in both of its headers."""
    central = data.index(b"PK\x01\x02")
    data = bytearray(data)
    data[6] |= bit
    data[central + 8] |= bit
    return bytes(data)


FILES = {
    # files that are not weights
    "empty": (b"", "the file is empty"),
    "one byte": (b"{", "it is a text file"),
    "text": (b"these are my weights\n", "it is a text file"),
    "JSON": (b'{"conv1": [1, 2, 3]}', "it is a text file"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(50), "it is an image"),
    "JPEG": (b"\xff\xd8\xff\xe0" + bytes(50), "it is an image"),
    "web page": (b"\n<!DOCTYPE html><html><body>404", "it is a web page, such as an error or log-in page"),
    "bare web page": (b"<html><head>", "it is a web page"),
    "LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "Run `git lfs pull`"),
    "pickle": (pickle.dumps({"a": [1.0]}), "it is a Python pickle, which can run any code"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(50), "it is an HDF5 file"),
    "one npy": (make.npy(), "it is a single array without a name"),
    "gzip": (b"\x1f\x8b\x08" + bytes(50), "it is compressed. Unpack it first."),
    "tar": (b"a" + bytes(256) + b"ustar" + bytes(250), "it is a tar archive"),
    "prototxt": (
        b'name: "GoogLeNet"\nlayer {\n',
        "it is a prototxt file, which describes a network but has no weights",
    ),
    "commented prototxt": (b'# BVLC\nname: "GoogLeNet"\n', "it is a prototxt"),
    "text that would take a greedy pattern for ever": (b"#" * 3000 + b"\n", "it is a text file"),
    "text of a brace": (b"weights {\n", "it is a text file"),
    "ONNX": (b"\x08\x08\x12\x07pytorch\x3a\x04abcd", "it is an ONNX file. Import it with"),
    "cut ONNX": (b"\x08\x08\x12\x07pytorch\x3a\xff\xff\x7fabcd", "it is an ONNX file"),
    "noise": (np.random.default_rng(0).bytes(2000), "it is not a safetensors, .npz, .caffemodel or torch file"),
    "zeros": (bytes(5000), "it is not a safetensors, .npz, .caffemodel or torch file"),
    # safetensors by structure
    "cut in the length": (SOUND[:5], "it is not a safetensors, .npz, .caffemodel or torch file"),
    "cut in the header": (SOUND[:200], "declares a header of .* bytes but has 200 in total"),
    "cut in the values": (SOUND[:-9], "declares .* bytes but has .*: it is truncated"),
    "bytes too many": (
        SOUND + b"\0",
        "bytes, but its arrays end at",
    ),
    "header longer than the file": (
        struct.pack("<Q", 2**63) + SOUND[8:],
        "declares a header of 9,223,372,036,854,775,808",
    ),
    "header too long": (struct.pack("<Q", 3 * 2**20) + b"{" + bytes(3 * 2**20), "more than 2,097,152"),
    "header that is not JSON": (make.safetensors(b'{"a": nonsense}'), "its header is not JSON"),
    "header that is not UTF-8": (make.safetensors(b'{"\xff": 1}'), "its header is not JSON"),
    "deep header": (make.safetensors(b'{"a":' * 100_000), "its header is not JSON"),
    "same name twice": (
        make.safetensors(b'{"a":%s,"a":%s}' % ((b'{"dtype":"F32","shape":[2],"data_offsets":[0,8]}',) * 2), bytes(8)),
        "its header has 'a' twice",
    ),
    "same key twice": (
        make.safetensors(b'{"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}', bytes(8)),
        "its header has 'shape' twice",
    ),
    "negative offsets": (
        _with({"data_offsets": [-8, 0]}),
        "needs dtype, shape and data_offsets, with integers of at least 0",
    ),
    "offsets backwards": (_with({"data_offsets": [8, 0]}), "'a' needs dtype, shape and data_offsets"),
    "overlapping offsets": (_with(b=A), "'b' begins at byte .*, but the data before it ends at"),
    "a gap between arrays": (
        _with(data=bytes(24), b={**A, "data_offsets": [16, 24]}),
        "'b' begins at byte .*, but the data before it",
    ),
    "offsets beyond the file": (
        _with({"shape": [2**40], "data_offsets": [0, 2**42]}),
        "declares 4,398,046,5.* bytes but has 101: it is truncated",
    ),
    "shape and offsets disagree": (
        _with({"shape": [3]}),
        r"shape \(3,\) needs 12 bytes as F32, but its offsets give 8",
    ),
    "negative shape": (_with({"shape": [-2]}), "'a' needs dtype, shape and data_offsets"),
    "shape that overflows": (_with({"shape": [2**62, 2**62]}), "its offsets give 8"),
    "nothing, of an endless shape": (
        _with({"shape": [0, 2**62], "data_offsets": [0, 0]}, b""),
        "declares a shape that NumPy rejects: ",
    ),
    "shape of 70 axes": (
        _with({"shape": [1] * 70, "data_offsets": [0, 4]}, bytes(4)),
        "declares a shape that NumPy rejects: ",
    ),
    "shape of many axes": (_with({"shape": [2**62] * 90_000}), "'a' has 90,000 axes, more than 100"),
    "shape of long integers": (
        _with({"shape": [10**4000] * 400}),
        "needs dtype, shape and data_offsets, with integers",
    ),
    "unknown type": (_with({"dtype": "F31"}), "has dtype F31. Save it as F32 first"),
    "type that NumPy lacks": (_with({"dtype": "F8_E4M3", "shape": [8]}), "has dtype F8_E4M3. Save it as F32 first"),
    "header that is a list": (make.safetensors(b"[]" + b" " * 7 + b"{"), "it is not a safetensors|is not JSON"),
    "array that is a number": (make.safetensors({"a": 1}), "'a' needs dtype, shape and data_offsets, .*, got 1"),
    "name of a path": (make.safetensors({"../../a": A}, bytes(8)), "'../../a' is not a valid array name"),
    "name that no console shows": (make.safetensors({"\x1b[2J": A}, bytes(8)), "must be a line of printable text"),
    "number in the metadata": (_with(__metadata__={"a": 1}), "its metadata must map names to strings"),
    # the native format
    "corrupt value": (SOUND[:-3] + b"\x7f" + SOUND[-2:], "1 of 4 arrays is corrupt, for example 'fc/bias'"),
    "names of two arrays swapped": (
        SOUND.replace(b'"fc/bias": {', b'"xx/bias": {'),
        "its metadata and its arrays disagree about 2 names",
    ),
    "type changed": (
        SOUND.replace(b'"dtype": "F32", "shape": [5],', b'"dtype": "I32", "shape": [5],'),
        "1 of 4 arrays is corrupt, for example 'fc/bias'",
    ),
    "shape changed": (SOUND.replace(b'"shape": [5, 4]', b'"shape": [4, 5]'), "for example 'fc/weight'"),
    "metadata changed": (
        SOUND.replace(b'model\\":null', b'model\\":1234'),
        "its metadata is corrupt: it does not match",
    ),
    "metadata under another name": (SOUND.replace(b'{"minigooglenet"', b'{"minigoogleneu"'), "its metadata is corrupt"),
    "NaN in the metadata": (make.native(arguments={"width": float("nan")}), "its metadata is corrupt"),
    "metadata that is a list": (make.native(text="[]"), "its metadata is corrupt"),
    "deep metadata": (make.native(text="[" * 100_000), "its metadata is corrupt"),
    "later format": (make.native(format="minigooglenet weights 2"), "this version reads .*. Try a newer version"),
    "missing checksum": (make.native(arrays={}), "disagree about 4 names, for example 'conv/bias'"),
    "model that is a number": (make.native(model=7), "the model must be text, got 7"),
    "arguments that are a list": (make.native(arguments=[1]), r"its metadata has invalid arguments: \[1\]"),
    "argument that is a list": (make.native(arguments={"width": [1]}), r"argument 'width' must be text, a number"),
    "huge argument": (make.native(arguments={"width": 10**400}), "argument 'width' must be text, a number up to"),
    "pixels that are text": (make.native(pixels="RGB"), "its metadata has invalid pixels: 'RGB'"),
    "pixels of nothing": (
        make.native(pixels={"mean": None, "std": [1], "colours": "L"}),
        "its metadata has invalid pixels: {'mean': None, ",
    ),
    "pixels that divide by zero": (
        make.native(pixels={"mean": [0], "std": [0], "colours": "L"}),
        "std must be finite and above 0",
    ),
    "classes that are numbers": (make.native(classes=[1, 2]), "the name of a class must be text, got 1"),
    "note that moves the cursor": (make.native(notes={"a": "\x1b[1A"}), "note 'a' must be a line of printable text"),
    # .npz
    "no archive": (b"PK\x03\x04" + bytes(100), "it is a zip archive whose first bytes are corrupt"),
    "cut archive": (_members(("a.npy", make.npy()))[:-30], "it is a truncated or corrupt zip archive"),
    "archive of other things": (_members(("notes.txt", b"hello")), "it is a zip archive with 'notes.txt' in it"),
    "npz with another member": (
        _members(("a.npy", make.npy()), ("b.txt", b"")),
        "it has a member that is not an .npy file",
    ),
    "TorchScript": (_members(("m/data/0", b""), ("m/data.pkl", b"")), "it is a TorchScript program"),
    "bomb": (_bomb(), "unpacks to 1,000,000,0.., more than 16,777,216: it looks like a decompression bomb"),
    "npz with objects": (_members(("a.npy", make.npy("'|O'"))), "contains pickled objects, which can run any code"),
    "npz with hidden objects": (_members(("a.npy", make.npy("[('x', '|O')]"))), "contains pickled objects"),
    "npz of structures": (
        _members(("a.npy", make.npy("[('x', '<f4'), ('y', '<f4')]", "(1,)"))),
        "floats of 16, 32 or 64",
    ),
    "npz of text": (_members(("a.npy", make.npy("'<U1'"))), "floats of 16, 32 or 64 bits can be read"),
    "npz of complex numbers": (_members(("a.npy", make.npy("'<c8'", "(1,)"))), "has dtype complex64"),
    "npz that declares too much": (
        _members(("a.npy", make.npy(shape="(10000000000,)"))),
        "more than 2,147,483,648 bytes",
    ),
    "npz of another size": (_members(("a.npy", make.npy(shape="(3,)"))), r"of shape \(3,\) needs .* bytes"),
    "npz of negative shape": (_members(("a.npy", make.npy(shape="(-2,)"))), r"declares the shape \(-2,\)"),
    "npz header that is code": (
        _members(("a.npy", make.npy(header="__import__('os')"))),
        "has a header that NumPy cannot parse",
    ),
    "npz header of brackets": (_members(("a.npy", make.npy(header="(" * 9000))), "cannot parse"),
    "npz header too long": (_members(("a.npy", make.npy(header=" " * 20_000))), "cannot parse"),
    "npz header beyond the file": (_members(("a.npy", b"\x93NUMPY\1\0\xff\xff{'descr'")), "cannot parse"),
    "npz without a header": (_members(("a.npy", b"")), "is not written in version 1.0 or 2.0 of NumPy's format"),
    "npz of a later version": (_members(("a.npy", make.npy(version=(3, 0)))), "is not written in version 1.0 or 2.0"),
    "npz with a name twice": (
        make.archive([("a.npy", make.npy()), ("b.npy", make.npy())]).replace(b"b.npy", b"a.npy"),
        "array 'a' appears twice",
    ),
    "npz with an array hidden": (_hidden(), "its directory is corrupt: it declares 2 arrays but lists 1"),
    "npz with nothing left in its directory": (
        _members(("a.npy", make.npy()))[:-14] + bytes(14),
        "its directory is not at its end",
    ),
    "npz with text after its end": (_members(("a.npy", make.npy())) + b"hello", "its directory is not at its end"),
    "npz of many members": (
        make.archive([(f"{number}.npy", make.npy()) for number in range(25_000)]),
        "it declares a directory of 1,3.* bytes, more than 1,048,576",
    ),
    "npz with an absolute name": (_members(("/etc/a.npy", make.npy())), "'/etc/a' is not a valid array name"),
    "npz with a name that climbs": (_members(("../a.npy", make.npy())), "'../a' is not a valid array name"),
    "npz with a corrupt value": (
        _members(("a.npy", make.npy(data=b"12345678"))).replace(b"12345678", b"12345679"),
        "Bad CRC-32",
    ),
    "npz with a password": (_flag(_members(("a.npy", make.npy())), 1), "encrypted"),
    "npz packed in a new way": (
        _members(("a.npy", make.npy())).replace(b"\0\0\0\0\0\0!\0", b"\0\0c\0\0\0!\0"),
        "compression",
    ),
}
# Valid files with false metadata: they can be read, but not loaded.
LIES = {
    "no model": (make.native(), "does not record its model"),
    "no model in an npz": (_members(("a.npy", make.npy())), "does not record its model"),
    "unknown model": (make.native(model="os.system"), "unknown model 'os.system'"),
    "unknown argument": (
        make.native(model="vgg16", arguments={"command": "rm"}),
        "unexpected keyword argument 'command'",
    ),
    "argument of the machinery": (
        make.native(model="vgg16", arguments={"rng": 1}),
        "cannot contain a random number generator",
    ),
    "unknown start": (make.native(model="vgg16", arguments={"init": "evil"}), "init must be one of"),
    "argument of the wrong type": (make.native(model="googlenet", arguments={"size": "224"}), "got '224'"),
    "seven groups": (make.native(model="alexnet", arguments={"groups": 7}), "groups must be 1 .* or 2 .*, got 7"),
    "other model": (make.native(model="googlenet"), "more values than the arrays"),
    "endless width": (
        make.native(model="mini", arguments={"width": 1e9}),
        "more values than the arrays",
    ),
    "endless classes": (
        make.native(model="mini", arguments={"num_classes": 2**31}),
        "more values than the arrays",
    ),
    "endless channels": (
        make.native(model="mini", arguments={"in_channels": 2**31}),
        "more values than the arrays",
    ),
    "endless image": (
        make.native(model="googlenet", arguments={"size": 2**31, "width": 0.01}),
        "more values than the arrays",
    ),
    "width of nothing": (make.native(model="mini", arguments={"width": 0}), "width must be above 0"),
    "arrays of another network": (
        make.native({"a/weight": np.zeros(10**5, np.float32)}, **MINI),
        "none of the 1 arrays is in the network: the first is 'a/weight', the first in the network 'conv1/3x3/weight'",
    ),
}


def _write(tmp_path, data):
    path = tmp_path / "file.bin"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", FILES)
def test_hostile_file_is_rejected_with_the_reason(tmp_path, name):
    data, sentence = FILES[name]
    path = _write(tmp_path, data)
    tracemalloc.start()
    try:
        with pytest.raises(
            weights.WeightsError, match=rf"(?s)^cannot read .*file\.bin as weights: .*({sentence})"
        ) as caught:
            weights.read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 1000
    assert peak < MOST_MEMORY + 4 * len(data)


@pytest.mark.parametrize("name", LIES)
def test_false_model_is_rejected_before_it_is_built(tmp_path, name):
    data, sentence = LIES[name]
    path = _write(tmp_path, data)
    weights.read(path)
    tracemalloc.start()
    try:
        with pytest.raises(weights.WeightsError, match=rf"^cannot read .*file\.bin as weights: .*{sentence}"):
            weights.load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY + 8 * len(data)


@pytest.mark.parametrize("data", [SOUND, _members(("a.npy", make.npy()))], ids=["safetensors", "npz"])
def test_unmodified_hostile_templates_can_be_read(tmp_path, data):
    assert weights.read(_write(tmp_path, data)).arrays


def test_missing_files_and_folders_are_rejected(tmp_path):
    with pytest.raises(weights.WeightsError, match=r"as weights: .*(no such file|cannot find)"):
        weights.read(tmp_path / "missing.safetensors")
    with pytest.raises(weights.WeightsError, match="it is a folder"):
        weights.read(tmp_path)
    with pytest.raises(weights.WeightsError, match="as weights: "):
        weights.read("a\0b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipe_is_rejected_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(weights.WeightsError, match="it is a pipe, not a file"):
        weights.read(tmp_path / "pipe")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_raises_a_permission_error(tmp_path):
    path = _write(tmp_path, SOUND)
    path.chmod(0)
    with pytest.raises(weights.WeightsError, match="Permission denied"):
        weights.read(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows would write the holes")
def test_huge_file_is_rejected_unread(tmp_path):
    path = _write(tmp_path, SOUND)
    os.truncate(path, 3 * 1024**3)
    with pytest.raises(weights.WeightsError, match="it has 3,221,225,472 bytes, more than 2,147,483,648"):
        weights.read(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows would write the holes")
def test_mismatched_shapes_are_rejected_before_reading_values(tmp_path):
    header = {"loss3/classifier/bias": {"dtype": "F32", "shape": [10**8], "data_offsets": [0, 4 * 10**8]}}
    path = _write(tmp_path, make.safetensors(header))
    os.truncate(path, path.stat().st_size + 4 * 10**8)
    g = mg.models.mini_googlenet(width=0.1, rng=0)
    tracemalloc.start()
    try:
        with pytest.raises(weights.WeightsError, match=r"must have the shape \(10,\), got \(100000000,\)"):
            weights.load_into(g, path, strict=False)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows would write the holes")
def test_false_model_is_rejected_before_reading_values(tmp_path):
    record = {"format": make.FORMAT, "notes": {}, "arrays": {"loss3/classifier/bias": "0" * 64}, **MINI}
    header = {
        "__metadata__": {"minigooglenet": make.sealed(record)},
        "loss3/classifier/bias": {"dtype": "F32", "shape": [10**8], "data_offsets": [0, 4 * 10**8]},
    }
    path = _write(tmp_path, make.safetensors(header))
    os.truncate(path, path.stat().st_size + 4 * 10**8)
    tracemalloc.start()
    try:
        with pytest.raises(weights.WeightsError, match="126 of the 127 arrays of the network are missing"):
            weights.load(path)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


def test_hostile_files_are_more_than_forty():
    assert len(FILES) + len(LIES) > 100
    assert len({data for data, _ in FILES.values()}) == len(FILES)


def test_largest_written_header_can_be_read(tmp_path):
    classes = tuple(f"class {number} {'x' * 150}" for number in range(6_000))
    contents = weights.Contents(make.arrays(), classes=classes)
    safetensors.write(contents, tmp_path / "a.safetensors")
    assert weights.read(tmp_path / "a.safetensors").classes == classes
    with pytest.raises(ValueError, match=r"more than 2,097,152\. Nothing was written"):
        safetensors.write(weights.Contents(make.arrays(), classes=classes * 3), tmp_path / "b.safetensors")
    assert MOST_TEXT > 160
