"""ONNX operators with windows as layers: convolution, pooling, padding, means over a feature map.

A function reads a node, adds its layers and returns the value of its output; it raises a ValueError if no layer
computes the same.
"""

import numpy as np

from minigooglenet import layers, shapes
from minigooglenet.layers import Layer
from minigooglenet.typing import Array
from minigooglenet.weights import contents
from minigooglenet.weights.onnx import layouts
from minigooglenet.weights.onnx.draft import View
from minigooglenet.weights.onnx.idioms import without_pad
from minigooglenet.weights.onnx.node import Node

# Adaptive average pooling in ONNX: a product with an averaging matrix for the rows, and one for the columns.
ADAPTIVE = "nchw,ph,qw->ncpq"


def adaptive_means(input_size, output_size):
    """Return the averaging matrices (P, H) and (Q, W), float32, with one row per window along each axis."""
    matrices = []
    for size, count in zip(input_size, output_size, strict=True):
        matrix = np.zeros((count, size), np.float32)
        for i in range(count):
            start, end = shapes.adaptive_window(i, size, count)
            matrix[i, start:end] = 1 / (end - start)
        matrices.append(matrix)
    return tuple(matrices)


def conv(node: Node) -> View:
    """Conv: a convolution, with a zero padding before it."""
    x = feature_map(node)
    stride, groups = _strides(node), node.setting("group", 1)
    dilation = shapes.pair(node.numbers("dilations", (1, 1)), "attribute dilations")
    weight, bias = node.weights(1, "weight", 4), node.weights(2, "bias", 1, optional=True)
    assert weight is not None  # only an optional one can be None
    kernel = weight.shape[2:]
    if node.numbers("kernel_shape", kernel) != kernel:
        raise ValueError(
            f"attribute kernel_shape is {node.attributes['kernel_shape']}, but its weight has the shape {weight.shape}"
        )
    # -1: a 1x1 kernel with stride 2 may skip the last row
    padding = _padding(node, x, shapes.dilated(kernel, dilation), stride, least=-1)
    settings = {"groups": groups, "dilation": dilation, "bias": bias is not None, "init": "zeros"}
    layer = layers.Conv2d(weight.shape[1] * groups, len(weight), kernel, stride, padding, **settings)
    filled(layer, weight=weight, bias=bias)
    return node.add(*_unpadded(node, layer, x, zeros=True))


def max_pool(node: Node) -> View:
    """MaxPool."""
    x, layer = _pool(node, layers.MaxPool2d)
    return node.add(*_unpadded(node, layer, x, zeros=False))


def average_pool(node: Node) -> View:
    """AveragePool, whose divisor counts a zero padding before it."""
    counted = bool(node.setting("count_include_pad", 0))
    x, layer = _pool(node, layers.AvgPool2d, count_include_pad=counted)
    if counted or not any(map(any, layer.padding)):
        counting = layers.AvgPool2d(**{**layer.settings(), "count_include_pad": True})
        merged, source = _unpadded(node, counting, x, zeros=True)
        if source is not x:
            return node.add(merged, source)
    return node.add(layer, x)


def _unpadded(node, layer, x, *, zeros):
    if node.setting("auto_pad", "NOTSET").startswith("SAME"):  # computed for the padded size
        return layer, x
    return without_pad(node, layer, x, zeros=zeros)


def _pool(node, layer, **settings):
    x = feature_map(node)
    kernel, stride = node.numbers("kernel_shape"), _strides(node)
    node.only("dilations", [1, 1])
    ceil_mode = bool(node.setting("ceil_mode", 0))
    return x, layer(kernel, stride, _padding(node, x, kernel, stride), ceil_mode=ceil_mode, **settings)


def pad(node: Node) -> View:
    """Pad of rows and columns with one value. It becomes a part of the convolution or pool after it, if it can."""
    x = feature_map(node)
    node.only("mode", "constant")
    pads, axes = node.integers("pads", 1), node.integers("axes", 3)
    value = node.array(2, "value")
    number = node.setting("value", 0.0) if value is None or not value.size else float(value.item())
    if axes is not None:
        axes = node.axes(axes, 4)
        if pads is None or len(pads) != 2 * len(axes):
            raise ValueError(f"it must have two pads for each of its {len(axes)} axes, got {pads}")
        before, after = (dict(zip(axes, pads[i : i + len(axes)], strict=True)) for i in (0, len(axes)))
        pads = [side.get(axis, 0) for side in (before, after) for axis in range(4)]
    if pads is None or len(pads) != 8 or any(pads[axis] for axis in (0, 1, 4, 5)):
        raise ValueError(f"its pads are {pads}; only rows and columns of (N, C, H, W) can be padded")
    _, _, top, left, _, _, bottom, right = pads
    if not any(pads):
        return node.seen(x, x.layout)
    return node.add(layers.Pad(((top, bottom), (left, right)), number), x)


