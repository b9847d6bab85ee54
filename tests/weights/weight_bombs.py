"""Decompression bombs and similar files of weights and networks: each function returns less than a megabyte."""

import io
import json
import pickle
import zipfile

import numpy as np
from weight_files import native, safetensors


def varint(number):
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])


def field(number, content):
    """Return a protobuf field: bytes after their length, or an integer."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def model(graph, *, properties=b""):
    """Return an ONNX file of opset 22 around the fields of a graph."""
    return field(1, 10) + field(8, field(2, 22)) + field(7, graph) + properties


def _value(name, *shape):
    dims = b"".join(field(1, field(1, size) if isinstance(size, int) else field(2, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))


def _graph(*parts, shape=(b"N", 3, 8, 8)):
    return b"".join(parts) + field(11, _value(b"x", *shape)) + field(12, field(1, b"y"))


def _node(operator, inputs, output=b"y", attributes=b""):
    names = b"".join(field(1, name) for name in inputs)
    return field(1, names + field(2, output) + field(4, operator) + attributes)


def _attribute(name, kind, content):
    return field(5, field(1, name) + content + field(20, kind))


def _floats(name, *shape):
    values = np.ones(shape, "<f4").tobytes()
    return field(5, b"".join(field(1, size) for size in shape) + field(2, 1) + field(8, name) + field(9, values))


def onnx_einsum():
    """Return a file whose matrices have one column of 150,000 rows, for feature maps of 100,000 rows."""
    equation = _attribute(b"equation", 3, field(4, b"nchw,ph,qw->ncpq"))
    nodes = _node(b"Einsum", [b"x", b"rows", b"columns"], attributes=equation)
    return model(_graph(nodes, _floats(b"rows", 150_000, 1), _floats(b"columns", 1, 1), shape=(b"N", 1, 100_000, 1)))


def onnx_equation():
    return model(_graph(_node(b"Einsum", [b"x"], attributes=_attribute(b"equation", 3, field(4, b"a,\xff" * 200_000)))))


def onnx_nested(depth=90):
    inner = field(2, b"deep")
    for _ in range(depth):
        inner = field(1, field(5, field(1, b"body") + field(6, inner) + field(20, 5)))
    return model(inner)


def onnx_shape():
    return model(_graph(_node(b"Relu", [b"x"]), field(5, field(1, 2**20) * 2 + field(2, 1) + field(8, b"w"))))


def onnx_ints():
    numbers = _attribute(b"pads", 7, field(8, bytes(900_000)))
    return model(_graph(_node(b"MaxPool", [b"x"], attributes=numbers)))


def onnx_int64():
    array = field(1, 900_000) + field(2, 7) + field(8, b"shape") + field(7, bytes(900_000))
    return model(_graph(field(5, array), _node(b"Reshape", [b"x", b"shape"])))


def _int64(name, *values):
    content = np.array(values, "<i8").tobytes()
    return field(5, field(1, len(values)) + field(2, 7) + field(8, name) + field(9, content))


def onnx_filled(*shape):
    """Return a file whose linear layer has a weight that one number fills."""
    fill = _node(b"ConstantOfShape", [b"shape"], b"w")
    nodes = fill + _node(b"Flatten", [b"x"], b"f") + _node(b"MatMul", [b"f", b"w"])
    return model(_graph(_int64(b"shape", *shape), nodes))


def onnx_folded(count=200):
    """Return a file that computes with large constants again and again."""
    nodes = _node(b"ConstantOfShape", [b"shape"], b"c0")
    nodes += b"".join(_node(b"Neg", [b"c%d" % i], b"c%d" % (i + 1)) for i in range(count))
    return model(_graph(_int64(b"shape", 192, 250_000), nodes, _node(b"Add", [b"x", b"c%d" % count])))


def onnx_scales(count=1_000):
    """Return a file that scales an input of many channels by one number, with activations in between."""
    nodes, name = b"", b"x"
    for i in range(count):
        nodes += _node(b"Relu", [name], b"r%d" % i) + _node(b"Neg", [b"r%d" % i], b"n%d" % i)
        name = b"n%d" % i
    return model(_graph(nodes, _node(b"Relu", [name]), shape=(b"N", 2**20)))


def onnx_splits(count=999):
    """Return a file with many splits into many parts, each of which is read."""
    nodes = b""
    for i in range(20):
        parts = [b"p%d_%d" % (i, j) for j in range(count)]
        names = b"".join(field(1, part) for part in parts)
        outputs = b"".join(field(2, part) for part in parts)
        axis = _attribute(b"axis", 2, field(3, 1)) + _attribute(b"num_outputs", 2, field(3, count))
        nodes += field(1, field(1, b"x") + outputs + field(4, b"Split") + axis)
        nodes += field(1, names + field(2, b"s%d" % i) + field(4, b"Sum"))
    return model(_graph(nodes, _node(b"Sum", [b"s%d" % i for i in range(20)]), shape=(b"N", count, 1, 1)))


def onnx_axes():
    """Return a file whose input has 100,000 axes."""
    return model(_graph(_node(b"Relu", [b"x"]), shape=(b"N", *[1] * 100_000)))


def onnx_property():
    entry = field(1, b"classes") + field(2, b"[" * 900_000)
    return model(_graph(_node(b"Relu", [b"x"])), properties=field(14, entry))


def npz_lzma(size=4 * 1024**3 - 1):
    """Return an archive whose member needs a dictionary of four gigabytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive:
        inner = io.BytesIO()
        np.save(inner, np.zeros(1000, np.float32))
        archive.writestr("w.npy", inner.getvalue())
    content = bytearray(stream.getvalue())
    at = content.index(b"w.npy") + 5 + 5  # version and size of the properties, and their first byte
    content[at : at + 4] = size.to_bytes(4, "little")
    return bytes(content)


