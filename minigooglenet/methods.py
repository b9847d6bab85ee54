"""Which method of a layer runs: always the one found under its name.

A layer may define `infer`, a quicker way to the output of its `forward`, and a plan knows quicker ways to the forwards
of this package's layers. These are right only for the method that they were written for. A method that someone assigns
to a layer or to a class, or that a subclass overrides, has other values, so it runs itself.
"""

import functools
import inspect
import sys


def infer(layer, inputs):
    """Return the output of a layer in inference, from `infer` if it stands for the layer's forward."""
    return layer.infer(*inputs) if infers(layer) else layer.forward(*inputs)[0]


def backward(layer, grad, cache, need_inputs):
    """Return what the layer's `backward` returns; `need_inputs=False` is passed only if it takes that."""
    if need_inputs or not _takes_need_inputs(getattr(layer.backward, "__func__", layer.backward)):
        return layer.backward(grad, cache)
    return layer.backward(grad, cache, need_inputs=False)


def _takes_need_inputs(function):
    try:
        return _parameters(function)
    except TypeError:  # a callable object without a hash
        return _parameters.__wrapped__(function)


@functools.lru_cache(maxsize=1024)
def _parameters(function):
    try:
        return "need_inputs" in inspect.signature(function).parameters
    except ValueError:
        return False


def infers(layer) -> bool:
    """Return whether `infer` stands for the layer's forward: defined in the same class or in a subclass of it."""
    if "forward" in getattr(layer, "__dict__", ()):
        return False
    cls = type(layer)
    if not hasattr(layer, "infer") or not as_written(cls, "forward"):
        return False
    return "infer" in getattr(layer, "__dict__", ()) or (
        as_written(cls, "infer") and _depth(cls, "infer") <= _depth(cls, "forward")
    )


def unchanged(layer, *names) -> bool:
    """Return whether these methods are the ones that the layer's class body defines or inherits, with none assigned."""
    cls = type(layer)
    own = getattr(layer, "__dict__", ())
    return not any(callable(getattr(cls, name, None)) for name in own) and all(as_written(cls, name) for name in names)


def as_written(cls, name) -> bool:
    """Return whether the method under `name` was written in the body of the class that holds it, not assigned later."""
    for base in cls.__mro__:
        if name in vars(base):
            method = vars(base)[name]
            code = getattr(method, "__code__", None)
            if code is None or code.co_qualname != f"{base.__qualname__}.{name}":
                return False
            module = sys.modules.get(base.__module__)
            return getattr(method, "__module__", None) == base.__module__ and (
                getattr(method, "__globals__", None) is getattr(module, "__dict__", None)
            )
    return False


def _depth(cls, name):
    return next(depth for depth, base in enumerate(cls.__mro__) if name in vars(base))
