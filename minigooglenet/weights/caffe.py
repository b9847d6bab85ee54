"""Caffe models: GoogLeNet as BVLC published it (bvlc_googlenet.caffemodel), and other files of this format.

Node names are Caffe's layer names, so arrays keep their names. The network is known, so layers without arrays are
skipped. Inputs are blue, green and red, minus their means.

A .caffemodel is a protocol buffers message with layers, and each layer has a name and arrays ("blobs"). Caffe has used
two generations of the format (`layers`, then `layer`). The shape of an array is four integers or a list, and its values
are in single or double precision, packed or one by one. NVIDIA's Caffe and OpenCV's tool for shrinking models write the
values as bytes of a given type instead, which can also be half precision. Gradients and layer settings are skipped.
"""

import functools
import math

import numpy as np

from minigooglenet import extras
from minigooglenet.data.pixels import RGB_MEAN, Pixels
from minigooglenet.models.googlenet import googlenet
from minigooglenet.weights import wire_format
from minigooglenet.weights.contents import (
    CLASSES,
    IMAGENET,
    PIXELS_ASSUMED,
    Contents,
    WeightsReader,
    digest_of,
    placeholder,
    single,
    some,
)

PIXELS = Pixels(RGB_MEAN[::-1], colours="BGR")
PUBLISHED = "405fc5acd08a3bb12de8ee5e23a96bec22f08204"  # SHA-1 of BVLC's file, from its readme
BLOBS = ("weight", "bias")
CLASSIFIER, FEATURES = "loss3/classifier", 1024
HEADS = ("loss1/", "loss2/")
# Fields of caffe.proto: {layers of a network, in both generations: (name, blobs) of a layer}
LAYERS = {2: (4, 6), 100: (1, 7)}
# {message: {field: (number, type)}}; a star marks a repeated field. The shape is a BlobShape, parsed separately.
MESSAGES = {
    "BlobProto": {
        "num": (1, "int64"),
        "channels": (2, "int64"),
        "height": (3, "int64"),
        "width": (4, "int64"),
        "data": (5, "float*"),
        "shape": (7, "bytes"),
        "double_data": (8, "double*"),
        "raw_data_type": (10, "int32"),
        "raw_data": (12, "bytes"),
    },
    "BlobShape": {"dim": (1, "int64*")},
}
RAW = {0: np.dtype("<f8"), 1: np.dtype("<f4"), 2: np.dtype("<f2")}  # dtypes of values written as bytes
MOST_FIELDS = 1000  # of a network or a layer
MOST_SHAPE = 100  # bytes; four axes take 44 at most


