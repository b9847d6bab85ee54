"""Names that people type: the closest ones that exist."""

import difflib


def closest(name, names, most=2) -> str:
    """Return the names that are closest to `name`, as text: "'a' or 'b'", empty if none is close."""
    return " or ".join(map(repr, difflib.get_close_matches(str(name), list(names), n=most, cutoff=0.5)))
