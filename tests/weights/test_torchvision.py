"""torchvision weights in safetensors and torch files, and errors for other files."""

import numpy as np
import pytest
import torch_made
from safetensors.numpy import save_file
from torchvision_oracle import random_googlenet

import minigooglenet as mg
from minigooglenet.weights import detect, torchvision
from minigooglenet.weights.contents import WeightsError
from minigooglenet.weights.state_dicts.known import KNOWN

HEADLESS, ALL = torchvision.names(aux=False), torchvision.names()


def read_state(path):
    """Return the contents of a state dict read as torchvision's GoogLeNet, for any names."""
    with detect.opened(path) as reader, path.open("rb") as file:
        if not isinstance(reader, torchvision.Reader):
            reader = torchvision.Reader(file, reader, KNOWN[0])
        return reader.read()


@pytest.fixture(scope="module")
def state():
    """A state dict in torchvision's layout with three classes, without heads, in half precision to save space."""
    g = mg.models.googlenet(3, variant="torchvision", aux=False, init="zeros")
    arrays = {**g.params, **g.buffers}
    rng = np.random.default_rng(0)
    state = {key: rng.random(arrays[name].shape).astype("f2") for key, name in HEADLESS.items()}
    return {**state, "conv1.bn.num_batches_tracked": np.array(7)}


@pytest.fixture
def read(tmp_path):
    def save_and_read(state):
        path = tmp_path / "googlenet.safetensors"
        save_file(state, path)
        return read_state(path)

    return save_and_read


@pytest.mark.parametrize(("suffix", "aux"), [("safetensors", True), ("zip.pth", False), ("old.pth", True)])
def test_torchvision_state_dict_reads_bit_identically(tmp_path, aux, suffix):
    torch = pytest.importorskip("torch")
    model, path = random_googlenet(aux, num_classes=4).float(), tmp_path / suffix
    if suffix == "safetensors":
        from safetensors.torch import save_file as save

        save(model.state_dict(), path)
    else:
        torch.save(model.state_dict(), path, _use_new_zipfile_serialization=suffix == "zip.pth")
    contents = read_state(path)
    assert contents.model == "googlenet"
    assert contents.arguments == {"num_classes": 4, "aux": aux, "variant": "torchvision"}
    assert contents.pixels is None
    assert contents.notes["from"] == "torchvision"
    g = mg.models.build(contents.model, **contents.arguments)
    assert {name: array.shape for name, array in contents.arrays.items()} == {
        name: array.shape for view in (g.params, g.buffers) for name, array in view.items()
    }
    expected = model.state_dict()
    for key, name in (ALL if aux else HEADLESS).items():
        assert contents.arrays[name].dtype == np.float32
        np.testing.assert_array_equal(contents.arrays[name], expected[key].numpy())


