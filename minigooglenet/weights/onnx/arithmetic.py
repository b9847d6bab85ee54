"""ONNX operators that work value by value: activations, sums and products, also with constants."""

import math

import numpy as np

from minigooglenet import layers
from minigooglenet.layers import Layer
from minigooglenet.weights.onnx import layouts
from minigooglenet.weights.onnx.draft import View
from minigooglenet.weights.onnx.idioms import gated, is_parameter, new_scale, per_channel, scaled
from minigooglenet.weights.onnx.node import Node, decimal


def activation(layer: type[Layer]):
    """Return the function for an operator without settings that a layer computes, in any layout."""

    def read(node: Node) -> View:
        return _elementwise(node, layer())

    return read


def _elementwise(node, layer):
    view = node.any()
    return node.add(layer, view, layout=view.layout)


def leaky_relu(node: Node) -> View:
    """LeakyRelu."""
    return _elementwise(node, layers.LeakyReLU(node.number("alpha", 0.01)))


def p_relu(node: Node) -> View:
    """PRelu with one slope."""
    slope = per_channel(node.weights(1, "slope", None), node.any())
    if np.any(slope != slope.flat[0]):
        raise ValueError(f"it has {slope.size} slopes; only one for all channels is supported")
    return _elementwise(node, layers.LeakyReLU(decimal(float(slope.flat[0]))))


def hard_sigmoid(node: Node) -> View:
    """HardSigmoid: a factor and an offset, then bounds."""
    x = node.any()
    alpha, beta = (
        np.array(node.number(name, default), np.float32) for name, default in (("alpha", 0.2), ("beta", 0.5))
    )
    x = new_scale(node, x, alpha, beta, part="scale")
    return node.add(layers.Clip(0.0, 1.0), x, layout=x.layout)


def clip(node: Node) -> View:
    """Clip between constants."""
    if node.opset < 11:
        bounds = [node.setting(name, sign * math.inf) for name, sign in (("min", -1.0), ("max", 1.0))]
    else:
        bounds = [_bound(node, 1, "minimum"), _bound(node, 2, "maximum")]
    return _clipped(node, *bounds)


def maximum(node: Node) -> View:
    """Max of a tensor and a constant."""
    return _clipped(node, _constant(node), None)


def minimum(node: Node) -> View:
    """Min of a tensor and a constant."""
    return _clipped(node, None, _constant(node))


def _constant(node):
    computed = node.computed()
    if len(computed) != 1 or len(node.inputs) != 2:
        raise ValueError(f"it compares {len(computed)} computed tensors; only one with a constant is supported")
    values = per_channel(node.weights(1 - computed[0], "bound", None), node.any(computed[0]))
    if values.ndim:
        raise ValueError("it has a bound for each channel; only one for all channels is supported")
    return float(values)


def _bound(node, index, what):
    array = node.array(index, what)
    if array is None:
        return None
    if array.dtype.kind not in "fV" or array.size != 1:
        raise ValueError(f"its {what} must be one float, got {array.dtype} {array.shape}")
    return float(array.item())


def _clipped(node, low, high):
    # The largest float32 is how files before opset 11 write "unbounded".
    most = float(np.finfo(np.float32).max)
    low = None if low is None or low <= -most else decimal(low)
    high = None if high is None or high >= most else decimal(high)
    bounds = [low, high]
    view = node.any(node.computed()[0])
    if bounds == [None, None] and not node.draft.own:
        return node.seen(view, view.layout)
    layer = layers.ReLU6() if bounds == [0, 6] else layers.Clip(*bounds)
    return node.add(layer, view, layout=view.layout)


def add(node: Node) -> View:
    """Add or Sum, of tensors of one shape and of constants."""
    computed = node.computed()
    constants = [index for index in range(len(node.inputs)) if index not in computed]
    if constants and len(computed) > 1:
        view = _together(node, layers.Add(), computed, part="sum")
    elif constants:
        view = node.any(*computed)
    else:
        return _together(node, layers.Add(), computed)
    for index in constants:
        view = _with_constant(node, view, index, bias=lambda values: values)
    return view


