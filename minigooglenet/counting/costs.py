"""What each kind of layer costs, as exact products of integers that can be printed; `register` adds your own.

A cost is looked up by the layer's class, then by the classes that it inherits from. An unknown cost is an error, never
zero.
"""

import math
import warnings
from itertools import starmap
from typing import NamedTuple

import numpy as np

from minigooglenet import layers, shapes
from minigooglenet.counting.windows import WHOLE, Windows, adaptive_windows
from minigooglenet.counting.windows import windows as along_axis

KINDS = {
    "mac": "multiply-adds",
    "add": "additions",
    "multiply": "multiplications",
    "compare": "comparisons",
    "divide": "divisions",
    "power": "powers",
    "grad_input_mac": "multiply-adds for the gradient of the input",
    "grad_weight_mac": "multiply-adds for the gradient of the weights",
}


class Term(NamedTuple):
    """One product of an operation count for one image: `kind` of KINDS, the integers, and what they are for."""

    kind: str
    factors: tuple[int, ...]
    purpose: str = ""

    @property
    def count(self) -> int:
        return math.prod(self.factors)

    def __str__(self) -> str:
        unit = KINDS[self.kind].replace("multiply-adds", "MAC")
        purpose = f" ({self.purpose})" if self.purpose else ""
        return f"{'*'.join(map(str, self.factors))} = {self.count:,} {unit}{purpose}"


class Keeps(NamedTuple):
    """What a training forward keeps for the backward, for one image.

    `inputs`: whether the layer keeps its input arrays, shared with every layer that keeps the same wire; `values`:
    numbers of its own in the dtype of the run; `bytes`: bytes of its own of a fixed type.
    """

    inputs: bool = False
    values: int = 0
    bytes: int = 0


class Cost(NamedTuple):
    """What a layer costs for one image.

    terms : the operations of inference, and the multiply-adds of the backward
    keeps : what a training forward keeps
    window : what one output value sees of its input: None for its own position, `WHOLE`, (kernel (h, w), stride
        (h, w)), or the `Windows` of each axis. A kernel starts before the edge by the layer's `padding`, if it
        has one.
    """

    terms: tuple[Term, ...] = ()
    keeps: Keeps = Keeps()
    window: object = None


COSTS = {}  # {class: function (layer, *input_shapes) -> Cost}
METHODS = ("operations", "taped", "window", "windows")  # how a layer stated its cost before 0.2


def register(cls):
    """Add or replace the cost of a class of layers: a decorator for a function (layer, *input_shapes) -> Cost.

    @mg.counting.register(Swish)
    def swish_cost(layer, x_shape):
        return Cost([Term("multiply", x_shape)], Keeps(inputs=True))
    """
    if not isinstance(cls, type):
        raise TypeError(f"register takes the class of a layer, as in @mg.counting.register(Swish), got {cls!r}")

    def add(function):
        COSTS[cls] = function
        return function

    return add


def cost(layer, *input_shapes) -> Cost:
    """Return the cost of a layer for one image.

    Raises
    ------
    NotImplementedError
        If neither its class nor one that it inherits from has a cost.
    """
    methods = {}
    for cls in type(layer).__mro__:
        methods = {name: getattr(layer, name) for name in METHODS if name in vars(cls)} | methods
        if cls in COSTS:
            found = COSTS[cls](layer, *input_shapes)
            return _from_methods(layer, methods, input_shapes, found) if methods else found
    if {"operations", "taped"} <= methods.keys():
        return _from_methods(layer, methods, input_shapes, Cost())
    name = type(layer).__name__
    raise NotImplementedError(f"{name} has no registered cost. Add one with @mg.counting.register({name})")


def windows(layer, cost, *input_shapes):
    """Return the `Windows` of each axis (h, w), `WHOLE`, or None if values see their own position."""
    window = cost.window
    if window is None or window == WHOLE or isinstance(window[0], Windows):
        return window
    kernel_size, stride = window
    _, *sizes = layer.output_shape(*input_shapes) or (0,)
    if len(sizes) != 2 or (kernel_size == stride == (1, 1) and tuple(sizes) == tuple(input_shapes[0][1:])):
        return None
    padding = shapes.four_sided(getattr(layer, "padding", 0))
    axes = zip(sizes, kernel_size, stride, padding, strict=True)
    return tuple(along_axis(size, kernel, step, before) for size, kernel, step, (before, _) in axes)


def _from_methods(layer, methods, input_shapes, found):
    warnings.warn(
        f"{type(layer).__name__} states its cost by methods ({', '.join(methods)}); from 0.3 on, only a function "
        f"registered with @mg.counting.register({type(layer).__name__}) counts",
        DeprecationWarning,
        stacklevel=4,
    )
    if "operations" in methods:
        found = found._replace(terms=methods["operations"](*input_shapes))
    if "taped" in methods:
        found = found._replace(keeps=methods["taped"](*input_shapes))
    if "window" in methods:
        found = found._replace(window=methods["window"](*input_shapes))
    if "windows" in methods:
        found = found._replace(window=methods["windows"](*input_shapes))
    return found


