"""Torch files (.pth) are read without torch: both formats, every dtype, views, parameters and checkpoints."""

import subprocess
import sys

import numpy as np
import pytest
import torch_made as make
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet import cli, weights

FORMATS = pytest.mark.parametrize("form", [make.archive, make.stream])
A = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.fixture
def read(tmp_path):
    """Return a function that writes the bytes of a file and returns its arrays."""

    def write_and_read(data):
        (tmp_path / "net.pth").write_bytes(data)
        return weights.read(tmp_path / "net.pth").arrays

    return write_and_read


@FORMATS
@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i4", "i2", "i1", "u1", "?"])
def test_every_dtype_is_read_bit_identically(read, form, dtype):
    values = (A - 5).astype(dtype)
    array = read(form({"w": values}))["w"]
    assert (array.dtype, array.tobytes()) == (values.dtype, values.tobytes())
    assert array.flags.c_contiguous
    assert array.flags.writeable


@FORMATS
def test_half_precision_becomes_single_precision(read, form):
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    upper = np.arange(1 << 16, dtype=np.uint16).tobytes()
    arrays = read(
        form({"half": halves, "bfloat16": make.Tensor(upper, "1", "BFloat16Storage", shape=(1 << 16,), strides=(1,))})
    )
    np.testing.assert_array_equal(arrays["half"], halves.astype(np.float32))
    expected = (np.arange(1 << 16, dtype=np.uint32) << 16).view(np.float32)
    assert arrays["bfloat16"].tobytes() == expected.tobytes()
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i8"])
def test_big_endian_archives_are_read(read, dtype):
    swapped = make.Tensor(A.astype(f">{dtype}"), "0", make.STORAGES[dtype])
    np.testing.assert_array_equal(read(make.archive({"w": swapped}, byteorder=b"big"))["w"], A)


def test_big_endian_bfloat16_is_read(read):
    one = make.Tensor(b"\x3f\x80", "0", "BFloat16Storage", shape=(1,), strides=(1,))
    assert read(make.archive({"w": one}, byteorder=b"big"))["w"].tolist() == [1.0]


def test_archives_without_a_byte_order_are_little_endian(read):
    np.testing.assert_array_equal(read(make.archive({"w": A}, without=("byteorder",)))["w"], A)


