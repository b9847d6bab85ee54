"""Hostile and corrupt torch files: no code runs, and each is rejected with one sentence and little memory."""

import contextlib
import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch_made as make
import weight_bombs

from minigooglenet import weights
from minigooglenet.weights import pickles, torch_files

MOST_MEMORY = 4 * 1024**2
A = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
FORMATS = {"archive": make.archive, "stream": make.stream}
MARKER = "code_of_the_file_was_run"
RUN = f"import pathlib; pathlib.Path('{MARKER}').touch()"
OBJECT = r"it contains a Python object, {}, that could run any code\. Save only the tensors: torch\.save\(model"


RECORD = ("storage", make.Name("torch FloatStorage"), "0", "cpu", 24)


def _tensor(record=RECORD, offset=0, shape=(24,), strides=(1,)):
    arguments = (make.Persistent(record), offset, shape, strides, False, make.Call("collections OrderedDict", ()))
    return make.Call("torch._utils _rebuild_tensor_v2", arguments)


def _raw(code):
    return make.Raw(code)


# {name: (value of the pickle, reason)}: what a pickle can do when an unpickler reads it
CODE = {
    "os.system": (make.Call("os system", (f"touch {MARKER}",)), OBJECT.format(r"os\.system")),
    "posix.system": (make.Call("posix system", (f"touch {MARKER}",)), OBJECT.format(r"posix\.system")),
    "exec": (make.Call("builtins exec", (RUN,)), OBJECT.format(r"builtins\.exec")),
    "eval of Python 2": (make.Call("__builtin__ eval", (RUN,)), OBJECT.format(r"builtins\.eval")),
    "getattr": (make.Call("builtins getattr", (make.Name("collections OrderedDict"), "x")), OBJECT.format(".*getattr")),
    "runpy": (make.Call("runpy _run_code", (RUN, {})), OBJECT.format(r"runpy\._run_code")),
    "torch.hub": (make.Call("torch.hub load", ("a/b", "c")), OBJECT.format(r"torch\.hub\.load")),
    "torch.load": (make.Call("torch.serialization load", ("other.pth",)), OBJECT.format(r"torch\.serialization\.load")),
    "numpy.load": (make.Call("numpy load", ("a.npy", None, True)), OBJECT.format(r"numpy\.load")),
    "a dotted name": (make.Call("torch storage.os.system", ("ls",)), OBJECT.format(r"torch\.storage\.os\.system")),
    "a name in the list, dotted": (make.Call("torch.Size __class__", ()), OBJECT.format(r"torch\.Size\.__class__")),
    "a whole module": (make.Call("torchvision.models.googlenet GoogLeNet", ()), OBJECT.format(".*GoogLeNet")),
    "a sparse tensor": (
        make.Call("torch._utils _rebuild_sparse_tensor", ()),
        OBJECT.format(".*_rebuild_sparse_tensor"),
    ),
    "INST": (_raw(b"(X\2\0\0\0lsios\nsystem\n"), "has the instruction b'i'"),
    "OBJ": (_raw(b"(cos\nsystem\nX\2\0\0\0lso"), OBJECT.format(r"os\.system")),
    "OBJ of a permitted name": (_raw(b"(cargparse\nNamespace\no"), "has the instruction b'o'"),
    "EXT1": (_raw(b"\x82\x01"), r"has the instruction b'\\x82'"),
    "PERSID": (_raw(b"Pos.system\n"), "has the instruction b'P'"),
    "STACK_GLOBAL": (_raw(b"\x8c\x02os\x8c\x06system\x93X\2\0\0\0ls\x85R"), OBJECT.format(r"os\.system")),
    "NEWOBJ": (_raw(b"csubprocess\nPopen\nX\2\0\0\0ls\x85\x81"), OBJECT.format(r"subprocess\.Popen")),
    "NEWOBJ_EX": (_raw(b"csubprocess\nPopen\n)}\x92"), OBJECT.format(r"subprocess\.Popen")),
    "BUILD of a class": (_raw(b"ctorch\nTensor\n}X\1\0\0\0aK\1sb"), "it does not contain a plain state dict"),
    "a call of a tensor": (_raw(make.encoded(_tensor()) + b")R"), "its pickle is corrupt: REDUCE"),
    "a call of text": (_raw(b"X\2\0\0\0os)R"), "its pickle is corrupt: REDUCE does not fit the values before it"),
    "a call of a dtype": (make.Call("torch float32", ()), "its pickle is corrupt: REDUCE"),
    "a function among the arguments": (
        make.Call("torch._tensor _rebuild_from_type_v2", (make.Name("argparse Namespace"), None, (), None)),
        "its pickle is corrupt: REDUCE",
    ),
    "a call that calls itself": (
        make.Call(
            "torch._tensor _rebuild_from_type_v2", (make.Name("torch._tensor _rebuild_from_type_v2"), None, (), None)
        ),
        "its pickle is corrupt: REDUCE",
    ),
    "escapes in a name": (make.Call("os \x1b[2Jsystem", ()), r"os\.system"),
    "a long name": (make.Call(f"os {'x' * 10**6}", ()), r"os\.x+, that could"),
}
# {name: (value of the pickle, reason)}: corrupt and excessive pickles
PICKLES = {
    "no value": (_raw(b""), "it does not end with one value"),
    "two values": (_raw(b"}}"), "it does not end with one value"),
    "an unknown instruction": (_raw(b"\xff"), r"its pickle has the instruction b'\\xff'"),
    "a text longer than the file": (_raw(b"X\xff\xff\xff\x7f"), "its pickle is truncated or corrupt"),
    "a text of 2**60 bytes": (_raw(b"\x8d" + struct.pack("<Q", 2**60)), "its pickle is truncated or corrupt"),
    "a text of 2**64 - 1 bytes": (_raw(b"\x8d" + b"\xff" * 8), "its pickle is truncated or corrupt"),
    "a negative text": (_raw(b"T\xff\xff\xff\xff"), "its pickle is truncated or corrupt"),
    "text that is not UTF-8": (_raw(b"X\1\0\0\0\xff"), "its pickle is truncated or corrupt"),
    "a number of 2 GB": (_raw(b"\x8b\xff\xff\xff\x7f"), r"has the instruction b'\\x8b'"),
    "a stack that is empty": (_raw(b"s"), "its pickle is corrupt: SETITEM does not fit"),
    "a mark that is missing": (_raw(b"u"), "its pickle is corrupt: SETITEMS does not fit"),
    "values before a mark": (_raw(b"}K\1(s"), "its pickle is corrupt: SETITEM does not fit"),
    "a memo that is empty": (_raw(b"h\7"), "its pickle is corrupt: BINGET does not fit"),
    "an item of a number": (_raw(b"K\1K\1K\1s"), "its pickle is corrupt: SETITEM does not fit"),
    "a key without a value": (_raw(b"}(K\1u"), "its pickle is corrupt: SETITEMS does not fit"),
    "an element of a number": (_raw(b"K\1K\1a"), "its pickle is corrupt: APPEND does not fit"),
    "arguments that are a list": (_raw(b"ccollections\nOrderedDict\n]R"), "its pickle is corrupt: REDUCE"),
    "a dict of numbers": (make.Call("collections OrderedDict", ([1, 2],)), "its pickle is corrupt: REDUCE"),
    "a name of a tuple": (_raw(weight_bombs.tuples()[2:-1].partition(b"q\0")[2] + b"h\1h\1\x93"), "its pickle is"),
    "a record of a module": (make.Persistent(("module", "a", "b", "c")), "its pickle is corrupt: BINPERSID"),
    "a record of nothing": (make.Persistent(()), "its pickle is corrupt: BINPERSID"),
    "a record that is text": (_raw(b"X\1\0\0\0aQ"), "its pickle is corrupt: BINPERSID"),
    "a storage of text": (
        {"w": _tensor(("storage", "torch.FloatStorage", "0", "cpu", 24))},
        "its pickle is corrupt: BINPERSID",
    ),
    "a storage of a function": (
        {"w": _tensor(("storage", make.Name("collections OrderedDict"), "0", "cpu", 24))},
        "its pickle is corrupt: BINPERSID",
    ),
    "a storage of -1 values": (
        {"w": _tensor(("storage", make.Name("torch FloatStorage"), "0", "cpu", -1))},
        "its pickle is corrupt: BINPERSID",
    ),
    "a tensor of a number": (make.Call("torch._utils _rebuild_tensor_v2", (3, 0, (), ())), "is corrupt: REDUCE"),
    "a negative offset": ({"w": _tensor(offset=-1)}, "its pickle is corrupt: REDUCE"),
    "a negative stride": ({"w": _tensor(strides=(-1,))}, "its pickle is corrupt: REDUCE"),
    "a fraction as a shape": ({"w": _tensor(shape=(0.5,))}, "its pickle is corrupt: REDUCE"),
    "strides of other axes": ({"w": _tensor(strides=(1, 1))}, "its pickle is corrupt: REDUCE"),
    "a tensor beyond its storage": ({"w": _tensor(offset=1)}, r"of shape \(24,\) that exceeds its storage of 24"),
    "a huge tensor": ({"w": _tensor(shape=(2**62, 2**62), strides=(1, 1))}, "that exceeds its storage of 24 values"),
    "a huge offset": ({"w": _tensor(offset=2**62)}, "that exceeds its storage of 24 values"),
    "a tensor of many axes": ({"w": _tensor(shape=(1,) * 900, strides=(0,) * 900)}, "has a tensor of 900 axes"),
    "a tensor that is negated": (
        {"w": make.Call("torch._utils _rebuild_tensor_v2", (*_tensor().arguments, {"neg": True}))},
        "it has a tensor that torch must change",
    ),
    "an expanded tensor": ({"w": _tensor(shape=(2**40, 1024), strides=(0, 0))}, "which has more values than the file"),
    "many names of one storage": (
        {f"w{i}": make.Tensor(A[0], "0", shape=(2_500, 4), strides=(0, 1)) for i in range(2_000)},
        r"bytes, and its arrays need 80,000,000, more than 16,777,216",
    ),
    "an empty tensor of an endless shape": (
        {"w": _tensor(shape=(0, 2**62), strides=(1, 1))},
        "maximum supported size|array is too big|more than|too large",
    ),
    "a name of a path": ({"../../w": _tensor()}, "'../../w' is not a valid array name"),
    "a name that no console shows": ({"\x1b[2J": _tensor()}, "must be a line of printable text"),
    "a name of half a letter": ({"\ud800": _tensor()}, "must be a line of printable text"),
    "a complex tensor": ({"w": make.Tensor(A.astype("c8"))}, r"'w' has dtype complex64\. Save it as float32 first"),
    "no dict": ([_tensor()], r"does not contain a plain state dict\. Save one with torch\.save\(model"),
    "a dict of other things": ({"w": 3}, "does not contain a plain state dict"),
    "a dict of numbers as names": ({3: _tensor()}, "does not contain a plain state dict"),
    "an empty dict": ({}, "does not contain a plain state dict"),
    "a list in itself": (_raw(b"]q\0h\0a"), "does not contain a plain state dict"),
    "two state dicts": ({"a": {"w": _tensor()}, "b": {"w": _tensor()}}, "does not contain a plain state dict"),
}


