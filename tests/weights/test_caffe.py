"""Caffe models of every form that Caffe has written, and what is said of a file that is none."""

import io

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet.weights import caffe
from minigooglenet.weights.contents import WeightsError, open_file

# The wire format of protocol buffers, written here anew with the numbers of caffe.proto, so that a wrong number in the
# reader cannot agree with itself.
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


def varint(number):
    number %= 2**64  # negative numbers have ten bytes
    digits = bytearray()
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes(digits) + bytes([number])


def field(number, payload):
    """Return a field that holds a whole number, or bytes: a text, a message, packed values."""
    if isinstance(payload, int):
        return varint(number << 3 | VARINT) + varint(payload)
    return varint(number << 3 | LENGTH) + varint(len(payload)) + payload


def one_by_one(number, values):
    """Return the values of a repeated field that is not packed, each behind a tag of its own."""
    (tag,) = varint(number << 3 | (FIXED32 if values.itemsize == 4 else FIXED64))
    records = np.empty(values.size, np.dtype([("tag", "u1"), ("value", values.dtype)]))
    records["tag"], records["value"] = tag, values.ravel()
    return records.tobytes()


def blob(values, shapes="list", data="packed", shape=None):
    """Return a BlobProto as a new Caffe writes it, or one that gives the shape as four numbers, or otherwise packed."""
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
    """Return the bytes of a NetParameter; values of `layers` are arrays or blobs that are written already."""
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
    """Return the contents of a file that is held to be a .caffemodel, however it begins."""
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
def test_every_form_that_caffe_has_written_is_read_to_the_last_bit(read, net, generation, shapes, data):
    contents = read(model(net, generation, shapes=shapes, data=data))
    assert len(contents.arrays) == 2 * len(net)
    for name, (weight, bias) in net.items():
        assert contents.arrays[f"{name}/weight"].dtype == np.float32
        np.testing.assert_array_equal(contents.arrays[f"{name}/weight"], weight)
        np.testing.assert_array_equal(contents.arrays[f"{name}/bias"], bias)


def test_a_file_of_both_generations_is_read(read, net):
    some = dict(list(net.items())[:9])
    rest = {name: blobs for name, blobs in net.items() if name not in some}
    assert len(read(model(some, "old", shapes="four") + model(rest)).arrays) == 2 * len(net)


@pytest.mark.parametrize("aux", [False, True])
def test_what_is_read_fits_the_network_that_the_file_is_of(read, aux):
    contents = read(model(weights(aux, 7), "old", shapes="four"))
    g = mg.models.build(contents.model, **contents.arguments)
    assert (contents.model, contents.arguments) == ("googlenet", {"num_classes": 7, "aux": aux})
    assert {name: array.shape for name, array in contents.arrays.items()} == {
        name: array.shape for name, array in g.params.items()
    }
    assert contents.notes["from"] == "Caffe"
    assert "if yours had other means" in contents.notes["pixels assumed"]


def test_the_front_door_knows_a_caffemodel_and_loads_it(tmp_path):
    layers = weights(num_classes=2)
    for generation in ("old", "new"):
        (tmp_path / "some.caffemodel").write_bytes(model(layers, generation))
        loaded = mg.weights.load(tmp_path / "some.caffemodel")
        assert loaded.graph.outputs == ("loss3/classifier",)
        np.testing.assert_array_equal(loaded.graph.params["conv2/3x3/weight"], layers["conv2/3x3"][0])


