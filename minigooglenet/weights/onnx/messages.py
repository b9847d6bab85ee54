"""The messages in an ONNX file; their declared sizes are checked before any memory is allocated."""

import math
from collections import Counter
from typing import NamedTuple

import numpy as np

from minigooglenet import extras
from minigooglenet.weights import contents
from minigooglenet.weights.onnx import walk

OLDEST_OPSET, NEWEST_OPSET = 7, 28  # opsets whose operators `operators` supports
MOST_NODES, MOST_INPUTS = 10_000, 1_000  # of a network; of one node, which also has at most so many outputs
MOST_AXES, MOST_LIST = 8, 1_000  # of a tensor; integers in a shape, a list of axes and so on
DOMAINS = ("", "ai.onnx")  # two names of the same operator set
# Data types of arrays.
DTYPES: tuple[str, ...] = ("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "BOOL", "INT8", "INT16", "INT32", "INT64")
DTYPES += ("UINT8", "UINT16", "UINT32", "UINT64")


def onnx():
    """Return the onnx package, or raise a ModuleNotFoundError that shows how to install it."""
    with extras.needed("onnx", "reading and writing ONNX files"):
        import onnx
    return onnx


class Source(NamedTuple):
    """The location of array values: the path, the open file, and the spans from `walk`."""

    path: object
    file: object
    spans: list


def parse(path, file):
    """Return (graph, opset, {property: text}, producer, Source) of an open ONNX file.

    Raises
    ------
    ValueError
        If the file is not an ONNX file, or has features that no layer supports.
    """
    library = onnx()
    from google.protobuf.message import DecodeError  # onnx depends on this package

    walked = walk.walk(file, library.ModelProto.DESCRIPTOR)
    try:
        model = library.ModelProto.FromString(walked.content)
    except DecodeError as error:
        raise ValueError("it is not an ONNX file, or it is corrupt or truncated") from error
    opsets = sorted({entry.version for entry in model.opset_import if entry.domain in DOMAINS})
    if not model.HasField("graph") or not opsets:
        raise ValueError("it contains no ONNX network: it is a different kind of file, or truncated")
    if not OLDEST_OPSET <= opsets[0] <= NEWEST_OPSET:
        raise ValueError(f"its opset is {opsets[0]}; supported are {OLDEST_OPSET} to {NEWEST_OPSET}")
    if len(opsets) > 1:
        raise ValueError(f"it declares the opsets {' and '.join(map(str, opsets))}; only one is possible")
    if model.functions:
        raise ValueError(f"it defines functions ({_list(f.name for f in model.functions)}). Inline them first.")
    graph = model.graph
    if graph.sparse_initializer:
        raise ValueError("it has sparse arrays, which no layer supports")
    if len(graph.node) > MOST_NODES:
        raise ValueError(f"it has {len(graph.node):,} nodes, more than {MOST_NODES:,}")
    names = [value.name for values in (graph.input, graph.output, graph.initializer, graph.node) for value in values]
    names += [text for node in graph.node for text in (*node.input, *node.output, node.op_type, node.domain)]
    if not all(isinstance(name, str) for name in names):  # protobuf returns invalid UTF-8 as bytes
        raise ValueError("it has a name that is not text")
    for what, values in (("input", graph.input), ("array", graph.initializer), ("output", graph.output)):
        duplicates = [name for name, count in Counter(value.name for value in values).items() if count > 1]
        if duplicates:
            raise ValueError(f"it has {what} {duplicates[0][:60]!r} twice")
    properties = {entry.key: entry.value for entry in model.metadata_props}
    return graph, opsets[0], properties, model.producer_name, Source(path, file, walked.spans)


def array(tensor, name: str, source: Source) -> np.ndarray:
    """Return the array of a TensorProto, with the dtype of the file.

    The values are read from the file without a second copy.
    """
    proto = onnx().TensorProto
    if tensor.data_location == proto.EXTERNAL or tensor.external_data:
        raise ValueError(
            f"array {name!r} is in another file, and only this file is read. "
            "Save it as one file: onnx.save(onnx.load(path), path, save_as_external_data=False)."
        )
    try:
        values = dtype(tensor.data_type)
    except ValueError as error:
        raise ValueError(f"array {name!r} has {error}") from None
    field = onnx().helper.tensor_dtype_to_field(tensor.data_type)
    shape, count = tuple(tensor.dims), math.prod(tensor.dims)
    if len(shape) > MOST_AXES or any(size < 0 for size in shape):
        raise ValueError(f"array {name!r} declares the invalid shape {shape[:9]}")
    raw = tensor.HasField("raw_data")
    span = source.spans[int.from_bytes(tensor.raw_data, "little")] if raw else (0, 0)
    stored = span[1] / values.itemsize if raw else len(getattr(tensor, field))
    if stored != count:
        raise ValueError(f"array {name!r} declares the shape {shape}, {count:,} values, but has {stored:,}")
    if raw:
        return walk.values(source.file, span, values, count).reshape(shape)
    return np.array(onnx().numpy_helper.to_array(tensor), values)


def dtype(number: int) -> np.dtype:
    """Return the NumPy dtype of an ONNX data type, or raise a ValueError if arrays of this type cannot be read."""
    proto = onnx().TensorProto
    if number not in map(proto.DataType.Value, DTYPES):
        raise ValueError(f"dtype {type_name(number)}; readable are {', '.join(DTYPES)}")
    return onnx().helper.tensor_dtype_to_np_dtype(number)


def shape(value, name: str) -> tuple[int | None, tuple[int, ...]]:
    """Return (batch size or None, shape without the batch axis) of a network input, a ValueInfoProto."""
    proto, tensor = onnx().TensorProto, value.type.tensor_type
    if tensor.elem_type not in (proto.FLOAT, proto.DOUBLE, proto.FLOAT16):
        raise ValueError(f"input {name!r} has dtype {type_name(tensor.elem_type)}; only floats are supported")
    sizes = [
        dim.dim_value if dim.WhichOneof("value") == "dim_value" else dim.dim_param or "?" for dim in tensor.shape.dim
    ]
    if len(sizes) > MOST_AXES:
        raise ValueError(f"input {name!r} has {len(sizes)} axes, more than {MOST_AXES}")
    if len(sizes) < 2 or any(not isinstance(size, int) or size < 1 for size in sizes[1:]):
        text = ", ".join(str(size)[:20] for size in sizes[:9])
        raise ValueError(
            f"input {name!r} has the shape ({text}), but every size after the batch axis must be fixed. "
            "Export the model again with a fixed size, or set it with onnx.tools.update_model_dims."
        )
    if math.prod(sizes[1:]) * 4 > contents.MOST_BYTES:
        raise ValueError(f"input {name!r} declares the shape {tuple(sizes)}, more than {contents.MOST_BYTES:,} bytes")
    return sizes[0] if isinstance(sizes[0], int) and sizes[0] > 0 else None, tuple(sizes[1:])


def attributes(node) -> dict:
    """Return {name: value} of the attributes of a node: numbers, strings, lists of numbers, or TensorProtos."""
    kinds, value_of = onnx().AttributeProto, onnx().helper.get_attribute_value
    known = (kinds.INT, kinds.FLOAT, kinds.STRING, kinds.INTS, kinds.FLOATS, kinds.TENSOR)
    values = {a.name: value_of(a) if a.type in known else None for a in node.attribute}
    values = {name: v.decode("ascii", "replace") if isinstance(v, bytes) else v for name, v in values.items()}
    if len(values) < len(node.attribute):
        raise ValueError(f"it has an attribute twice: {_list(a.name for a in node.attribute)}")
    return values


def type_name(number) -> str:
    """Return the name of an ONNX data type, such as INT8."""
    return {n: name for name, n in onnx().TensorProto.DataType.items()}.get(number, f"type {number}")


def _list(names) -> str:
    return ", ".join(name[:60] for name in list(names)[:3])
