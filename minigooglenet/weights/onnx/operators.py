"""ONNX's operators as layers: one function each, which looks at a node and returns the layer that does the same.

A function returns None where the node passes its input on as it is, and raises a ValueError for what no layer does.
"""

import math
from typing import NamedTuple

import numpy as np

from minigooglenet import layers
from minigooglenet.layers import Layer


class UnknownShape(Exception):  # noqa: N818 (no error: the node that is to blame has been noted before)
    """A node before this one could not be read, so nothing is known of what comes from there."""


class Wire(NamedTuple):
    """A value that a node reads: its name, shape without the batch axis (None: not known), who writes and reads it."""

    name: str
    shape: tuple[int, ...] | None
    layer: Layer | None = None
    alone: bool = False  # one node reads it, and no more


class Node:
    """A node of the file with its inputs (a Wire, an array, or None for one left out), and questions to ask it."""

    def __init__(self, inputs, attributes, opset, batch):
        self.inputs, self.attributes, self.opset, self.batch = inputs, attributes, opset, batch
        self._used = set()  # places of the constant inputs that were asked for

    @property
    def wires(self) -> list[Wire]:
        return [value for value in self.inputs if isinstance(value, Wire)]

    def shape(self, index=0) -> tuple[int, ...]:
        """Return the shape of a wire without the batch axis."""
        if index >= len(self.inputs) or not isinstance(self.inputs[index], Wire):
            raise ValueError(f"input {index} should be computed, and is constant or left out")
        if self.inputs[index].shape is None:
            raise UnknownShape
        return self.inputs[index].shape

    def axis(self, default: int) -> int:
        """Return the attribute axis, counted from the front, where the batch is axis 0."""
        axis = self.setting("axis", default)
        return axis + len(self.shape()) + 1 if axis < 0 else axis

    def setting(self, name, default):
        """Return an attribute of the default's type, or the default."""
        value = self.attributes.get(name, default)
        if type(value) is not type(default):
            raise ValueError(f"attribute {name} should be a {type(default).__name__}, got {value!r}")
        return value

    def number(self, name, default: float) -> float:
        """Return a float attribute as `decimal` has it."""
        return decimal(self.setting(name, float(default)))

    def pair(self, name, default=None, count=2) -> tuple[int, ...]:
        """Return a list attribute of `count` whole numbers, two of them for height and width."""
        values = self.attributes.get(name, default)
        if not isinstance(values, (list, tuple)) or len(values) != count:
            raise ValueError(f"attribute {name} should hold {count} numbers, for height and width, got {values}")
        return tuple(values)

    def only(self, name, *known):
        """Raise a ValueError unless an attribute is one of the `known` values, or is left out and means the first."""
        value = self.attributes.get(name, known[0])
        if value not in known:
            raise ValueError(f"attribute {name} is {value}, not {' or '.join(map(str, known))}")

    def array(self, index, what) -> np.ndarray | None:
        """Return a constant input, or None where it is left out."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if isinstance(value, Wire):
            raise ValueError(f"its {what} is computed, not constant")
        self._used.add(index)
        return value

    def weights(self, index, what, ndim, *, optional=False) -> np.ndarray | None:
        """Return a constant input of `ndim` axes, or of any number with None, whose numbers a layer can hold."""
        value = self.array(index, what)
        if value is None and optional:
            return None
        if value is None or value.dtype.kind != "f" or (ndim is not None and value.ndim != ndim):
            got = "left out" if value is None else f"{value.dtype} {value.shape}"
            raise ValueError(f"its {what} should be floats{f' with {ndim} axes' * (ndim is not None)}, got {got}")
        if value.size == 0 or not np.isfinite(value).all():
            raise ValueError(f"its {what} holds {'nothing' if value.size == 0 else 'a NaN or an infinity'}")
        return value

    def check_all_used(self):
        """Raise a ValueError if an input is constant or left out where a layer takes what is computed."""
        for index, value in enumerate(self.inputs):
            if not isinstance(value, Wire) and index not in self._used:
                raise ValueError(f"its input {index} is {'left out' if value is None else 'constant'}")

    def axes(self) -> tuple[int, ...] | None:
        """Return the axes of a reduction, an attribute or since opset 13 or 18 an input, counted from the front."""
        given = self.array(1, "axes")
        values = self.attributes.get("axes") if given is None else given.ravel().tolist()
        rank = len(self.shape()) + 1
        return None if values is None else tuple(sorted(axis + rank if axis < 0 else axis for axis in values))


def decimal(value: float) -> float:
    """Return the shortest decimal of the same float32.

    ONNX keeps 1e-4 as 0.0000999999975, and 1e-4 was meant.
    """
    if not math.isfinite(value):
        raise ValueError(f"a setting is {value}")
    return float(str(np.float32(value)))


def _padding(node, kernel, stride):
    mode = node.setting("auto_pad", "NOTSET")
    if mode == "NOTSET":
        top, left, bottom, right = node.pair("pads", (0, 0, 0, 0), 4)
        return (top, bottom), (left, right)
    if mode == "VALID":
        return 0
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise ValueError(f"attribute auto_pad is {mode}")
    padding = []
    for size, length, step in zip(_map(node)[1:], kernel, stride, strict=True):
        total = max((-(-size // step) - 1) * step + length - size, 0)  # for size / step windows, rounded up
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
    stride = node.pair("strides", (1, 1))
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
            place[name] = value.copy()  # another node may have the same one, and these are trained apart
    return layer


def _conv(node):
    stride, groups = _strides(node), node.setting("group", 1)
    weight, bias = node.weights(1, "weight", 4), node.weights(2, "bias", 1, optional=True)
    kernel = weight.shape[2:]
    if node.pair("kernel_shape", kernel) != kernel:
        raise ValueError(f"attribute kernel_shape is {node.attributes['kernel_shape']}, its weight {weight.shape}")
    channels, padding = weight.shape[1] * groups, _padding(node, kernel, stride)
    layer = layers.Conv2d(
        channels, len(weight), kernel, stride, padding, groups=groups, bias=bias is not None, init="zeros"
    )
    return _filled(layer, weight=weight, bias=bias)


def _pool(node, layer, **settings):
    kernel, stride = node.pair("kernel_shape"), _strides(node)
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


def _response_norm(node):
    size = node.setting("size", 0)
    if size % 2 == 0:
        raise ValueError(f"attribute size is {size}; an even window reaches further down here, further up in ONNX")
    alpha, beta = node.number("alpha", 1e-4), node.number("beta", 0.75)
    return layers.LocalResponseNorm(size, alpha, beta, node.number("bias", 1.0))


def _batch_norm(node):
    node.only("spatial", 1)
    node.only("training_mode", 0)
    weight, bias = node.weights(1, "weight", 1), node.weights(2, "bias", 1)
    mean, var = node.weights(3, "mean", 1), node.weights(4, "variance", 1)
    # Here momentum is the share of the batch, there that of what was before.
    layer = layers.BatchNorm2d(len(weight), node.number("epsilon", 1e-5), decimal(1 - node.number("momentum", 0.9)))
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
    if wanted is None or wanted.ndim != 1:
        raise ValueError("its shape is left out")
    batches = {node.batch, -1} | ({0} if not node.setting("allowzero", 0) else set())
    features = math.prod(shape)
    if len(wanted) == 2 and wanted[0] in batches and wanted[1] in {-1, features} and wanted.tolist() != [-1, -1]:
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