def test_load_detects_torchvision_files(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save

    model = random_googlenet(False).float().eval()
    torch.save(model.state_dict(), tmp_path / "some.pth")
    save(model.state_dict(), tmp_path / "some.safetensors")
    x = np.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    for name in ("some.pth", "some.safetensors"):
        y = mg.weights.load(tmp_path / name, pixels="unit").graph(x)
        assert np.abs(y - expected).max() < 1e-5 * np.abs(expected).max()


def test_every_torchvision_array_has_a_name(state):
    assert len(HEADLESS) == len(state) - 1 == 57 * 5 + 2
    assert len(set(ALL.values())) == len(ALL) == 59 * 5 + 5 * 2


@pytest.mark.parametrize("dtype", ["f2", "f8"])
def test_torchvision_arrays_become_single_precision(read, state, dtype):
    contents = read({name: value.astype(dtype) for name, value in state.items()})
    assert {array.dtype for array in contents.arrays.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(contents.arrays["conv1/7x7_s2/weight"], state["conv1.conv.weight"].astype("f4"))


def without(state, *names):
    return {name: value for name, value in state.items() if name not in names}


def spoiled(state, value):
    weight = state["inception4a.branch2.1.conv.weight"].astype("f8")
    weight[3, 4, 1, 1] = value
    return {**state, "inception4a.branch2.1.conv.weight": weight}


WRONG = {  # {fault: (function that changes a valid state dict, part of the message)}
    "another network": (
        lambda state: {"layer1.0.conv1.weight": np.ones((2, 2), "f4")},
        "is not torchvision's GoogLeNet",
    ),
    "an array less": (
        lambda state: without(state, "inception5b.branch4.1.bn.running_var"),
        "it lacks 'inception5b.branch4.1.bn.running_var' (1 in total)",
    ),
    "an array more": (lambda state: {**state, "fc2.weight": np.ones(3, "f4")}, "it also has 'fc2.weight' (1 in total"),
    "names of an unknown wrapping": (
        lambda state: {f"student.{name}": value for name, value in state.items()} | {"fc.weight": state["fc.weight"]},
        "it also has 'student.",
    ),
    "names with and without a wrapping": (
        lambda state: {f"module.{name}": value for name, value in state.items()} | {"fc.weight": state["fc.weight"]},
        "some of its names appear with and without 'module.'",
    ),
    "half a head": (lambda state: {**state, "aux1.fc2.bias": np.ones(3, "f4")}, "it lacks 'aux1.conv.conv.weight'"),
    "a true 5x5": (
        lambda state: {**state, "inception3a.branch3.1.conv.weight": np.ones((32, 16, 5, 5), "f2")},
        "'inception3a.branch3.1.conv.weight' must have the shape (32, 16, 3, 3), as in torchvision, got (32, 16, 5, 5)",
    ),
    "other classes in the bias": (
        lambda state: {**state, "fc.bias": np.ones(4, "f4")},
        "'fc.bias' must have the shape (3,), as in torchvision, got (4,)",
    ),
    "a classifier on its side": (
        lambda state: {**state, "fc.weight": np.ones((1024, 3), "f2")},
        "got (1024, 3)",
    ),
    "a classifier without axes": (lambda state: {**state, "fc.weight": np.ones((), "f2")}, "it has no matrix"),
    "a classifier of no classes": (
        lambda state: {**state, "fc.weight": np.ones((0, 1024), "f2")},
        "it has no matrix",
    ),
    "integers": (
        lambda state: {**state, "fc.bias": np.ones(3, "i4")},
        "must have floats, got ",
    ),
    "no number": (
        lambda state: spoiled(state, np.nan),
        "'inception4a.branch2.1.conv.weight' contains values that are not",
    ),
    "infinity": (lambda state: spoiled(state, np.inf), "values that are not finite"),
    "a double beyond a float": (lambda state: spoiled(state, -1e300), "values that are not finite"),
}


@pytest.mark.parametrize("form", ["safetensors", "torch"])
@pytest.mark.parametrize("fault", WRONG)
def test_other_state_dicts_are_rejected_with_the_reason(tmp_path, state, fault, form):
    make, reason = WRONG[fault]
    path = tmp_path / f"googlenet.{form}"
    if form == "safetensors":
        save_file(make(state), path)
    else:
        path.write_bytes(torch_made.archive(make(state)))
    with pytest.raises(WeightsError, match=r"^cannot read .*googlenet\.\w+ as weights: ") as error:
        read_state(path)
    assert reason in str(error.value)


def declaring(shape, count):
    """Return a safetensors file whose one array declares `shape` and occupies `count` bytes."""
    header = f'{{"fc.weight":{{"dtype":"F32","shape":{list(shape)},"data_offsets":[0,{count}]}}}}'.encode()
    return len(header).to_bytes(8, "little") + header + bytes(count)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (np.random.default_rng(0).bytes(5000), "it is not a safetensors, "),
        ((2**62).to_bytes(8, "little") + b"{}", "it declares a header of 4,611,686,018,427,387,904 bytes"),
        (declaring((2**20, 1024), 64), r"needs 4,294,967,296 bytes as F32, but its offsets give 64"),
        (declaring((2**62, 1024), 64), "its offsets give 64"),
        (declaring((4, 4), 64)[:-1], "it declares 138 bytes but has 137"),
        (declaring((4, 4), 64), "it lacks 'conv1.conv.weight'"),
        (b"PK\x03\x04" + bytes(99), "it is a zip archive whose"),
        (b"\x80\x02" + bytes(99), "it is a Python pickle"),
        (detect.TORCH_MAGIC + bytes(99), "its pickle has the instruction"),
    ],
)
def test_other_torch_files_are_rejected_with_the_reason(tmp_path, content, reason):
    path = tmp_path / "googlenet.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=reason):
        read_state(path)


def test_shared_and_half_precision_tensors_are_copied(tmp_path, state):
    state = dict(state)
    shared = torch_made.Tensor(np.arange(64, dtype=np.float32), "shared")
    upper = np.full((3, 1024), 0x3F80, np.uint16)
    state["fc.weight"] = torch_made.Tensor(upper.tobytes(), "upper", "BFloat16Storage", 0, upper.shape, (1024, 1))
    state |= {"conv1.bn.bias": shared, "conv1.bn.weight": shared}
    (tmp_path / "shared.pth").write_bytes(torch_made.archive(state))
    arrays = read_state(tmp_path / "shared.pth").arrays
    assert (arrays["loss3/classifier/weight"] == 1).all()
    assert arrays["conv1/bn_7x7/weight"].tolist() == list(range(64))
    assert not np.shares_memory(arrays["conv1/bn_7x7/weight"], arrays["conv1/bn_7x7/bias"])