def _archive(value):
    return make.archive(value, members=[("data/0", A.tobytes())])


def _stream(value):
    named = b"FloatStorage" in make.encoded(value)
    return make.stream(value, keys=["0"] * named, tail=struct.pack("<q", 24) + A.tobytes())


def _file(value, form):
    storages = {}
    make.described(value, storages)
    if storages:
        return FORMATS[form](value)
    return {"archive": _archive, "stream": _stream}[form](value)


def _check_rejected(path, data, reason):
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(weights.WeightsError, match=rf"(?s)^cannot read .* as weights: .*({reason})") as caught:
            weights.read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    text = str(caught.value)
    assert len(text) < 1000
    assert "\n" not in text
    assert "\x1b" not in text
    assert peak < MOST_MEMORY + 12 * len(data)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", CODE)
def test_code_in_a_pickle_is_rejected_and_not_run(tmp_path, monkeypatch, form, name):
    monkeypatch.chdir(tmp_path)
    value, reason = CODE[name]
    for saved in (value, {"w": _tensor(), "x": value}):
        _check_rejected(tmp_path / "net.pth", _file(saved, form), reason)
    assert not (tmp_path / MARKER).exists()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", PICKLES)
def test_corrupt_pickle_is_rejected_with_the_reason(tmp_path, form, name):
    value, reason = PICKLES[name]
    _check_rejected(tmp_path / "net.pth", _file(value, form), reason)