def global_average_pool(node: Node) -> View:
    """GlobalAveragePool, which keeps two axes of length 1."""
    x = feature_map(node)
    return node.add(layers.AvgPool2d(x.shape[1:], stride=1), x)


def global_max_pool(node: Node) -> View:
    """GlobalMaxPool, which keeps two axes of length 1."""
    x = feature_map(node)
    return node.add(layers.MaxPool2d(x.shape[1:], stride=1), x)


def reduce_mean(node: Node) -> View:
    """ReduceMean over height, width or both, in any layout."""
    return _reduce(node, layers.AvgPool2d, layers.GlobalAvgPool2d)


def reduce_max(node: Node) -> View:
    """ReduceMax over height, width or both, in any layout."""
    return _reduce(node, layers.MaxPool2d, layers.GlobalMaxPool2d)


def _reduce(node, pool, over_map):
    x, axes = node.any(), node.integers("axes", 1)
    rank = len(x.shape) + 1
    covered = layouts.wire_axes(x.layout, x.step.shape)
    reduced = node.axes(axes or range(rank), rank)
    over = {axis for index in reduced if index and covered for axis in covered[index - 1]}  # of the wire
    if len(x.step.shape) != 3 or covered is None or 0 in reduced or 0 in over:
        raise ValueError(f"it reduces the axes {tuple(reduced)} of {rank}; only height and width can be reduced")
    kept = node.setting("keepdims", 1)
    if over == {1, 2} and not kept and covered == ((0,), (1,), (2,)):
        return node.add(over_map(), x)
    window = tuple(size if axis in over else 1 for axis, size in enumerate(x.step.shape))[1:]
    result = node.add(pool(window, stride=1), x)
    plain = layouts.of(result.step.shape)
    layout = []
    for index, wire_axes in enumerate(covered, start=1):
        if index not in reduced:
            layout.append(tuple(atom for axis in wire_axes for atom in plain[axis]))
        elif kept:
            layout.append(())
    return result._replace(layout=tuple(layout))


def adaptive_average_pool(node: Node) -> View:
    """Einsum, exactly as this package writes adaptive average pooling."""
    if node.setting("equation", "").replace(" ", "") != ADAPTIVE:
        raise ValueError(f"attribute equation is {contents.some(node.attributes.get('equation'))}, not {ADAPTIVE!r}")
    x = feature_map(node)
    matrices = [node.weights(index, name, 2) for index, name in ((1, "rows"), (2, "columns"))]
    size = tuple(len(matrix) for matrix in matrices)
    sizes = x.shape[1:]
    # Check the shapes first: a matrix with one column could request one row per value, whatever the input size.
    fit = all(matrix.shape[1] == side for matrix, side in zip(matrices, sizes, strict=True))
    expected = adaptive_means(sizes, size) if fit else ()
    if not fit or not all(np.allclose(a, b, rtol=1e-6) for a, b in zip(matrices, expected, strict=True)):
        raise ValueError("its matrices are not those of adaptive average pooling")
    return node.add(layers.AdaptiveAvgPool2d(size), x)


def feature_map(node: Node) -> View:
    """Return the first input, which must be a feature map (C, H, W)."""
    view = node.wire()
    if len(view.shape) != 3:
        raise ValueError(f"its input must be a feature map (C, H, W), got {view.shape}")
    return view


def filled(layer: Layer, **arrays: Array | None) -> Layer:
    """Return the layer with the given arrays, after checking their shapes."""
    for name, value in arrays.items():
        if value is not None:
            of_layer = layer.params if name in layer.params else layer.buffers
            if value.shape != of_layer[name].shape:
                raise ValueError(f"its {name} must have the shape {of_layer[name].shape}, got {value.shape}")
            of_layer[name] = value
    return layer


def _strides(node):
    stride = node.numbers("strides", (1, 1))
    if min(stride) < 1:
        raise ValueError(f"attribute strides must be at least 1, got {stride}")
    return stride


def _padding(node, x, kernel, stride, least=0):
    """Return the padding of a window. Negative automatic padding is 0 down to `least`, and an error below it."""
    mode = node.setting("auto_pad", "NOTSET")
    top, left, bottom, right = pads = node.numbers("pads", (0, 0, 0, 0), 4)
    if mode == "NOTSET":
        return (top, bottom), (left, right)
    if any(pads):
        raise ValueError(f"attribute pads is {list(pads)} next to auto_pad {mode}; only one of them can be set")
    if mode == "VALID":
        return 0
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise ValueError(f"attribute auto_pad is {mode}, which is unknown")
    padding = []
    for size, length, step in zip(x.shape[1:], kernel, stride, strict=True):
        total = (-(-size // step) - 1) * step + length - size  # for size / step windows, rounded up
        if total < least:
            raise ValueError(
                f"attribute auto_pad is {mode}, but a kernel of size {length} with stride {step} on {size} values "
                f"would need a padding of {total}"
            )
        total = max(total, 0)
        less, more = total // 2, total - total // 2
        padding.append((less, more) if mode == "SAME_UPPER" else (more, less))
    return tuple(padding)