def test_images_are_blue_green_red_less_their_means(read, whole):
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
HOSTILE = {  # what is wrong: (bytes from (layers, bytes of a good file), what must be said)
    "an empty file": (lambda net, whole: b"", "the file is empty"),
    "half of it": (lambda net, whole: whole[: len(whole) // 2], "it ends"),
    "all but a byte": (lambda net, whole: whole[:-1], "it ends"),
    "random bytes": (lambda net, whole: np.random.default_rng(0).bytes(10_000), "it is no Caffe model"),
    "its text form": (lambda net, whole: b'name: "GoogleNet"\nlayer {\n  name: "data"\n}\n', "it is no Caffe model"),
    "an unknown message": (lambda net, whole: field(9, b"something"), "no layer in it has arrays"),
    "no weights": (lambda net, whole: model({}), "no layer in it has arrays"),
    "another network": (
        lambda net, whole: model(ALEXNET),
        "it is not GoogLeNet, which has no layers 'conv1', 'conv2', 'fc6' (4 such layers in all)",
    ),
    "a layer more": (lambda net, whole: model({**net, "conv9": net["conv2/3x3"]}), "no layers 'conv9' (1 such layers"),
    "a layer less": (
        lambda net, whole: model({name: blobs for name, blobs in net.items() if name != "inception_4c/5x5"}),
        "it lacks 'inception_4c/5x5' (1 such layers in all)",
    ),
    "half a head": (
        lambda net, whole: model(net | HEAD),
        "it lacks 'loss1/fc', 'loss1/classifier', 'loss2/conv'",
    ),
    "no classifier": (
        lambda net, whole: model({name: blobs for name, blobs in net.items() if "classifier" not in name}),
        "it lacks 'loss3/classifier'",
    ),
    "a layer twice": (
        lambda net, whole: whole + layer("conv2/3x3", [blob(np.ones(2))]),
        "two layers that have arrays are called 'conv2/3x3'",
    ),
    "very many empty layers": (lambda net, whole: field(100, b"") * 9_999, "a message has more than 1,000 fields"),
    "very many empty arrays": (
        lambda net, whole: layer("conv2/3x3", [b""] * 9_999),
        "a message has more than 1,000 fields",
    ),
    "a form of fields that Caffe has not": (lambda net, whole: whole + varint(9 << 3 | 3), "in the form 3"),
    "a number without end": (lambda net, whole: bytes([255]) * 99, "a number has no end"),
    "a blob that is none": (lambda net, whole: changed(net, "conv2/3x3", b"\xff", b""), "a BlobProto in it cannot"),
    "a shape that is none": (lambda net, whole: changed(net, "conv2/3x3", field(7, b"\xff"), b""), "a BlobShape in it"),
    "a name with a line in it": (lambda net, whole: layer("a\nb", [blob(np.ones(2))]), "no layers 'a\\nb'"),
    "a name too long": (lambda net, whole: layer("a" * 9999, [blob(np.ones(2))]), "no layers 'aaa"),
    "no bias": (lambda net, whole: changed(net, "conv2/3x3", net["conv2/3x3"][0]), "'conv2/3x3' has 1 array(s)"),
    "an array more": (lambda net, whole: changed(net, "conv2/3x3", *net["conv2/3x3"], np.ones(1)), "has 3 array(s)"),
    "another kernel": (
        lambda net, whole: changed(net, "inception_3a/5x5", np.ones((32, 16, 3, 3)), np.ones(32)),
        "'inception_3a/5x5/weight' has the shape (32, 16, 3, 3), GoogLeNet's has (32, 16, 5, 5)",
    ),
    "axes exchanged": (lambda net, whole: reshaped(net, "conv2/3x3", (64, 192, 3, 3)), "has the shape (64, 192, 3, 3)"),
    "four numbers that end in ones": (
        lambda net, whole: reshaped(net, "loss3/classifier", (3, 1024, 1, 1), shapes="four"),
        "has the shape (3, 1024, 1, 1), GoogLeNet's has (3, 1024)",
    ),
    "a negative size": (
        lambda net, whole: reshaped(net, "conv1/7x7_s2", (-64, -3, 7, 7)),
        "has the shape (-64, -3, 7, 7)",
    ),
    "a huge size": (lambda net, whole: reshaped(net, "conv1/7x7_s2", (2**62, 3, 7, 7)), f"has the shape ({2**62}, 3"),
    "a huge number of classes": (
        lambda net, whole: reshaped(net, "loss3/classifier", (2**40, 1024)),
        f"has the shape ({2**40}, 1024), GoogLeNet's has (3, 1024)",
    ),
    "very many axes": (lambda net, whole: reshaped(net, "conv1/7x7_s2", (1,) * 99_999), "an array has too many axes"),
    "no shape": (lambda net, whole: changed(net, "conv2/3x3", field(5, bytes(4)), b""), "has the shape (0, 0, 0, 0)"),
    "too few values": (
        lambda net, whole: changed(net, "conv2/3x3", blob(np.ones(9), shape=(192, 64, 3, 3)), np.ones(192)),
        "'conv2/3x3/weight' holds 9 values, its shape (192, 64, 3, 3) declares 110592",
    ),
    "too many values": (
        lambda net, whole: changed(net, "conv2/3x3", net["conv2/3x3"][0], blob(np.ones(193), shape=(192,))),
        "'conv2/3x3/bias' holds 193 values",
    ),
    "a classifier without values": (
        lambda net, whole: changed(net, "loss3/classifier", blob(np.ones(0), shape=(1, 1024)), np.ones(1)),
        "holds 0 values, its shape (1, 1024) declares 1024",
    ),
    "no classes": (
        lambda net, whole: changed(net, "loss3/classifier", b"", b""),
        "'loss3/classifier/weight' has the shape",
    ),
    "no number": (
        lambda net, whole: spoiled(net, np.nan),
        "'inception_4a/1x1/weight' holds values that are not finite",
    ),
    "infinity": (lambda net, whole: spoiled(net, -np.inf), "values that are not finite"),
    "a double beyond a float": (lambda net, whole: spoiled(net, 1e300, "double"), "values that are not finite"),
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_a_file_that_is_no_googlenet_is_refused_with_the_reason(read, net, whole, fault):
    make, reason = HOSTILE[fault]
    with pytest.raises(WeightsError, match=r"^cannot read .*some\.caffemodel as weights: ") as told:
        read(make(net, whole))
    assert reason in str(told.value)
    assert len(str(told.value)) < 600


def test_what_is_no_file_is_refused(tmp_path):
    for path, reason in ((tmp_path, "it is a folder"), (tmp_path / "none", "no such file")):
        with pytest.raises(WeightsError, match=reason):
            read_model(path)


def test_damaged_files_are_refused_or_read_and_nothing_else_happens(read, net):
    small = model({name: blobs if name.startswith("conv1") else [b""] * 2 for name, blobs in net.items()})
    rng = np.random.default_rng(0)
    said = set()
    for _ in range(300):
        damaged = io.BytesIO(small)
        for place in rng.integers(0, len(small), rng.integers(1, 8)):
            damaged.seek(place)
            damaged.write(rng.bytes(1))
        with pytest.raises(WeightsError) as told:
            read(damaged.getvalue()[: rng.integers(1, len(small)) if rng.random() < 0.3 else None])
        said.add(str(told.value).partition("weights: ")[2][:20])
    assert len(said) > 2


def test_the_messages_here_do_not_meet_those_of_an_installed_caffe():
    from google.protobuf import descriptor_pool

    assert caffe._classes()["BlobProto"].DESCRIPTOR.file.pool is not descriptor_pool.Default()
