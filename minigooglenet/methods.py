"""Which method of a layer runs: the one found under its name, unless a shortcut was written for exactly that one.

A layer may offer quicker ways to what `forward` and `backward` compute (`SHORTCUTS`). A shortcut is right only for the
method that it was written for. A forward that a subclass defines, or that someone assigns to a layer object or to a
class, has other values, so it must run itself. This file is the one rule; the graph, plans, the profile and the
gradient checks ask it.
"""

import functools

# {shortcut: the methods whose result it computes}
SHORTCUTS = {
    "infer": ("forward",),
    "backward_params": ("backward",),
    "backward_views": ("backward",),
}


def remember(cls) -> None:
    """Record the attributes of a new class, so that a method assigned to the class later is noticed."""
    cls._as_written = {name: value for name, value in vars(cls).items() if not name.startswith("__")}


def usable(layer, shortcut) -> bool:
    """Tell whether `shortcut` may stand in for the layer's method, whose values it then computes.

    It may if it is defined in the same class as the method that would run, or in a subclass of that class, and if that
    method was neither assigned to the object nor to a class.
    """
    methods, own = SHORTCUTS[shortcut], getattr(layer, "__dict__", ())
    if any(name in own for name in methods):
        return False
    cls = type(layer)
    found = [getattr(cls, name, None) for name in methods]
    if shortcut in own:
        return not any(_assigned(cls, name) for name in methods)
    try:
        return _usable(cls, shortcut, getattr(cls, shortcut, None), *found)
    except TypeError:  # a callable object without a hash
        return _usable.__wrapped__(cls, shortcut, None)


@functools.lru_cache(maxsize=1024)
def _usable(cls, shortcut, *found):
    # `found` is part of the key: assigning a method to a class changes it.
    where = _depth(cls, shortcut)
    return where is not None and all(
        depth is not None and where <= depth and not _assigned(cls, name)
        for name, depth in ((name, _depth(cls, name)) for name in SHORTCUTS[shortcut])
    )


def plannable(layer, shortcut) -> bool:
    """Tell whether a plan may use `shortcut` of this layer: one that its very class defines, with nothing replaced.

    A plan computes with the layer's arrays and settings instead of calling its methods. A subclass may override any of
    those, so nothing is inherited here.
    """
    return shortcut in vars(type(layer)) and not replaced(layer)


def replaced(layer) -> list[str]:
    """Return the names of methods that were assigned to the layer object or to its classes since they were defined."""
    cls = type(layer)
    names = [name for name in getattr(layer, "__dict__", ()) if callable(getattr(cls, name, None))]
    for base in cls.__mro__:
        written = vars(base).get("_as_written")
        if written is not None:
            names += [name for name, value in written.items() if vars(base).get(name, _MISSING) is not value]
            added = [name for name in vars(base).keys() - written if not name.startswith("_")]
            names += [name for name in added if any(hasattr(parent, name) for parent in base.__bases__)]
    return names


_MISSING = object()


def _depth(cls, name):
    """Return how many classes before the one that defines `name` do not, or None if none defines it."""
    return next((depth for depth, base in enumerate(cls.__mro__) if name in vars(base)), None)


def _assigned(cls, name):
    """Tell whether the method found under `name` was assigned to its class after the class was defined."""
    for base in cls.__mro__:
        if name in vars(base):
            written = vars(base).get("_as_written")
            return written is not None and written.get(name, _MISSING) is not vars(base)[name]
    return False
