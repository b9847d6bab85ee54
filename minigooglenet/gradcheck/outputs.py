"""The return value of `forward`: one array, or a sentence that explains why it cannot be checked."""

import numpy as np

ADVICE = "Return only y, without a cache, or check lambda *arrays: forward(*arrays)[0]."


def misread(result) -> str | None:
    """Return a sentence if `result` is not one array of outputs, else None.

    An array of any shape, a number, and a list of plain numbers are outputs. A tuple is not, even if NumPy could stack
    its parts: (y, cache) with two arrays of the same shape would look like one array with one more axis.
    """
    if isinstance(result, (np.ndarray, np.generic, float, int)) and not isinstance(result, bool):
        kind = np.asarray(result).dtype
        if kind.kind in "fciub":
            return None
        return f"forward returned an array of {kind}, not of floats. {ADVICE}"
    if isinstance(result, list) and _numbers(result):
        return None
    if result is None:
        return "forward returned None. Is its return statement missing?"
    if isinstance(result, (tuple, list)):
        parts = ", ".join(_named(part) for part in list(result)[:4]) + (", ..." if len(result) > 4 else "")
        kind = "tuple" if isinstance(result, tuple) else "list"
        if not len(result):
            return f"forward returned an empty {kind}, not an array. Return y."
        return f"forward returned a {kind} of {len(result)} ({parts}), not one array. {ADVICE}"
    return f"forward returned {_named(result)}, not an array. {ADVICE}"


def _numbers(values):
    """Return whether a list contains only numbers, at any depth and with equal lengths."""
    if not all(isinstance(v, (float, int, np.number)) or (isinstance(v, list) and _numbers(v)) for v in values):
        return False
    try:
        return np.asarray(values).dtype.kind in "fiu"
    except ValueError:
        return False


def _named(part):
    if isinstance(part, np.ndarray):
        return f"an array of shape {part.shape}" if part.ndim else "an array of shape ()"
    if isinstance(part, (float, int, np.number)):
        return f"a number {part:g}"
    name = type(part).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
