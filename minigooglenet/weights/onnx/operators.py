"""ONNX operators as layers: {operator: (function, supported attributes)}.

A function gets a `Node`, adds the layers that compute the same, and returns the value of its output: a view, an array
if it is constant, or a list of one value for each output. It raises a ValueError if no layer computes the same.
"""

import math

import numpy as np

from minigooglenet import layers
from minigooglenet.weights import contents
from minigooglenet.weights.onnx import arithmetic, channels, layouts, reshaping
from minigooglenet.weights.onnx.idioms import per_channel
from minigooglenet.weights.onnx.node import decimal
from minigooglenet.weights.onnx.windows import (
    adaptive_average_pool,
    average_pool,
    conv,
    feature_map,
    filled,
    global_average_pool,
    global_max_pool,
    max_pool,
    pad,
    reduce_max,
    reduce_mean,
)


def _response_norm(node):
    size = node.setting("size", 0)
    if size % 2 == 0:
        raise ValueError(
            f"attribute size is {size}, but must be odd: an even window extends further down in this package, "
            "further up in ONNX"
        )
    alpha, beta = node.number("alpha", 1e-4), node.number("beta", 0.75)
    return node.add(layers.LocalResponseNorm(size, alpha, beta, node.number("bias", 1.0)), node.wire())


def _batch_norm(node):
    node.only("spatial", 1)
    node.only("training_mode", 0)
    if len(node.outputs) > 1:  # before opset 14 this means training, even if the outputs are unused
        raise ValueError(
            f"it has {len(node.outputs)} outputs, so it normalises with the statistics of the batch, as in training"
        )
    x = feature_map(node)
    weight, bias = node.weights(1, "weight", 1), node.weights(2, "bias", 1)
    mean, var = node.weights(3, "mean", 1), node.weights(4, "variance", 1)
    epsilon = node.number("epsilon", 1e-5)
    if epsilon < 0:
        raise ValueError(f"attribute epsilon must be at least 0, got {epsilon}")
    if var.min() < 0:
        raise ValueError(f"its variance has values below 0, the minimum {var.min():.3g} at index {var.argmin()}")
    # Here momentum is the fraction of the batch statistics; in ONNX it is the fraction of the old value.
    layer = layers.BatchNorm2d(len(weight), epsilon, decimal(1 - node.number("momentum", 0.9)))
    return node.add(filled(layer, weight=weight, bias=bias, running_mean=mean, running_var=var), x)


def _gemm(node):
    node.only("transA", 0)
    alpha, beta = (np.float32(node.number(name, 1.0)) for name in ("alpha", "beta"))
    weight, bias = _matrix(node, bool(node.setting("transB", 0))), node.weights(2, "bias", None, optional=True)
    x, weight = _vector(node, weight)
    if alpha != 1:
        weight = _times("weight", weight, alpha)
    layer = _linear(weight, bias is not None)
    y = node.add(layer, x)
    if bias is not None:
        layer.params["bias"][:] = per_channel(bias if beta == 1 else _times("bias", bias, beta), y)
    return y


def _matmul(node):
    weight = _matrix(node, transposed=False)
    view = node.view()
    order = layouts.order(view.layout, view.step.shape)
    if len(view.shape) == 3 and order == (1, 2, 0):  # a product with the channels of (H, W, C) is a 1x1 convolution
        outputs, inputs = weight.shape
        conv = layers.Conv2d(inputs, outputs, 1, bias=False, init="zeros")
        y = node.add(filled(conv, weight=weight[:, :, None, None]), view)
        return y._replace(layout=layouts.transpose(y.layout, order))
    x, weight = _vector(node, weight)
    return node.add(_linear(weight, bias=False), x)


def _times(name, values, factor):
    with np.errstate(over="ignore"):
        values = values * factor
    contents.check_values(name, values)
    return values


def _matrix(node, transposed):
    """Return the second factor as a weight (K, C), of which nothing else is a view."""
    weight = node.weights(1, "weight", 2, own=transposed)
    return weight if transposed else np.array(weight.T, order="C")


def _vector(node, weight):
    """Return the first input as a wire of vectors, and the weight (K, C) for the order of its values."""
    view = node.any()
    if len(view.shape) != 1:
        raise ValueError(f"its input must be a vector for each image, got {view.shape}")
    if not view.plain and weight.shape[1] == view.shape[0]:
        # Values that were transposed before they were flattened: the columns of the weight are transposed back.
        columns = np.empty_like(weight)
        columns[:, layouts.indices(view.layout)] = weight
        return node.add(layers.Flatten(), view, part="flat"), columns
    return node.wire(), weight


def _linear(weight, bias):
    outputs, inputs = weight.shape
    layer = layers.Linear(inputs, outputs, bias=bias, init="zeros")
    if bias and weight.dtype != np.float32:
        layer.params["bias"] = layer.params["bias"].astype(weight.dtype)
    return filled(layer, weight=weight)


def _softmax(node):
    x = node.wire()
    axis = node.axis(1 if node.opset < 13 else -1, len(x.shape) + 1)
    # Before opset 13 it normalised over that axis and all axes after it.
    if axis != 1 or (node.opset < 13 and math.prod(x.shape[1:]) != 1):
        raise ValueError(
            f"it normalises over axis {axis}{' and all axes after it' * (node.opset < 13)}; only 1 is supported"
        )
    return node.add(layers.Softmax(), x)


def _dropout(node):
    training = node.array(2, "training_mode")
    if training is not None and training.any():
        raise ValueError("it also drops values at inference")
    ratio = node.array(1, "ratio")
    view = node.any()
    layer = layers.Dropout(node.number("ratio", 0.5) if ratio is None else decimal(float(ratio.item())))
    return node.add(layer, view, layout=view.layout)


_WINDOW = {"auto_pad", "dilations", "kernel_shape", "pads", "strides"}
_POOL = _WINDOW | {"ceil_mode"}
_REDUCE = {"axes", "keepdims", "noop_with_empty_axes"}

# {operator: (function, supported attributes)}
OPERATORS = {
    **arithmetic.OPERATORS,
    **channels.OPERATORS,
    **reshaping.OPERATORS,
    "AveragePool": (average_pool, _POOL | {"count_include_pad"}),
    "BatchNormalization": (_batch_norm, {"epsilon", "momentum", "spatial", "training_mode"}),
    "Conv": (conv, _WINDOW | {"group"}),
    "Dropout": (_dropout, {"ratio", "seed"}),
    "Einsum": (adaptive_average_pool, {"equation"}),
    "Gemm": (_gemm, {"alpha", "beta", "transA", "transB"}),
    "GlobalAveragePool": (global_average_pool, set()),
    "GlobalMaxPool": (global_max_pool, set()),
    "LRN": (_response_norm, {"size", "alpha", "beta", "bias"}),
    "MatMul": (_matmul, set()),
    "MaxPool": (max_pool, _POOL | {"storage_order"}),
    "Pad": (pad, {"mode", "pads", "value"}),
    "ReduceMax": (reduce_max, _REDUCE),
    "ReduceMean": (reduce_mean, _REDUCE),
    "Softmax": (_softmax, {"axis"}),
}
