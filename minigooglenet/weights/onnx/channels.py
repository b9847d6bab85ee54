"""ONNX operators that join or divide channels."""

import itertools

from minigooglenet import layers
from minigooglenet.weights.onnx import layouts
from minigooglenet.weights.onnx.draft import View
from minigooglenet.weights.onnx.folding import sliced
from minigooglenet.weights.onnx.idioms import joined
from minigooglenet.weights.onnx.node import Node

MANY, MOST_INT32 = 2**40, 2**31 - 1  # more images than a batch has; the end of any axis in a Slice


def concat(node: Node) -> View:
    """Concat of channels, in any layout that all inputs have."""
    views = [node.any(index) for index in range(len(node.inputs))]
    if not views:
        raise ValueError("it reads 0 wires; expected one or more")
    order = _order(views[0])
    axis = node.axis(0, len(views[0].shape) + 1)
    if axis != _channel_axis(order) or any(_order(view) != order for view in views):
        raise ValueError(f"attribute axis is {axis}; only the channels can be joined")
    found = joined(node, views)
    if found is not None:
        return found
    y = node.add(layers.Concat(), *views)
    return y._replace(layout=layouts.transpose(y.layout, order))


def split(node: Node) -> list[View | None]:
    """Split of channels."""
    view, sizes = node.any(), node.integers("split", 1)
    order = _order(view)
    axis = node.axis(0, len(view.shape) + 1)
    channels = view.step.shape[0]
    if sizes is None:
        count = node.setting("num_outputs", len(node.outputs))
        size = -(-channels // max(count, 1))
        sizes = [min(size, channels - start) for start in range(0, channels, size)]
    if axis != _channel_axis(order) or sum(sizes) != channels or len(sizes) != len(node.outputs) or min(sizes) < 1:
        raise ValueError(f"it splits axis {axis} of (N, {_text(view.shape)}) into {sizes}; only channels can be split")
    ends = itertools.accumulate(sizes)
    return [
        _channels(node, view, end - size, end, name) if name and node.draft.readers[name] else None
        for name, size, end in zip(node.outputs, sizes, ends, strict=True)
    ]


def slice_(node: Node) -> View:
    """Slice of channels that follow each other."""
    view = node.any()
    order = _order(view)
    batch, *taken = sliced(node, (MANY, *view.shape))
    whole = [range(size) for size in view.shape]
    channels = taken[_channel_axis(order) - 1]
    whole[_channel_axis(order) - 1] = channels
    if batch[:1] != range(1) or batch.step != 1 or len(batch) not in (MOST_INT32, MANY):  # -1 ends at MANY - 1
        raise ValueError("it takes a part of the batch")
    if taken != whole or channels.step != 1 or not channels:
        raise ValueError(f"it takes {_text(taken)} of (N, {_text(view.shape)}); only channels in a row can be taken")
    return _channels(node, view, channels.start, channels.stop, node.tensor)


def gather(node: Node) -> View:
    """Gather of one channel, or of channels that follow each other."""
    view, indices = node.any(), node.array(1, "indices")
    order = _order(view)
    axis = node.axis(0, len(view.shape) + 1)
    channels = view.step.shape[0]
    few = indices is not None and indices.size <= channels
    if not few or indices.dtype.kind != "i" or indices.ndim > 1 or axis != _channel_axis(order):
        raise ValueError(f"it takes values of axis {axis}; only channels that follow each other can be taken")
    taken = [index + channels if index < 0 else index for index in indices.ravel().tolist()]
    if not taken or taken != list(range(taken[0], taken[0] + len(taken))) or not 0 <= taken[0] <= taken[-1] < channels:
        raise ValueError(f"it takes the channels {taken[:9]} of {channels}; they must follow each other")
    y = _channels(node, view, taken[0], taken[-1] + 1, node.tensor)
    return y if indices.ndim else y._replace(layout=tuple(a for i, a in enumerate(y.layout, start=1) if i != axis))


def _channels(node, view, start, stop, tensor):
    if (start, stop) == (0, view.step.shape[0]):
        return node.draft.alias(tensor, view)
    y = node.draft.add(tensor, layers.ChannelSlice(start, stop), [view])
    return y._replace(layout=layouts.transpose(y.layout, _order(view)))


def _order(view):
    """Return the order of the axes of a view, which must be a wire or a transposed one."""
    order = layouts.order(view.layout, view.step.shape)
    if order is None:
        raise ValueError(f"its input (N, {_text(view.shape)}) is a reshaped (N, {_text(view.step.shape)})")
    return order


def _channel_axis(order):
    return order.index(0) + 1


def _text(sizes):
    return ", ".join(map(str, sizes))


# {operator: (function, supported attributes)}
OPERATORS = {
    "Concat": (concat, {"axis"}),
    "Gather": (gather, {"axis"}),
    "Slice": (slice_, {"starts", "ends", "axes"}),
    "Split": (split, {"axis", "split", "num_outputs"}),
}
