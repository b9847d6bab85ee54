"""Folding: the value of a node whose inputs are constant, bit by bit what ONNX Runtime computes.

Only operators whose results are exact are folded: they move values, convert them, or compute with integers or with one
IEEE operation for each value. The size of a result is known, and counted, before memory is allocated for it.

The batch size of a network is not a number, but its shape arithmetic only moves it: `x.view(x.size(0), -1)` in PyTorch
becomes Shape, Gather, Unsqueeze, Concat and Reshape. So a shape is an array that can contain the symbol `BATCH`.
"""

import math

import numpy as np

from minigooglenet.typing import Array, Shape
from minigooglenet.weights.onnx import messages
from minigooglenet.weights.onnx.node import Node
from minigooglenet.weights.onnx.walk import MOST_VALUES


class _Batch:
    """The batch size, whatever it is. Arithmetic with it raises a TypeError."""

    def __repr__(self):
        return "N"


BATCH = _Batch()


def fold(node: Node, operator: str) -> Array:
    """Return the value of a node whose inputs are constant.

    Raises
    ------
    ValueError
        If the inputs do not fit the operator, the operator is not exact, or the result is too large.
    """
    try:
        with np.errstate(all="ignore"):  # a weight that is not finite is rejected when a layer gets it
            value = np.asarray(FOLDED[operator][0](node))
    except (TypeError, IndexError, ArithmeticError) as error:
        if "_Batch" in str(error):
            raise ValueError("it computes with the batch size, which is not fixed") from error
        raise ValueError(f"its inputs do not fit: {error}") from error
    if value.dtype == object and not any(entry is BATCH for entry in value.flat):
        value = value.astype(np.int64)
    node.draft.spend(value.itemsize if _repeats(value) else value.nbytes)
    return value


def _repeats(value) -> bool:
    """Return whether an array is one number in memory, as `np.broadcast_to` makes it."""
    return value.size > 1 and not any(value.strides)


def _sized(node, shape, dtype):
    """Raise an error if an array of this shape would be too large; call it before an array grows."""
    count = math.prod(int(size) for size in shape)
    most = messages.MOST_LIST if np.dtype(dtype).kind == "O" else MOST_VALUES
    if count > most or len(shape) > messages.MOST_AXES:
        raise ValueError(f"its output would have the shape {tuple(shape)[:9]}; the limit is {most:,} values")
    node.draft.check(count * np.dtype(dtype).itemsize)


def _array(node, index, what="input") -> Array:
    value = node.array(index, what)
    if value is None:
        raise ValueError(f"its input {index} is missing")
    return value


def _integers(node, name, index):
    values = node.integers(name, index)
    if values is None:
        raise ValueError(f"its {name} is missing")
    return values


def _binary(operation):
    def folded(node):
        a, b = _array(node, 0), _array(node, 1)
        _sized(node, np.broadcast_shapes(a.shape, b.shape), np.result_type(a, b))
        if a.dtype != b.dtype and object not in (a.dtype, b.dtype):
            raise TypeError(f"{a.dtype} and {b.dtype}")
        return operation(a, b)

    return folded


def _divided(a, b):
    if a.dtype.kind == "f":
        return a / b
    if not np.all(b):
        raise ZeroDivisionError("division by 0")
    quotient = abs(a) // abs(b)
    return np.where((a < 0) != (b < 0), -quotient, quotient)  # towards zero, as in C


def _unary(operation):
    return lambda node: operation(_array(node, 0))


def _cast(node):
    return _converted(node, _array(node, 0), messages.dtype(node.setting("to", 0)))


def _cast_like(node):
    return _converted(node, _array(node, 0), _array(node, 1).dtype)


def _converted(node, array, dtype):
    if array.dtype == object:  # a shape with the batch size
        if np.dtype(dtype).kind != "i":
            raise TypeError(f"a _Batch becomes {dtype}")
        return array
    _sized(node, array.shape, dtype)
    return array.astype(dtype)


def _constant_of_shape(node):
    shape = _integers(node, "shape", 0)
    value = node.attributes.get("value")
    value = np.zeros(1, np.float32) if value is None else messages.array(value, "value", node.draft.source)
    if value.size != 1 or min(shape, default=0) < 0:
        raise ValueError(f"it fills the shape {shape} with {value.size} values")
    _sized(node, shape, value.dtype)
    return np.broadcast_to(value.reshape(()), shape)


