"""Layers by name: the only ones that a file can ask for. A name is looked up in a table; no code comes from a file."""

import inspect
import math
from collections.abc import Callable
from typing import NamedTuple

from minigooglenet import shapes
from minigooglenet.layers.activation import Dropout, ReLU, Softmax
from minigooglenet.layers.base import Layer
from minigooglenet.layers.conv import Conv2d
from minigooglenet.layers.linear import Flatten, Linear
from minigooglenet.layers.merge import Add, Concat
from minigooglenet.layers.norm import BatchNorm2d, LocalResponseNorm
from minigooglenet.layers.pooling import AdaptiveAvgPool2d, AvgPool2d, GlobalAvgPool2d, MaxPool2d

NOT_SETTINGS = ("self", "rng", "init", "bias_init")  # they decide the first weights, which the weights of now replace


def _nothing(**settings) -> int:
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


class Entry(NamedTuple):
    """A layer that a file can ask for.

    values : function of the settings that returns how many values its parameters and buffers hold, so that a file
        that asks for more than it has is rejected before anything is allocated; None if that is unknown
    blank : further arguments that make it without drawing random numbers
    unnamed : {attribute: usual value} that decide what it computes and that `settings()` leaves out
    """

    cls: type
    values: Callable[..., int] | None = _nothing
    blank: dict = {}  # noqa: RUF012 (never changed)
    unnamed: dict = {}  # noqa: RUF012


BUILT_IN = {
    entry.cls.__name__: entry
    for entry in (
        Entry(AdaptiveAvgPool2d),
        Entry(Add),
        Entry(AvgPool2d),
        Entry(BatchNorm2d, _batch_norm2d),
        Entry(Concat),
        Entry(Conv2d, _conv2d, {"init": "zeros"}, {"algorithm": "auto"}),
        Entry(Dropout),
        Entry(Flatten),
        Entry(GlobalAvgPool2d),
        Entry(Linear, _linear, {"init": "zeros"}),
        Entry(LocalResponseNorm),
        Entry(MaxPool2d),
        Entry(ReLU),
        Entry(Softmax),
    )
}
_REGISTERED: dict[str, Entry] = {}  # the user's


def register(cls):
    """Let graphs with this layer be saved and loaded: a decorator for a class of your own.

    Its `settings()` returns the keyword arguments of its constructor (`rng`, `init` and `bias_init` may be left out),
    each a number, a text, a boolean, None, or a tuple, list or dict of such values. A file holds the name of the
    class and these settings, so the program that loads the file must register the class too.

    Raises
    ------
    TypeError
        If this is not a layer's class, or its constructor takes arguments and it has no `settings()` of its own.
    ValueError
        If a layer of this package, or another of your classes, has this name.
    """
    if not isinstance(cls, type) or not all(callable(getattr(cls, name, None)) for name in ("forward", "output_shape")):
        raise TypeError(f"register takes the class of a layer, with forward and output_shape, got {cls!r}")
    name = cls.__name__
    if name in BUILT_IN:
        raise ValueError(f"{name} is the name of a layer of this package, which files already use; choose another name")
    method, taken = getattr(cls, "settings", None), arguments(cls)
    if not callable(method) or (method is Layer.settings and taken):
        raise TypeError(
            f"{name} needs a method settings() that returns its constructor's keyword arguments: "
            f"{{{', '.join(f'{argument!r}: ...' for argument in taken)}}}"
        )
    other = _REGISTERED.get(name)
    if other is not None and (other.cls.__module__, other.cls.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ValueError(f"{name} is the name of another registered layer, {other.cls!r}; choose another name")
    _REGISTERED[name] = Entry(cls, None)  # a cell that is run again registers its class again
    return cls


def entry(name: str) -> Entry:
    """Return the entry of that name, or raise a ValueError that says how a class gets one."""
    found = BUILT_IN.get(name) or _REGISTERED.get(name)
    if found is None:
        raise ValueError(
            f"layer {name!r} is not registered; if it is your own class, import or define it "
            "with @mg.layers.register above it before you load the file"
        )
    return found


def entry_of(layer) -> Entry:
    """Return the entry of a layer's class itself, not of one that it inherits from."""
    cls = type(layer)
    found = BUILT_IN.get(cls.__name__) or _REGISTERED.get(cls.__name__)
    if found is None:
        raise ValueError(f"its class {cls.__name__} is not registered; write @mg.layers.register above the class")
    if found.cls is not cls:
        if cls.__name__ in BUILT_IN:
            raise ValueError(
                f"its class {cls.__name__} is not this package's layer of that name; rename and register it"
            )
        raise ValueError(f"its class {cls.__name__} was defined again since; make the layer again")
    return found


def arguments(cls) -> list[str]:
    """Return the names of the arguments of a class's constructor that its settings should hold."""
    parameters = inspect.signature(cls.__init__).parameters.values()
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.kind not in several and p.name not in NOT_SETTINGS]