@register(layers.Conv2d)
def _conv2d(layer, x_shape):
    filters, height, width = layer.output_shape(x_shape)
    factors = layer.in_channels // layer.groups, filters, *layer.kernel_size, height, width
    bias = [Term("add", (filters, height, width), "bias")] if "bias" in layer.params else []
    return Cost((*_products(factors), *bias), Keeps(inputs=True), (layer.kernel_size, layer.stride))


@register(layers.Linear)
def _linear(layer, x_shape):
    (outputs,) = layer.output_shape(x_shape)
    bias = [Term("add", (outputs,), "bias")] if "bias" in layer.params else []
    return Cost((*_products((layer.in_features, outputs)), *bias), Keeps(inputs=True), WHOLE)


@register(layers.MaxPool2d)
def _max_pool2d(layer, x_shape):
    values = math.prod(layer.output_shape(x_shape))
    argmax = np.min_scalar_type(math.prod(layer.kernel_size) - 1).itemsize
    terms = (Term("compare", (x_shape[0], _further_values(layer, x_shape)), "further values of all windows"),)
    return Cost(terms, Keeps(bytes=values * argmax), (layer.kernel_size, layer.stride))


@register(layers.AvgPool2d)
def _avg_pool2d(layer, x_shape):
    terms = (
        Term("add", (x_shape[0], _further_values(layer, x_shape)), "further values of all windows"),
        Term("divide", layer.output_shape(x_shape)),
    )
    return Cost(terms, Keeps(), (layer.kernel_size, layer.stride))


@register(layers.AdaptiveAvgPool2d)
def _adaptive_avg_pool2d(layer, x_shape):
    channels, *size = layer.output_shape(x_shape)
    axes = tuple(starmap(adaptive_windows, zip(x_shape[1:], layer.output_size, strict=True)))
    height, width = (sum(stop - start for start, stop in zip(*axis[:2], strict=True)) for axis in axes)
    further = height * width - math.prod(size)
    terms = (
        Term("add", (channels, further), "further values of all windows"),
        Term("divide", (channels, *size)),
    )
    return Cost(terms, Keeps(), axes)


@register(layers.GlobalAvgPool2d)
def _global_avg_pool2d(layer, x_shape):
    channels, height, width = x_shape
    return Cost((Term("add", (channels, height * width - 1)), Term("divide", (channels,))), Keeps(), WHOLE)


@register(layers.LocalResponseNorm)
def _local_response_norm(layer, x_shape):
    channels, height, width = x_shape
    before, after = layer.size // 2, (layer.size - 1) // 2
    neighbours = sum(min(c, before) + min(channels - 1 - c, after) for c in range(channels))
    terms = (
        Term("multiply", (3, *x_shape), "the square, alpha / size, x times the power"),
        Term("add", (neighbours, height, width), "squares of the neighbours"),
        Term("add", tuple(x_shape), "k"),
        Term("power", tuple(x_shape)),
    )
    return Cost(terms, Keeps(inputs=True, values=math.prod(x_shape)))


@register(layers.BatchNorm2d)
def _batch_norm2d(layer, x_shape):
    channels, height, width = layer.output_shape(x_shape)
    terms = (
        Term("add", (2, channels, height, width), "less the mean, plus the bias"),
        Term("multiply", (channels, height, width)),
        Term("add", (channels,), "eps"),
        Term("power", (channels,), "square roots"),
        Term("divide", (channels,)),
    )
    return Cost(terms, Keeps(inputs=True, values=2 * layer.num_features))


@register(layers.ReLU)
def _relu(layer, x_shape):
    return Cost((Term("compare", tuple(x_shape)),), Keeps(bytes=math.prod(x_shape)))


@register(layers.Dropout)
def _dropout(layer, x_shape):
    return Cost((), Keeps(bytes=math.prod(x_shape)))  # inference does nothing


@register(layers.Softmax)
def _softmax(layer, x_shape):
    classes, positions = x_shape[0], math.prod(x_shape[1:])
    terms = (
        Term("compare", (classes - 1, positions), "the largest"),
        Term("add", (2 * classes - 1, positions), "less the largest, and the sum"),
        Term("power", (classes, positions)),
        Term("divide", (classes, positions)),
    )
    return Cost(terms, Keeps(values=math.prod(x_shape)), WHOLE if len(x_shape) == 1 else None)


@register(layers.Add)
def _add(layer, *x_shapes):
    return Cost((Term("add", (len(x_shapes) - 1, *x_shapes[0])),) if len(x_shapes) > 1 else ())


@register(layers.Concat)
def _concat(layer, *x_shapes):
    return Cost()


@register(layers.Flatten)
def _flatten(layer, x_shape):
    return Cost()


def _products(factors):
    return Term("mac", factors), Term("grad_input_mac", factors), Term("grad_weight_mac", factors)


def _further_values(layer, x_shape):
    """Return how many values all windows of one channel hold beyond the first of each (padding left out)."""
    _, *count = layer.output_shape(x_shape)
    seen = 1
    for axis in range(2):
        along = x_shape[1 + axis], layer.kernel_size[axis], layer.stride[axis], layer.padding[axis][0]
        ranges = [shapes.real_window(i, *along) for i in range(count[axis])]
        seen *= sum(end - start for start, end in ranges)
    return seen - count[0] * count[1]
