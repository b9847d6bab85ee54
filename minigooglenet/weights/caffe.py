"""The weights of GoogLeNet as BVLC published them for Caffe (bvlc_googlenet.caffemodel), and others of that form.

Caffe's names of layers are the names of nodes here, so an array keeps its name. The network is known already: layers
without arrays are passed over. Images are blue, green, red, less their means.

A .caffemodel is a message in Google's protocol buffers: layers, each with a name and arrays ("blobs"). Caffe has
written them in two generations (`layers`, then `layer`), the shape of an array as four numbers or as a list, and its
values in single or double precision, packed or one by one. NVIDIA's Caffe, and the tool of OpenCV that shrinks models,
write them as bytes of a stated type instead, in half precision too. Everything else is passed over: gradients, and the
settings of layers.
"""

import functools
import math

import numpy as np

from minigooglenet.data.pixels import RGB_MEAN, Pixels
from minigooglenet.models.googlenet import googlenet
from minigooglenet.weights import wire_format
from minigooglenet.weights.contents import PIXELS_ASSUMED, Contents, WeightsReader, digest_of, placeholder, single, some

PIXELS = Pixels(RGB_MEAN[::-1], colours="BGR")
PUBLISHED = "405fc5acd08a3bb12de8ee5e23a96bec22f08204"  # SHA-1 of BVLC's file, which its readme states
BLOBS = ("weight", "bias")
CLASSIFIER, FEATURES = "loss3/classifier", 1024
HEADS = ("loss1/", "loss2/")
# Fields of caffe.proto: layers of a network, of both generations -> name and blobs of a layer
LAYERS = {2: (4, 6), 100: (1, 7)}
# {message: {field: (number, type)}}; a star means any number of them. The shape is a BlobShape, parsed apart.
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
RAW = {0: np.dtype("<f8"), 1: np.dtype("<f4"), 2: np.dtype("<f2")}  # types of values that are written as bytes
MOST_FIELDS = 1000  # of a network or a layer
MOST_SHAPE = 100  # bytes; four axes take 44 at most


