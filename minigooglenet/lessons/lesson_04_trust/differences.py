"""A gradient by differences that can be trusted."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise
from minigooglenet.gradcheck import differences

numeric_grad = Exercise(
    "04.1",
    "a gradient by differences",
    "numeric_grad(f, x, dout, h=1e-4) -> the shape of x",
    minutes=10,
    difficulty=2,
    hints=(
        "What is x after your loop, and of which type is it?",
        (
            "Work on a copy of floats. For each entry: add h, call f and copy what it returns; take h off twice as "
            "far, call f again; put the entry back. For f(x) = x * x at 3 with h = 1: (16 - 4) / 2 = 6."
        ),
        "`grad[i] = ((up - down) * dout).sum() / ____`",
    ),
    tolerance=1e-6,
)


def cubic(x):
    """Return x**3 - 2x."""
    return x**3 - 2 * x


def folded(x):
    """Return x times itself turned round, so that each entry moves two outputs."""
    return x * x[::-1]


def _with_one_buffer():
    buffer = np.zeros(4)

    def same_array_every_time(x):
        return np.multiply(x, x, out=buffer)

    return same_array_every_time


@numeric_grad.cases
def numeric_grad_cases(rng):
    yield cubic, rng.standard_normal((2, 3)), rng.standard_normal((2, 3)), 1e-4
    yield cubic, np.array([3, -2, 5, 1]), rng.standard_normal(4), 1e-4  # whole numbers
    yield folded, rng.standard_normal(5), rng.standard_normal(5), 1e-4
    yield _with_one_buffer(), rng.standard_normal(4) + 2, rng.standard_normal(4), 1e-4
    yield cubic, rng.standard_normal(3), rng.standard_normal(3), 0.5  # a step so large that its own size shows


@numeric_grad.reference
def numeric_grad_reference(f, x, dout, h=1e-4):
    return _differences(f, x, dout, h)


numeric_grad.engine(differences.central_differences)


@numeric_grad.right
def numeric_grad_with_new_arrays(f, x, dout, h=1e-4):
    x = np.array(x, float)
    grad = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        unit = np.zeros_like(x)
        unit[place] = h
        up = float((f(x + unit) * dout).sum())
        down = float((f(x - unit) * dout).sum())
        grad[place] = (up - down) / (2 * h)
    return grad


@numeric_grad.wrong
def one_sided(f, x, dout, h=1e-4):
    """The error shrinks only as h: you used f(x + h) - f(x). Go h to both sides."""
    return _differences(f, x, dout, h, down=0) * 2


@numeric_grad.wrong
def divided_by_h(f, x, dout, h=1e-4):
    """Twice the true value: from x - h to x + h is 2h."""
    return _differences(f, x, dout, h) * 2


@numeric_grad.wrong
def dout_not_used(f, x, dout, h=1e-4):
    """You differentiated the sum of the output: each output counts dout times."""
    return _differences(f, x, np.ones_like(dout), h)


@numeric_grad.wrong
def all_values_moved_at_once(f, x, dout, h=1e-4):
    """You moved all values of x at once: move one, and leave the others where they are."""
    x = np.array(x, float)
    up, down = f(x + h).copy(), f(x - h).copy()
    return np.full(x.shape, ((up - down) * dout).sum() / (2 * h))


@numeric_grad.wrong
def all_values_moved_and_no_sum(f, x, dout, h=1e-4):
    """You moved all values of x at once: move one, leave the others, and add up what all outputs do."""
    x = np.array(x, float)
    up = f(x + h).copy()
    return (up - f(x - h)) * dout / (2 * h)


@numeric_grad.wrong
def entry_not_put_back(f, x, dout, h=1e-4):
    """Entry 1 is evaluated at a moved x: put entry 0 back before you go on."""
    x = np.array(x, float)
    grad = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        x[place] += h
        up = f(x).copy()
        x[place] -= 2 * h
        grad[place] = ((up - f(x)) * dout).sum() / (2 * h)
    return grad


@numeric_grad.wrong
def whole_numbers(f, x, dout, h=1e-4):
    """x[i] + 1e-4 was cut back to x[i]: make x an array of floats first."""
    x, grad = x.copy(), np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        old = x[place]
        x[place] = old + h
        up = f(x).copy()
        x[place] = old - h
        grad[place] = ((up - f(x)) * dout).sum() / (2 * h)
        x[place] = old
    return grad


@numeric_grad.wrong
def two_results_in_one_buffer(f, x, dout, h=1e-4):
    """All zeros: both calls returned the same array. Copy the first one."""
    x = np.array(x, float)
    grad = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        old = x[place]
        x[place] = old + h
        up = f(x)
        x[place] = old - h
        grad[place] = ((up - f(x)) * dout).sum() / (2 * h)
        x[place] = old
    return grad


def _whole_numbers_in_place(kind, sums):
    """Register the loop that moves the entries of x itself: of whole numbers it cuts every step off."""

    def answer(f, x, dout, h=1e-4):
        x = x.copy()
        grad = np.zeros(x.shape, kind or x.dtype)
        for place in np.ndindex(x.shape):
            x[place] += h
            up = (f(x) * dout).sum() if sums else f(x)
            x[place] -= 2 * h
            down = (f(x) * dout).sum() if sums else f(x)
            x[place] += h
            grad[place] = (up - down) / (2 * h) if sums else ((up - down) * dout).sum() / (2 * h)
        return grad

    answer.__name__ = f"whole_numbers_in_place_{'of_sums' if sums else 'of_arrays'}_{kind.__name__ if kind else 'as_x'}"
    grad_too = " The gradient's array was one of whole numbers, too." if kind is None else ""
    shared = "" if sums else " And copy what f returns: it may return the same array again."
    answer.__doc__ = f"x may hold whole numbers, to which x[i] + h is rounded: copy it as floats.{grad_too}{shared}"
    numeric_grad.wrong(answer)


for kind in (None, float):
    for sums in (True, False):
        _whole_numbers_in_place(kind, sums)


def _differences(f, x, dout, h, down=1):
    """Return the gradient by differences from h above to `down` times h below."""
    x = np.array(x, float)
    grad = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        old = x[place]
        x[place] = old + h
        up = f(x).copy()
        x[place] = old - down * h
        grad[place] = ((up - f(x)) * dout).sum() / (2 * h)
        x[place] = old
    return grad
