"""Warnings about old names of arguments, attributes and functions."""

import warnings
from typing import Any

REMOVAL = "0.3"


def warn(old: str, new: str, stacklevel: int = 2) -> None:
    """Warn that a name has changed; at stacklevel 2, the caller of the function that calls this is warned."""
    message = f"{old} is now {new}; the old name will be removed in {REMOVAL}"
    warnings.warn(message, DeprecationWarning, stacklevel=stacklevel + 1)


def attribute(owner: object, old: str, new: str) -> Any:
    """Return the attribute `new` of an object for a property with its old name, and warn its reader."""
    kind = type(owner).__name__
    warn(f"{kind}.{old}", f"{kind}.{new}", stacklevel=3)
    return getattr(owner, new)
