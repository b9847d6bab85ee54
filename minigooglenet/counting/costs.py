"""The cost of every layer type, as exact products of integers that can be printed; `register` adds your own layers.

A cost is looked up by the layer's class, then by its base classes. An unknown cost is an error, never zero.
"""

import math
import warnings
from collections.abc import Callable, Iterable
from itertools import starmap
from typing import Any, NamedTuple, TypeVar

import numpy as np

from minigooglenet import layers, shapes
from minigooglenet.counting.windows import WHOLE, Windows, adaptive_windows
from minigooglenet.counting.windows import windows as along_axis

F = TypeVar("F", bound=Callable[..., Any])
KINDS = {
    "mac": "multiply-adds",
    "add": "additions",
    "multiply": "multiplications",
    "compare": "comparisons",
    "divide": "divisions",
    "power": "powers",
    "grad_input_mac": "multiply-adds for the input gradient",
    "grad_weight_mac": "multiply-adds for the weight gradient",
}


class Term(NamedTuple):
    """One product of an operation count for one image: a kind of operation (of KINDS), its factors, and its purpose.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> print(mg.counting.Term("add", (64, 112, 112), "bias"))
    64*112*112 = 802,816 additions (bias)
    """

    kind: str
    factors: tuple[int, ...]
    purpose: str = ""

    @property
    def count(self) -> int:  # type: ignore[override]  # not the method of tuples
        return math.prod(self.factors)

    def __str__(self) -> str:
        unit = KINDS[self.kind].replace("multiply-adds", "MAC")
        purpose = f" ({self.purpose})" if self.purpose else ""
        return f"{'*'.join(map(str, self.factors))} = {self.count:,} {unit}{purpose}"


class Keeps(NamedTuple):
    """What a training forward pass saves for the backward pass, for one image.

    Attributes
    ----------
    inputs : whether the layer's cache contains its inputs; an array that several caches contain counts once
    values : number of other values in the dtype of the run
    bytes : number of other bytes, of arrays with a fixed dtype

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.counting.Keeps(inputs=True)  # a convolution saves its input
    Keeps(inputs=True, values=0, bytes=0)
    """

    inputs: bool = False
    values: int = 0
    bytes: int = 0


class Cost(NamedTuple):
    """The cost of a layer for one image.

    Attributes
    ----------
    terms : the operations of inference, and the multiply-adds of the backward pass
    keeps : what a training forward pass saves
    window : the part of the input that one output value reads: None for the same position only, `WHOLE`, (kernel
        (h, w), stride (h, w)), or the `Windows` of each axis. The first kernel starts outside the edge by the layer's
        `padding`, if it has any.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> relu = mg.counting.Cost((mg.counting.Term("compare", (8, 4, 4)),), mg.counting.Keeps(bytes=8 * 4 * 4))
    >>> print(relu.terms[0])
    8*4*4 = 128 comparisons
    """

    terms: Iterable[Term] = ()
    keeps: Keeps = Keeps()
    window: Any = None


COSTS: dict[type, Callable[..., Cost]] = {}  # {class: function (layer, *input_shapes) -> Cost}
METHODS = ("operations", "taped", "window", "windows")  # methods that defined a layer's cost before 0.2


def register(cls: type) -> Callable[[F], F]:
    """Add or replace the cost of a layer class: a decorator for a function `(layer, *input_shapes) -> Cost`.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> class Swish(mg.layers.Layer):
    ...     def output_shape(self, x_shape):
    ...         return x_shape
    >>> @mg.counting.register(Swish)
    ... def swish_cost(layer, x_shape):
    ...     return mg.counting.Cost([mg.counting.Term("multiply", x_shape)], mg.counting.Keeps(inputs=True))
    >>> mg.count(Swish(), (8, 4, 4)).multiplies
    128
    """
    if not isinstance(cls, type):
        raise TypeError(f"register expects a layer class, as in @mg.counting.register(Swish), got {cls!r}")

    def add(function: F) -> F:
        COSTS[cls] = function
        return function

    return add


