"""What arrays a kernel takes, checked in one place so that every refusal reads the same."""

import numbers

import numpy as np

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
ANALYTIC = (*FLOATS, np.dtype(np.complex128))


def floating(x, name: str, ndim: int | None = None, dtypes: tuple = ANALYTIC) -> np.ndarray:
    """Return `x` as it is, once it is known to be a float array of `ndim` axes with no axis of length zero."""
    if not isinstance(x, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {_not_an_array(x)}")
    unmasked(x, name)
    if x.dtype not in dtypes:
        names = " or ".join(dtype.name for dtype in dtypes)
        hint = (
            "; perhaps x.astype(np.float32), with images scaled or mean-subtracted first?"
            if x.dtype.kind in "iub"
            else ""
        )
        raise TypeError(f"{name} must hold {names}, got {x.dtype}{hint}")
    if ndim is not None and x.ndim != ndim:
        letters = {2: "(N, C)", 4: "(N, C, H, W)"}.get(ndim, f"{ndim} axes")
        hint = "; a single image needs its batch axis: x[None]" if x.ndim == ndim - 1 else ""
        raise ValueError(f"{name} must have shape {letters}, got {x.shape}{hint}")
    if x.shape[:1] == (0,):
        raise ValueError(f"{name} is a batch of zero: shape {x.shape} holds no images")
    if x.size == 0:
        raise ValueError(f"{name} holds no values: shape {x.shape} has an axis of length 0")
    return x


def unmasked(x, name: str):
    """Return `x` as it is, unless it is an array whose meaning would be lost: masked values, a matrix or a unit."""
    if type(x) is np.ndarray or not isinstance(x, np.ndarray):
        return x
    if isinstance(x, np.ma.MaskedArray):
        masked = int(np.ma.getmaskarray(x).astype(bool).sum())
        advice = "Pass x.filled(0), or another value than 0" if masked else "Pass x.data"
        raise TypeError(
            f"{name} is a masked array, {masked:,} of {x.size:,} values masked, and a mask has no meaning here: the "
            f"values under it would be used. {advice}."
        )
    if isinstance(x, np.matrix):
        raise TypeError(f"{name} is a NumPy matrix, whose * and shapes differ from an array's. Pass np.asarray(x).")
    for attribute in ("unit", "units"):
        if hasattr(x, attribute):
            raise TypeError(
                f"{name} is a {type(x).__name__} with the unit {str(getattr(x, attribute))!r}, which would be lost. "
                "Convert it and pass np.asarray(x)."
            )
    return x


def with_classes(x) -> None:
    """Raise an error unless `x` is a float array (N, C, ...)."""
    if floating(x, "x").ndim < 2:
        raise ValueError(f"x must have shape (N, C, ...), got {x.shape}; a single row needs its batch axis: x[None]")


def _not_an_array(x) -> str:
    if x is None:
        return "None; perhaps a missing return?"
    if isinstance(x, dict):
        return f"a dict; take one of its arrays: {', '.join(map(repr, list(x)[:3]))}"
    if isinstance(x, (numbers.Number, np.generic)):
        return "a single number; a loss function returns the loss and its gradient, perhaps the second was meant?"
    return f"{type(x).__name__}; perhaps np.asarray(...)?"


def has_shape(x: np.ndarray, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return `x` if it has exactly `shape`."""
    unmasked(x, name)
    if x.shape != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)}, got {x.shape}")
    return x


def parameter(value, name: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return an array of `shape` in the dtype of the computation, which the input decides; nothing complex is cut."""
    has_shape(floating(value, name), name, shape)
    if value.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(f"{name} is {value.dtype} but the input is {dtype}; give the input as complex128 too")
    return value.astype(dtype, copy=False)


def gradient(grad_y, shape: tuple[int, ...], dtype: np.dtype, name: str = "grad_y") -> np.ndarray:
    """Return an upstream gradient: the shape of the output it belongs to, in the dtype of the computation."""
    return parameter(grad_y, f"{name}, as the output that it belongs to,", shape, dtype)


def of_one_dtype(xs) -> None:
    """Raise a TypeError unless all inputs are float arrays of one dtype."""
    for i, x in enumerate(xs):
        floating(x, f"input {i}")
        if x.dtype != xs[0].dtype:
            raise TypeError(f"inputs that are joined need one dtype: input 0 holds {xs[0].dtype}, input {i} {x.dtype}")


def probability(p, name: str = "p") -> float:
    """Return a dropout probability in [0, 1)."""
    if not isinstance(p, numbers.Real):
        raise TypeError(f"{name} must be a number of at least 0 and below 1, got {p!r}")
    if not 0 <= p < 1:
        raise ValueError(f"{name} must be at least 0 and below 1 (the share that is dropped), got {p!r}")
    return float(p)


def labels(values, count: int, classes: int) -> np.ndarray:
    """Return `count` class labels as integers in 0 .. classes - 1."""
    values = np.asarray(unmasked(values, "labels"))
    if values.shape != (count,):
        hint = "; one-hot rows become integers with labels.argmax(axis=1)" if values.ndim == 2 else ""
        raise ValueError(f"labels must have shape ({count},), one per row of logits, got {values.shape}{hint}")
    if values.dtype.kind not in "iu":
        hint = "; perhaps labels.astype(int)?" if values.dtype.kind == "f" else ""
        raise TypeError(f"labels must be integers, got {values.dtype}{hint}")
    wrong = np.flatnonzero((values < 0) | (values >= classes))
    if wrong.size:
        raise ValueError(
            f"labels must lie in 0 .. {classes - 1} for {classes} classes: label {values[wrong[0]]} at position "
            f"{wrong[0]} does not ({wrong.size} of {count} out of range)"
        )
    return values
