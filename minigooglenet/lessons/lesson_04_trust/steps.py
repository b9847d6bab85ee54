"""Central differences with different steps: which step was best, and the error of one along a direction."""

import re


def best(text: str) -> str:
    """Return the best step in float64 that the text of `gradcheck.ucurve` names, "1e-05"."""
    return re.search(r"Best step: float64 ([^,]*),", text).group(1)


def error(forward, arrays, h, dtype, exact) -> float:
    """Return the relative error of a central difference of sum(forward(x, w) * dout) in a number format.

    arrays : x, w, dout and the direction in which x moves;  exact : the directional derivative
    """
    x, w, dout, along = (array.astype(dtype) for array in arrays)
    up, down = ((forward(x + dtype(sign * h) * along, w) * dout).sum() for sign in (1, -1))
    return abs(float(up - down) / (2 * h) - exact) / abs(exact)
