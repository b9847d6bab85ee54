"""The public names: what `mg.__all__` lists, and what the modules in it list, down to the methods of classes."""

import functools
import inspect
from types import ModuleType

import minigooglenet as mg


def members(module=mg, prefix="mg"):
    """Return {name as users write it: object} for the functions and classes of a module and of those that it lists."""
    found = {}
    for name in getattr(module, "__all__", ()):
        value, written = getattr(module, name), f"{prefix}.{name}"
        if isinstance(value, ModuleType):
            found |= members(value, written)
        elif callable(value):
            found[written] = value
    return found


def methods(names):
    """Return {"mg.Class.method": function} of the public methods and properties that the classes among them define."""
    found = {}
    for written, value in names.items():
        if inspect.isclass(value):
            for name, method in vars(value).items():
                if not name.startswith("_") or name in ("__init__", "__call__"):
                    if isinstance(method, (property, functools.cached_property)):
                        method = getattr(method, "fget", None) or method.func
                    method = getattr(method, "__func__", method)
                    if inspect.isfunction(method) and method.__module__.startswith("minigooglenet"):
                        found[f"{written}.{name}"] = method
    return found
