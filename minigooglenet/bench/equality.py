"""Require equal results, because only times of equal results can be compared."""

import numpy as np

TOLERANCE = 1e-4  # relative to the largest value; float32 sums in a different order differ much less


def difference(a, b) -> float:
    """Return the largest difference of two arrays, relative to the largest value of the first."""
    if a.shape != b.shape:
        return float("inf")
    largest = float(np.abs(a).max()) or 1.0
    worst = float(np.abs(np.subtract(a, b, dtype=np.float64)).max())
    return worst / largest if np.isfinite(worst) else float("inf")


def require_equal(outputs, tolerance=TOLERANCE) -> None:
    """Raise a ValueError unless all outputs {name: array or tuple of arrays} equal the first output."""
    (first, reference), *others = outputs.items()
    for name, output in others:
        parts, expected = _parts(output), _parts(reference)
        if len(parts) != len(expected):
            raise ValueError(
                f"{name} returns {len(parts)} arrays, {first} {len(expected)}, so their times are not compared"
            )
        for part, (a, b) in enumerate(zip(expected, parts, strict=True)):
            error = difference(a, b)
            if not error <= tolerance:
                which = f" (array {part} of {len(parts)})" if len(parts) > 1 else ""
                what = f"shape {b.shape} instead of {a.shape}" if a.shape != b.shape else f"off by {error:.1e}"
                raise ValueError(
                    f"{name} and {first} do not compute the same{which}: {what}, but only {tolerance:g} of the largest "
                    "value is allowed, so their times are not compared"
                )


def _parts(output):
    return tuple(output) if isinstance(output, (tuple, list)) else (output,)