def _expand(node):
    array, shape = _array(node, 0), _integers(node, "shape", 1)
    shape = np.broadcast_shapes(array.shape, tuple(shape))
    _sized(node, shape, array.dtype)
    return np.broadcast_to(array, shape)


def _tile(node):
    array, repeats = _array(node, 0), _integers(node, "repeats", 1)
    _sized(node, [size * count for size, count in zip(array.shape, repeats, strict=True)], array.dtype)
    return np.tile(array, repeats)


def _range(node):
    start, limit, step = (_array(node, index).item() for index in range(3))
    if not all(isinstance(value, int) for value in (start, limit, step)):
        raise TypeError("only a range of integers is exact")
    _sized(node, [len(range(start, limit, step))], np.int64)
    return np.arange(start, limit, step, _array(node, 0).dtype)


def _concat(node):
    arrays = [_array(node, index) for index in range(len(node.inputs))]
    axis = node.axis(0, arrays[0].ndim)
    shape = [*arrays[0].shape]
    shape[axis] = sum(array.shape[axis] for array in arrays)
    _sized(node, shape, np.result_type(*arrays))
    return np.concatenate(arrays, axis)


def _gather(node):
    array, indices = _array(node, 0), _array(node, 1, "indices")
    axis = node.axis(0, array.ndim)
    if indices.dtype.kind != "i":
        raise TypeError(f"the indices are {indices.dtype}")
    _sized(node, [*array.shape[:axis], *indices.shape, *array.shape[axis + 1 :]], array.dtype)
    return np.take(array, indices, axis)


def _slice(node):
    array = _array(node, 0)
    ranges = sliced(node, array.shape)
    # The index before the first value is -1 in a range, but None in a slice.
    return array[tuple(slice(r.start, r.stop if r.stop >= 0 else None, r.step) for r in ranges)]


def sliced(node: Node, shape: Shape) -> list[range]:
    """Return the indices along each axis that a Slice of a tensor takes."""
    starts, ends = node.integers("starts", 1), node.integers("ends", 2)
    if starts is None or ends is None:
        raise ValueError("its starts or ends are missing")
    axes, steps = node.integers("axes", 3), node.integers("steps", 4) or [1] * len(starts)
    axes = node.axes(range(len(starts)) if axes is None else axes, len(shape))
    taken = [range(size) for size in shape]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = shape[axis]
        low, high = (0, size) if step > 0 else (-1, size - 1)  # of the end; a start is at least 0
        start, end = (value + size if value < 0 else value for value in (start, end))
        taken[axis] = range(min(max(start, 0), high), min(max(end, low), high), step)
    return taken


def _transpose(node):
    array = _array(node, 0)
    order = node.attributes.get("perm")
    return array.transpose(None if order is None else node.axes(order, array.ndim))


def _reshape(node):
    array, shape = _array(node, 0), _integers(node, "shape", 1)
    if not node.setting("allowzero", 0):
        shape = [array.shape[axis] if size == 0 else size for axis, size in enumerate(shape)]
    return array.reshape(shape)


def _flatten(node):
    array = _array(node, 0)
    axis = node.setting("axis", 1)
    axis = axis + array.ndim if axis < 0 else axis
    return array.reshape(math.prod(array.shape[:axis]), -1)


def _squeeze(node):
    array, axes = _array(node, 0), node.integers("axes", 1)
    return array.squeeze(tuple(node.axes(axes, array.ndim)) if axes else None)  # an empty list removes all


def _unsqueeze(node):
    array, axes = _array(node, 0), node.integers("axes", 1) or []
    if array.ndim + len(axes) > messages.MOST_AXES:
        raise ValueError(f"its output would have {array.ndim + len(axes)} axes")
    return np.expand_dims(array, tuple(axes))


def _shape(node):
    return shape_part(node, list(_array(node, 0).shape))


def shape_part(node: Node, sizes: list) -> Array:
    """Return what a Shape node returns of all sizes: opset 15 added `start` and `end`."""
    end = node.attributes.get("end")
    part = sizes[node.setting("start", 0) : len(sizes) if end is None else end]
    return np.array(part, object if BATCH in part else np.int64)