def cost(layer: Any, *input_shapes: Any) -> Cost:
    """Return the cost of a layer for one image.

    Raises
    ------
    NotImplementedError
        If neither its class nor a base class has a registered cost.
    """
    methods: dict[str, Any] = {}
    for cls in type(layer).__mro__:
        methods = {name: getattr(layer, name) for name in METHODS if name in vars(cls)} | methods
        if cls in COSTS:
            registered = COSTS[cls](layer, *input_shapes)
            return _from_methods(layer, methods, input_shapes, registered) if methods else registered
    if {"operations", "taped"} <= methods.keys():
        return _from_methods(layer, methods, input_shapes, Cost())
    name = type(layer).__name__
    raise NotImplementedError(f"{name} has no registered cost. Add one with @mg.counting.register({name})")


def windows(layer, cost, *input_shapes):
    """Return the `Windows` of each axis (h, w), `WHOLE`, or None if an output value reads its own position only."""
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


def _from_methods(layer, methods, input_shapes, default):
    warnings.warn(
        f"{type(layer).__name__} defines its cost by methods ({', '.join(methods)}). From 0.3 on, this must be a "
        f"function registered with @mg.counting.register({type(layer).__name__}).",
        DeprecationWarning,
        stacklevel=4,
    )
    result = default
    if "operations" in methods:
        result = result._replace(terms=methods["operations"](*input_shapes))
    if "taped" in methods:
        result = result._replace(keeps=methods["taped"](*input_shapes))
    if "window" in methods:
        result = result._replace(window=methods["window"](*input_shapes))
    if "windows" in methods:
        result = result._replace(window=methods["windows"](*input_shapes))
    return result


@register(layers.Conv2d)
def _conv2d(layer, x_shape):
    filters, height, width = layer.output_shape(x_shape)
    factors = layer.in_channels // layer.groups, filters, *layer.kernel_size, height, width
    bias = [Term("add", (filters, height, width), "bias")] if "bias" in layer.params else []
    window = shapes.dilated(layer.kernel_size, layer.dilation), layer.stride
    return Cost((*_products(factors), *bias), Keeps(inputs=True), window)


@register(layers.Linear)
def _linear(layer, x_shape):
    (outputs,) = layer.output_shape(x_shape)
    bias = [Term("add", (outputs,), "bias")] if "bias" in layer.params else []
    return Cost((*_products((layer.in_features, outputs)), *bias), Keeps(inputs=True), WHOLE)


@register(layers.MaxPool2d)
def _max_pool2d(layer, x_shape):
    values = math.prod(layer.output_shape(x_shape))
    argmax = np.min_scalar_type(math.prod(layer.kernel_size) - 1).itemsize
    terms = (Term("compare", (x_shape[0], _other_values(layer, x_shape)), "all but the first value of each window"),)
    return Cost(terms, Keeps(bytes=values * argmax), (layer.kernel_size, layer.stride))


@register(layers.AvgPool2d)
def _avg_pool2d(layer, x_shape):
    terms = (
        Term("add", (x_shape[0], _other_values(layer, x_shape)), "all but the first value of each window"),
        Term("divide", layer.output_shape(x_shape)),
    )
    return Cost(terms, Keeps(), (layer.kernel_size, layer.stride))


@register(layers.AdaptiveAvgPool2d)
def _adaptive_avg_pool2d(layer, x_shape):
    channels, *size = layer.output_shape(x_shape)
    axes = tuple(starmap(adaptive_windows, zip(x_shape[1:], layer.output_size, strict=True)))
    height, width = (sum(stop - start for start, stop in zip(*axis[:2], strict=True)) for axis in axes)
    others = height * width - math.prod(size)
    terms = (
        Term("add", (channels, others), "all but the first value of each window"),
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
        Term("multiply", (3, *x_shape), "square, alpha / size, x times the power"),
        Term("add", (neighbours, height, width), "squares of neighbouring channels"),
        Term("add", tuple(x_shape), "k"),
        Term("power", tuple(x_shape)),
    )
    return Cost(terms, Keeps(inputs=True))


