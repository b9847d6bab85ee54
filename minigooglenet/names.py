"""Suggestions for misspelt names."""

import difflib
from collections.abc import Iterable


def unknown(kind: str, name: object, names: Iterable[str]) -> str:
    """Return the error for a name that is not among `names`: the closest ones, or all of them if none is close."""
    names = list(names)
    similar = closest(name, names, cutoff=0.75)
    advice = f". Did you mean {similar}?" if similar else f"; choose from {', '.join(names)}"
    return f"unknown {kind} {name!r}{advice}"


def closest(name, names, most=2, cutoff=0.5) -> str:
    """Return the names that are closest to `name` as "'a' or 'b'", or an empty string if none is close."""
    return " or ".join(map(repr, difflib.get_close_matches(str(name), list(names), n=most, cutoff=cutoff)))
