"""Numbers that count products: how often an answer multiplies a value of one array by a value of a different array.

An answer is called with arrays of Operands, and with a NumPy that keeps Operands in calls that convert to float, such
as `np.zeros`, `np.array(d, float)` and `d.astype(float)`. If a value becomes a plain float in spite of this, the count
reports it, because later products could not be counted.
"""

import functools
import numbers
import operator
import traceback
import types

import numpy as np

from minigooglenet.exercises.outputs import SECONDS, Raised, attempt
from minigooglenet.exercises.own_code import line_of, where
from minigooglenet.exercises.plain import kind_of, plain
from minigooglenet.exercises.rebinding import rebound
from minigooglenet.exercises.shown import error_text


class Count:
    """The result of a count.

    products : products of values from different arguments;  output : the output of the function as plain data
    why : reason why the count is incomplete, in a sentence, or an empty string
    """

    def __init__(self):
        self.products, self.output, self.why = 0, None, ""
        self.running = True

    def lose(self):
        """Record that a value became a plain number in the student's current line."""
        if self.running and not self.why:
            line = line_of(traceback.extract_stack())
            self.why = (
                "To count products, the check passes special numbers, and they became plain floats"
                f"{line}. Compute with the arrays directly, without other libraries"
            )

    def read(self, output):
        """Return the output of the function as plain data, and stop counting."""
        self.running = False
        return plain(output)


def counted(function, arguments, names=()) -> Count:
    """Call a function with arrays of operands, a different kind for each array, and return the count.

    names : {name: make}: `make(count)` returns the function that the answer gets under this name
    """
    count = Count()
    kinds = iter("abcdefgh")
    given = [operands(value, next(kinds), count) if isinstance(value, np.ndarray) else value for value in arguments]
    instrumented = rebound(function, _replaced, {name: make(count) for name, make in dict(names).items()})
    count.output = attempt(instrumented, given, SECONDS, read=count.read)
    if isinstance(count.output, Raised):
        error = count.output.error
        count.why = count.why or (
            "To count products, the check passes special numbers, and your function raised "
            f"{kind_of(error)}: {error_text(error)}{where(error)}. Use plain arithmetic on the arrays"
        )
    return count


def operands(values, kind, count, multiplied=False):
    """Return an array of operands with these values."""
    array = np.empty(np.shape(values), object)
    for index, value in np.ndenumerate(values):
        array[index] = Operand(float(value), frozenset(kind), multiplied, count)
    return array


def values(array) -> np.ndarray:
    """Return the values of an array that may contain operands."""
    array = np.asarray(array)
    items = [float(value.value if isinstance(value, Operand) else value) for value in array.ravel().tolist()]
    return np.reshape(np.array(items, np.float64), array.shape)


def _operation(function, multiplies=False, reverse=False):
    def method(self, other):
        a, b = (other, self) if reverse else (self, other)
        if isinstance(other, Operand):
            kinds = self.kinds | other.kinds
            counts = multiplies and len(kinds) > 1
            self.count.products += counts
            multiplied = counts or self.multiplied or other.multiplied
            return Operand(function(a.value, b.value), kinds, multiplied, self.count)
        if isinstance(other, numbers.Complex) and not other.imag:
            other = float(other.real)
            a, b = (other, self.value) if reverse else (self.value, other)
            return Operand(function(a, b), self.kinds, self.multiplied, self.count)
        return NotImplemented

    return method


def _both(function, multiplies=False):
    return _operation(function, multiplies), _operation(function, multiplies, reverse=True)


def _alone(function):
    return lambda self: Operand(function(self.value), self.kinds, self.multiplied, self.count)


def _compared(function):
    return lambda self, other: function(self.value, other.value if isinstance(other, Operand) else other)


