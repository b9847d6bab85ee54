"""Wrong answers that are not known mistakes are described, and the descriptions are true."""

import collections

import numpy as np
import pytest
from fresh_answers import FRESH

from minigooglenet.exercises import check
from minigooglenet.exercises.exercise import REGISTERED, Exercise, integers
from minigooglenet.exercises.find import find
from minigooglenet.exercises.result import WRONG

VAGUE = "values differ, the first"  # a position without an explanation


def _kind(result):
    if result.mistake:
        return "named"
    if result.looks_like and VAGUE not in result.looks_like:
        return "described"
    if "should be" in result.what or "returned None" in result.what or result.what.startswith("it raised"):
        return "described"
    return "neither"


def test_most_fresh_wrong_answers_are_named_or_described():
    kinds = collections.Counter()
    for number, what, answer in FRESH:
        result = check(number, answer)
        assert result.status == WRONG, (number, what)
        kinds[_kind(result)] += 1
    assert kinds["neither"] <= 0.1 * sum(kinds.values()), kinds
    assert kinds["described"] >= 0.8 * (kinds["described"] + kinds["neither"]), kinds  # not counting known mistakes


def _description(number, answer):
    result = check(number, answer)
    assert result.status == WRONG
    assert result.mistake is None, result.mistake
    return result.looks_like


def _reference(number):
    return find(number).reference_function


def _in_a_pair(function):
    return lambda *given: np.array([function(*given) / 3 - 1, function(*given)])


def _first_point(function):
    return lambda w, x, t, rate, steps: function(w, x[:1], t[:1], rate, steps)


def _whole(function):
    return lambda *given: np.trunc(function(*given))


def _read_in_another_order(function):
    return lambda x, w, *more: function(x, w.transpose(1, 2, 3, 0).reshape(w.shape), *more)


def _advanced_wrongly(dout, widths):
    parts, start = [], 0
    for width in widths:
        parts.append(dout[:, start : start + width])
        start = width
    return parts


def _one_gradient_wrong(function):
    def answer(*given):
        dx, grads = function(*given)
        return dx, {**grads, "5x5/bias": grads["5x5/bias"] ** 2 + 1}

    return answer


DETECTED = [
    ("00.3", lambda f: lambda w, x, t, rate, steps: f(w, x, t, 0.02, steps), "rate = 0.02 in every case"),
    ("00.3", lambda f: lambda w, x, t, rate, steps: f(w, x, t, rate, 8), "steps = 8 in every case"),
    ("11.3", _in_a_pair, "only index 1 (the last) along axis 0 of your output is right"),
    ("00.3", _first_point, "only part of the data is read along axis 0"),
    ("02.2", _whole, "truncated: integers instead of fractions"),
    ("02.2", _read_in_another_order, "w reshaped instead of transposed"),
    ("05.4", lambda f: _advanced_wrongly, "= instead of +=: only the last"),
    ("06.1", lambda f: lambda *given: [f(*given)[i] for i in (1, 0, 2)], "yours are the expected [1], [0], [2]"),
    (
        "06.1",
        lambda f: lambda C, K, *more: (f(C, K, *more)[0] - K + 1, *f(C, K, *more)[1:]),
        "right at indices 1, 2 along axis 0",
    ),
    ("07.4", _one_gradient_wrong, "wrong: output[1]['5x5/bias']; all others are right"),
    ("13.2", lambda f: lambda x, w, b, stride, pad: f(x, w, b, 1, pad), "stride = 1 in every case"),
    ("13.2", lambda f: lambda x, w, b, *more: f(x, w, 0 * b, *more), "b = 0 everywhere: is b ever used?"),
    ("13.1", lambda f: lambda order, layout, sizes: f(layout, order, sizes), "order and layout exchanged"),
    ("10.3", lambda f: lambda lr0, epoch: f(lr0, max(epoch - 1, 0)), "off by one"),
    ("04.1", lambda f: lambda function, x, dout, h=1e-4: f(function, x, dout), "h = 0.0001 in every case"),
    ("05.6", lambda f: lambda dout, x, n, alpha, beta, k: f(dout, x, n, alpha, 0.75, k), "beta = 0.75"),
    ("02.3", lambda f: lambda *given: f(*given) / (given[2] * given[3]), "divided by kh * kw"),
    ("05.8", lambda f: lambda grads: f(grads) + 2, "every value is too large by 2"),
    ("11.3", lambda f: lambda *given: 100 * f(*given), "exactly 100 times the right values: a percentage"),
    ("08.3", lambda f: lambda *given: f(*given) + 1, "every value is too large by 1"),
    (
        "09.4",
        lambda f: lambda *given: [f(*given)[i] for i in (0, 1, 3, 2)],
        "are the expected [0], [1], [3], [2]",
    ),
    ("10.2", lambda f: lambda *given: f(*given)[0], "only output[0], and it is right: return all 2 outputs"),
    ("05.1", lambda f: lambda *given: (f(*given)[0], f(*given)[1] + 1), "output[1]: every value is too large by 1"),
    ("13.7", lambda f: lambda d, g: f(d, g[::-1, ::-1]), "g rotated by 180 degrees"),
    ("03.2", lambda f: lambda *given: f(*given).transpose(1, 0, 2, 3), "axes exchanged: yours are in the order (1,"),
    ("03.2", lambda f: lambda *given: f(*given)[:, :, ::-1], "flipped along axis 2"),
    ("01.3", lambda f: lambda *given: np.maximum(f(*given), 0), "negative values set to 0, as after a ReLU"),
    ("01.3", lambda f: lambda *given: f(*given)[:, :, :-1], "some are missing: 1 at the end of axis 2"),
    ("07.3", lambda f: lambda *given: np.roll(f(*given), 2, axis=1), "in a different order"),
    (
        "08.6",
        lambda f: lambda x, w, b, c: np.stack([f(x, w, b, i) for i in range(len(w))]),
        "along axis 0 of your output is right: return that part",
    ),
    ("12.4", lambda f: lambda boxes, scores, t: f(boxes, scores, 0.5), "t = 0.5 in every case"),
    ("10.6c", lambda f: lambda *given: np.array(f(*given)) > 0.6, "is this a mask?"),
]


