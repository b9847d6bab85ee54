"""Lesson 04: differences that can be trusted, and what to hold them against."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import one_number
from minigooglenet.gradcheck import differences

AGREE = 1e-6  # an error up to which two gradients count as equal

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


numeric_grad.engine(differences.slopes)


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


rel_error = Exercise(
    "04.2",
    "one number for the difference of two gradients",
    "rel_error(a, n) -> float",
    minutes=10,
    difficulty=2,
    hints=(
        "What should 0 against 0 give?",
        "Entry by entry: the difference over the larger of the two sizes, with a floor under it; then the largest.",
        "`np.max(abs(a - n) / np.maximum(np.maximum(abs(a), ____), 1e-12))`",
    ),
)
_ONE_OF_MANY = np.where(np.arange(100) == 37, 1 + 3e-6, 1.0)
PAIRS = (  # what it is, the backward's, the difference's, whether they agree
    ("zero against zero", [0.0, 2.0], [0.0, 2.0], True),
    ("zero where 1 belongs", [0.0], [1.0], False),
    ("a small wrong entry beside a large right one", [1e6, 1e-3], [1e6, 2e-3], False),
    ("not a number", [1.0, np.nan], [1.0, 1.0], False),
    ("1e-9 against 2e-9", [1e-9], [2e-9], False),
    ("1e9 against 1e9 + 1", [1e9], [1e9 + 1], True),
    ("one wrong entry among a hundred", _ONE_OF_MANY, np.ones(100), False),
)


@rel_error.judge
def rel_error_judge(function):
    found = _agreements(function)
    wrong_at = next((i for i, (*_, agree) in enumerate(PAIRS) if found[i] != agree), None)
    if wrong_at is None:
        return Verdict(True, None, f"right on all {len(PAIRS)} pairs, which tell {len(rel_error.wrongs)} wrong answers")
    known = next((wrong for wrong in rel_error.wrongs if _agreements(wrong.function) == found), None)
    name, a, n, _ = PAIRS[wrong_at]
    said = "agree" if found[wrong_at] else "do not agree"
    what = f"{name}: a = {np.asarray(a)[:3]}, n = {np.asarray(n)[:3]}. By your number (limit {AGREE:g}) they {said}."
    return Verdict(False, known and known.name, f"{what} {known.message if known else ''}".strip())


def _agreements(function):
    with np.errstate(all="ignore"):
        return [
            one_number(function(np.array(a), np.array(n)), "the result of rel_error") <= AGREE for _, a, n, _ in PAIRS
        ]


@rel_error.reference
def rel_error_reference(a, n):
    return np.max(np.abs(a - n) / np.maximum(np.maximum(np.abs(a), np.abs(n)), 1e-12))


@rel_error.right
def rel_error_value_by_value(a, n):
    if np.isnan(a).any() or np.isnan(n).any():
        return float("inf")
    return max((abs(p - q) / max(abs(p), abs(q)) if p != q else 0.0) for p, q in zip(a, n, strict=True))


@rel_error.right
def rel_error_with_a_tiny_divisor(a, n):
    return np.max(2 * np.abs(a - n) / (np.abs(a) + np.abs(n) + 1e-30))


@rel_error.wrong
def absolute(a, n):
    """1e-9 against 2e-9 counts as equal, 1e9 against 1e9 + 1 as different: divide by a size."""
    return np.abs(a - n).max()


@rel_error.wrong
def divided_by_the_second_only(a, n):
    """0 against 0 gave nan: take the larger of the two, with a floor."""
    return np.max(np.abs(a - n) / np.abs(n))


@rel_error.wrong
def largest_error_over_largest_value(a, n):
    """A small wrong entry hides behind a large one: divide each by its own."""
    return np.max(np.abs(a - n)) / max(np.max(np.abs(a)), np.max(np.abs(n)), 1e-12)


@rel_error.wrong
def ratio_of_norms(a, n):
    """A norm of many entries hides a wrong one: look at each entry by itself."""
    return np.linalg.norm(a - n) / max(np.linalg.norm(a), np.linalg.norm(n), 1e-12)


@rel_error.wrong
def nan_skipped(a, n):
    """nan was skipped: a gradient that is not a number is wrong."""
    return np.nanmax(np.abs(a - n) / np.maximum(np.maximum(np.abs(a), np.abs(n)), 1e-12))


@rel_error.wrong
def mean_of_the_errors(a, n):
    """One wrong entry in a hundred passed: take the largest error, not the mean."""
    return np.mean(np.abs(a - n) / np.maximum(np.maximum(np.abs(a), np.abs(n)), 1e-12))


@rel_error.wrong
def sign_kept(a, n):
    """a below n counted as no error at all: take the absolute value of the difference."""
    return np.max((a - n) / np.maximum(np.maximum(np.abs(a), np.abs(n)), 1e-12))
