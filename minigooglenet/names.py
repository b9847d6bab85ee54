"""Suggestions for misspelt names."""

import difflib
from collections.abc import Iterable


def unknown(kind: str, name: object, names: Iterable[str]) -> str:
    """Return the error for a name that is not among `names`: the closest ones, or all of them if none is close."""
    names = list(names)
    return f"unknown {kind} {name!r}{hint(name, names, cutoff=0.75) or '; choose from ' + ', '.join(names)}"


def hint(name: object, names: Iterable[str], otherwise: str = "", most: int = 2, cutoff: float = 0.5) -> str:
    """Return ". Did you mean 'a' or 'b'?" as the end of an error; if no name is close, `otherwise` as a sentence."""
    similar = closest(name, names, most, cutoff)
    advice = f"Did you mean {similar}?" if similar else otherwise
    return f". {advice}" if advice else ""


def closest(name, names, most=2, cutoff=0.5) -> str:
    """Return the names that are closest to `name` as "'a' or 'b'", or an empty string if none is close."""
    return " or ".join(map(repr, difflib.get_close_matches(str(name), list(names), n=most, cutoff=cutoff)))
