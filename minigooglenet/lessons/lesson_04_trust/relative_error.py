"""Exercise: one number for the difference of two gradients."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import one_number, same

AGREE = 1e-6  # an error up to which two gradients count as equal

rel_error = Exercise(
    "04.2",
    "one number for the difference of two gradients",
    "rel_error(a, n) -> float",
    minutes=10,
    difficulty=2,
    hints=(
        "What error should two zeros have?",
        (
            "Divide the difference of each entry by the larger absolute value, but at least by 1e-12. Then take the "
            "maximum."
        ),
        "`np.max(abs(a - n) / np.maximum(np.maximum(abs(a), ____), 1e-12))`",
    ),
)
_ONE_OF_MANY = np.where(np.arange(100) == 37, 1 + 3e-6, 1.0)
PAIRS = (  # description, analytic gradient, numerical gradient, whether they agree
    ("zero and zero", [0.0, 2.0], [0.0, 2.0], True),
    ("zero instead of 1", [0.0], [1.0], False),
    ("a small wrong entry next to a large correct one", [1e6, 1e-3], [1e6, 2e-3], False),
    ("not a number", [1.0, np.nan], [1.0, 1.0], False),
    ("1e-9 and 2e-9", [1e-9], [2e-9], False),
    ("1e9 and 1e9 + 1", [1e9], [1e9 + 1], True),
    ("-1e9 and -1e9 - 1", [-1e9], [-1e9 - 1], True),
    ("zero instead of 1e-7", [0.0], [1e-7], False),
    ("one wrong entry in a hundred", _ONE_OF_MANY, np.ones(100), False),
)


@rel_error.judge
def rel_error_judge(function):
    errors = _errors(function)
    agreed = [error <= AGREE for error in errors]
    wrong_at = next((i for i, (*_, agree) in enumerate(PAIRS) if agreed[i] != agree), None)
    if wrong_at is None:
        return Verdict(
            True, None, f"right on all {len(PAIRS)} pairs; they also catch {len(rel_error.wrongs)} known mistakes"
        )
    known = next((wrong for wrong in rel_error.wrongs if same(errors, _errors(wrong.function))), None)
    name, a, n, _ = PAIRS[wrong_at]
    verdict = "agree" if agreed[wrong_at] else "do not agree"
    what = f"{name}: a = {_brief(a)}, n = {_brief(n)}. By your number (limit {AGREE:g}) they {verdict}."
    return Verdict(False, known and known.name, f"{what} {known.message if known else ''}".strip())


def _brief(values):
    """Return a short list in full, and a long one as its most frequent value and the entry that differs."""
    values = np.asarray(values)
    if values.size <= 3:
        return str(values)
    other = int(abs(values - np.median(values)).argmax())
    usual = f"{values.size} times {np.median(values):g}"
    return usual if values[other] == np.median(values) else f"{usual}, but {values[other]:.7g} at index {other}"


def _errors(function):
    with np.errstate(all="ignore"):
        return [one_number(function(np.array(a), np.array(n)), "the result of rel_error") for _, a, n, _ in PAIRS]


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
    """1e-9 and 2e-9 agree, but 1e9 and 1e9 + 1 differ: divide the difference by the larger absolute value."""
    return np.abs(a - n).max()


@rel_error.wrong
def divided_by_the_second_only(a, n):
    """0 and 0 give nan: divide by the larger absolute value, but at least by 1e-12."""
    return np.max(np.abs(a - n) / np.abs(n))


@rel_error.wrong
def largest_error_over_largest_value(a, n):
    """A large entry hides a small wrong one: divide each difference by the size of its own entry."""
    return np.max(np.abs(a - n)) / max(np.max(np.abs(a)), np.max(np.abs(n)), 1e-12)


@rel_error.wrong
def ratio_of_norms(a, n):
    """The norm of many entries hides one wrong entry: compare each entry separately."""
    return np.linalg.norm(a - n) / max(np.linalg.norm(a), np.linalg.norm(n), 1e-12)


@rel_error.wrong
def nan_skipped(a, n):
    """nan is skipped: a gradient that contains nan is wrong."""
    return np.nanmax(np.abs(a - n) / np.maximum(np.maximum(np.abs(a), np.abs(n)), 1e-12))


@rel_error.wrong
def mean_of_the_errors(a, n):
    """One wrong entry in a hundred passes: take the largest error, not the mean."""
    return np.mean(np.abs(a - n) / np.maximum(np.maximum(np.abs(a), np.abs(n)), 1e-12))


@rel_error.wrong
def signs_kept_in_the_divisor(a, n):
    """The difference of two negative values is divided by 1e-12: divide by the larger absolute value."""
    return np.max(np.abs(a - n) / np.maximum(np.maximum(a, n), 1e-12))


@rel_error.wrong
def sign_kept(a, n):
    """If a is smaller than n, your error is negative: take the absolute value of the difference."""
    return np.max((a - n) / np.maximum(np.maximum(np.abs(a), np.abs(n)), 1e-12))
