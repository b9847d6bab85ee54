"""Right answers pass however they round and in whatever container; wrong ones keep their names; no message shows equal
numbers."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.exercises import check
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.find import everything, find
from minigooglenet.exercises.result import Result

CALLED = [e for e in everything().values() if isinstance(e, Exercise) and e.cases_function]
NUMERIC_JUDGES = [find(number) for number in ("04.2", "11.1", "12.2")]
# Exercises that are linear in these arguments: computed for a third of them, times 3.
LINEAR = {
    "01.1": "xb",
    "01.3": "xb",
    "02.1": "x",
    "02.2": "xb",
    "02.3": ["cols"],
    "02.4": "w",
    "03.1": ["dout"],
    "03.2": ["dout"],
    "03.3": ["dout"],
    "03.4": ["dout"],
    "05.2": ["dout"],
    "05.3": ["dout"],
    "05.4": ["dout"],
    "05.6": ["dout"],
    "05.8": ["grads"],
    "07.6": ["w1"],
    "08.4": ["dout"],
    "08.6": ["features"],
    "13.2": "xb",
    "13.4": "d",
    "13.7": "d",
}


def _leaves(value, change):
    """Return a value with every array and number in it changed."""
    if isinstance(value, dict):
        return {key: _leaves(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_leaves(item, change) for item in value)
    return change(value)


def _then(function, change):
    return lambda *given: _leaves(function(*given), change)


def _noisy(value, relative=1e-13):
    noise = np.random.default_rng(0).uniform(-relative, relative, np.shape(value))
    values = np.asarray(value)
    return value * (1 + noise) + np.max(np.abs(values[np.isfinite(values)]), initial=0) * noise


ROUNDED = {
    "times 3 and back": lambda value: np.multiply(value, 3.0) / 3,
    "a seventh and back": lambda value: np.divide(value, 7) * 7,
    "noise": _noisy,
}
CONTAINERS = {
    "lists": lambda value: np.asarray(value).tolist(),
    "tuples": lambda value: _tuples(np.asarray(value).tolist()),
    "arrays": np.array,
    "0-d arrays": lambda value: np.array(value) if np.ndim(value) == 0 else [np.array(part) for part in value],
    "column order": lambda value: np.asfortranarray(value) if np.ndim(value) else np.float64(value),
    "reversed strides": lambda value: np.array(np.asarray(value)[::-1])[::-1] if np.ndim(value) else value,
    "a subclass": lambda value: np.array(value).view(_Loud),
    "unmasked": lambda value: np.ma.masked_array(value),
    "objects": lambda value: np.array(value, object),
    "double length": lambda value: np.asarray(value, np.longdouble),
    "complex": lambda value: np.asarray(value) + 0j,
}


class _Loud(np.ndarray):
    """An array whose methods all fail."""

    def _fail(self, *arguments, **named):
        raise RuntimeError("broken")

    __eq__ = __ne__ = __bool__ = __float__ = __len__ = __getitem__ = __repr__ = __str__ = __array_ufunc__ = _fail
    __array_function__ = __reduce__ = __deepcopy__ = _fail
    __hash__ = None


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _number(exercise):
    return exercise.number


@pytest.mark.parametrize("way", ROUNDED)
@pytest.mark.parametrize("exercise", CALLED + NUMERIC_JUDGES, ids=_number)
def test_check_accepts_right_answers_that_round(exercise, way):
    result = check(exercise.number, _then(exercise.reference_function, ROUNDED[way]))
    assert result.passed, str(result)


@pytest.mark.parametrize("number", LINEAR)
def test_check_accepts_sums_of_thirds_times_three(number):
    exercise, reference = find(number), find(number).reference_function
    names = exercise.signature.partition("(")[2].partition(")")[0].split(", ")

    def answer(*given):
        given = [
            _leaves(value, lambda part: part / 3) if name in LINEAR[number] else value
            for name, value in zip(names, given, strict=True)
        ]
        return _leaves(reference(*given), lambda part: part * 3)

    result = check(number, answer)
    assert result.passed, str(result)


@pytest.mark.parametrize("way", CONTAINERS)
@pytest.mark.parametrize("exercise", CALLED, ids=_number)
def test_check_accepts_right_answers_in_other_containers(exercise, way):
    if exercise.number == "13.2" and way in ("tuples", "0-d arrays"):
        return  # these ways loop over the images in Python, which is what 13.2 forbids
    result = check(exercise.number, _then(exercise.reference_function, CONTAINERS[way]))
    assert result.passed, str(result)


@pytest.mark.parametrize("back", [np.float32, np.float64])
@pytest.mark.parametrize("exercise", CALLED, ids=_number)
def test_check_accepts_float32_or_names_it(exercise, back):
    reference = exercise.reference_function

    def single(value):
        return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype == np.float64 else value

    def answer(*given):
        found = reference(*(_leaves(value, single) for value in given))
        return _leaves(found, lambda value: value.astype(back) if np.asarray(value).dtype == np.float32 else value)

    result = check(exercise.number, answer)
    assert result.passed or "float32" in str(result), str(result)


@pytest.mark.parametrize("exercise", CALLED, ids=_number)
def test_check_names_known_mistakes_that_round(exercise):
    for wrong in exercise.wrongs:
        if wrong.name == "changes its input" or "values are right" in wrong.message:
            continue  # these have right values, and are seen by other means
        result = check(exercise.number, _then(wrong.function, _noisy))
        assert (result.status, result.mistake) == ("wrong", wrong.name)


def _by_fft(x, w, b, stride, pad):
    size = [x.shape[i] + 2 * pad + w.shape[i] for i in (2, 3)]
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    spectrum = np.einsum("nchw,kchw->nkhw", np.fft.fft2(xp, size), np.fft.fft2(w, size).conj())
    y = np.fft.ifft2(spectrum).real
    rows, columns = (xp.shape[i] - w.shape[i] + 1 for i in (2, 3))
    return y[:, :, :rows:stride, :columns:stride] + b[:, None, None]


@pytest.mark.parametrize("number", ["01.3", "02.2", "13.2"])
def test_convolution_by_fourier_transform_passes(number):
    assert check(number, _by_fft).passed


def test_rounded_answer_is_not_accused_of_a_mistake_with_right_values():
    def answer(x, i, j, k):
        return (x[i : i + k, j : j + k] / 3).sum() / k**2 * 3

    assert check("00.1", answer).passed
    wrong = check("00.1", lambda *given: answer(*given) + 1e-3)
    assert wrong.mistake is None


def test_changed_input_is_seen_by_the_change_itself():
    def answer(x, i, j, k):
        x *= 1.0  # the same values
        return x[i : i + k, j : j + k].mean()

    assert check("00.1", answer).passed

    def moves(x, i, j, k):
        mean = x[i : i + k, j : j + k].mean() / 3 * 3
        x[0, 0] += 1
        return mean

    assert check("00.1", moves).mistake == "changes its input"


def test_integer_answers_are_right_to_the_unit():
    def answer(*given):
        params, macs, size = find("06.1").reference_function(*given)
        return params, macs + (macs > 10**6), size

    result = check("06.1", answer)
    assert not result.passed
    assert "is 118013953 at (1,), expected 118013952" in result.what


@given(st.floats(-12, 2), st.integers(0, 100))
def test_no_message_shows_equal_numbers(exponent, seed):
    expected = np.random.default_rng(seed).normal(0, 10.0 ** (seed % 7 - 3), (3, 4))
    got = expected.copy()
    got[1, 2] += 10.0**exponent * max(abs(expected[1, 2]), 1e-300)
    if got[1, 2] == expected[1, 2]:
        return
    text = str(Result("0", "wrong", expected=expected, got=got, differ=got != expected))
    mine, theirs = (
        part.split()[:12] for part in re.split("yours:|expected:|where", text.translate(str.maketrans("[]", "  ")))[1:3]
    )
    assert mine[6] != theirs[6]
    assert text.endswith("  ....\n  ..#.\n  ....")


@pytest.mark.parametrize("digits", range(1, 9))
def test_scalar_message_has_as_many_digits_as_it_needs(digits):
    right = find("00.1").reference_function
    what = check("00.1", lambda *given: right(*given) * (1 + 10.0**-digits)).what
    mine, theirs = re.fullmatch(r"the output is (\S+), expected (\S+)", what).groups()
    assert float(mine) != float(theirs)


def test_result_without_a_difference_can_be_shown():
    same = np.zeros((2, 2, 2))
    result = Result("0", "wrong", expected=same, got=same.copy())
    assert "expected:" in str(result)
    assert "<pre>" in result._repr_html_()
    assert "(only a corner)" not in str(Result("0", "wrong", expected=np.ones((3, 3, 3, 4)), got=np.ones((3, 3, 4, 3))))