class Reader(WeightsReader):
    """A .caffemodel file of GoogLeNet or, for `arrays_for`, of any network.

    GoogLeNet's layers are checked before any array is allocated. The file decides the number of classes and whether
    there are auxiliary heads.
    """

    FORMAT = "Caffe model"

    def __init__(self, file):
        self._file = file

    @functools.cached_property
    def _layers(self):
        self._file.seek(0)
        return layers_of(self._file.read())

    @functools.cached_property
    def declared(self):
        layers = _checked(self._layers)
        _, values = shape_and_values(layers[CLASSIFIER][0])
        classes = max(1, len(values) // FEATURES)  # from the number of values: the declared shape is not trusted
        arguments = {"num_classes": classes, "aux": any(name.startswith(HEADS) for name in layers)}
        params = googlenet(**arguments, init="zeros").params
        self._blobs = {f"{name}/{key}": blob for name in layers for key, blob in zip(BLOBS, layers[name], strict=True)}
        arrays = {name: params[name] for name in self._blobs}
        return Contents(arrays, "googlenet", arguments, PIXELS, notes=self._notes())

    def arrays(self):
        """Return {name: array} in single precision, after checking that all values are present and finite."""
        shapes = {name: like.shape for name, like in self.declared.arrays.items()}
        return {name: _array(name, blob, shapes[name]) for name, blob in self._blobs.items()}

    def arrays_for(self, graph):
        """Return the arrays of any .caffemodel: those of `graph` in its shapes, and placeholders for others.

        The first array of a layer is its weight, the second its bias.
        """
        targets, arrays = {**graph.params, **graph.buffers}, {}
        for name, blobs in _unique_layers(self._layers).items():
            for index, blob in enumerate(blobs):
                array = f"{name}/{BLOBS[index] if index < len(BLOBS) else index}"
                if array not in targets:
                    arrays[array] = np.zeros(0, np.float32)
                    continue
                shape, expected = shape_and_values(blob)[0], targets[array].shape
                if _fits(shape, expected):
                    arrays[array] = _array(array, blob, expected)
                else:
                    arrays[array] = placeholder(array, shape, np.dtype(np.float32))  # rejected later by `match`
        return arrays

    def _notes(self):
        """Return notes on the pixels: known for the file that BVLC published, assumed for all others."""
        if digest_of(self._file, "sha1") == PUBLISHED:
            return {"from": "Caffe, the file that BVLC published", CLASSES: IMAGENET}
        assumed = (
            "as for BVLC's file (blue, green, red, minus 104, 117, 123). For other means, pass pixels= or --pixels."
        )
        return {"from": "Caffe", PIXELS_ASSUMED: assumed}


def _checked(layers) -> dict[str, list]:
    """Return {name: blobs}, after checking that the layers are those of GoogLeNet, with or without its heads."""
    if not layers:
        raise ValueError("it is not a Caffe model, or one without weights: no layer has arrays")
    unique = _unique_layers(layers)
    aux = any(name.startswith(HEADS) for name in unique)
    expected = dict.fromkeys(key.rpartition("/")[0] for key in googlenet(aux=aux, init="zeros").params)
    for what, names in (
        ("it is not GoogLeNet, because it has the unknown layers", [name for name in unique if name not in expected]),
        ("it is not GoogLeNet, because it lacks the layers", [name for name in expected if name not in unique]),
    ):
        if names:
            listed = ", ".join(map(some, names[:3]))
            raise ValueError(
                f"{what} {listed} ({len(names)} in total). To load the others, use "
                "weights.load_into(graph, path, only=['conv*', 'inception_*'])"
            )
    for name, blobs in unique.items():
        if len(blobs) != len(BLOBS):
            raise ValueError(
                f"layer {name!r} must have {' and '.join(BLOBS)}, as in GoogLeNet, but has {len(blobs)} array(s)"
            )
    return unique


def _unique_layers(layers):
    unique = {}
    for name, blobs in layers:
        if name in unique:
            raise ValueError(f"two layers with arrays have the name {some(name)}")
        unique[name] = blobs
    return unique


def _fits(shape, expected):
    """Return whether a shape is the expected one; old Caffe shapes begin with ones."""
    return shape == (1,) * (len(shape) - len(expected)) + expected


def _array(name, blob, expected):
    """Return the values of a blob as float32 of the expected shape."""
    shape, values = shape_and_values(blob)
    if not _fits(shape, expected):
        raise ValueError(f"array {name!r} must have the shape {expected}, as in GoogLeNet, got {shape}")
    count = math.prod(shape)
    if len(values) != count:
        raise ValueError(f"array {name!r} has {len(values)} values, but its shape {shape} declares {count}")
    return single(name, values).reshape(expected)


def layers_of(content: bytes) -> list[tuple[str, list]]:
    """Return (name, blobs) of each layer that has blobs; a blob is bytes to parse.

    The two outer levels are scanned, not parsed: an empty layer has two bytes, and the library would allocate hundreds
    of times the size of a file of such layers.
    """
    layers = []
    for field, layer in _fields(memoryview(content)):
        if field in LAYERS:
            name_field, blobs_field = LAYERS[field]
            name, blobs = "", []
            for inner, part in _fields(layer):
                if inner == name_field:
                    name = bytes(part).decode(errors="replace")
                if inner == blobs_field:
                    blobs.append(part)
            if blobs:
                layers.append((name, blobs))
    return layers


def shape_and_values(blob) -> tuple:
    """Return (shape, values) of a blob in bytes; they may contradict each other."""
    message = _parsed("BlobProto", blob)
    values = _raw(message) if message.raw_data else message.double_data or message.data
    if not message.HasField("shape"):
        return (message.num, message.channels, message.height, message.width), values
    if len(message.shape) > MOST_SHAPE:
        raise _corrupt("an array has too many axes")
    return tuple(_parsed("BlobShape", message.shape).dim), values


def _raw(message):
    """Return the values of a blob that stores them as bytes."""
    dtype = RAW.get(message.raw_data_type) if message.HasField("raw_data_type") else None
    if dtype is None:
        kind = message.raw_data_type if message.HasField("raw_data_type") else "none"
        raise ValueError(f"it has an array of bytes of type {kind}; only half, single and double precision can be read")
    if len(message.raw_data) % dtype.itemsize:
        raise _corrupt(f"an array of {len(message.raw_data):,} bytes has values of {dtype.itemsize} bytes")
    return np.frombuffer(message.raw_data, dtype)


def _fields(message):
    """Yield (number, bytes) of the fields of a message that contain bytes: strings and messages."""
    try:
        for count, (number, wire, start, end) in enumerate(wire_format.fields(message, MOST_FIELDS + 1), 1):
            if count > MOST_FIELDS:
                raise _corrupt(f"a message has more than {MOST_FIELDS:,} fields")
            if end > len(message):
                raise _corrupt(f"{end - len(message):,} bytes are missing at its end")
            if wire == wire_format.LENGTH:
                yield number, message[start:end]
    except EOFError as error:
        raise _corrupt(error) from error


def _corrupt(reason) -> ValueError:
    return ValueError(f"it is not a Caffe model, or not a complete one: {reason}")


def _parsed(message, content):
    with extras.needed("weights", "reading Caffe's files"):
        from google.protobuf.message import DecodeError

    try:
        return _classes()[message].FromString(bytes(content))
    except DecodeError as error:
        raise _corrupt(f"a {message} in it cannot be parsed") from error


@functools.cache
def _classes():
    """Return {message: class} from a separate pool, because an installed Caffe defines the same messages."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    form = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="caffemodel.proto", package="caffemodel", syntax="proto2")
    for message, fields in MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            label = form.LABEL_REPEATED if kind.endswith("*") else form.LABEL_OPTIONAL
            kind = getattr(form, f"TYPE_{kind.removesuffix('*').upper()}")
            described.field.add(name=name, number=number, label=label, type=kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        message: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"caffemodel.{message}"))
        for message in MESSAGES
    }