def subtract(node: Node) -> View:
    """Sub of tensors of one shape, or with a constant."""
    computed = node.computed()
    if computed == [0, 1]:
        negative = new_scale(node, node.any(1), np.array(-1, np.float32), part="minus")
        return _joined(node, layers.Add(), [node.any(0), negative])
    if computed == [0]:
        return _with_constant(node, node.any(0), 1, bias=lambda values: -values)
    if len(node.inputs) < 2:
        raise ValueError("its input 1 is missing")
    return _with_constant(node, node.any(1), 0, weight=lambda values: np.float32(-1), bias=lambda values: values)


def negate(node: Node) -> View:
    """Neg."""
    return scaled(node, node.any(), np.array(-1, np.float32))


def multiply(node: Node) -> View:
    """Mul of tensors, or with a constant."""
    computed = node.computed()
    if len(computed) == 1:
        return _with_constant(node, node.any(*computed), 1 - computed[0], weight=lambda values: values)
    views = [node.any(index) for index in computed]
    for x, gate in (views, views[::-1]) if len(views) == 2 else ():
        found = gated(node, x, gate)
        if found is not None:
            return found
    y = _joined(node, layers.Multiply(), views)
    if node.draft.own:  # the product of more than two was written as products of two
        y.step.reads = tuple(step for view in views for step in _factors(node, view))
    return y


def _factors(node, view):
    step = view.step
    return step.reads if isinstance(step.layer, layers.Multiply) and node.mergeable(view) else (step,)


def divide(node: Node) -> View:
    """Div by a constant."""
    if node.computed() != [0]:
        raise ValueError("it divides by a computed tensor; only a constant divisor is supported")
    return _with_constant(node, node.any(0), 1, weight=lambda values: 1 / values)


def _with_constant(node, view, index, weight=None, bias=None):
    """Return view * weight + bias, where both are functions of a constant input."""
    constant = node.weights(index, "constant", None)
    values = per_channel(constant, view)
    trained = is_parameter(node, view, constant)
    with np.errstate(divide="ignore", over="ignore"):
        factor, offset = (None if function is None else np.asarray(function(values)) for function in (weight, bias))
    if factor is not None and not np.isfinite(factor).all():
        raise ValueError("it divides by 0 or by a number close to it")
    return scaled(node, view, factor, offset, trained=trained)


def _together(node, layer, indices, part=""):
    return _joined(node, layer, [node.any(index) for index in indices], part)


def _joined(node, layer, views, part=""):
    """Return what a layer makes of views that all have the same order of axes."""
    if not views:
        raise ValueError("it reads 0 wires; expected one or more")
    orders = [layouts.order(view.layout, view.step.shape) for view in views]
    order = max(orders, key=lambda axes: len(axes or ()))
    for index, view in enumerate(views):
        # Gates (C,) with two more axes of length 1 are what the layer takes for (C, 1, 1).
        if orders[index] is None and view.layout == (*layouts.of(view.step.shape), (), ()) and order == (0, 1, 2):
            orders[index] = order
    if order is None or any(axes != order for axes in orders):
        shapes = " and ".join(f"(N, {', '.join(map(str, view.shape))})" for view in views)
        raise ValueError(f"its inputs {shapes} have different axes, or an order of values for which no layer exists")
    y = node.add(layer, *views, part=part)
    return y._replace(layout=layouts.transpose(y.layout, order))


# {operator: (function, supported attributes)}
OPERATORS = {
    "Add": (add, set()),
    "Clip": (clip, {"min", "max"}),
    "Div": (divide, set()),
    "HardSigmoid": (hard_sigmoid, {"alpha", "beta"}),
    "HardSwish": (activation(layers.HardSwish), set()),
    "LeakyRelu": (leaky_relu, {"alpha"}),
    "Max": (maximum, set()),
    "Min": (minimum, set()),
    "Mul": (multiply, set()),
    "Neg": (negate, set()),
    "PRelu": (p_relu, set()),
    "Relu": (activation(layers.ReLU), set()),
    "Sigmoid": (activation(layers.Sigmoid), set()),
    "Sub": (subtract, set()),
    "Sum": (add, set()),
    "Tanh": (activation(layers.Tanh), set()),
}
