"""Layers by name: the only layers that a file can contain. A name is looked up in a table; files contain no code."""

import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from minigooglenet import shapes
from minigooglenet.layers.activation import Dropout, ReLU, Softmax
from minigooglenet.layers.base import Layer
from minigooglenet.layers.conv import Conv2d
from minigooglenet.layers.later.channel_shuffle import ChannelShuffle
from minigooglenet.layers.later.channel_slice import ChannelSlice
from minigooglenet.layers.later.elementwise import Clip, HardSwish, LeakyReLU, ReLU6, Sigmoid, SiLU, Tanh
from minigooglenet.layers.later.merge import Multiply
from minigooglenet.layers.later.pad import Pad
from minigooglenet.layers.later.pooling import GlobalMaxPool2d
from minigooglenet.layers.later.scale import Scale
from minigooglenet.layers.linear import Flatten, Linear
from minigooglenet.layers.merge import Add, Concat
from minigooglenet.layers.norm import BatchNorm2d, LocalResponseNorm
from minigooglenet.layers.pooling import AdaptiveAvgPool2d, AvgPool2d, GlobalAvgPool2d, MaxPool2d

L = TypeVar("L", bound=type)
NOT_SETTINGS = ("self", "rng", "init", "bias_init")  # for initialisation only; the weights in the file replace it


def _no_values(**settings: Any) -> int:
    return 0


def _conv2d(*, in_channels, out_channels, kernel_size, groups=1, bias=True, **others) -> int:
    inputs, filters = shapes.integer(in_channels, "in_channels", 1), shapes.integer(out_channels, "out_channels", 1)
    weights = filters * (inputs // shapes.integer(groups, "groups", 1)) * math.prod(shapes.pair(kernel_size, "kernel"))
    return weights + filters * bool(bias)


def _linear(*, in_features, out_features, bias=True, **others) -> int:
    inputs, outputs = shapes.integer(in_features, "in_features", 1), shapes.integer(out_features, "out_features", 1)
    return outputs * inputs + outputs * bool(bias)


def _batch_norm2d(*, num_features, **others) -> int:
    return 4 * shapes.integer(num_features, "num_features", 1)


def _scale(*, channels, bias=True, **others) -> int:
    return shapes.integer(channels, "channels", 1) * (1 + bool(bias))


class Entry(NamedTuple):
    """A layer that a file can contain.

    values : function of the settings that returns the number of values in parameters and buffers, so that a file that
        declares more than it contains is rejected before memory is allocated; None if unknown
    blank : more arguments of the constructor, so that no random numbers are drawn
    unnamed : {attribute: usual value} of attributes that change the result, but are not in `settings()` at that value
    """

    cls: type
    values: Callable[..., int] | None = _no_values
    blank: dict[str, Any] = {}  # noqa: RUF012 (never changed)
    unnamed: dict[str, Any] = {}  # noqa: RUF012


BUILT_IN: dict[str, Entry] = {
    entry.cls.__name__: entry
    for entry in (
        Entry(AdaptiveAvgPool2d),
        Entry(Add),
        Entry(AvgPool2d),
        Entry(BatchNorm2d, _batch_norm2d),
        Entry(Concat),
        Entry(Conv2d, _conv2d, {"init": "zeros"}, {"algorithm": "auto", "dilation": (1, 1)}),
        Entry(Dropout),
        Entry(Flatten),
        Entry(GlobalAvgPool2d),
        Entry(Linear, _linear, {"init": "zeros"}),
        Entry(LocalResponseNorm),
        Entry(MaxPool2d),
        Entry(ReLU),
        Entry(Softmax),
        Entry(ChannelShuffle),
        Entry(ChannelSlice),
        Entry(Clip),
        Entry(GlobalMaxPool2d),
        Entry(HardSwish),
        Entry(LeakyReLU),
        Entry(Multiply),
        Entry(Pad),
        Entry(ReLU6),
        Entry(Scale, _scale),
        Entry(SiLU),
        Entry(Sigmoid),
        Entry(Tanh),
    )
}
_REGISTERED: dict[str, Entry] = {}  # the user's layers


def register(cls: L) -> L:
    """Decorate your own layer class so that graphs with this layer can be saved and loaded.

    Its `settings()` must return the keyword arguments of its constructor (`rng`, `init` and `bias_init` may be left
    out), each a number, a string, a boolean, None, or a tuple, list or dict of such values. A file contains the name of
    the class and these settings, so the program that loads the file must register the class too.

    Raises
    ------
    TypeError
        If this is not a layer class, or its constructor takes arguments but it defines no `settings()`.
    ValueError
        If a layer of this package, or another of your classes, has this name.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> @mg.layers.register
    ... class Swish(mg.layers.Layer):
    ...     def output_shape(self, x_shape):
    ...         return x_shape
    ...     def forward(self, x, train=False):
    ...         y = x / (1 + np.exp(-x))
    ...         return y, (x, y)
    >>> Swish()
    Swish()
    """
    if not isinstance(cls, type) or not all(callable(getattr(cls, name, None)) for name in ("forward", "output_shape")):
        raise TypeError(f"register expects a layer class with forward and output_shape, got {cls!r}")
    name = cls.__name__
    if name in BUILT_IN:
        raise ValueError(
            f"{name} is the name of a layer of this package, which files already use. Choose another name."
        )
    method, names = getattr(cls, "settings", None), arguments(cls)
    if not callable(method) or (method is Layer.settings and names):
        raise TypeError(
            f"{name} needs a method settings() that returns its constructor's keyword arguments: "
            f"{{{', '.join(f'{argument!r}: ...' for argument in names)}}}"
        )
    other = _REGISTERED.get(name)
    if other is not None and (other.cls.__module__, other.cls.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ValueError(f"{name} is the name of another registered layer, {other.cls!r}. Choose another name.")
    _REGISTERED[name] = Entry(cls, None)  # running a cell again registers its class again
    return cls


def entry(name: str) -> Entry:
    """Return the entry of that name, or raise a ValueError that explains how to register a class."""
    registered = BUILT_IN.get(name) or _REGISTERED.get(name)
    if registered is None:
        raise ValueError(
            f"layer {name!r} is not registered. If it is your own class, import or define it "
            "with @mg.layers.register above it before you load the file."
        )
    return registered


def entry_of(layer: object) -> Entry:
    """Return the entry of a layer's class itself, never that of a base class."""
    cls = type(layer)
    registered = BUILT_IN.get(cls.__name__) or _REGISTERED.get(cls.__name__)
    if registered is None:
        raise ValueError(f"its class {cls.__name__} is not registered. Write @mg.layers.register above the class.")
    if registered.cls is not cls:
        if cls.__name__ in BUILT_IN:
            raise ValueError(
                f"its class {cls.__name__} is not this package's layer of that name. Rename and register it."
            )
        raise ValueError(f"its class {cls.__name__} was defined again after the layer was made. Make the layer again.")
    return registered


def arguments(cls: Any) -> list[str]:
    """Return the constructor's arguments that `settings()` should return."""
    parameters = inspect.signature(cls.__init__).parameters.values()
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.kind not in several and p.name not in NOT_SETTINGS]
