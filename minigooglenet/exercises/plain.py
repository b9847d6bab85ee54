"""A student's objects as plain data: numbers, text, containers and NumPy arrays, all of the base classes.

Only this module runs methods of a returned object. All later code works on copies, so a broken `__repr__`, `__eq__` or
`__array__`, or a list that contains itself, cannot break a check or its display.
"""

import array
import decimal
import fractions

import numpy as np

MOST_VALUES = 4_000_000  # in an array: the largest right answer has some thousand
MOST_ITEMS = 50_000  # in nested containers
DEEPEST = 40
MOST_TEXT = 1000
MOST_BITS = 4096  # in an integer: Python refuses to print much longer ones


class Odd(str):
    """The description of an object that is not plain data, such as "<generator>"."""

    def __repr__(self):
        return str(self)


class _TooMuchError(Exception):
    """Containers with more than MOST_ITEMS items."""


def plain(value, keep=()):
    """Return a value as plain data, with an Odd instead of everything else.

    keep : classes whose objects are returned unchanged; `callable` in it keeps all callables
    """
    try:
        return _read(value, tuple(kind for kind in keep if isinstance(kind, type)), callable in keep, (), [MOST_ITEMS])
    except _TooMuchError:
        return Odd(f"<{kind_of(value)} of more than {MOST_ITEMS:,} items>")


def kind_of(value) -> str:
    """Return the name of a value's class."""
    try:
        name = type(value).__name__
        return name[:60] if type(name) is str else "object"
    except Exception:  # a metaclass may do anything
        return "object"


def _read(value, keep, functions, path, left):
    left[0] -= 1
    if left[0] < 0:
        raise _TooMuchError
    try:
        return _plain(value, keep, functions, path, left)
    except _TooMuchError:
        raise
    except (Exception, SystemExit):  # from methods of the student's class
        return Odd(f"<{kind_of(value)}>")


def _plain(value, keep, functions, path, left):
    kind = type(value)
    if issubclass(kind, int) and int.bit_length(value) > MOST_BITS:
        return Odd(f"<integer of {int.bit_length(value):,} bits>")
    if value is None or value is Ellipsis or kind in (bool, int, float, complex):
        return value
    if isinstance(value, keep) or (functions and callable(value)):
        return value
    if issubclass(kind, str):
        text = str.__str__(value)
        return Odd(text[:MOST_TEXT]) if kind is Odd else text[:MOST_TEXT]
    if issubclass(kind, (np.ndarray, np.generic)):
        return _array(value, keep, functions, path, left)
    for base, convert in ((int, int.__int__), (float, float.__float__), (complex, complex.__complex__)):
        if issubclass(kind, base):
            return convert(value)
    if issubclass(kind, (fractions.Fraction, decimal.Decimal)):
        return float(value)
    if issubclass(kind, (list, tuple, dict, set, frozenset, range)):
        return _container(value, keep, functions, path, left)
    if issubclass(kind, (array.array, memoryview)) or _defines(kind, "__array__", "__array_interface__"):
        return _array(np.asarray(value), keep, functions, path, left)
    if _defines(kind, "__float__"):
        return float.__float__(float(value))
    return Odd(f"<{kind_of(value)}>")


def _defines(kind, *methods):
    return any(method in vars(base) for base in kind.__mro__ for method in methods)


def _container(value, keep, functions, path, left):
    """Return a container of the base class, read with the iteration of the base class, not of a subclass."""
    if id(value) in path or len(path) >= DEEPEST:
        return Odd(f"<{kind_of(value)} that contains itself>" if id(value) in path else "<nested without end>")
    path = (*path, id(value))

    def read(item):
        return _read(item, keep, functions, path, left)

    if isinstance(value, dict):
        return {_key(read(key)): read(item) for key, item in dict.items(value)}
    if isinstance(value, (set, frozenset)):
        base = set if isinstance(value, set) else frozenset
        return {_key(read(item)) for item in base.__iter__(value)}
    if isinstance(value, range):
        return [read(item) for item in value[: left[0] + 1]]
    base = list if isinstance(value, list) else tuple
    return base([read(item) for item in base.__iter__(value)])


def _key(key):
    """Return a hashable key."""
    return Odd(f"<{kind_of(key)}>") if isinstance(key, (list, dict, set, np.ndarray)) else key


def _array(value, keep, functions, path, left):
    values = np.asarray(value)  # the base class; NumPy calls no method of a subclass
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
        return Odd(f"<masked array with {int(np.ma.getmaskarray(value).sum())} masked values>")
    if values.size > MOST_VALUES:
        return Odd(f"<array of shape {values.shape}>")
    if values.dtype.kind in "biufc":
        double = np.complex128 if values.dtype.kind == "c" else np.float64
        native = values.dtype.newbyteorder("=") if values.dtype.itemsize <= np.dtype(double).itemsize else double
        copied = np.array(values, native, order="C")
        return copied if isinstance(value, np.ndarray) else copied[()]
    if values.dtype.kind in "UTO" and values.size <= MOST_ITEMS:
        items = [_read(item, keep, functions, path, left) for item in values.ravel().tolist()]
        if values.dtype.kind != "O" or all(isinstance(item, str) and not isinstance(item, Odd) for item in items):
            return _nested(items, values.shape)
        items = [item.item() if isinstance(item, np.generic) else item for item in items]
        if all(type(item) in (bool, int, float, complex) for item in items):
            return np.array([floating(item) for item in items]).reshape(values.shape)
    return Odd(f"<array of {values.dtype}>" if values.dtype.names is None else "<structured array>")


def floating(number):
    """Return a number that fits in an array: an integer beyond 64 bits as a float, or as infinity if too large."""
    if type(number) is int and not -(2**63) <= number < 2**63:
        try:
            return float(number)
        except OverflowError:
            return float("inf") if number > 0 else float("-inf")
    return number


def _nested(items, shape):
    """Return a flat list as nested lists of that shape."""
    if not shape:
        return items[0]
    for size in shape[:0:-1]:
        items = [items[start : start + size] for start in range(0, len(items), size)] if size else []
    return items
