"""Central differences with different step sizes: the best one, and the error of one along a direction."""

import re


def best(text: str) -> str:
    """Return the best step size in float64 according to the text of `gradcheck.ucurve`, "1e-05"."""
    return re.search(r"Best step(?: size)?: float64 ([^,]*),", text).group(1)


def error(forward, arrays, h, dtype, exact) -> float:
    """Return the relative error of a central difference of sum(forward(x, w) * dout), computed in `dtype`.

    arrays : x, w, dout and the direction in which x moves;  exact : the directional derivative
    """
    x, w, dout, direction = (array.astype(dtype) for array in arrays)
    up, down = ((forward(x + dtype(sign * h) * direction, w) * dout).sum() for sign in (1, -1))
    return abs(float(up - down) / (2 * h) - exact) / abs(exact)