def npz_zeros(count=250_000_000):
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("w.npy", "w") as f,
    ):
        np.lib.format.write_array_header_1_0(f, {"descr": "<f4", "fortran_order": False, "shape": (count,)})
        for _ in range(count * 4 >> 24):
            f.write(bytes(1 << 24))
    return stream.getvalue()


def npz_header():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        text = b"{'descr': '<f4', 'fortran_order': False, 'shape': " + b"(" * 30_000 + b"\n"
        archive.writestr("w.npy", b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text)
    return stream.getvalue()


def _archive(pickled, members=()):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in (("archive/data.pkl", pickled), ("archive/version", b"3\n"), *members):
            archive.writestr(name, content)
    return stream.getvalue()


def tuples(depth=60):
    """Return a pickle of a dict whose key is a tuple of 2**depth parts; each level is shared twice."""
    return b"\x80\2}K\1q\x000" + b"h\0h\0\x86q\x000" * depth + b"h\0K\1s."


def torch_tuples():
    return _archive(tuples())


def torch_old_tuples():
    head = b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
    return head + tuples() + pickle.dumps([], 2)


def torch_lists():
    return _archive(b"\x80\2" + b"]" * 900_000 + b".")


def torch_members():
    return _archive(b"\x80\2}.", [(f"archive/data/{i}", b"") for i in range(6_000)])


def safetensors_deep():
    return safetensors(b'{"a":' + b"[" * 900_000 + b"}")


def safetensors_bfloat16(count=9_000):
    empty = {"dtype": "BF16", "shape": [0], "data_offsets": [0, 0]}
    return safetensors({str(i): empty for i in range(count)})


def network(side):
    """Return a file of a network with a large input and small arrays."""
    arrays = {"fc/weight": np.zeros((2, 3), np.float32), "fc/bias": np.zeros(2, np.float32)}
    nodes = [
        ["pool", "GlobalAvgPool2d", {}, ["x"]],
        ["fc", "Linear", {"in_features": 3, "out_features": 2, "bias": True}, ["pool"]],
    ]
    record = {"inputs": {"x": [3, side, side]}, "nodes": nodes, "outputs": None}
    pixels = {"mean": [0.0] * 3, "std": [1.0] * 3, "colours": "RGB"}
    return native(arrays, architecture=record, pixels=pixels)


def caffe_blobs():
    layer = field(1, b"conv") + field(7, b"") * 300_000
    return field(100, layer)


def caffe_layers():
    return field(100, b"") * 300_000


def labels_json():
    return safetensors({"__metadata__": {"minigooglenet": json.dumps({"format": "x" * 900_000})}})


NETWORKS = {
    "an Einsum of columns": onnx_einsum,
    "an Einsum with a long equation": onnx_equation,
    "empty nodes": lambda: model(field(1, b"") * 400_000),
    "empty attributes": lambda: model(_graph(field(1, field(5, b"") * 400_000))),
    "empty inputs of a node": lambda: model(_graph(field(1, field(1, b"") * 400_000))),
    "empty values": lambda: model(field(13, b"") * 400_000),
    "empty opsets": lambda: field(8, b"") * 400_000,
    "graphs in graphs": onnx_nested,
    "a shape without values": onnx_shape,
    "a long list of padding": onnx_ints,
    "a long shape": onnx_int64,
    "a deep property": onnx_property,
    "a filled weight": lambda: onnx_filled(192, 2**20),
    "a weight of an impossible size": lambda: onnx_filled(2**40, 2**40),
    "large constants computed again and again": onnx_folded,
    "scales of many channels": onnx_scales,
    "splits into many parts": onnx_splits,
    "an input of many axes": onnx_axes,
}
FILES = {
    "an npz with a large dictionary": npz_lzma,
    "an npz of zeros": npz_zeros,
    "an npz with a deep header": npz_header,
    "a state dict with a tuple of tuples": torch_tuples,
    "an old state dict with a tuple of tuples": torch_old_tuples,
    "a pickle of lists": torch_lists,
    "an archive of empty members": torch_members,
    "a deep header": safetensors_deep,
    "9,000 empty arrays": safetensors_bfloat16,
    "a long format": labels_json,
    "a Caffe layer of empty blobs": caffe_blobs,
    "empty Caffe layers": caffe_layers,
}


def onnx_large(outputs, inputs):
    """Return the bytes before and after the values of a linear weight in an ONNX file."""
    count = 4 * outputs * inputs
    dims = field(1, outputs) + field(1, inputs) + field(2, 1) + field(8, b"w")
    tensor = len(dims) + 1 + len(varint(count)) + count
    before = varint(5 << 3 | 2) + varint(tensor) + dims + varint(9 << 3 | 2) + varint(count)
    gemm = _node(b"Gemm", [b"x", b"w"], attributes=_attribute(b"transB", 2, field(3, 1)))
    after = _graph(gemm, shape=(b"N", inputs))
    start = field(1, 10) + field(8, field(2, 22)) + varint(7 << 3 | 2) + varint(len(before) + count + len(after))
    return start + before, after