def _product(node):
    array, axes = _array(node, 0), node.integers("axes", 1)
    if array.dtype.kind != "i":
        raise TypeError("only a product of integers is exact")
    kept, chosen = bool(node.setting("keepdims", 1)), axes or node.setting("noop_with_empty_axes", 0)
    return array.prod(tuple(node.axes(axes or (), array.ndim)) if chosen else None, keepdims=kept, dtype=array.dtype)


def _dequantized(node):
    array, scale, zero = _array(node, 0), _array(node, 1, "scale"), node.array(2, "zero point")
    node.only("block_size", 0)
    node.only("output_dtype", 0)
    if array.dtype.kind not in "iu" or array.dtype.itemsize > 4 or scale.dtype != np.float32:
        raise TypeError(f"only integers with a float32 scale are supported, got {array.dtype} and {scale.dtype}")
    _sized(node, array.shape, np.float32)
    if scale.ndim == 1 and array.ndim and scale.size > 1:
        ends = [1] * array.ndim
        ends[node.axis(1, array.ndim)] = scale.size
        scale, zero = scale.reshape(ends), None if zero is None else zero.reshape(ends)
    difference = array.astype(np.int32) if zero is None else np.subtract(array, zero, dtype=np.int32)
    return difference.astype(np.float32) * scale


def _where(node):
    arrays = [_array(node, index) for index in range(3)]
    _sized(node, np.broadcast_shapes(*(array.shape for array in arrays)), np.result_type(*arrays[1:]))
    return np.where(*arrays)


def _constant(node):
    """Return the value of a Constant node."""
    if len(node.attributes) != 1:
        raise ValueError(f"it must have one attribute, got {len(node.attributes)}")
    ((name, value),) = node.attributes.items()
    if name == "value" and value is not None:
        return messages.array(value, "value", node.draft.source)
    if name in ("value_float", "value_floats"):
        return np.array(value, np.float32)
    if name in ("value_int", "value_ints"):
        return np.array(value, np.int64)
    raise ValueError(f"attribute {name} is unknown")


# {operator: (function of a node whose inputs are constant, supported attributes)}
FOLDED = {
    "Abs": (_unary(np.abs), set()),
    "Add": (_binary(np.add), set()),
    "Cast": (_cast, {"to", "saturate"}),
    "CastLike": (_cast_like, {"saturate"}),
    "Ceil": (_unary(np.ceil), set()),
    "Concat": (_concat, {"axis"}),
    "Constant": (_constant, {"value", "value_float", "value_floats", "value_int", "value_ints"}),
    "ConstantOfShape": (_constant_of_shape, {"value"}),
    "DequantizeLinear": (_dequantized, {"axis", "block_size", "output_dtype"}),
    "Div": (_binary(_divided), set()),
    "Equal": (_binary(np.equal), set()),
    "Expand": (_expand, set()),
    "Flatten": (_flatten, {"axis"}),
    "Floor": (_unary(np.floor), set()),
    "Gather": (_gather, {"axis"}),
    "Identity": (_unary(lambda array: array.view()), set()),
    "Max": (_binary(np.maximum), set()),
    "Min": (_binary(np.minimum), set()),
    "Mul": (_binary(np.multiply), set()),
    "Neg": (_unary(np.negative), set()),
    "Range": (_range, set()),
    "Reciprocal": (_unary(lambda array: array.dtype.type(1) / array), set()),
    "ReduceProd": (_product, {"axes", "keepdims", "noop_with_empty_axes"}),
    "Reshape": (_reshape, {"allowzero"}),
    "Shape": (_shape, {"start", "end"}),
    "Size": (_unary(lambda array: np.array(array.size)), set()),
    "Slice": (_slice, {"starts", "ends", "axes"}),
    "Sqrt": (_unary(np.sqrt), set()),
    "Squeeze": (_squeeze, {"axes"}),
    "Sub": (_binary(np.subtract), set()),
    "Tile": (_tile, set()),
    "Transpose": (_transpose, {"perm"}),
    "Unsqueeze": (_unsqueeze, {"axes"}),
    "Where": (_where, set()),
}