@register(layers.BatchNorm2d)
def _batch_norm2d(layer, x_shape):
    channels, height, width = layer.output_shape(x_shape)
    terms = (
        Term("add", (2, channels, height, width), "minus the mean, plus the bias"),
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
        Term("compare", (classes - 1, positions), "maximum"),
        Term("add", (2 * classes - 1, positions), "minus the maximum, and the sum"),
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


@register(layers.ReLU6)
@register(layers.Clip)
def _clip(layer, x_shape):
    bounds = sum(bound is not None for bound in (layer.low, layer.high))
    return Cost((Term("compare", (bounds, *x_shape)),) if bounds else (), Keeps(inputs=True))


@register(layers.LeakyReLU)
def _leaky_relu(layer, x_shape):
    return Cost((Term("compare", tuple(x_shape)), Term("multiply", tuple(x_shape), "slope")), Keeps(inputs=True))


@register(layers.Sigmoid)
def _sigmoid(layer, x_shape):
    return Cost(_gate(x_shape), Keeps(inputs=True))


@register(layers.Tanh)
def _tanh(layer, x_shape):
    return Cost((Term("power", tuple(x_shape)),), Keeps(inputs=True))


@register(layers.SiLU)
def _silu(layer, x_shape):
    return Cost((*_gate(x_shape), Term("multiply", tuple(x_shape), "x times the gate")), Keeps(inputs=True))


@register(layers.HardSwish)
def _hard_swish(layer, x_shape):
    terms = (
        Term("add", tuple(x_shape), "x + 3"),
        Term("compare", (2, *x_shape), "between 0 and 6"),
        Term("multiply", tuple(x_shape), "x times the gate"),
        Term("divide", tuple(x_shape), "by 6"),
    )
    return Cost(terms, Keeps(inputs=True))


@register(layers.Scale)
def _scale(layer, x_shape):
    bias = [Term("add", tuple(x_shape), "bias")] if layer.settings()["bias"] else []
    return Cost((Term("multiply", tuple(x_shape)), *bias), Keeps(inputs=True))


@register(layers.Multiply)
def _multiply(layer, *x_shapes):
    return Cost((Term("multiply", (len(x_shapes) - 1, *layer.output_shape(*x_shapes))),), Keeps(inputs=True))


@register(layers.GlobalMaxPool2d)
def _global_max_pool2d(layer, x_shape):
    channels, height, width = x_shape
    argmax = np.dtype(np.int64).itemsize * channels
    return Cost((Term("compare", (channels, height * width - 1)),), Keeps(bytes=argmax), WHOLE)


@register(layers.Pad)
def _pad(layer, x_shape):
    return Cost((), Keeps(), ((1, 1), (1, 1)))  # its padding moves every value


@register(layers.ChannelShuffle)
@register(layers.ChannelSlice)
def _channels(layer, x_shape):
    return Cost()  # it only copies


def _gate(x_shape):
    """Return the terms of 1 / (1 + exp(-x))."""
    return Term("power", tuple(x_shape)), Term("add", tuple(x_shape)), Term("divide", tuple(x_shape))


def _products(factors):
    return Term("mac", factors), Term("grad_input_mac", factors), Term("grad_weight_mac", factors)


def _other_values(layer, x_shape):
    """Return the number of real values of a channel's windows, except the first value of each window."""
    _, *count = layer.output_shape(x_shape)
    values = 1
    for axis in range(2):
        along = x_shape[1 + axis], layer.kernel_size[axis], layer.stride[axis], layer.padding[axis][0]
        ranges = [shapes.real_window(i, *along) for i in range(count[axis])]
        values *= sum(end - start for start, end in ranges)
    return values - count[0] * count[1]