def test_unmodified_templates_can_be_read(tmp_path):
    for form in (_archive, _stream):
        (tmp_path / "net.pth").write_bytes(form({"w": _tensor()}))
        np.testing.assert_array_equal(weights.read(tmp_path / "net.pth").arrays["w"], A.ravel())


def _zipped(*members, method=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, data in members:
            file.writestr(zipfile.ZipInfo(name), data, method)
    return stream.getvalue()


STATE = make.pickled({"w": _tensor()})
SOUND = _archive({"w": _tensor()})


FILES = {
    "no pickle": (_zipped(("a/data.pkl", b"")), "its pickle is truncated or corrupt"),
    "a pickle in another folder": (
        _zipped(("a/b/data.pkl", STATE), ("a/data/0", A.tobytes())),
        "its member 'a/data.pkl' is missing",
    ),
    "no storage": (make.archive({"w": _tensor()}), "it is corrupt: storage '0' is missing"),
    "a storage that is a path": (
        _archive({"w": _tensor(("storage", make.Name("torch FloatStorage"), "../../../etc/passwd", "cpu", 24))}),
        "storage '../../../etc/passwd' is missing",
    ),
    "a short storage": (
        make.archive({"w": _tensor()}, members=[("data/0", bytes(92))]),
        "storage '0' has 92 bytes, but 24 values of float32 need 96",
    ),
    "a storage that declares too much": (
        _archive({"w": _tensor(("storage", make.Name("torch FloatStorage"), "0", "cpu", 2**62))}),
        "storage '0' has 96 bytes, but 4,611,686,018,427,387,904 values of float32 need",
    ),
    "an unknown byte order": (make.archive({"w": A}, byteorder=b"middle"), "its byte order is b'middle'"),
    "TorchScript": (
        make.archive({"w": A}, members=[("constants.pkl", b"")]),
        r"it is a TorchScript program\. Save its state_dict\(\)",
    ),
    "a member twice": (
        make.archive({"w": A}, members=[("dato/0", A.tobytes())]).replace(b"dato/0", b"data/0"),
        "its member 'archive/data/0' appears twice",
    ),
    "a compressed archive": (
        _zipped(("a/data.pkl", bytes(10**7)), method=zipfile.ZIP_DEFLATED),
        "would unpack to 10,000,000, but torch never compresses",
    ),
    "a false size": (SOUND.replace(struct.pack("<II", 96, 96), struct.pack("<II", 96, 2**31)), "unpack to|corrupt"),
    "a flipped bit": (SOUND.replace(A.tobytes(), A[::-1].tobytes()), "its member 'archive/data/0' does not match"),
    "a member outside of the file": (
        SOUND[:-22].replace(
            struct.pack("<I", SOUND.index(b"archive/data/0") - 30) + b"archive/data/0", b"\xf0\xff\0\0archive/data/0"
        )
        + SOUND[-22:],
        "its member 'archive/data/0' is not where the directory has it",
    ),
    "an archive that is cut": (SOUND[:-30], "it is a truncated or corrupt zip archive"),
    "a comment of a directory": (SOUND[:-22] + b"PK\5\6" + bytes(18), "its member|is missing|corrupt"),
    "a stream of another magic number": (
        make.stream({"w": A}).replace(b"\x4d\xe9\x03", b"\x4d\xe8\x03").replace(b"\x8a\2\xe9\3", b"\x8a\2\xe8\3"),
        "it does not begin with the numbers of a torch file of version 1001",
    ),
    "a stream without keys": (make.stream({"w": A}, keys=[]), "it is corrupt: storage '0' is missing"),
    "a stream with a key twice": (make.stream({"w": A}, keys=["0", "0"]), "its list of storages differs"),
    "a stream with another key": (make.stream({"w": A}, keys=["1"]), "its list of storages differs"),
    "a stream with a key of text": (make.stream({"w": A}, keys="0"), "it is corrupt: storage '0' is missing"),
    "a stream that is cut": (make.stream({"w": A})[:-1], "it is truncated"),
    "a stream of too many values": (
        _stream({"w": _tensor()})[: -96 - 8] + struct.pack("<Q", 2**63) + A.tobytes(),
        "it is truncated",
    ),
    "a stream of another count": (
        _stream({"w": _tensor()})[: -96 - 8] + struct.pack("<Q", 23) + A.tobytes(),
        "storage '0' has 92 bytes, but 24 values of float32 need 96",
    ),
    "many members": (_zipped(*((f"a/data.pkl{i or ''}", b"") for i in range(9000))), "its pickle is truncated"),
}


@pytest.mark.parametrize("name", FILES)
def test_corrupt_torch_file_is_rejected_with_the_reason(tmp_path, name):
    _check_rejected(tmp_path / "net.pth", *FILES[name])


def test_long_directory_is_rejected(tmp_path, monkeypatch):
    monkeypatch.setattr(torch_files, "MOST_DIRECTORY", 100)
    _check_rejected(tmp_path / "net.pth", SOUND, "its directory takes .* bytes, more than 100")


def test_encrypted_member_is_rejected(tmp_path):
    data = bytearray(SOUND)
    data[data.index(b"PK\1\2") + 8] |= 1
    _check_rejected(tmp_path / "net.pth", bytes(data), "is encrypted")


@pytest.mark.parametrize("form", FORMATS)
def test_pickle_instructions_and_bytes_are_limited(tmp_path, monkeypatch, form):
    with monkeypatch.context() as changed:
        changed.setattr(pickles, "MOST_STEPS", 1_000)
        data = _file(_raw(b"}" + b"K\1" * 2_000), form)
        _check_rejected(
            tmp_path / "net.pth", data, "its pickle has 1,000 instructions in 1,999 bytes so far, more than"
        )
    monkeypatch.setattr(pickles, "MOST_BYTES", 1_000)
    reason = "has 2,1.. bytes, more than 1,000" if form == "archive" else "its pickle is truncated or corrupt"
    _check_rejected(tmp_path / "net.pth", _file({"x" * 2_000: _tensor()}, form), reason)


def _named(code, count):
    """Return the instructions for a dict with one value, which has many names."""
    names = b"".join(make.encoded(str(name)) + b"h\0" for name in range(count))
    return code + b"q\0" + b"0}(" + names + b"u"


BOMBS = {
    "nested tuples": weight_bombs.tuples()[2:-1],
    "nested lists": b"]" * 140_000 + b"a" * 139_999,
    "nested tuples of one": b")" + b"\x85" * 280_000,
    "tuples as keys": b"}(" + b")" + b"\x85" * 1000 + b"K\1u",
    "integers of one hash": b"}(" + b"".join(make.encoded(k * (2**61 - 1)) + b"N" for k in range(20_000)) + b"u",
    "integers of 255 bytes": b"](" + (b"\x8a\xff" + bytes(254) + b"\1") * 2_000 + b"e",
    "a shared list": b"]q\0(" + b"h\0" * 100_000 + b"e",
    "empty dicts": b"](" + b"}" * 200_000 + b"e",
    "a long tuple for many calls": (
        b"cargparse\nNamespace\nq\1(" + b"N" * 100_000 + b"tq\0(" + b"h\1h\0R0" * 40_000 + b"t"
    ),
    "a long list for many calls": (
        b"ccollections\nOrderedDict\nq\1(](" + b"](X\1\0\0\0aNe" * 30_000 + b"etq\0(" + b"h\1h\0R0" * 20_000 + b"t"
    ),
    "a state dict under many names": _named(_named(make.encoded(_tensor()), 20_000), 20_000),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", BOMBS)
def test_pickle_bombs_take_little_time_and_memory(tmp_path, form, name):
    data = _file(_raw(BOMBS[name]), form)
    (tmp_path / "net.pth").write_bytes(data)
    # With a hash of each key, or a repr of each value, this would take minutes or years.
    reason = "does not contain a plain state dict|does not fit|one value|passes .* values to functions so far"
    with pytest.raises(weights.WeightsError, match=reason):
        weights.read(tmp_path / "net.pth")


@pytest.mark.parametrize("form", FORMATS)
def test_long_list_is_not_copied_for_each_item_of_a_dict(tmp_path, form):
    items = b"](](" + b"N" * 3_000 + b"eq\0" + b"h\0" * 3_000 + b"e"  # with a copy for each: 72 MB
    value = _raw(b"ccollections\nOrderedDict\n(" + items + b"tR")
    _check_rejected(tmp_path / "net.pth", _file(value, form), "its pickle is corrupt: REDUCE does not fit")


@pytest.mark.parametrize("form", FORMATS)
def test_file_truncated_at_any_byte_is_rejected(tmp_path, form):
    data, path = FORMATS[form]({"state_dict": {"a": A, "b": A[0]}, "epoch": 3}), tmp_path / "net.pth"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(weights.WeightsError, match=r"^cannot read ") as caught:
            weights.read(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("form", FORMATS)
def test_every_mutation_of_a_torch_file_is_handled(tmp_path, form):
    original, path = FORMATS[form]({"state_dict": {"a": A, "b": A[0]}, "epoch": 3}), tmp_path / "net.pth"
    rng, rejected, longest, count = np.random.default_rng(0), 0, 0, 2_000
    for _ in range(count):
        data = bytearray(original)
        for _ in range(rng.integers(1, 4)):
            at, length = int(rng.integers(len(data))), int(rng.integers(1, 9))
            kind = rng.integers(4)
            if kind == 0:
                data[at] ^= 1 << int(rng.integers(8))
            elif kind == 1:
                data[at] = int(rng.integers(256))
            elif kind == 2:
                del data[at : at + length]
            else:
                data[at:at] = rng.bytes(length)
            if not data:
                data = bytearray(b"\0")
        path.write_bytes(data)
        try:
            contents = weights.read(path)
        except weights.WeightsError as error:
            rejected += 1
            longest = max(longest, len(str(error)))
        else:
            assert all(array.size <= len(data) for array in contents.arrays.values())
    assert rejected > 0.5 * count
    assert longest < 1000


def test_hostile_files_leave_no_open_file(tmp_path):
    path = tmp_path / "net.pth"
    for data in (SOUND, _archive(CODE["os.system"][0])):
        path.write_bytes(data)
        with contextlib.suppress(weights.WeightsError):
            weights.read(path)
        path.unlink()  # Windows rejects this for an open or mapped file
