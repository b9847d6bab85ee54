"""ONNX's operators as layers: one function each, which looks at a node and returns the layer that does the same.

A function returns None where the node passes its input on as it is, and raises a ValueError for what no layer does.
"""

import math

import numpy as np

from minigooglenet import layers, shapes
from minigooglenet.weights import contents
from minigooglenet.weights.onnx.node import UnknownShape, Wire, decimal

# How ONNX can say adaptive average pooling: a matrix of means for the rows, and one for the columns.
ADAPTIVE = "nchw,ph,qw->ncpq"


def adaptive_means(input_size, output_size):
    """Return the matrices (P, H) and (Q, W) float32 whose rows are the means over each window, along each axis."""
    matrices = []
    for size, count in zip(input_size, output_size, strict=True):
        matrix = np.zeros((count, size), np.float32)
        for i in range(count):
            start, end = shapes.adaptive_window(i, size, count)
            matrix[i, start:end] = 1 / (end - start)
        matrices.append(matrix)
    return tuple(matrices)


def _padding(node, kernel, stride, least=0):
    """Return the padding of a window. Automatic padding below 0 counts as 0 down to `least`, and is rejected below."""
    mode = node.setting("auto_pad", "NOTSET")
    top, left, bottom, right = pads = node.numbers("pads", (0, 0, 0, 0), 4)
    if mode == "NOTSET":
        return (top, bottom), (left, right)
    if any(pads):
        raise ValueError(f"attribute pads is {list(pads)} next to auto_pad {mode}; only one of them can hold")
    if mode == "VALID":
        return 0
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise ValueError(f"attribute auto_pad is {mode}")
    padding = []
    for size, length, step in zip(_map(node)[1:], kernel, stride, strict=True):
        total = (-(-size // step) - 1) * step + length - size  # for size / step windows, rounded up
        if total < least:
            raise ValueError(
                f"attribute auto_pad is {mode}, and a kernel of {length} with stride {step} on {size} values "
                f"would need a padding of {total}"
            )
        total = max(total, 0)
        less, more = total // 2, total - total // 2
        padding.append((less, more) if mode == "SAME_UPPER" else (more, less))
    return tuple(padding)


def _map(node):
    shape = node.shape()
    if len(shape) != 3:
        raise ValueError(f"layers here take maps (C, H, W), and its input is {shape}")
    return shape


def _strides(node):
    node.only("dilations", [1, 1])
    stride = node.numbers("strides", (1, 1))
    if min(stride) < 1:
        raise ValueError(f"attribute strides is {stride}")
    return stride


def _filled(layer, **arrays):
    """Return the layer with its arrays, once each is known to have the shape that the layer was made for."""
    for name, value in arrays.items():
        if value is not None:
            place = layer.params if name in layer.params else layer.buffers
            if value.shape != place[name].shape:
                raise ValueError(f"its {name} should have the shape {place[name].shape}, got {value.shape}")
            place[name] = value
    return layer


def _conv(node):
    stride, groups = _strides(node), node.setting("group", 1)
    weight, bias = node.weights(1, "weight", 4), node.weights(2, "bias", 1, optional=True)
    kernel = weight.shape[2:]
    if node.numbers("kernel_shape", kernel) != kernel:
        raise ValueError(f"attribute kernel_shape is {node.attributes['kernel_shape']}, its weight {weight.shape}")
    channels = weight.shape[1] * groups
    padding = _padding(node, kernel, stride, least=-1)  # 1x1 with stride 2, which leaves a last row out
    layer = layers.Conv2d(
        channels, len(weight), kernel, stride, padding, groups=groups, bias=bias is not None, init="zeros"
    )
    return _filled(layer, weight=weight, bias=bias)


def _pool(node, layer, **settings):
    kernel, stride = node.numbers("kernel_shape"), _strides(node)
    ceil_mode = bool(node.setting("ceil_mode", 0))
    return layer(kernel, stride, _padding(node, kernel, stride), ceil_mode=ceil_mode, **settings)


def _max_pool(node):
    return _pool(node, layers.MaxPool2d)


def _average_pool(node):
    return _pool(node, layers.AvgPool2d, count_include_pad=bool(node.setting("count_include_pad", 0)))


def _global_average_pool(node):
    return layers.AvgPool2d(_map(node)[1:], stride=1)


def _reduce_mean(node):
    shape = _map(node)
    if node.axes() != (2, 3):
        raise ValueError(f"it goes over the axes {node.axes()}, not (2, 3)")
    return layers.AvgPool2d(shape[1:], stride=1) if node.setting("keepdims", 1) else layers.GlobalAvgPool2d()


def _adaptive_average_pool(node):
    if node.setting("equation", "").replace(" ", "") != ADAPTIVE:
        raise ValueError(f"attribute equation is {contents.some(node.attributes.get('equation'))}, not {ADAPTIVE!r}")
    found = [node.weights(place, name, 2) for place, name in ((1, "rows"), (2, "columns"))]
    size = tuple(len(matrix) for matrix in found)
    sizes = _map(node)[1:]
    # The shapes come first: a matrix of one column declares as many rows as it has values, for maps of any size.
    fit = all(matrix.shape[1] == side for matrix, side in zip(found, sizes, strict=True))
    expected = adaptive_means(sizes, size) if fit else ()
    if not fit or not all(np.allclose(a, b, rtol=1e-6) for a, b in zip(found, expected, strict=True)):
        raise ValueError("its matrices are not those of an adaptive average pool")
    return layers.AdaptiveAvgPool2d(size)


def _response_norm(node):
    size = node.setting("size", 0)
    if size % 2 == 0:
        raise ValueError(f"attribute size is {size}; an even window reaches further down here, further up in ONNX")
    alpha, beta = node.number("alpha", 1e-4), node.number("beta", 0.75)
    return layers.LocalResponseNorm(size, alpha, beta, node.number("bias", 1.0))


def _batch_norm(node):
    node.only("spatial", 1)
    node.only("training_mode", 0)
    if node.outputs > 1:  # before opset 14 this alone means training, even where nobody reads them
        raise ValueError(
            f"it has {node.outputs} outputs, so it normalises with the statistics of the batch, as in training"
        )
    weight, bias = node.weights(1, "weight", 1), node.weights(2, "bias", 1)
    mean, var = node.weights(3, "mean", 1), node.weights(4, "variance", 1)
    epsilon = node.number("epsilon", 1e-5)
    if epsilon < 0:
        raise ValueError(f"attribute epsilon is {epsilon}, and what is added to a variance is not negative")
    if var.min() < 0:
        raise ValueError(f"its variance has values below 0, the least {var.min():.3g} at index {var.argmin()}")
    # Here momentum is the share of the batch, there that of what was before.
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
    """Give a linear layer its bias, in any form that adds the same numbers to each row."""
    try:
        layer.params["bias"] = np.broadcast_to(bias, (1, layer.out_features))[0].copy()
    except ValueError:
        raise ValueError(f"its bias should have the shape ({layer.out_features},), got {bias.shape}") from None
    return layer


def _add(node):
    constants = [index for index, value in enumerate(node.inputs) if isinstance(value, np.ndarray)]
    if not constants:
        return layers.Add()
    wire = next(iter(node.wires), Wire("", ()))
    if wire.shape is None:
        raise UnknownShape
    # A matrix product and a sum are how some programs write a linear layer.
    if isinstance(wire.layer, layers.Linear) and wire.alone and "bias" not in wire.layer.params:
        _with_bias(wire.layer, node.weights(constants[0], "bias", None))
        return None
    raise ValueError("one of its inputs is constant; only a linear layer has a bias added so")


def _reshape(node):
    wanted, shape = node.array(1, "shape"), node.shape()
    if wanted is None or wanted.ndim != 1 or wanted.dtype.kind != "i":
        raise ValueError("its shape should be a list of integers")
    batches = {node.batch, -1} | ({0} if not node.setting("allowzero", 0) else set())
    features = math.prod(shape)
    if len(wanted) == 2 and wanted[0] in batches and wanted[1] in {-1, features} and wanted.max() >= 0:
        return layers.Flatten()
    raise ValueError(f"it makes {wanted.tolist()} of (N, {', '.join(map(str, shape))}); layers here only flatten")


def _flatten(node):
    if node.axis(1) != 1:
        raise ValueError(f"attribute axis is {node.axis(1)}, not 1")
    return layers.Flatten()


def _squeeze(node):
    if node.axes() != (2, 3) or _map(node)[1:] != (1, 1):
        raise ValueError(f"it takes the axes {node.axes()} from (N, {', '.join(map(str, node.shape()))})")
    return layers.Flatten()


def _softmax(node):
    axis = node.axis(1 if node.opset < 13 else -1)
    # Before opset 13 it went over all axes from that one on.
    if axis != 1 or (node.opset < 13 and math.prod(node.shape()[1:]) != 1):
        raise ValueError(f"it goes over the axes {axis} and beyond" if node.opset < 13 else f"attribute axis is {axis}")
    return layers.Softmax()


def _concat(node):
    if node.axis(0) != 1:
        raise ValueError(f"attribute axis is {node.axis(0)}, not 1")
    return layers.Concat()


def _dropout(node):
    training = node.array(2, "training_mode")
    if training is not None and training.any():
        raise ValueError("it drops in inference too")
    ratio = node.array(1, "ratio")
    return layers.Dropout(node.number("ratio", 0.5) if ratio is None else decimal(float(ratio.item())))


_WINDOW = {"auto_pad", "dilations", "kernel_shape", "pads", "strides"}
_POOL = _WINDOW | {"ceil_mode"}

# Operator -> (function, the attributes that it knows)
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
}