@pytest.mark.parametrize(("number", "change", "words"), DETECTED)
def test_explanation_names_the_fault(number, change, words):
    assert words in _description(number, change(_reference(number)))


def test_condition_names_right_cases():
    right = _reference("01.3")
    assert "Right only if pad is 0" in _description(
        "01.3", lambda x, w, b, stride, pad: right(x, w, b, stride, pad) + pad**3
    )


def test_condition_names_only_one_side():
    right = _reference("01.3")
    text = _description(
        "01.3", lambda x, w, b, stride, pad: right(x, w, b, stride, pad) + (pad == 1) * pad * x[0, 0, 0, 0]
    )
    assert "only if" in text.lower()
    assert not ("right only" in text.lower() and "wrong only" in text.lower())


@pytest.fixture
def halves():
    """An exercise with two small test cases, in which a coincidence may look like an explanation."""
    exercise = Exercise("98.2", "a half", "halves(x) -> (2,)", minutes=1, difficulty=1, hints=("", "", ""))

    @exercise.cases
    def cases(rng):
        yield (integers(rng, 3, 2, 9),)
        yield (integers(rng, 3, 2, 9),)

    @exercise.reference
    def reference(x):
        return x / 2

    yield exercise
    del REGISTERED["98.2"]


def test_unrelated_values_get_no_explanation(halves):
    assert VAGUE in _description("98.2", lambda x: np.sin(7 * x) * 5)


def test_factor_must_hold_in_every_case(halves):
    wrong = iter((3.0, 4.0))
    assert "exactly" not in _description("98.2", lambda x: x / 2 * next(wrong))


def test_wrong_integer_gets_no_rounding_message():
    right = _reference("06.1")

    def answer(*given):
        params, macs, size = right(*given)
        return params, macs + 3, size

    assert "digits" not in _description("06.1", answer)


@pytest.mark.parametrize(
    "odd", [None, "text", [], {}, np.zeros((0, 3)), [np.zeros(2), "x"], {"a": 1}, 1j, float("nan")]
)
def test_odd_outputs_raise_no_error(odd):
    for number in ("00.1", "01.3", "05.1", "08.4", "12.4"):
        result = check(number, lambda *given: odd)
        assert result.status == WRONG
        assert str(result)
