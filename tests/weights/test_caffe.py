"""Caffe models in every encoding that Caffe has written, and errors for other files."""

import io

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet.weights import caffe
from minigooglenet.weights.contents import WeightsError, open_file

# The wire format of protocol buffers, implemented again with the field numbers of caffe.proto, so that a wrong number
# in the reader is detected.
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


def varint(number):
    number %= 2**64  # negative integers have ten bytes
    digits = bytearray()
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes(digits) + bytes([number])


def field(number, payload):
    """Return a field with an integer, or with bytes: a string, a message or packed values."""
    if isinstance(payload, int):
        return varint(number << 3 | VARINT) + varint(payload)
    return varint(number << 3 | LENGTH) + varint(len(payload)) + payload


def one_by_one(number, values):
    """Return the values of a repeated field that is not packed, each after its own tag."""
    (tag,) = varint(number << 3 | (FIXED32 if values.itemsize == 4 else FIXED64))
    records = np.empty(values.size, np.dtype([("tag", "u1"), ("value", values.dtype)]))
    records["tag"], records["value"] = tag, values.ravel()
    return records.tobytes()


def blob(values, shapes="list", data="packed", shape=None):
    """Return a BlobProto as the current Caffe writes it, or with a shape of four integers, or packed differently."""
    shape = values.shape if shape is None else shape
    if shapes == "four":
        four = (1,) * (4 - len(shape)) + tuple(shape)
        message = b"".join(field(number, size) for number, size in enumerate(four, start=1))
    else:
        message = field(7, field(1, b"".join(map(varint, shape))))
    if data == "packed":
        message += field(5, values.astype("<f4").tobytes()) + field(6, np.ones(3, "<f4").tobytes())
    elif data == "one by one":
        message += one_by_one(5, values.astype("<f4")) + one_by_one(6, np.ones(3, "<f4"))
    else:
        message += field(8, values.astype("<f8").tobytes()) + field(9, np.ones(3, "<f8").tobytes())
    return message


def layer(name, blobs, generation="new"):
    name = name.encode()
    if generation == "new":
        message = field(1, name) + field(2, b"Convolution") + field(3, b"data") + field(106, field(1, 64))
        return field(100, message + b"".join(field(7, blob) for blob in blobs) + field(10, 0))
    message = field(2, b"data") + field(4, name) + field(5, 4) + field(10, field(1, 64))
    return field(2, message + b"".join(field(6, blob) for blob in blobs) + field(1001, b""))


def weights(aux=False, num_classes=3):
    """Return {layer: (weight, bias)} of a GoogLeNet with random weights."""
    g = mg.models.googlenet(num_classes, aux=aux, init="zeros")
    rng = np.random.default_rng(0)
    random = {name: rng.standard_normal(value.shape, np.float32) for name, value in g.params.items()}
    nodes = dict.fromkeys(name.rpartition("/")[0] for name in random)
    return {node: (random[f"{node}/weight"], random[f"{node}/bias"]) for node in nodes}


def model(layers, generation="new", **form):
    """Return the bytes of a NetParameter; values of `layers` are arrays or encoded blobs."""
    written = [
        field(1, b"GoogleNet"),
        field(3, b"data"),
        field(4, 10),
        field(6, field(1, 0)),
        layer("data", [], generation),
    ]
    for name, blobs in layers.items():
        blobs = [part if isinstance(part, bytes) else blob(part, **form) for part in blobs]
        written += [layer(name, blobs, generation), layer(f"{name}_relu", [], generation)]
    return b"".join([*written, layer("data", [], generation), field(5, 1), layer("loss", [], generation)])


def read_model(path):
    """Return the contents of a file read as a .caffemodel, whatever its first bytes."""
    with open_file(path) as file:
        return caffe.Reader(file).read()


@pytest.fixture(scope="module")
def net():
    return weights()


@pytest.fixture(scope="module")
def whole(net):
    return model(net)


@pytest.fixture
def read(tmp_path):
    def write_and_read(content):
        path = tmp_path / "some.caffemodel"
        path.write_bytes(content)
        return read_model(path)

    return write_and_read


@pytest.mark.parametrize("data", ["packed", "one by one", "double"])
@pytest.mark.parametrize("shapes", ["four", "list"])
@pytest.mark.parametrize("generation", ["old", "new"])
def test_every_caffe_encoding_reads_bit_identically(read, net, generation, shapes, data):
    contents = read(model(net, generation, shapes=shapes, data=data))
    assert len(contents.arrays) == 2 * len(net)
    for name, (weight, bias) in net.items():
        assert contents.arrays[f"{name}/weight"].dtype == np.float32
        np.testing.assert_array_equal(contents.arrays[f"{name}/weight"], weight)
        np.testing.assert_array_equal(contents.arrays[f"{name}/bias"], bias)


def test_file_with_both_caffe_generations_is_read(read, net):
    some = dict(list(net.items())[:9])
    rest = {name: blobs for name, blobs in net.items() if name not in some}
    assert len(read(model(some, "old", shapes="four") + model(rest)).arrays) == 2 * len(net)


