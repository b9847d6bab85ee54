"""The networks by name."""

from minigooglenet.models.classic import alexnet, nin, vgg16
from minigooglenet.models.googlenet import googlenet, mini_googlenet

_BUILDERS = {build.__name__: build for build in (alexnet, googlenet, mini_googlenet, nin, vgg16)}
_ALIASES = {"mini": "mini_googlenet"}


def names() -> tuple[str, ...]:
    """Return the names that `build` knows."""
    return tuple(_BUILDERS)


def build(name: str, *args, **kwargs):
    """Return the network of that name; the other arguments are its function's. "mini" is short for "mini_googlenet"."""
    return builder(name)(*args, **kwargs)


def builder(name: str):
    """Return the function of the network of that name."""
    lower = str(name).lower()
    found = _BUILDERS.get(_ALIASES.get(lower, lower))
    if found is None:
        raise ValueError(f"there is no model {name!r}; there are {', '.join(names())}")
    return found
