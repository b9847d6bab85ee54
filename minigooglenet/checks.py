"""Checks of array arguments, in one file so that the same mistake gets the same message everywhere."""

import numbers
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigooglenet.typing import Array, Shape

FLOATS: tuple[np.dtype[Any], ...] = (np.dtype(np.float32), np.dtype(np.float64))
COMPLEX_STEP: tuple[np.dtype[Any], ...] = (*FLOATS, np.dtype(np.complex128))  # operations that the complex step passes


def floating(x: Any, name: str, ndim: int | None = None, dtypes: tuple[np.dtype[Any], ...] = COMPLEX_STEP) -> Array:
    """Return `x` unchanged if it is a float array of `ndim` axes and no axis has length zero; else raise an error."""
    if not isinstance(x, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {_not_an_array(x)}")
    unmasked(x, name)
    if x.dtype not in dtypes:
        *others, last = (dtype.name for dtype in dtypes)
        names = f"{', '.join(others)} or {last}" if others else last
        hint = ". Try x.astype(np.float32); scale images or subtract the mean first." if x.dtype.kind in "iub" else ""
        raise TypeError(f"{name} must have dtype {names}, got {x.dtype}{hint}")
    if ndim is not None and x.ndim != ndim:
        known = {2: "(out, in)", 4: "(K, C, R, S)"} if name == "weight" else {2: "(N, C)", 4: "(N, C, H, W)"}
        letters = known.get(ndim, f"{ndim} axes")
        single = x.ndim == ndim - 1 and name != "weight"
        hint = ". A single image needs a batch axis: x[None]." if single else ""
        raise ValueError(f"{name} must have shape {letters}, got {x.shape}{hint}")
    if x.shape[:1] == (0,):
        raise ValueError(f"{name} is an empty batch: shape {x.shape} contains no images")
    if x.size == 0:
        raise ValueError(f"{name} has no values: shape {x.shape} has an axis of length 0")
    return x


def unmasked(x: Any, name: str) -> Any:
    """Return `x` unchanged, or raise an error if its meaning would be lost: a masked array, a matrix or a unit."""
    if type(x) is np.ndarray or not isinstance(x, np.ndarray):
        return x
    if isinstance(x, np.ma.MaskedArray):
        masked = int(np.ma.getmaskarray(x).astype(bool).sum())
        advice = "Pass x.filled(0), or another value than 0" if masked else "Pass x.data"
        raise TypeError(
            f"{name} is a masked array with {masked:,} of {x.size:,} values masked. Masks are not supported: the "
            f"masked values would be used too. {advice}."
        )
    if isinstance(x, np.matrix):
        raise TypeError(
            f"{name} is a NumPy matrix; its * and its shapes are not those of an array. Pass np.asarray(x)."
        )
    for attribute in ("unit", "units"):
        if hasattr(x, attribute):
            raise TypeError(
                f"{name} is a {type(x).__name__} with unit {str(getattr(x, attribute))!r}, which would be lost. "
                "Convert it and pass np.asarray(x)."
            )
    return x


def with_classes(x: Any) -> None:
    """Raise an error unless `x` is a float array (N, C, ...)."""
    if floating(x, "x").ndim < 2:
        raise ValueError(f"x must have shape (N, C, ...), got {x.shape}. A single row needs a batch axis: x[None].")


def _not_an_array(x: Any) -> str:
    if x is None:
        return "None. Is a return missing?"
    if isinstance(x, dict):
        return f"a dict. Pass one of its arrays: {', '.join(map(repr, list(x)[:3]))}."
    if isinstance(x, (numbers.Number, np.generic)):
        return "a single number. A loss function returns (loss, gradient): did you mean the gradient?"
    return f"{type(x).__name__}. Try np.asarray(...)."


def has_shape(x: Any, name: str, shape: Shape) -> Any:
    """Return `x` if it has exactly this shape; else raise an error."""
    unmasked(x, name)
    if x.shape != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)}, got {x.shape}")
    return x


def parameter(value: Any, name: str, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Return an array of this shape, cast to the input's dtype; imaginary parts are never dropped."""
    array: Array = has_shape(floating(value, name), name, shape)
    if array.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(f"{name} is {array.dtype} but the input is {dtype}. Pass the input as complex128 too.")
    return array.astype(dtype, copy=False)


def gradient(grad_y: Any, shape: Shape, dtype: np.dtype[Any], name: str = "grad_y") -> Array:
    """Return an upstream gradient with the shape of its output, cast to the dtype of the computation."""
    return parameter(grad_y, f"{name}, like the output,", shape, dtype)


def of_one_dtype(xs: Sequence[Any]) -> None:
    """Raise a TypeError unless all inputs are float arrays of one dtype."""
    for i, x in enumerate(xs):
        floating(x, f"input {i}")
        if x.dtype != xs[0].dtype:
            raise TypeError(f"all inputs must have the same dtype: input 0 is {xs[0].dtype}, input {i} is {x.dtype}")


def number(value: Any, name: str, least: float = -np.inf, most: float = np.inf) -> float:
    """Return a finite real number in [least, most] as a float, or raise an error with its name."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not abs(value) <= sys.float_info.max:  # type: ignore[operator]
        raise ValueError(f"{name} must be finite, got {value if isinstance(value, float) else 'a larger integer'!r}")
    if not least <= float(value) <= most:
        bounds = f"at least {least:g}" if most == np.inf else f"in [{least:g}, {most:g}]"
        raise ValueError(f"{name} must be {bounds}, got {value!r}")
    return float(value)


def probability(p: Any, name: str = "p") -> float:
    """Return a dropout probability in [0, 1)."""
    if not isinstance(p, numbers.Real):
        raise TypeError(f"{name} must be a number in [0, 1), got {p!r}")
    if not 0 <= float(p) < 1:
        raise ValueError(f"{name} must be in [0, 1) (the fraction of values to drop), got {p!r}")
    return float(p)


def labels(values: Any, count: int, classes: int) -> Array:
    """Return `count` class labels as integers in 0 .. classes - 1; else raise an error."""
    integers: Array = np.asarray(unmasked(values, "labels"))
    if integers.shape != (count,):
        hint = ". Convert one-hot rows with labels.argmax(axis=1)." if integers.ndim == 2 else ""
        raise ValueError(f"labels must have shape ({count},), one per row of logits, got {integers.shape}{hint}")
    if integers.dtype.kind not in "iu":
        hint = ". Try labels.astype(int)." if integers.dtype.kind == "f" else ""
        raise TypeError(f"labels must be integers, got {integers.dtype}{hint}")
    wrong = np.flatnonzero((integers < 0) | (integers >= classes))
    if wrong.size:
        raise ValueError(
            f"labels must be in 0 .. {classes - 1} for {classes} classes: label {integers[wrong[0]]} at index "
            f"{wrong[0]} is not ({wrong.size} of {count} labels are out of range)"
        )
    return integers
