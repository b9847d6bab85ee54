"""Which method of a layer runs: its `forward`, or a faster equivalent if that is still equivalent.

A layer may define `infer`, which returns the same output as `forward` faster, and a plan has faster code for this
package's layers. Both are correct only for the `forward` that they were written for. If a user assigns a method to a
layer or to its class, or a subclass overrides it, the user's method runs.
"""

import functools
import inspect
import sys


def infer(layer, inputs):
    """Return the output of a layer in inference, from `infer` if it is equivalent to the layer's forward."""
    return layer.infer(*inputs) if infers(layer) else layer.forward(*inputs)[0]


def backward(layer, grad, cache, need_inputs):
    """Call the layer's `backward` and return its result; pass `need_inputs=False` only if it has that argument."""
    if need_inputs or not _takes_need_inputs(getattr(layer.backward, "__func__", layer.backward)):
        return layer.backward(grad, cache)
    return layer.backward(grad, cache, need_inputs=False)


def _takes_need_inputs(function):
    try:
        return _parameters(function)
    except TypeError:  # an unhashable callable object
        return _parameters.__wrapped__(function)


@functools.lru_cache(maxsize=1024)
def _parameters(function):
    try:
        return "need_inputs" in inspect.signature(function).parameters
    except ValueError:
        return False


def infers(layer) -> bool:
    """Return whether `infer` is equivalent to the layer's forward: defined in the same class or in a subclass of it."""
    if "forward" in getattr(layer, "__dict__", ()):
        return False
    cls = type(layer)
    if not hasattr(layer, "infer") or not as_written(cls, "forward"):
        return False
    return "infer" in getattr(layer, "__dict__", ()) or (
        as_written(cls, "infer") and _depth(cls, "infer") <= _depth(cls, "forward")
    )


def unchanged(layer, *names) -> bool:
    """Return whether these methods are the ones that the layer's class defines or inherits, with none replaced."""
    cls = type(layer)
    attributes = getattr(layer, "__dict__", ())
    replaced = any(callable(getattr(cls, name, None)) for name in attributes)
    return not replaced and all(as_written(cls, name) for name in names)


def as_written(cls, name) -> bool:
    """Return whether the method was defined in the body of its class, not assigned later."""
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