@FORMATS
@given(data=st.data())
def test_views_of_a_shared_storage_are_read(tmp_path_factory, form, data):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    flat = np.arange(60, dtype=np.float32)
    strides, room = [], 59
    for length in shape:
        strides.append(data.draw(st.integers(0, room // (length - 1) if length > 1 else 9)))
        room -= (length - 1) * strides[-1]
    offset = data.draw(st.integers(0, room))
    view = make.Tensor(flat, "7", offset=offset, shape=shape, strides=tuple(strides))
    path = tmp_path_factory.mktemp("views") / "net.pth"
    path.write_bytes(form({"view": view, "all": make.Tensor(flat, "7")}))
    arrays = weights.read(path).arrays
    expected = np.lib.stride_tricks.as_strided(flat[offset:], shape, [4 * stride for stride in strides])
    np.testing.assert_array_equal(arrays["view"], expected)
    np.testing.assert_array_equal(arrays["all"], flat)
    assert not np.shares_memory(arrays["view"], arrays["all"])


def test_views_of_storages_in_old_files_are_read(read):
    view = make.stream({"w": make.Tensor(A, "5", shape=(4,), strides=(1,), offset=1)}, view=(("6", 10, 5),))
    assert read(view)["w"].tolist() == [11, 12, 13, 14]
    with pytest.raises(weights.WeightsError, match="its pickle is corrupt: BINPERSID"):
        read(make.stream({"w": A}, view=(("6", 10, 15),)))
    with pytest.raises(weights.WeightsError, match="exceeds its storage of 5 values"):
        read(make.stream({"w": A}, view=(("6", 10, 5),)))


@FORMATS
def test_scalars_and_empty_tensors_are_read(read, form):
    arrays = read(form({"scalar": np.array(3.0, np.float32), "empty": np.zeros((2, 0, 3), np.float32)}))
    assert arrays["scalar"].shape == ()
    assert arrays["scalar"] == 3
    assert arrays["empty"].shape == (2, 0, 3)


@FORMATS
def test_parameters_and_tensors_with_attributes_are_read(read, form):
    hooks = make.Call("collections OrderedDict", ())
    attributes = {"note": "attribute"}
    parameter = make.Call("torch._utils _rebuild_parameter", (A, True, hooks))
    annotated = make.Call("torch._utils _rebuild_parameter_with_state", (A, True, hooks, attributes))
    record = ("storage", make.Name("torch FloatStorage"), "2", "cpu", 24)
    arguments = (make.Persistent(record), 3, (2,), (1,), False, hooks)
    rebuilt = make.Name("torch._utils _rebuild_tensor_v2")
    tagged = make.Call(
        "torch._tensor _rebuild_from_type_v2", (rebuilt, make.Name("torch Tensor"), arguments, attributes)
    )
    arrays = read(form({"p": parameter, "s": annotated, "w": make.Tensor(A, "2"), "t": tagged}))
    for name in "psw":
        np.testing.assert_array_equal(arrays[name], A)
    assert arrays["t"].tolist() == [3, 4]


def test_newer_integers_are_read(read):
    data = np.array([1, 2**16 - 1], np.uint16)
    storage = make.Persistent(("storage", make.Name("torch.storage UntypedStorage"), "0", "cpu", 4))
    hooks = make.Call("collections OrderedDict", ())
    new = ("torch._utils _rebuild_tensor_v3", (storage, 0, (2,), (1,), False, hooks, make.Name("torch uint16")))
    array = read(make.archive({"w": make.Call(*new)}, members=[("data/0", data.tobytes())]))["w"]
    assert (array.dtype, array.tolist()) == (np.uint16, [1, 65535])


@FORMATS
def test_metadata_of_a_state_dict_is_ignored(read, form):
    code = make.encoded(make.Call("collections OrderedDict", ()))
    code += b"(" + make.encoded("w") + make.encoded(make.described(A, {})) + b"u"
    code += make.encoded({"_metadata": {"": {"version": 1}}}) + b"b"
    if form is make.archive:
        data = make.archive(make.Raw(code), members=[("data/0", A.tobytes())])
    else:
        data = make.stream(make.Raw(code), keys=["0"], tail=(24).to_bytes(8, "little") + A.tobytes())
    np.testing.assert_array_equal(read(data)["w"], A)


def test_text_of_python_2_is_read(read):
    name, pair = b"U\x03fc1", make.encoded(make.described(A, {}))
    items = b"](](" + name + pair + b"ee"
    code = make.encoded(make.Name("collections OrderedDict")) + items + b"\x85R"
    data = make.archive(make.Raw(code), members=[("data/0", A.tobytes())])
    np.testing.assert_array_equal(read(data)["fc1"], A)


def test_files_from_a_gpu_are_read(read):
    np.testing.assert_array_equal(read(make.archive({"w": make.Tensor(A, location="cuda:1")}))["w"], A)
    on_gpu = ("storage", make.Name("torch.cuda FloatStorage"), "0", "cuda:0", 24)
    old = make.Call("torch._utils _rebuild_tensor", (make.Persistent(on_gpu), 0, (24,), (1,)))
    data = make.stream({"w": old}, keys=["0"], tail=(24).to_bytes(8, "little") + A.tobytes())
    np.testing.assert_array_equal(read(data)["w"], A.ravel())


SKIPPED = {
    "epoch": 3,
    "loss": 0.5,
    "best": make.Call("numpy.core.multiarray scalar", (make.Call("numpy dtype", ("f8", False, True)), "x")),
    "args": make.Raw(b"cargparse\nNamespace\n)\x81}(X\x02\0\0\0lrG" + bytes(8) + b"ub"),
    "device": make.Call("torch device", ("cpu",)),
    "dtype": make.Name("torch float32"),
    "classes": make.Call("__builtin__ set", (["a", "b"],)),
    "counts": make.Call("collections defaultdict", (make.Name("__builtin__ list"),)),
    "optimizer": {"state": {0: {"momentum": A}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0]}]},
}


@FORMATS
@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "net"])
def test_checkpoints_may_contain_plain_objects(tmp_path, form, key):
    (tmp_path / "net.pth").write_bytes(form({**SKIPPED, key: {"w": A}}))
    contents = weights.read(tmp_path / "net.pth")
    np.testing.assert_array_equal(contents.arrays["w"], A)
    assert contents.notes["inside"].startswith(f"{key!r} of a checkpoint, next to 'epoch', 'loss'")


