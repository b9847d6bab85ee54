"""ONNX operators as layers: one function per operator, which returns the layer that is equivalent to a node.

A function returns None if the node is the identity, and raises a ValueError if no layer is equivalent.
"""

import math

import numpy as np

from minigooglenet import layers, shapes
from minigooglenet.weights import contents
from minigooglenet.weights.onnx import later_layers
from minigooglenet.weights.onnx.node import UnknownShape, Wire, decimal

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


def _padding(node, kernel, stride, least=0):
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
    for size, length, step in zip(_chw(node)[1:], kernel, stride, strict=True):
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


def _chw(node):
    shape = node.shape()
    if len(shape) != 3:
        raise ValueError(f"its input must be a feature map (C, H, W), got {shape}")
    return shape


def _strides(node):
    stride = node.numbers("strides", (1, 1))
    if min(stride) < 1:
        raise ValueError(f"attribute strides must be at least 1, got {stride}")
    return stride


def _filled(layer, **arrays):
    """Return the layer with the given arrays, after checking their shapes."""
    for name, value in arrays.items():
        if value is not None:
            arrays_of_layer = layer.params if name in layer.params else layer.buffers
            if value.shape != arrays_of_layer[name].shape:
                raise ValueError(f"its {name} must have the shape {arrays_of_layer[name].shape}, got {value.shape}")
            arrays_of_layer[name] = value
    return layer


def _conv(node):
    stride, groups = _strides(node), node.setting("group", 1)
    weight, bias = node.weights(1, "weight", 4), node.weights(2, "bias", 1, optional=True)
    kernel = weight.shape[2:]
    if node.numbers("kernel_shape", kernel) != kernel:
        raise ValueError(
            f"attribute kernel_shape is {node.attributes['kernel_shape']}, but its weight has the shape {weight.shape}"
        )
    dilation = shapes.pair(node.numbers("dilations", (1, 1)), "attribute dilations")
    # -1: a 1x1 kernel with stride 2 may skip the last row
    padding = _padding(node, shapes.dilated(kernel, dilation), stride, least=-1)
    settings = {"groups": groups, "dilation": dilation, "bias": bias is not None, "init": "zeros"}
    layer = layers.Conv2d(weight.shape[1] * groups, len(weight), kernel, stride, padding, **settings)
    return _filled(layer, weight=weight, bias=bias)


def _pool(node, layer, **settings):
    kernel, stride = node.numbers("kernel_shape"), _strides(node)
    node.only("dilations", [1, 1])
    ceil_mode = bool(node.setting("ceil_mode", 0))
    return layer(kernel, stride, _padding(node, kernel, stride), ceil_mode=ceil_mode, **settings)


def _max_pool(node):
    return _pool(node, layers.MaxPool2d)


def _average_pool(node):
    return _pool(node, layers.AvgPool2d, count_include_pad=bool(node.setting("count_include_pad", 0)))


def _global_average_pool(node):
    return layers.AvgPool2d(_chw(node)[1:], stride=1)


def _reduce_mean(node):
    shape = _chw(node)
    if node.axes() != (2, 3):
        raise ValueError(f"it reduces the axes {node.axes()}; only (2, 3) is supported")
    return layers.AvgPool2d(shape[1:], stride=1) if node.setting("keepdims", 1) else layers.GlobalAvgPool2d()


def _adaptive_average_pool(node):
    if node.setting("equation", "").replace(" ", "") != ADAPTIVE:
        raise ValueError(f"attribute equation is {contents.some(node.attributes.get('equation'))}, not {ADAPTIVE!r}")
    matrices = [node.weights(index, name, 2) for index, name in ((1, "rows"), (2, "columns"))]
    size = tuple(len(matrix) for matrix in matrices)
    sizes = _chw(node)[1:]
    # Check the shapes first: a matrix with one column could request one row per value, whatever the input size.
    fit = all(matrix.shape[1] == side for matrix, side in zip(matrices, sizes, strict=True))
    expected = adaptive_means(sizes, size) if fit else ()
    if not fit or not all(np.allclose(a, b, rtol=1e-6) for a, b in zip(matrices, expected, strict=True)):
        raise ValueError("its matrices are not those of adaptive average pooling")
    return layers.AdaptiveAvgPool2d(size)


def _response_norm(node):
    size = node.setting("size", 0)
    if size % 2 == 0:
        raise ValueError(
            f"attribute size is {size}, but must be odd: an even window extends further down in this package, "
            "further up in ONNX"
        )
    alpha, beta = node.number("alpha", 1e-4), node.number("beta", 0.75)
    return layers.LocalResponseNorm(size, alpha, beta, node.number("bias", 1.0))


def _batch_norm(node):
    node.only("spatial", 1)
    node.only("training_mode", 0)
    if node.outputs > 1:  # before opset 14 this means training, even if the outputs are unused
        raise ValueError(
            f"it has {node.outputs} outputs, so it normalises with the statistics of the batch, as in training"
        )
    weight, bias = node.weights(1, "weight", 1), node.weights(2, "bias", 1)
    mean, var = node.weights(3, "mean", 1), node.weights(4, "variance", 1)
    epsilon = node.number("epsilon", 1e-5)
    if epsilon < 0:
        raise ValueError(f"attribute epsilon must be at least 0, got {epsilon}")
    if var.min() < 0:
        raise ValueError(f"its variance has values below 0, the minimum {var.min():.3g} at index {var.argmin()}")
    # Here momentum is the fraction of the batch statistics; in ONNX it is the fraction of the old value.
    layer = layers.BatchNorm2d(len(weight), epsilon, decimal(1 - node.number("momentum", 0.9)))
    return _filled(layer, weight=weight, bias=bias, running_mean=mean, running_var=var)


