"""Return values of `forward` that are accepted or explained, and inputs without elements."""

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet.gradcheck import check_function, check_layer

X = np.random.default_rng(0).standard_normal((3, 4))


class Matrix(np.ndarray):
    """A subclass of an array, as np.matrix is."""


def square_back(grad_y, x):
    return (2 * grad_y * x,)


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (lambda x: (x**2, x), "a tuple of 2 (an array of shape (3, 4), an array of shape (3, 4))"),
        (lambda x: [x**2, x], "a list of 2 (an array of shape (3, 4), an array of shape (3, 4))"),
        (lambda x: (x**2, {"x": x}), "a tuple of 2 (an array of shape (3, 4), a dict)"),
        (lambda x: (x.sum(1), x), "a tuple of 2 (an array of shape (3,), an array of shape (3, 4))"),
        (lambda x: ((x**2).sum(), x.sum()), "a tuple of 2 (a number "),
        (lambda x: (np.array(1.0), np.array(2.0)), "a tuple of 2 (an array of shape (), an array of shape ())"),
        (lambda x: [np.array(1.0), np.array(2.0)], "a list of 2"),
        (lambda x: (x**2,), "a tuple of 1 "),
        (lambda x: (1.0, 2.0), "a tuple of 2 (a number 1, a number 2)"),
        (lambda x: (x**2, x, x), "a tuple of 3"),
        (lambda x: {"y": x}, "returned a dict"),
        (lambda x: "y", "returned a str"),
        (lambda x: np.array([x, None], dtype=object), "an array of object"),
    ],
)
def test_forward_with_several_results_is_explained(forward, words):
    report = check_function(forward, square_back, X)
    assert report.verdict == "FAIL"
    assert words in str(report)
    assert "Return only y, without a cache, or check lambda *arrays: forward(*arrays)[0]" in str(report)


def test_forward_without_a_return_is_explained():
    report = check_function(lambda x: None, square_back, X)
    assert "forward returned None. Is its return statement missing?" in str(report)


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        (lambda x: (x**2).view(Matrix), square_back),
        (lambda x: (x**2).tolist(), square_back),
        (lambda x: float((x**2).sum()), square_back),
        (lambda x: np.array((x**2).sum()), square_back),
        (lambda x: [float(v) for v in (x**2).sum(axis=1)], lambda g, x: (2 * g[:, None] * x,)),
    ],
)
def test_array_number_and_list_of_numbers_are_outputs(forward, backward):
    assert check_function(forward, backward, X).verdict == "PASS"


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (0,), (2, 0, 3)])
def test_input_without_elements_is_inconclusive(shape):
    report = check_function(lambda x: x**2, lambda g, x: (17 * g,), np.zeros(shape))
    assert report.verdict == "INCONCLUSIVE"
    assert f"x has shape {shape}: it has no elements" in str(report)


def test_output_without_elements_is_inconclusive():
    report = check_function(lambda x: x[3:], lambda g, x: (np.zeros_like(x),), X)
    assert report.verdict == "INCONCLUSIVE"
    assert "forward returned shape (0, 4), which has no elements" in str(report)


def test_empty_second_input_does_not_hide_a_wrong_first():
    def forward(x, rest):
        return x**2 + rest.sum()

    report = check_function(forward, lambda g, x, rest: (3 * g * x, 0 * rest), X, np.zeros(0))
    assert report.verdict == "FAIL"
    assert "rest has shape (0,)" in str(report)


class OnlyY(mg.layers.ReLU):
    def forward(self, x, train=False):
        return super().forward(x, train=train)[0]


def test_layer_without_cache_is_explained():
    report = check_layer(OnlyY())
    assert report.verdict == "FAIL"
    assert "the layer's forward must return (y, cache), a tuple of 2, but it returned an ndarray" in str(report)