@pytest.mark.parametrize("aux", [False, True])
def test_caffe_arrays_fill_googlenet(read, aux):
    contents = read(model(weights(aux, 7), "old", shapes="four"))
    g = mg.models.build(contents.model, **contents.arguments)
    assert (contents.model, contents.arguments) == ("googlenet", {"num_classes": 7, "aux": aux})
    assert {name: array.shape for name, array in contents.arrays.items()} == {
        name: array.shape for name, array in g.params.items()
    }
    assert contents.notes["from"] == "Caffe"
    assert "For other means, pass pixels=" in contents.notes["pixels assumed"]


def test_load_detects_a_caffemodel(tmp_path):
    layers = weights(num_classes=2)
    for generation in ("old", "new"):
        (tmp_path / "some.caffemodel").write_bytes(model(layers, generation))
        loaded = mg.weights.load(tmp_path / "some.caffemodel")
        assert loaded.graph.outputs == ("loss3/classifier",)
        np.testing.assert_array_equal(loaded.graph.params["conv2/3x3/weight"], layers["conv2/3x3"][0])


def test_caffe_pixels_are_bgr_minus_means(read, whole):
    pixels = read(whole).pixels
    red = np.zeros((3, 1, 1), np.uint8)
    red[0] = 255
    assert pixels.to_input(red).ravel().tolist() == [-104, -117, 255 - 123]


def changed(net, name, *blobs):
    return model({**net, name: blobs})


def reshaped(net, name, shape, **form):
    weight, bias = net[name]
    return changed(net, name, blob(weight, shape=shape, **form), bias)


def spoiled(net, value, data="packed"):
    weight, bias = net["inception_4a/1x1"]
    weight = weight.astype(np.float64)
    weight[5, 3] = value
    return changed(net, "inception_4a/1x1", blob(weight, data=data), bias)