def _gemm(node):
    node.only("transA", 0)
    node.only("alpha", 1.0)
    node.only("beta", 1.0)
    weight = node.weights(1, "weight", 2)
    layer = _linear(weight if node.setting("transB", 0) else weight.T)
    bias = node.weights(2, "bias", None, optional=True)
    return layer if bias is None else _with_bias(layer, bias)


def _matmul(node):
    return _linear(node.weights(1, "second factor", 2).T)


def _linear(weight):
    outputs, inputs = weight.shape
    return _filled(layers.Linear(inputs, outputs, bias=False, init="zeros"), weight=np.ascontiguousarray(weight))


def _with_bias(layer, bias):
    """Set the bias of a linear layer, from any shape that adds the same values to each row."""
    try:
        layer.params["bias"] = np.broadcast_to(bias, (1, layer.out_features))[0].copy()
    except ValueError:
        raise ValueError(f"its bias must have the shape ({layer.out_features},), got {bias.shape}") from None
    return layer


def _add(node):
    constants = [index for index, value in enumerate(node.inputs) if isinstance(value, np.ndarray)]
    if not constants:
        return layers.Add()
    wire = next(iter(node.wires), Wire("", ()))
    if wire.shape is None:
        raise UnknownShape
    # Some programs write a linear layer as a matrix product and a sum.
    if isinstance(wire.layer, layers.Linear) and wire.alone and "bias" not in wire.layer.params:
        _with_bias(wire.layer, node.weights(constants[0], "bias", None))
        return None
    if isinstance(wire.layer, layers.Scale) and wire.alone and not wire.layer.settings()["bias"]:
        later_layers.add_bias(wire, node.weights(constants[0], "bias", None))
        return None
    raise ValueError("one of its inputs is constant, which is supported only as the bias of a linear layer or a scale")


def _reshape(node):
    target, shape = node.array(1, "shape"), node.shape()
    if target is None or target.ndim != 1 or target.dtype.kind != "i":
        raise ValueError("its shape must be a list of integers")
    batches = {node.batch, -1} | ({0} if not node.setting("allowzero", 0) else set())
    features = math.prod(shape)
    if len(target) == 2 and target[0] in batches and target[1] in {-1, features} and target.max() >= 0:
        return layers.Flatten()
    raise ValueError(
        f"it reshapes (N, {', '.join(map(str, shape))}) to {target.tolist()}; only flattening is supported"
    )


def _flatten(node):
    if node.axis(1) != 1:
        raise ValueError(f"attribute axis is {node.axis(1)}; only 1 is supported")
    return layers.Flatten()


def _squeeze(node):
    if node.axes() != (2, 3) or _chw(node)[1:] != (1, 1):
        raise ValueError(
            f"it removes the axes {node.axes()} of (N, {', '.join(map(str, node.shape()))}); "
            "only (2, 3) of size 1 is supported"
        )
    return layers.Flatten()


def _softmax(node):
    axis = node.axis(1 if node.opset < 13 else -1)
    # Before opset 13 it normalised over that axis and all axes after it.
    if axis != 1 or (node.opset < 13 and math.prod(node.shape()[1:]) != 1):
        raise ValueError(
            f"it normalises over axis {axis}{' and all axes after it' * (node.opset < 13)}; only 1 is supported"
        )
    return layers.Softmax()


def _concat(node):
    if node.axis(0) != 1:
        raise ValueError(f"attribute axis is {node.axis(0)}; only 1 is supported")
    return layers.Concat()


def _dropout(node):
    training = node.array(2, "training_mode")
    if training is not None and training.any():
        raise ValueError("it also drops values at inference")
    ratio = node.array(1, "ratio")
    return layers.Dropout(node.number("ratio", 0.5) if ratio is None else decimal(float(ratio.item())))


_WINDOW = {"auto_pad", "dilations", "kernel_shape", "pads", "strides"}
_POOL = _WINDOW | {"ceil_mode"}

# {operator: (function, supported attributes)}
OPERATORS = {
    "Conv": (_conv, _WINDOW | {"group"}),
    "MaxPool": (_max_pool, _POOL | {"storage_order"}),
    "AveragePool": (_average_pool, _POOL | {"count_include_pad"}),
    "GlobalAveragePool": (_global_average_pool, set()),
    "Einsum": (_adaptive_average_pool, {"equation"}),
    "ReduceMean": (_reduce_mean, {"axes", "keepdims", "noop_with_empty_axes"}),
    "LRN": (_response_norm, {"size", "alpha", "beta", "bias"}),
    "BatchNormalization": (_batch_norm, {"epsilon", "momentum", "spatial", "training_mode"}),
    "Gemm": (_gemm, {"alpha", "beta", "transA", "transB"}),
    "MatMul": (_matmul, set()),
    "Relu": (lambda node: layers.ReLU(), set()),
    "Dropout": (_dropout, {"ratio", "seed"}),
    "Flatten": (_flatten, {"axis"}),
    "Reshape": (_reshape, {"allowzero"}),
    "Squeeze": (_squeeze, {"axes"}),
    "Softmax": (_softmax, {"axis"}),
    "Concat": (_concat, {"axis"}),
    "Add": (_add, set()),
    "Sum": (_add, set()),
    "Identity": (lambda node: None, set()),
    **later_layers.OPERATORS,
}
