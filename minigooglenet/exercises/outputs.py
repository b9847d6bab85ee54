"""What a function returned, made comparable: arrays, numbers, tuples and dicts of them."""

import copy
import threading

import numpy as np

SECONDS = 30.0  # an answer may take; the slowest right ones take one


class Raised:
    """An exception in place of an output."""

    def __init__(self, error):
        self.error = error


def attempt(function, arguments, seconds, raised=Raised):
    """Return function(*arguments), raised(the exception), or a TimeoutError in Raised; its thread is then left behind.

    The arguments are handed on as they are, so that the caller sees what became of them.
    """
    box = []

    def run():
        try:
            with np.errstate(all="ignore"):
                box.append(function(*arguments))
        except BaseException as error:
            box.append(raised(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    slow = f"it was still running after {seconds:.0f} s; perhaps a loop that never ends?"
    return box[0] if box else Raised(TimeoutError(slow))


def call(function, arguments, seconds=SECONDS):
    """Return function(*copies of the arguments), or Raised; and whether it changed what it was given.

    After `seconds` a TimeoutError is what was raised, and the thread is left behind.
    """
    given = copy.deepcopy(arguments)
    output = attempt(function, given, seconds)
    if isinstance(output, Raised) and isinstance(output.error, TimeoutError):
        return output, False
    changed = not all(same(a, b, 0) for a, b in zip(given, arguments, strict=True))
    return output, changed


def parts(value, name="") -> dict[str, np.ndarray]:
    """Return {where: array} of an output: of a tuple its places, of a dict its keys."""
    if isinstance(value, dict):
        return {key: array for k, v in value.items() for key, array in parts(v, f"{name}[{k!r}]").items()}
    if isinstance(value, (tuple, list)) and any(
        isinstance(v, (np.ndarray, tuple, list, dict, type(None))) for v in value
    ):
        return {key: array for i, v in enumerate(value) for key, array in parts(v, f"{name}[{i}]").items()}
    return {name: np.asarray(value)}


def same(a, b, tolerance) -> bool:
    """Return whether two outputs agree: types of containers aside, and values up to a share of the largest."""
    if isinstance(a, Raised) or isinstance(b, Raised):
        return isinstance(a, Raised) and isinstance(b, Raised) and type(a.error) is type(b.error)
    try:
        mine, theirs = parts(a), parts(b)
    except (ValueError, TypeError):
        return False
    return mine.keys() == theirs.keys() and all(close(mine[key], theirs[key], tolerance).all() for key in mine)


def close(a, b, tolerance):
    """Return where two arrays agree, or False if their shapes differ; NaN agrees with NaN."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return np.array(False)
    if a.dtype.kind not in "biufc" or b.dtype.kind not in "biufc":
        return np.asarray(a == b)
    single = any(x.dtype in (np.float16, np.float32) for x in (a, b))
    finite = np.abs(b[np.isfinite(b)], dtype=np.float64) if b.dtype.kind in "fc" else np.abs(b)
    scale = float(finite.max(initial=0))
    limit = max(tolerance, 1e-5 if single else 0) * scale
    with np.errstate(invalid="ignore"):
        near = np.abs(a.astype(np.complex128) - b.astype(np.complex128)) <= limit
    return near | (a == b) | ((a != a) & (b != b))