ALEXNET = {f"{kind}{i}": (np.ones((2, 2)), np.ones(2)) for kind, i in (("conv", 1), ("conv", 2), ("fc", 6), ("fc", 8))}
HEAD = {"loss1/conv": (np.ones((128, 512, 1, 1)), np.ones(128))}
HOSTILE = {  # {fault: (function (layers, bytes of a valid file) -> bytes, part of the message)}
    "an empty file": (lambda net, whole: b"", "the file is empty"),
    "half of it": (lambda net, whole: whole[: len(whole) // 2], "missing at its end"),
    "all but a byte": (lambda net, whole: whole[:-1], "missing at its end"),
    "random bytes": (lambda net, whole: np.random.default_rng(0).bytes(10_000), "it is not a Caffe model"),
    "its text form": (lambda net, whole: b'name: "GoogleNet"\nlayer {\n  name: "data"\n}\n', "it is not a Caffe model"),
    "an unknown message": (lambda net, whole: field(9, b"something"), "no layer has arrays"),
    "no weights": (lambda net, whole: model({}), "no layer has arrays"),
    "another network": (
        lambda net, whole: model(ALEXNET),
        "it is not GoogLeNet, because it has the unknown layers 'conv1', 'conv2', 'fc6' (4 in total)",
    ),
    "a layer more": (
        lambda net, whole: model({**net, "conv9": net["conv2/3x3"]}),
        "unknown layers 'conv9' (1 in total",
    ),
    "a layer less": (
        lambda net, whole: model({name: blobs for name, blobs in net.items() if name != "inception_4c/5x5"}),
        "it lacks the layers 'inception_4c/5x5' (1 in total)",
    ),
    "half a head": (
        lambda net, whole: model(net | HEAD),
        "it lacks the layers 'loss1/fc', 'loss1/classifier', 'loss2/conv'",
    ),
    "no classifier": (
        lambda net, whole: model({name: blobs for name, blobs in net.items() if "classifier" not in name}),
        "it lacks the layers 'loss3/classifier'",
    ),
    "a layer twice": (
        lambda net, whole: whole + layer("conv2/3x3", [blob(np.ones(2))]),
        "two layers with arrays have the name 'conv2/3x3'",
    ),
    "very many empty layers": (lambda net, whole: field(100, b"") * 9_999, "a message has more than 1,000 fields"),
    "very many empty arrays": (
        lambda net, whole: layer("conv2/3x3", [b""] * 9_999),
        "a message has more than 1,000 fields",
    ),
    "a form of fields that Caffe has not": (lambda net, whole: whole + varint(9 << 3 | 3), "the wire type 3"),
    "a number without end": (lambda net, whole: bytes([255]) * 99, "an integer is too long"),
    "an invalid blob": (lambda net, whole: changed(net, "conv2/3x3", b"\xff", b""), "a BlobProto in it cannot"),
    "an invalid shape": (lambda net, whole: changed(net, "conv2/3x3", field(7, b"\xff"), b""), "a BlobShape in it"),
    "a name with a line in it": (lambda net, whole: layer("a\nb", [blob(np.ones(2))]), "unknown layers 'a\\nb'"),
    "a name too long": (lambda net, whole: layer("a" * 9999, [blob(np.ones(2))]), "unknown layers 'aaa"),
    "no bias": (
        lambda net, whole: changed(net, "conv2/3x3", net["conv2/3x3"][0]),
        "'conv2/3x3' must have weight and bias, as in GoogLeNet, but has 1 array(s)",
    ),
    "an array more": (lambda net, whole: changed(net, "conv2/3x3", *net["conv2/3x3"], np.ones(1)), "has 3 array(s)"),
    "another kernel": (
        lambda net, whole: changed(net, "inception_3a/5x5", np.ones((32, 16, 3, 3)), np.ones(32)),
        "'inception_3a/5x5/weight' must have the shape (32, 16, 5, 5), as in GoogLeNet, got (32, 16, 3, 3)",
    ),
    "axes exchanged": (lambda net, whole: reshaped(net, "conv2/3x3", (64, 192, 3, 3)), "got (64, 192, 3, 3)"),
    "four numbers that end in ones": (
        lambda net, whole: reshaped(net, "loss3/classifier", (3, 1024, 1, 1), shapes="four"),
        "must have the shape (3, 1024), as in GoogLeNet, got (3, 1024, 1, 1)",
    ),
    "a negative size": (
        lambda net, whole: reshaped(net, "conv1/7x7_s2", (-64, -3, 7, 7)),
        "got (-64, -3, 7, 7)",
    ),
    "a huge size": (lambda net, whole: reshaped(net, "conv1/7x7_s2", (2**62, 3, 7, 7)), f"got ({2**62}, 3"),
    "a huge number of classes": (
        lambda net, whole: reshaped(net, "loss3/classifier", (2**40, 1024)),
        f"must have the shape (3, 1024), as in GoogLeNet, got ({2**40}, 1024)",
    ),
    "very many axes": (lambda net, whole: reshaped(net, "conv1/7x7_s2", (1,) * 99_999), "an array has too many axes"),
    "no shape": (lambda net, whole: changed(net, "conv2/3x3", field(5, bytes(4)), b""), "got (0, 0, 0, 0)"),
    "too few values": (
        lambda net, whole: changed(net, "conv2/3x3", blob(np.ones(9), shape=(192, 64, 3, 3)), np.ones(192)),
        "'conv2/3x3/weight' has 9 values, but its shape (192, 64, 3, 3) declares 110592",
    ),
    "too many values": (
        lambda net, whole: changed(net, "conv2/3x3", net["conv2/3x3"][0], blob(np.ones(193), shape=(192,))),
        "'conv2/3x3/bias' has 193 values",
    ),
    "a classifier without values": (
        lambda net, whole: changed(net, "loss3/classifier", blob(np.ones(0), shape=(1, 1024)), np.ones(1)),
        "has 0 values, but its shape (1, 1024) declares 1024",
    ),
    "no classes": (
        lambda net, whole: changed(net, "loss3/classifier", b"", b""),
        "'loss3/classifier/weight' must have the shape",
    ),
    "no number": (
        lambda net, whole: spoiled(net, np.nan),
        "'inception_4a/1x1/weight' contains values that are not finite",
    ),
    "infinity": (lambda net, whole: spoiled(net, -np.inf), "values that are not finite"),
    "a double beyond a float": (lambda net, whole: spoiled(net, 1e300, "double"), "values that are not finite"),
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_other_caffemodels_are_rejected_with_the_reason(read, net, whole, fault):
    make, reason = HOSTILE[fault]
    with pytest.raises(WeightsError, match=r"^cannot read .*some\.caffemodel as weights: ") as error:
        read(make(net, whole))
    assert reason in str(error.value)
    assert len(str(error.value)) < 600


def test_folder_and_missing_file_are_rejected(tmp_path):
    for path, reason in ((tmp_path, "it is a folder"), (tmp_path / "none", "no such file")):
        with pytest.raises(WeightsError, match=reason):
            read_model(path)


def test_corrupt_caffemodels_are_rejected_or_read(read, net):
    small = model({name: blobs if name.startswith("conv1") else [b""] * 2 for name, blobs in net.items()})
    rng = np.random.default_rng(0)
    reasons = set()
    for _ in range(300):
        corrupt = io.BytesIO(small)
        for position in rng.integers(0, len(small), rng.integers(1, 8)):
            corrupt.seek(position)
            corrupt.write(rng.bytes(1))
        with pytest.raises(WeightsError) as error:
            read(corrupt.getvalue()[: rng.integers(1, len(small)) if rng.random() < 0.3 else None])
        reasons.add(str(error.value).partition("weights: ")[2][:20])
    assert len(reasons) > 2


def test_messages_do_not_clash_with_installed_caffe():
    from google.protobuf import descriptor_pool

    assert caffe._classes()["BlobProto"].DESCRIPTOR.file.pool is not descriptor_pool.Default()
