"""Wrong answers that a check once accepted are rejected, and right answers pass on a busy machine."""

import time

import numpy as np
import pytest

from minigooglenet.exercises import check, checking, outputs
from minigooglenet.exercises.exercise import REGISTERED, Exercise
from minigooglenet.exercises.find import find
from minigooglenet.exercises.outputs import Raised, attempt
from minigooglenet.exercises.result import WRONG


def absolute_error(f, params, grads, rng, h):
    along = {name: rng.standard_normal(value.shape) for name, value in params.items()}
    up, down = (f({name: value + sign * h * along[name] for name, value in params.items()}) for sign in (1, -1))
    return abs((up - down) / (2 * h) - sum((grads[name] * along[name]).sum() for name in params))


def _drawn(rng, shape):
    return rng.integers(-9, 10, shape).astype(float)


def signs_ignored(forward, transpose, x_shape, y_shape, rng):
    x, y = _drawn(rng, x_shape), _drawn(rng, y_shape)
    return abs((forward(x) * y).sum()) == abs((transpose(y) * x).sum())


def only_outputs_of_the_forward(forward, transpose, x_shape, y_shape, rng):
    x = _drawn(rng, x_shape)
    return (forward(x) ** 2).sum() == (transpose(forward(x)) * x).sum()


def one_image_for_all(forward, transpose, x_shape, y_shape, rng):
    x, y = (np.broadcast_to(_drawn(rng, shape[1:]), shape).copy() for shape in (x_shape, y_shape))
    return (forward(x) * y).sum() == (transpose(y) * x).sum()


def stays_above_the_ratio_only(x, ratio, u, train, dout):
    mask = (u > ratio) / (1 - ratio) if train else 1
    return x * mask, dout * mask


def masked_where_x_is_negative(x, ratio, u, train, dout):
    mask = (u >= ratio) / (1 - ratio) if train else 1
    return x * mask, dout * mask * (x > 0)


def four_branches(grads):
    return np.sum(grads[:4], axis=0)


def square_kernel(x, dout, w_shape, stride, pad):
    dw = np.array(find("03.2").reference_function(x, dout, w_shape, stride, pad))
    dw[..., min(w_shape[2:]) :] = 0
    return dw


HOLES = [
    ("04.4", absolute_error),
    ("04.5", signs_ignored),
    ("04.5", only_outputs_of_the_forward),
    ("04.5", one_image_for_all),
    ("05.7", stays_above_the_ratio_only),
    ("05.7", masked_where_x_is_negative),
    ("05.8", four_branches),
    ("03.2", square_kernel),
]


@pytest.mark.parametrize(("number", "answer"), HOLES, ids=[f"{n} {answer.__name__}" for n, answer in HOLES])
def test_wrong_answer_is_rejected(number, answer):
    assert check(number, answer).status == WRONG


def test_transpose_comparing_norms_gets_no_sign_message():
    def lengths(forward, transpose, x_shape, y_shape, rng):
        x = _drawn(rng, x_shape)
        return np.linalg.norm(forward(x)) == np.linalg.norm(transpose(forward(x)))

    assert check("04.5", lengths).mistake is None


def test_adjoint_comparing_shapes_is_named():
    def shapes(forward, transpose, x_shape, y_shape, rng):
        x, y = _drawn(rng, x_shape), _drawn(rng, y_shape)
        return forward(x).shape == tuple(y_shape) and transpose(y).shape == tuple(x_shape)

    assert check("04.5", shapes).mistake == "shapes only"


def test_busy_machine_gives_an_answer_more_time(monkeypatch):
    monkeypatch.setattr(outputs, "LONGER", 300)
    begun = time.process_time()
    monkeypatch.setattr(outputs.time, "process_time", lambda: begun)  # other programs used the CPU
    assert attempt(lambda: time.sleep(0.2) or 7, (), 0.05) == 7


def test_busy_answer_gets_no_more_time(monkeypatch):
    used = iter((0.0, 10.0))
    monkeypatch.setattr(outputs.time, "process_time", lambda: next(used))
    output = attempt(lambda: time.sleep(0.5), (), 0.05)
    assert isinstance(output, Raised)
    assert isinstance(output.error, TimeoutError)


@pytest.fixture
def slow():
    exercise = Exercise("98.7", "one", "one(x) -> float", minutes=1, difficulty=1, hints=("", "", ""))
    exercise.cases(lambda rng: iter([(1.5,), (2.5,)]))

    @exercise.reference
    def reference(x):
        time.sleep(0.2)  # as a kernel that compiles first
        return x

    yield exercise
    del REGISTERED["98.7"]


def test_right_answer_passes_with_slow_reference(slow, monkeypatch):
    monkeypatch.setattr(outputs, "LONGER", 0.0)
    monkeypatch.setattr(checking, "call", lambda *given: outputs.call(*(given if len(given) > 2 else (*given, 0.1))))
    monkeypatch.setattr(checking, "find", lambda number: slow)
    assert check("98.7", lambda x: x).passed


@pytest.mark.parametrize("number", ["04.2", "04.4", "04.5", "12.1"])
@pytest.mark.parametrize("error", [GeneratorExit(), SystemExit(3), type("Odd", (BaseException,), {})("odd")])
def test_judge_rejects_answer_that_raises_base_exception(number, error):
    def answer(*given):
        raise error

    assert check(number, answer).status == WRONG
