"""ONNX operators that only change how values are read: their shape, their order, their precision."""

import math

from minigooglenet import layers
from minigooglenet.typing import Array
from minigooglenet.weights.onnx import layouts, messages
from minigooglenet.weights.onnx.draft import View
from minigooglenet.weights.onnx.folding import BATCH, shape_part
from minigooglenet.weights.onnx.node import Node


def identity(node: Node) -> View:
    """Identity: another name of the same tensor."""
    view = node.view()
    return node.seen(view, view.layout)


def cast(node: Node) -> View:
    """Cast between floats, whose precision is that of the weights here."""
    kind = node.setting("to", 0)
    if messages.dtype(kind).kind not in "fV":
        raise ValueError(f"it converts to {messages.type_name(kind)}; only floats are supported")
    return identity(node)


def expand(node: Node) -> View:
    """Expand to the shape that the tensor has."""
    view, shape = node.view(), node.integers("shape", 1) or []
    same = (1, node.draft.batch, BATCH), *((1, size) for size in view.shape)
    if len(shape) > len(same) or any(size not in of for size, of in zip(shape[::-1], same[::-1], strict=False)):
        raise ValueError(f"it repeats the values of {_text(view.shape)} to fill {shape}")
    return node.seen(view, view.layout)


def flatten(node: Node) -> View:
    """Flatten of everything after the batch axis."""
    view = node.view()
    axis = node.axis(1, len(view.shape) + 1)
    if axis != 1:
        raise ValueError(f"attribute axis is {axis}; only 1 is supported")
    if node.draft.own:
        return node.add(layers.Flatten(), node.wire())
    return _reshaped(node, view, (math.prod(view.shape),))


def reshape(node: Node) -> View:
    """Reshape that leaves the batch axis as it is."""
    view, target = node.view(), node.integers("shape", 1)
    if target is None or not target:
        raise ValueError("its shape must be a list of integers")
    before = (BATCH, *view.shape)
    if not node.setting("allowzero", 0):
        target = [before[axis] if size == 0 and axis < len(before) else size for axis, size in enumerate(target)]
    batch, *sizes = target
    count, known = math.prod(view.shape), math.prod(size for size in sizes if size not in (-1, BATCH))
    if batch in (BATCH, node.draft.batch) and sizes.count(-1) == 1 and known > 0 and count % known == 0:
        sizes[sizes.index(-1)] = count // known
    if batch not in (BATCH, node.draft.batch, -1) or not _fits(sizes, count):
        raise ValueError(
            f"it reshapes {_text(view.shape)} to ({', '.join(map(str, target))}); the batch axis must stay as it is"
        )
    return _reshaped(node, view, tuple(sizes))


def _fits(sizes, count):
    few = 0 < len(sizes) < messages.MOST_AXES
    return few and all(isinstance(size, int) and size > 0 for size in sizes) and math.prod(sizes) == count


def squeeze(node: Node) -> View:
    """Squeeze of axes of length 1."""
    view, axes = node.view(), node.integers("axes", 1)
    sizes = (node.draft.batch, *view.shape)
    removed = [i for i, size in enumerate(sizes) if size == 1] if not axes else node.axes(axes, len(sizes))
    if 0 in removed or any(sizes[axis] != 1 for axis in removed) or len(removed) == len(view.shape):
        raise ValueError(f"it removes the axes {removed} of {_text(view.shape)}")
    return node.seen(view, tuple(axis for i, axis in enumerate(view.layout, start=1) if i not in removed))


def unsqueeze(node: Node) -> View:
    """Unsqueeze: new axes of length 1."""
    view, axes = node.view(), node.integers("axes", 1) or []
    rank = len(view.shape) + 1 + len(axes)
    added = node.axes(axes, rank)
    if 0 in added or rank > messages.MOST_AXES:
        raise ValueError(f"it adds the axes {added} to {_text(view.shape)}")
    old = iter(view.layout)
    return node.seen(view, tuple(() if axis in added else next(old) for axis in range(1, rank)))


def transpose(node: Node) -> View:
    """Transpose that leaves the batch axis first."""
    view = node.view()
    rank = len(view.shape) + 1
    order = node.axes(node.attributes.get("perm", range(rank)[::-1]), rank)
    if order[0] != 0 or len(order) != rank:
        raise ValueError(f"attribute perm is {order}; the batch axis must stay the first of {rank}")
    return node.seen(view, layouts.transpose(view.layout, [axis - 1 for axis in order[1:]]))


def shape(node: Node) -> Array:
    """Shape: constant, except for the batch size."""
    batch = node.draft.batch
    return shape_part(node, [BATCH if batch is None else batch, *node.view().shape])


def _reshaped(node, view, sizes):
    return node.seen(view, layouts.reshape(view.layout, sizes))


def _text(sizes):
    return f"(N, {', '.join(map(str, sizes))})"


# {operator: (function, supported attributes)}
OPERATORS = {
    "Cast": (cast, {"to", "saturate"}),
    "Expand": (expand, set()),
    "Flatten": (flatten, {"axis"}),
    "Identity": (identity, set()),
    "Reshape": (reshape, {"allowzero"}),
    "Shape": (shape, {"start", "end"}),
    "Squeeze": (squeeze, {"axes"}),
    "Transpose": (transpose, {"perm"}),
    "Unsqueeze": (unsqueeze, {"axes"}),
}
