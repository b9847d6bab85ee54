"""Exercise: a numerical gradient by central differences."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise
from minigooglenet.gradcheck import differences

numeric_grad = Exercise(
    "04.1",
    "a numerical gradient",
    "numeric_grad(f, x, dout, h=1e-4) -> the shape of x",
    minutes=10,
    difficulty=2,
    hints=(
        "Inside your loop, is x an array of floats, and does each entry get its old value back?",
        (
            "Work on a copy of x as floats. For each entry: add h, call f and copy its result; subtract 2 h, call f "
            "again; restore the entry. For f(x) = x * x at 3 with h = 1: (16 - 4) / 2 = 6."
        ),
        "`grad[i] = ((up - down) * dout).sum() / ____`",
    ),
    tolerance=1e-6,
)


def cubic(x):
    """Return x**3 - 2x."""
    return x**3 - 2 * x


def times_its_reverse(x):
    """Return x times x in reverse order, so that each entry changes two outputs."""
    return x * x[::-1]


def _with_one_buffer():
    buffer = np.zeros(4)

    def same_array_every_time(x):
        return np.multiply(x, x, out=buffer)

    return same_array_every_time


@numeric_grad.cases
def numeric_grad_cases(rng):
    yield cubic, rng.standard_normal((2, 3)), rng.standard_normal((2, 3)), 1e-4
    yield cubic, np.array([3, -2, 5, 1]), rng.standard_normal(4), 1e-4  # integers
    yield times_its_reverse, rng.standard_normal(5), rng.standard_normal(5), 1e-4
    yield _with_one_buffer(), rng.standard_normal(4) + 2, rng.standard_normal(4), 1e-4
    yield cubic, rng.standard_normal(3), rng.standard_normal(3), 0.5  # so large that the truncation error shows


@numeric_grad.reference
def numeric_grad_reference(f, x, dout, h=1e-4):
    return _differences(f, x, dout, h)


numeric_grad.engine(differences.central_differences)


@numeric_grad.right
def numeric_grad_with_new_arrays(f, x, dout, h=1e-4):
    x = np.array(x, float)
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        unit = np.zeros_like(x)
        unit[index] = h
        up = float((f(x + unit) * dout).sum())
        down = float((f(x - unit) * dout).sum())
        grad[index] = (up - down) / (2 * h)
    return grad


@numeric_grad.wrong
def one_sided(f, x, dout, h=1e-4):
    """The error of f(x + h) - f(x) is proportional to h. Use f(x + h) - f(x - h), whose error shrinks with h**2."""
    return _differences(f, x, dout, h, down=0) * 2


@numeric_grad.wrong
def divided_by_h(f, x, dout, h=1e-4):
    """Your result is twice the correct gradient: x - h and x + h are 2h apart, so divide by 2h."""
    return _differences(f, x, dout, h) * 2


@numeric_grad.wrong
def dout_not_used(f, x, dout, h=1e-4):
    """You differentiated the sum of the outputs. Multiply each output by its dout first."""
    return _differences(f, x, np.ones_like(dout), h)


@numeric_grad.wrong
def all_values_moved_at_once(f, x, dout, h=1e-4):
    """You moved all values of x at once. Move one value at a time, and leave the others unchanged."""
    x = np.array(x, float)
    up, down = f(x + h).copy(), f(x - h).copy()
    return np.full(x.shape, ((up - down) * dout).sum() / (2 * h))


@numeric_grad.wrong
def all_values_moved_and_no_sum(f, x, dout, h=1e-4):
    """You moved all values of x at once. Move one value at a time, and sum the changes of all outputs, times dout."""
    x = np.array(x, float)
    up = f(x + h).copy()
    return (up - f(x - h)) * dout / (2 * h)


@numeric_grad.wrong
def entry_not_restored(f, x, dout, h=1e-4):
    """Entry 0 still has its moved value when you move entry 1. Restore it first."""
    x = np.array(x, float)
    grad = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        x[index] += h
        up = f(x).copy()
        x[index] -= 2 * h
        grad[index] = ((up - f(x)) * dout).sum() / (2 * h)
    return grad


@numeric_grad.wrong
def integers_not_converted(f, x, dout, h=1e-4):
    """x may contain integers, and an integer array truncates x[i] + 1e-4. Make x an array of floats first."""
    x, grad = x.copy(), np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        old = x[index]
        x[index] = old + h
        up = f(x).copy()
        x[index] = old - h
        grad[index] = ((up - f(x)) * dout).sum() / (2 * h)
        x[index] = old
    return grad


@numeric_grad.wrong
def two_results_in_one_buffer(f, x, dout, h=1e-4):
    """Your gradient is all zeros, because both calls of f returned the same array. Copy the first result."""
    x = np.array(x, float)
    grad = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        old = x[index]
        x[index] = old + h
        up = f(x)
        x[index] = old - h
        grad[index] = ((up - f(x)) * dout).sum() / (2 * h)
        x[index] = old
    return grad


def _integers_in_place(dtype, sums):
    """Register the loop that moves the entries of a copy of x: if they are integers, every step is rounded away."""

    def answer(f, x, dout, h=1e-4):
        x = x.copy()
        grad = np.zeros(x.shape, dtype or x.dtype)
        for index in np.ndindex(x.shape):
            x[index] += h
            up = (f(x) * dout).sum() if sums else f(x)
            x[index] -= 2 * h
            down = (f(x) * dout).sum() if sums else f(x)
            x[index] += h
            grad[index] = (up - down) / (2 * h) if sums else ((up - down) * dout).sum() / (2 * h)
        return grad

    same_dtype = " Your array for the gradient holds integers too." if dtype is None else ""
    shared = "" if sums else " Also copy the result of f: it may return the same array again."
    gradient, results = "_gradient_of_integers" if same_dtype else "", "_results_not_copied" if shared else ""
    answer.__name__ = f"integers_moved_in_place{gradient}{results}"
    answer.__doc__ = f"x may contain integers, which truncate x[i] + h: copy it as floats.{same_dtype}{shared}"
    numeric_grad.wrong(answer)


for dtype in (None, float):
    for sums in (True, False):
        _integers_in_place(dtype, sums)


def _differences(f, x, dout, h, down=1):
    """Return the numerical gradient from the points x + h and x - down * h."""
    x = np.array(x, float)
    grad = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        old = x[index]
        x[index] = old + h
        up = f(x).copy()
        x[index] = old - down * h
        grad[index] = ((up - f(x)) * dout).sum() / (2 * h)
        x[index] = old
    return grad
