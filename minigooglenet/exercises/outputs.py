"""Outputs of an answer and their comparison up to round-off: arrays, numbers, and tuples and dicts of them."""

import copy
import threading
import time

import numpy as np

from minigooglenet.exercises.plain import Odd, floating, kind_of, plain
from minigooglenet.exercises.shown import brief

SECONDS = 30.0  # time limit of a call; the slowest right answers take one second
BUSY, LONGER = 0.5, 3.0  # after a limit with less than half of it as CPU time, wait three times as long again
ROUND_OFF = 1e-9  # fraction of the largest value by which right answers in float64 may differ: sums in any order
SINGLE = 1e-5  # the same in float32 and float16


class Raised:
    """An exception instead of an output."""

    def __init__(self, error):
        self.error = error


class FormError(Exception):
    """An answer of the wrong form, such as text instead of a number; its message is a sentence for the student.

    The message may be a function that returns it, because most comparisons of outputs show none.
    """

    def __str__(self):
        (message,) = self.args
        return message() if callable(message) else message


def attempt(function, arguments, seconds, raised=Raised, read=plain):
    """Return read(function(*arguments)), raised(exception), or Raised(TimeoutError).

    The arguments are not copied, so that changes are visible to the caller. The time limit includes reading the output
    as plain data. After a timeout the thread keeps running in the background.
    """
    box = []

    def run():
        try:
            with np.errstate(all="ignore"):
                box.append(read(function(*arguments)))
        except BaseException as error:
            try:
                box.append(raised(error))
            except BaseException:  # even str(error) fails
                box.append(raised(RuntimeError(f"{kind_of(error)}, whose text cannot be shown")))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    elapsed = _wait(thread, seconds)
    slow = f"it was still running after {elapsed:.0f} s. Check for a loop that never ends"
    return box[0] if box else Raised(TimeoutError(slow))


def _wait(thread, seconds):
    """Wait for a thread, without a limit if `seconds` is None, longer on a busy machine; return the seconds waited."""
    start, used = time.monotonic(), time.process_time()
    thread.join(seconds)
    if thread.is_alive() and time.process_time() - used < BUSY * seconds:
        thread.join(LONGER * seconds)
    return time.monotonic() - start


def call(function, arguments, seconds=SECONDS, read=plain):
    """Return function(*copies of the arguments), or Raised, and whether the function changed its arguments.

    After `seconds` (None: no limit) the output is Raised(TimeoutError).
    """
    given = copy.deepcopy(arguments)
    output = attempt(function, given, seconds, read=read)
    if isinstance(output, Raised) and isinstance(output.error, TimeoutError):
        return output, False
    return output, not identical(arguments, given)