class Reader(WeightsReader):
    """A .caffemodel: GoogLeNet's, whose layers are checked before any array is made, or for `arrays_for` any other.

    The number of classes, and whether the auxiliary heads are there, are as in the file.
    """

    FORMAT = "Caffe model"

    def __init__(self, file):
        self._file = file

    @functools.cached_property
    def _found(self):
        self._file.seek(0)
        return layers_of(self._file.read())

    @functools.cached_property
    def declared(self):
        layers = _checked(self._found)
        _, values = shape_and_values(layers[CLASSIFIER][0])
        classes = max(1, len(values) // FEATURES)  # of the values that are there: no shape is believed
        arguments = {"num_classes": classes, "aux": any(name.startswith(HEADS) for name in layers)}
        params = googlenet(**arguments, init="zeros").params
        self._blobs = {f"{name}/{key}": blob for name in layers for key, blob in zip(BLOBS, layers[name], strict=True)}
        arrays = {name: params[name] for name in self._blobs}
        return Contents(arrays, "googlenet", arguments, PIXELS, notes=self._notes())

    def arrays(self):
        """Return {name: array} in single precision, once all values are there and finite."""
        shapes = {name: like.shape for name, like in self.declared.arrays.items()}
        return {name: _array(name, blob, shapes[name]) for name, blob in self._blobs.items()}

    def arrays_for(self, graph):
        """Return the arrays of any .caffemodel, those of `graph` in its shapes, placeholders for others.

        The first array of a layer is its weight, the second its bias.
        """
        targets, found = {**graph.params, **graph.buffers}, {}
        for name, blobs in _without_twins(self._found).items():
            for number, blob in enumerate(blobs):
                array = f"{name}/{BLOBS[number] if number < len(BLOBS) else number}"
                if array not in targets:
                    found[array] = np.zeros(0, np.float32)
                    continue
                shape, expected = shape_and_values(blob)[0], targets[array].shape
                if _fits(shape, expected):
                    found[array] = _array(array, blob, expected)
                else:
                    found[array] = placeholder(array, shape, np.dtype(np.float32))  # `match` has the words for it
        return found

    def _notes(self):
        """Return notes: of BVLC's own file the pixels are known, of others that they are BVLC's is an assumption."""
        if digest_of(self._file, "sha1") == PUBLISHED:
            return {"from": "Caffe, the file that BVLC published"}
        assumed = "as BVLC's: blue, green, red less 104, 117, 123; if yours had other means, pass pixels= or --pixels"
        return {"from": "Caffe", PIXELS_ASSUMED: assumed}


def _checked(layers) -> dict[str, list]:
    """Return {name: blobs} once the layers are known to be GoogLeNet's, with or without its heads."""
    if not layers:
        raise ValueError("it is no Caffe model, or one without weights: no layer in it has arrays")
    found = _without_twins(layers)
    aux = any(name.startswith(HEADS) for name in found)
    wanted = dict.fromkeys(key.rpartition("/")[0] for key in googlenet(aux=aux, init="zeros").params)
    for what, names in (
        ("it is not GoogLeNet, which has no layers", [name for name in found if name not in wanted]),
        ("of GoogLeNet's layers it lacks", [name for name in wanted if name not in found]),
    ):
        if names:
            listed = ", ".join(map(some, names[:3]))
            raise ValueError(
                f"{what} {listed} ({len(names)} such layers in all); to take the others, "
                "use weights.load_into(graph, path, only=['conv*', 'inception_*'])"
            )
    for name, blobs in found.items():
        if len(blobs) != len(BLOBS):
            raise ValueError(f"layer {name!r} has {len(blobs)} array(s), GoogLeNet's has {' and '.join(BLOBS)}")
    return found


def _without_twins(layers):
    found = {}
    for name, blobs in layers:
        if name in found:
            raise ValueError(f"two layers that have arrays are called {some(name)}")
        found[name] = blobs
    return found


def _fits(shape, expected):
    """Return whether a shape is the expected one; Caffe's old shapes begin with ones."""
    return shape == (1,) * (len(shape) - len(expected)) + expected


def _array(name, blob, expected):
    """Return the values of a blob as float32 of the expected shape."""
    shape, values = shape_and_values(blob)
    if not _fits(shape, expected):
        raise ValueError(f"array {name!r} has the shape {shape}, GoogLeNet's has {expected}")
    count = math.prod(shape)
    if len(values) != count:
        raise ValueError(f"array {name!r} holds {len(values)} values, its shape {shape} declares {count}")
    return single(name, values).reshape(expected)


def layers_of(content: bytes) -> list[tuple[str, list]]:
    """Return (name, blobs) of the layers that have blobs, each in bytes to parse.

    These two outer levels are walked here, not parsed: from a file of empty layers, two bytes each, the library would
    build hundreds of times the file's size.
    """
    found = []
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
                found.append((name, blobs))
    return found


def shape_and_values(blob) -> tuple:
    """Return (shape, values) of a blob in bytes; they may not fit each other."""
    message = _parsed("BlobProto", blob)
    values = _raw(message) if message.raw_data else message.double_data or message.data
    if not message.HasField("shape"):
        return (message.num, message.channels, message.height, message.width), values
    if len(message.shape) > MOST_SHAPE:
        raise _damaged("an array has too many axes")
    return tuple(_parsed("BlobShape", message.shape).dim), values


def _raw(message):
    """Return the values of a blob that holds them as bytes."""
    dtype = RAW.get(message.raw_data_type) if message.HasField("raw_data_type") else None
    if dtype is None:
        kind = message.raw_data_type if message.HasField("raw_data_type") else "none"
        raise ValueError(f"an array in it holds bytes of type {kind}; half, single and double precision can be read")
    if len(message.raw_data) % dtype.itemsize:
        raise _damaged(f"an array of {len(message.raw_data):,} bytes holds values of {dtype.itemsize}")
    return np.frombuffer(message.raw_data, dtype)


def _fields(message):
    """Yield (number, bytes) of the fields of a message that hold bytes: texts and messages."""
    try:
        for count, (number, wire, start, end) in enumerate(wire_format.fields(message, MOST_FIELDS + 1), 1):
            if count > MOST_FIELDS:
                raise _damaged(f"a message has more than {MOST_FIELDS:,} fields")
            if end > len(message):
                raise _damaged(f"it ends {end - len(message):,} bytes early")
            if wire == wire_format.LENGTH:
                yield number, message[start:end]
    except EOFError as error:
        raise _damaged(error) from error


def _damaged(reason) -> ValueError:
    return ValueError(f"it is no Caffe model, or not a whole one: {reason}")


def _parsed(message, content):
    from google.protobuf.message import DecodeError

    try:
        return _classes()[message].FromString(bytes(content))
    except DecodeError as error:
        raise _damaged(f"a {message} in it cannot be parsed") from error


@functools.cache
def _classes():
    """Return {message: class}, made here in a pool of their own: an installed Caffe describes the same messages."""
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
