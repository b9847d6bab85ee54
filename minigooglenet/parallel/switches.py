"""Settings that are on or off: by an environment variable, or by a call."""

import os


def from_environment(variable: str) -> bool:
    """Return whether an environment variable is not 0; raise a ValueError unless it is 0, 1 or empty."""
    given = os.environ.get(variable, "").strip()
    if given not in ("", "0", "1"):
        raise ValueError(f"{variable} must be 0 or 1, got {given!r}")
    return given != "0"


def checked(enabled: bool, function: str) -> bool:
    """Return the argument of a function, or raise a TypeError unless it is True or False."""
    if not isinstance(enabled, bool):
        raise TypeError(f"{function} expects True or False, got {enabled!r}")
    return enabled