def identical(before, after) -> bool:
    """Return whether two values are bit-identical, in type, shape and values; NaN equals NaN."""
    if type(before) is not type(after):
        return False
    if isinstance(before, np.ndarray):
        if before.shape != after.shape or before.dtype != after.dtype:
            return False
        return bool(np.array_equal(before, after, equal_nan=before.dtype.kind in "fc"))
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(identical, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(identical(value, after[key]) for key, value in before.items())
    return before is after or bool(before == after) or (before != before and after != after)


def same(a, b, tolerance=ROUND_OFF, least=0.0) -> bool:
    """Return whether two outputs agree: their values by the rule of `close`, their containers in any type."""
    if isinstance(a, Raised) or isinstance(b, Raised):
        return isinstance(a, Raised) and isinstance(b, Raised) and type(a.error) is type(b.error)
    try:
        return all(close(got, right, tolerance, least).all() for got, right in matched(a, b).values())
    except FormError:
        return False


def matched(output, expected, name="") -> dict:
    """Return {part: (got, right)} as arrays, in the structure of the expected output, or raise FormError."""
    if isinstance(expected, dict):
        items = _items_of_dict(output, expected, name)
    elif _has_parts(expected):
        items = _items(output, expected, name)
    else:
        right = _leaf(expected)
        got = _leaf(output)
        if got is None:
            raise FormError(lambda: f"{_part(name)} should be {form(expected)}, got {form(output)}")
        return {name: (got, right)}
    return {key: both for at, got, right in items for key, both in matched(got, right, f"{name}{at}").items()}


def _part(name):
    """Return the name of a part of an output for a message: "output[0]"."""
    return f"output{name}" if name.startswith("[") else name or "the output"


def _has_parts(value):
    """Return whether a list or tuple contains arrays or containers, and not only numbers, which make one array."""
    return isinstance(value, (list, tuple)) and any(
        isinstance(item, (np.ndarray, tuple, list, dict, type(None))) for item in value
    )


def _items(output, expected, name):
    if isinstance(output, np.ndarray) and output.ndim:
        output = list(output)
    if not isinstance(output, (list, tuple)) or len(output) != len(expected):
        raise FormError(lambda: f"{_part(name)} should be {form(expected)}, got {form(output)}")
    return [(f"[{i}]", got, right) for i, (got, right) in enumerate(zip(output, expected, strict=True))]


def _items_of_dict(output, expected, name):
    if not isinstance(output, dict):
        raise FormError(lambda: f"{_part(name)} should be {form(expected)}, got {form(output)}")
    missing = [key for key in expected if key not in output]
    extra = [key for key in output if key not in expected]
    if missing or extra:
        differences = [
            f"{word} {', '.join(map(brief, keys[:4]))}"
            for word, keys in (("without", missing), ("with", extra))
            if keys
        ]
        raise FormError(lambda: f"{_part(name)} should be {form(expected)}, got one {' and '.join(differences)}")
    return [(f"[{key!r}]", output[key], right) for key, right in expected.items()]


def _leaf(value):
    """Return plain data as one array of numbers, or None if it is not one."""
    if isinstance(value, np.ndarray):
        return value if value.dtype.kind in "biufc" else None
    if isinstance(value, (bool, int, float, complex, np.generic)):
        array = np.asarray(floating(value))
        return array if array.dtype.kind in "biufc" else None
    if isinstance(value, (list, tuple)):
        leaves = [_leaf(item) for item in value]
        if any(leaf is None for leaf in leaves) or len({leaf.shape for leaf in leaves}) > 1:
            return None
        return np.stack(leaves) if leaves else np.empty(0)
    return None


def _real(leaf):
    """Return an array of real numbers, or None if it is missing or has complex values."""
    if leaf is None or leaf.dtype.kind != "c":
        return leaf
    return leaf.real if not leaf.imag.any() else None


def one_number(output, name) -> float:
    """Return the output of a student's function as a float, or raise FormError."""
    leaf = _real(_leaf(plain(output)))
    if leaf is None or leaf.ndim:
        raise FormError(f"{name} should be one number, got {form(plain(output))}")
    return float(leaf)


def integer(output, name) -> int:
    """Return a student's value as an integer, or raise FormError; 2.0 counts as an integer."""
    value = one_number(output, name)
    if not value.is_integer():
        raise FormError(f"{name} should be an integer, got {brief(output)}")
    return int(value)


def parts(output, names, name="the answer") -> list:
    """Return the parts of plain data, one per name, or raise FormError."""
    output = list(output) if isinstance(output, np.ndarray) and output.ndim else output
    if not isinstance(output, (list, tuple)) or len(output) != len(names):
        raise FormError(f"{name} should be ({', '.join(names)}), got {form(output)}")
    return list(output)


def finite(values, name) -> np.ndarray:
    """Return a student's values as a float64 array, or raise FormError if some are not finite numbers."""
    leaf = _real(_leaf(plain(values)))
    if leaf is None or not np.isfinite(leaf).all():
        raise FormError(f"{name} should be an array of finite numbers, got {form(plain(values))}")
    return leaf.astype(np.float64)


def form(value) -> str:
    """Return the form of plain data in words, such as "an array of shape (2, 3)"."""
    if value is None:
        return "None"
    if isinstance(value, Odd):
        made = "; make a list of it" if "generator" in value or "iterator" in value else ""
        return f"{value}{made}"
    if isinstance(value, str):
        return f"the text {brief(value)}"
    if isinstance(value, dict):
        return f"a dict with the keys {', '.join(map(brief, list(value)[:14]))}" if value else "an empty dict"
    if isinstance(value, (set, frozenset)):
        return "a set, which has no order"
    leaf = _leaf(value)
    if leaf is not None and not _has_parts(value):
        is_complex = leaf.dtype.kind == "c"
        if not leaf.ndim:
            return "one complex number" if is_complex else "one number"
        return f"{'a complex' if is_complex else 'an'} array of shape {leaf.shape}"
    if isinstance(value, (list, tuple)):
        return (
            f"a {kind_of(value)} of {len(value)} ({'; '.join(map(form, value[:6]))}{'; ...' if len(value) > 6 else ''})"
        )
    return f"<{kind_of(value)}>"


def close(a, b, tolerance=ROUND_OFF, least=0.0):
    """Return where two arrays of numbers agree, or False if their shapes differ; NaN agrees with NaN.

    The limit is `tolerance` times the largest right value (b), but at least `least`, the round-off of sums of the
    inputs. Integers agree only if they differ by less than 0.5. With a tolerance of 0, values must be equal.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return np.array(False)
    if a.dtype.kind not in "biufc" or b.dtype.kind not in "biufc":
        return np.asarray(a == b)
    if tolerance == 0:
        return (a == b) | ((a != a) & (b != b))
    sizes = np.abs(b.astype(np.complex128 if b.dtype.kind == "c" else np.float64))
    single = any(x.dtype in (np.float16, np.float32, np.complex64) for x in (a, b))
    limit = max(tolerance, SINGLE if single else 0) * float(sizes[np.isfinite(sizes)].max(initial=0))
    limit = max(limit, least)
    if b.dtype.kind in "iub":
        limit = min(limit, 0.49)
    wide = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.float64
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(a.astype(wide) - b.astype(wide)) <= limit
        return near & np.isfinite(a) & np.isfinite(b) | (a == b) | ((a != a) & (b != b))


def round_off(arguments) -> float:
    """Return the round-off error of sums of products of the arguments' arrays, for sums that should be 0."""
    arrays = [array for array in _arrays(arguments) if array.size and array.dtype.kind == "f"]
    if not arrays:
        return 0.0
    largest = max(float(np.abs(array[np.isfinite(array)]).max(initial=0)) for array in arrays)
    return 8 * float(np.finfo(np.float64).eps) * max(array.size for array in arrays) * min(largest, 1e100) ** 2


def size(value) -> int:
    """Return the number of values in arguments."""
    if isinstance(value, dict):
        return sum(map(size, value.values()))
    return sum(map(size, value)) if isinstance(value, (list, tuple)) else np.size(value)


def _arrays(value):
    if isinstance(value, np.ndarray):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [array for item in items for array in _arrays(item)]
