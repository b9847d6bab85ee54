"""The messages of a .caffemodel, in Google's protocol buffers: layers, each with a name and arrays ("blobs").

Caffe has written them in two generations (`layers`, then `layer`), the shape of an array as four numbers or as a list,
and its values in single or double precision, packed or one by one. NVIDIA's Caffe, and the tool of OpenCV that shrinks
models, write them as bytes of a stated type instead, in half precision too. Everything else is passed over: gradients,
and the settings of layers.
"""

import functools

import numpy as np

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
VARINT, LENGTH = 0, 2  # forms of a field: a whole number; bytes behind their length
FIXED = {1: 8, 5: 4}  # and so many bytes
RAW = {0: np.dtype("<f8"), 1: np.dtype("<f4"), 2: np.dtype("<f2")}  # types of values that are written as bytes
MOST_FIELDS = 1000  # of a network or a layer
MOST_SHAPE = 100  # bytes; four axes take 44 at most


def layers(content: bytes) -> list[tuple[str, list]]:
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
    at = 0
    for _ in range(MOST_FIELDS):
        if at == len(message):
            return
        tag, at = _varint(message, at)
        form, size = tag & 7, 0
        if form == VARINT:
            _, at = _varint(message, at)
        elif form == LENGTH:
            size, at = _varint(message, at)
        elif form in FIXED:
            size = FIXED[form]
        else:
            raise _damaged(f"a field is written in the form {form}, which Caffe does not use")
        if at + size > len(message):
            raise _damaged(f"it ends {at + size - len(message):,} bytes early")
        if form == LENGTH:
            yield tag >> 3, message[at : at + size]
        at += size
    raise _damaged(f"a message has more than {MOST_FIELDS:,} fields")


def _varint(message, at):
    """Return the whole number that starts at `at`, seven bits to a byte, and where it ends."""
    number = 0
    for place, byte in enumerate(message[at : at + 10]):
        number |= (byte & 127) << 7 * place
        if byte < 128:
            return number, at + place + 1
    raise _damaged("it ends within a number, or a number has no end")


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
