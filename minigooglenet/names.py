"""Suggestions for misspelt names."""

import difflib


def closest(name, names, most=2) -> str:
    """Return the names that are closest to `name` as "'a' or 'b'", or an empty string if none is close."""
    return " or ".join(map(repr, difflib.get_close_matches(str(name), list(names), n=most, cutoff=0.5)))