@pytest.mark.parametrize("key", ["state_dict_ema", "model_ema", "ema"])
def test_averaged_weights_of_a_checkpoint_come_first(tmp_path, key):
    averaged = {"n_averaged": np.array(7), **{f"module.{name}": A + 1 for name in "ab"}}
    (tmp_path / "net.pth").write_bytes(make.archive({"model": {"a": A, "b": A}, key: averaged, "epoch": 3}))
    contents = weights.read(tmp_path / "net.pth")
    assert list(contents.arrays) == ["module.a", "module.b"]
    np.testing.assert_array_equal(contents.arrays["module.a"], A + 1)
    assert contents.notes["inside"] == f"{key!r} of a checkpoint, next to 'model', 'epoch'"


def test_torch_without_checksums_is_read(read):
    data = bytearray(make.archive({"w": A}))
    for mark, at in ((b"PK\3\4", 14), (b"PK\1\2", 16)):
        start = -1
        while (start := data.find(mark, start + 1)) >= 0:
            data[start + at : start + at + 4] = bytes(4)
    np.testing.assert_array_equal(read(data)["w"], A)


def test_any_state_dict_is_inspected_and_converted(tmp_path, capsys):
    path, out = str(tmp_path / "net.pt"), tmp_path / "net.npz"
    (tmp_path / "net.pt").write_bytes(make.archive({"state_dict": {"layer.weight": A, "steps": np.array(7)}}))
    assert cli.main(["weights", "inspect", path]) == 0
    shown = capsys.readouterr().out
    assert "format: torch state dict" in shown
    assert "inside: 'state_dict' of a checkpoint, next to nothing" in shown
    assert cli.main(["weights", "convert", path, str(out)]) == 0
    with np.load(out) as arrays:
        np.testing.assert_array_equal(arrays["layer.weight"], A)
    with pytest.raises(weights.WeightsError, match=r"it does not record its model\. Build the model and call"):
        weights.load(path)


def test_network_is_read_without_torch(tmp_path):
    (tmp_path / "net.pth").write_bytes(make.archive({"module.fc.weight": A[0]}))
    code = (
        "import sys, minigooglenet as mg; sys.modules['torch'] = None; "
        "print(mg.weights.read(sys.argv[1]).arrays['module.fc.weight'].tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "net.pth")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(A[0].tolist())


# --- files that torch writes


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def _everything(torch, old):
    """Return a state dict with every dtype, and views of each storage."""
    names = ["float32", "float64", "float16", "bfloat16", "uint8", "int8", "int16", "int32", "int64", "bool"]
    names += [] if old else ["uint16", "uint32", "uint64"]  # torch cannot read these in the old format
    base, state = 10 * torch.randn(6, 7, 8, generator=torch.Generator().manual_seed(0)), {}
    for name in names:
        whole = base.to(getattr(torch, name))
        state |= {
            name: whole,
            f"{name}, transposed": whole.permute(2, 0, 1),
            f"{name}, every second": whole[1::2, ::3, 5],
            f"{name}, one value": whole[2, 2, 2],
            f"{name}, empty": whole[:0],
            f"{name}, expanded": whole[:1, :1, :1].expand(3, 2, 1),
        }
    parameter = torch.nn.Parameter(torch.ones(3))
    parameter.note = "an attribute"
    tensor = torch.ones(2)
    tensor.note = {1: 2}
    return {**state, "parameter": torch.nn.Parameter(torch.ones(3)), "attribute": parameter, "tensor": tensor}


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_files_of_torch_are_read_like_torch(tmp_path, torch, old, protocol):
    path = tmp_path / "net.pth"
    torch.save(_everything(torch, old), path, _use_new_zipfile_serialization=not old, pickle_protocol=protocol)
    expected = torch.load(path, weights_only=protocol == 2)
    arrays = weights.read(path).arrays
    assert list(arrays) == list(expected)
    for name, tensor in expected.items():
        wide = tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
        theirs, ours = wide.detach().numpy(), arrays[name]
        assert (ours.dtype, ours.shape, ours.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes()), name


@pytest.mark.parametrize("old", [False, True])
def test_state_dict_of_a_module_is_read_like_torch(tmp_path, torch, old):
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2)).half()
    path = tmp_path / "net.pth"
    torch.save({"state_dict": module.state_dict(), "epoch": 1}, path, _use_new_zipfile_serialization=not old)
    arrays = weights.read(path).arrays
    for name, tensor in module.state_dict().items():
        np.testing.assert_array_equal(arrays[name], tensor.numpy())
