"""The public names: those in `mg.__all__`, those in the `__all__` of its modules, and the methods of classes."""

import functools
import inspect
from types import ModuleType

import minigooglenet as mg


def members(module=mg, prefix="mg"):
    """Return {name as users write it: object} of the functions and classes of a module and of its modules."""
    names = {}
    for name in getattr(module, "__all__", ()):
        value, written = getattr(module, name), f"{prefix}.{name}"
        if isinstance(value, ModuleType):
            names |= members(value, written)
        elif callable(value):
            names[written] = value
    return names


def methods(names):
    """Return {"mg.Class.method": function} of the public methods and properties that the classes in `names` define."""
    functions = {}
    for written, value in names.items():
        if inspect.isclass(value):
            for name, method in vars(value).items():
                if not name.startswith("_") or name in ("__init__", "__call__"):
                    if isinstance(method, (property, functools.cached_property)):
                        method = getattr(method, "fget", None) or method.func
                    method = getattr(method, "__func__", method)
                    if inspect.isfunction(method) and method.__module__.startswith("minigooglenet"):
                        functions[f"{written}.{name}"] = method
    return functions