class Operand:
    """A number that knows which arguments it comes from, and whether it includes a product of two of them.

    It is not a float, because NumPy would turn a list of floats into an array of floats.
    """

    def __init__(self, value, kinds, multiplied, count):
        self.value, self.kinds, self.multiplied, self.count = value, kinds, multiplied, count

    __add__, __radd__ = _both(operator.add)
    __sub__, __rsub__ = _both(operator.sub)
    __mul__, __rmul__ = _both(operator.mul, multiplies=True)
    __truediv__, __rtruediv__ = _both(operator.truediv, multiplies=True)
    __neg__, __pos__, __abs__ = map(_alone, (operator.neg, operator.pos, operator.abs))
    __lt__, __le__, __gt__, __ge__, __eq__, __ne__ = map(
        _compared, (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
    )
    __hash__ = None

    def __pow__(self, exponent):
        """Raise to a power: one product if the value includes values of two arguments, as in (d + g)**2."""
        if not isinstance(exponent, numbers.Real):
            return NotImplemented
        mixed = len(self.kinds) > 1
        self.count.products += mixed
        return Operand(self.value**exponent, self.kinds, self.multiplied or mixed, self.count)

    def __float__(self):
        """Return the value; this ends the count unless the value includes its product already."""
        if not self.multiplied:
            self.count.lose()
        return float(self.value)

    def __int__(self):
        """Return the value truncated to an integer."""
        return int(float(self))

    def __complex__(self):
        """Return the value as a complex number."""
        return complex(float(self))

    def __bool__(self):
        """Return whether the value is not 0."""
        return bool(self.value)

    def item(self):
        """Return the operand, as a NumPy scalar returns a number."""
        return self

    def conjugate(self):
        """Return the operand, because it is real."""
        return self

    real = property(lambda self: self)


class _FloatKind(type):
    def __instancecheck__(cls, value):
        return isinstance(value, (float, Operand))


class Float(metaclass=_FloatKind):
    """Replacement for float and NumPy's float types that keeps operands."""

    def __new__(cls, value=0.0):
        """Return an operand unchanged, and anything else as a float."""
        return value if isinstance(value, Operand) else float(value)


def _holds(value):
    if isinstance(value, np.ndarray):
        return value.dtype == object
    return isinstance(value, Operand) or (isinstance(value, (list, tuple)) and any(map(_holds, value)))


def _made_of(function):
    @functools.wraps(function)
    def keeping(value, *rest, **named):
        if _holds(value):
            return function(value, object, *rest[1:], **{key: named[key] for key in named if key != "dtype"})
        return function(value, *rest, **named)

    return keeping


def _filled(function):
    @functools.wraps(function)
    def keeping(*given, **named):
        array = function(*given, **named)
        return array.astype(object) if array.dtype.kind == "f" else array

    return keeping


def _of_values(function):
    return lambda array: function(values(array) if _holds(array) else array)


def _from_iterator(iterable, *_rest, **_named):
    return _KEPT["array"](list(iterable))


_FLOATS = ("float16", "half", "float32", "single", "float64", "double", "longdouble")
_ARRAYS = ("array", "asarray", "asanyarray", "ascontiguousarray")
_FILLED = ("zeros", "ones", "full", "zeros_like", "ones_like", "full_like")
_PREDICATES = ("isfinite", "isnan", "isinf")
_KEPT = {
    **dict.fromkeys(_FLOATS, Float),
    **{name: _made_of(getattr(np, name)) for name in _ARRAYS},
    **{name: _filled(getattr(np, name)) for name in _FILLED},
    **{name: _of_values(getattr(np, name)) for name in _PREDICATES},
    "empty": _filled(np.zeros),
    "empty_like": _filled(np.zeros_like),
    "fromiter": _from_iterator,
}


class _Numpy(types.ModuleType):
    def __getattr__(self, name):
        return _KEPT[name] if name in _KEPT else getattr(np, name)


_REPLACEMENTS = {id(np): _Numpy("numpy"), id(float): Float, **{id(getattr(np, name)): _KEPT[name] for name in _KEPT}}


def _replaced(value):
    return _REPLACEMENTS.get(id(value), value)
