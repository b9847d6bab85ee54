"""The networks by name."""

from collections.abc import Callable
from typing import Any

from minigooglenet.graph import Graph
from minigooglenet.models import later
from minigooglenet.models.classic import alexnet, nin, vgg16
from minigooglenet.models.googlenet import googlenet
from minigooglenet.models.mini_googlenet import mini_googlenet
from minigooglenet.names import unknown

_BUILDERS: dict[str, Callable[..., Graph]] = {
    "alexnet": alexnet,
    "googlenet": googlenet,
    "mini_googlenet": mini_googlenet,
    "nin": nin,
    "vgg16": vgg16,
    **{name: getattr(later, name) for name in later.__all__},
}
_ALIASES = {"mini": "mini_googlenet"}


def names() -> tuple[str, ...]:
    """Return the names that `build` accepts.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> "googlenet" in mg.models.names()
    True
    """
    return tuple(_BUILDERS)


def build(name: str, *args: Any, **kwargs: Any) -> Graph:
    """Build a network by name with the arguments of its function; "mini" is short for "mini_googlenet".

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.models.build("mini", num_classes=5).shapes["loss3/classifier"]
    (5,)
    """
    return builder(name)(*args, **kwargs)


def builder(name: str) -> Callable[..., Graph]:
    """Return the function that builds the network of that name.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.models.builder("mini").__name__
    'mini_googlenet'
    """
    lower = str(name).lower()
    function = _BUILDERS.get(_ALIASES.get(lower, lower))
    if function is None:
        raise ValueError(unknown("model", name, names()))
    return function
