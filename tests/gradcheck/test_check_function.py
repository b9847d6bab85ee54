"""A student's own pair of functions: verdicts, sentences, and no traceback out of the checker."""

import numpy as np
import pytest

from minigooglenet.gradcheck import check_function, museum

X = np.array([[0.3, -0.7, 1.1], [-1.3, 0.9, -0.2]])


def relu(x):
    return np.maximum(x, 0)


def relu_backward(grad_y, x):
    return (grad_y * (x > 0),)


def test_a_right_pair_passes():
    assert check_function(relu, relu_backward, X).verdict == "PASS"


def test_a_single_array_stands_for_a_tuple_of_one():
    assert check_function(relu, lambda grad_y, x: grad_y * (x > 0), X).verdict == "PASS"


def test_integers_such_as_labels_need_no_gradient():
    labels = np.array([0, 2])

    def loss(x, labels):
        return -x[np.arange(2), labels].mean()

    def backward(grad_y, x, labels):
        grad = np.zeros_like(x)
        grad[np.arange(2), labels] = -grad_y / 2
        return grad, None

    assert check_function(loss, backward, X, labels).verdict == "PASS"
    assert check_function(loss, lambda *a: backward(*a)[:1], X, labels).verdict == "PASS"


def test_kinks_everywhere_are_inconclusive_with_a_way_out():
    report = check_function(relu, relu_backward, np.zeros((2, 3)))
    assert report.verdict == "INCONCLUSIVE"
    assert "6 of 6 indices lie at a kink or a tie" in str(report)
    assert "nudge the input or use another seed" in str(report)


def test_single_kinks_are_left_out_and_counted():
    x = X.copy()
    x[0, 1] = 0
    report = check_function(relu, relu_backward, x)
    assert report.verdict == "PASS"
    assert "1 of 6 indices lie at a kink or a tie" in str(report)


def test_a_kink_beside_a_value_is_stepped_around():
    x = X.copy()
    x[0, 1] = 3e-6  # nearer to zero than the step
    report = check_function(relu, relu_backward, x)
    assert report.verdict == "PASS"
    assert "indices lie at a kink" not in str(report)


def test_a_wrong_gradient_is_not_excused_by_a_kink_elsewhere():
    x = X.copy()
    x[0, 1] = 0
    assert check_function(relu, lambda grad_y, x: (grad_y,), x).verdict == "FAIL"


def test_what_is_lost_in_round_off_is_inconclusive():
    report = check_function(lambda x: 1e8 + 1e-12 * x, lambda grad_y, x: (2e-12 * grad_y,), X)
    assert report.verdict == "INCONCLUSIVE"
    assert "below round-off" in str(report)


def test_float32_is_refused_with_the_reason_unless_forced():
    with pytest.raises(TypeError, match=r"input 0 is float32: .* give x.astype\(np.float64\), or force=True"):
        check_function(relu, relu_backward, X.astype(np.float32))
    assert check_function(relu, relu_backward, X.astype(np.float32), force=True).verdict == "PASS"


@pytest.mark.parametrize(
    ("backward", "sentence"),
    [
        (lambda grad_y, x: None, "backward returned None for x"),
        (lambda grad_y, x: (grad_y, grad_y), "backward returned 2 gradient(s) for 1 input(s): x"),
        (lambda grad_y, x: (grad_y.astype(int),), "the gradient of x holds int64; gradients are floats"),
        (lambda grad_y, x: ("text",), "the gradient of x is a str, not an array"),
        (lambda grad_y, x: (grad_y[0],), "the gradient of x has shape (3,), but x has (2, 3)"),
        (lambda grad_y, x: (grad_y / 0.0,), "the gradient of x holds values that are not finite"),
        (lambda grad_y, x: grad_y @ grad_y, "backward raised ValueError: matmul"),
        (lambda grad_y, x: (np.sign(grad_y),), "not linear in the upstream gradient"),
    ],
)
def test_what_breaks_the_contract_is_a_sentence(backward, sentence):
    with np.errstate(divide="ignore", invalid="ignore"):
        report = check_function(relu, backward, X.copy())
    assert report.verdict == "FAIL"
    assert sentence in str(report)


def test_a_view_is_remarked_on_and_fails_nothing():
    report = check_function(lambda x: x.reshape(-1).copy(), lambda grad_y, x: (grad_y.reshape(x.shape),), X)
    assert report.verdict == "PASS"
    assert "the gradient of x is a view of an argument" in str(report)


@pytest.mark.parametrize(
    ("forward", "sentence"),
    [
        (lambda x: x.missing, "forward raised AttributeError"),
        (lambda x: (x > 0).astype(int), "forward returned int64, not floats"),
        (lambda x: x + np.random.default_rng().random(), "forward gives two results for the same input"),
        (lambda x: np.log(x), "values that are not finite"),
        (lambda x: (x, [x, 1]), "return y alone, without a cache"),
    ],
)
def test_a_forward_that_cannot_be_checked_is_a_sentence(forward, sentence):
    with np.errstate(invalid="ignore"):
        report = check_function(forward, relu_backward, X)
    assert report.verdict == "FAIL"
    assert sentence in str(report)


def test_no_inputs_and_no_floats_are_refused():
    with pytest.raises(TypeError, match="needs the inputs"):
        check_function(relu, relu_backward)
    with pytest.raises(TypeError, match="none of the inputs is a float array"):
        check_function(relu, relu_backward, np.arange(3))


@pytest.mark.parametrize("name", museum.EXHIBITS)
def test_every_exhibit_fails_and_is_named_first(name):
    exhibit = museum.EXHIBITS[name]
    report = check_function(exhibit.forward, exhibit.backward, *exhibit.inputs(np.random.default_rng(0)))
    assert report.verdict == "FAIL"
    assert report.suspects[0].startswith(exhibit.suspect), str(report)


@pytest.mark.parametrize("name", [name for name, e in museum.EXHIBITS.items() if e.broken == "backward"])
def test_the_right_backward_beside_every_exhibit_passes(name):
    exhibit = museum.EXHIBITS[name]
    report = check_function(exhibit.forward, exhibit.correct, *exhibit.inputs(np.random.default_rng(1)))
    assert report.verdict == "PASS", str(report)


@pytest.mark.parametrize("name", museum.CONTRACT_FAULTS)
def test_every_fault_of_the_contract_is_found_without_a_traceback(name):
    exhibit = museum.CONTRACT_FAULTS[name]
    report = check_function(exhibit.forward, exhibit.backward, *exhibit.inputs(np.random.default_rng(0)))
    assert report.findings
    assert report.verdict == "PASS" if "view" in name else "FAIL"


RIGHT_BUT_AWKWARD = {
    "abs": (np.abs, lambda g, x: (g * np.sign(x),), np.array([1.0])),
    "relu of one value": (relu, relu_backward, np.array([2.0])),
    "max of few": (
        lambda x: x.max(axis=1),
        lambda g, x: (g[:, None] * (x == x.max(axis=1, keepdims=True)),),
        np.array([[1.0, 2.0, 4.0], [3.0, 1.0, -1.0]]),
    ),
    "strong curvature": (np.log, lambda g, x: (g / x,), np.array([1e-3, 2e-3, 1.0])),
    "near the edge of its domain": (np.sqrt, lambda g, x: (g / (2 * np.sqrt(x)),), np.array([1e-6, 1e-3, 0.5, 1.0])),
    "a large mean": (lambda x: x - x.mean(), lambda g, x: (g - g.mean(),), 1e4 + X),
    "fast waves": (lambda x: np.sin(1000 * x), lambda g, x: (1000 * g * np.cos(1000 * x),), np.array([0.3, 0.8, -0.1])),
    "tiny values": (np.abs, lambda g, x: (g * np.sign(x),), np.array([1e-7, -2e-7, 3e-7])),
    "tiny results": (lambda x: 1e-8 * np.sin(x), lambda g, x: (1e-8 * g * np.cos(x),), X),
    "huge values": (lambda x: x * x, lambda g, x: (2 * g * x,), 1e6 * X),
    "a minimum": (lambda x: x**2, lambda g, x: (2 * g * x,), np.array([0.0, 1.0, -1.0])),
    "a flat place": (lambda x: x**3, lambda g, x: (3 * g * x**2,), np.zeros(4)),
    "steps": (np.round, lambda g, x: (np.zeros_like(x),), X),
}


@pytest.mark.parametrize("name", RIGHT_BUT_AWKWARD)
def test_awkward_but_right_functions_never_fail(name):
    forward, backward, x = RIGHT_BUT_AWKWARD[name]
    for seed in range(20):
        assert check_function(forward, backward, x, rng=seed).verdict != "FAIL"


def test_a_function_that_is_not_finite_nearby_is_never_passed():
    report = check_function(np.sqrt, lambda g, x: (7 * g / np.sqrt(x),), np.array([0.0, 1.0]) + 1e-320)
    assert report.verdict != "PASS"


def test_a_forward_that_raises_when_moved_is_a_sentence():
    def picky(x):
        if np.any(x != X):
            raise ValueError("only this input")
        return x * 2

    report = check_function(picky, lambda g, x: (2 * g,), X)
    assert report.verdict == "FAIL"
    assert "forward raised ValueError: only this input" in str(report)


def test_a_pair_that_hands_over_in_an_object_and_reuses_its_buffers_is_right():
    class Square:
        out = np.empty(X.shape)

        def forward(self, x):
            self.x = x.copy()
            return np.multiply(x, x, out=self.out)

        def backward(self, grad_y, *_):
            return (2 * grad_y * self.x,)

    square = Square()
    assert check_function(square.forward, square.backward, X).verdict == "PASS"


def test_batch_norm_of_vectors_without_its_terms_is_named():
    def forward(x):
        return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)

    def backward(grad_y, x):
        return (grad_y / np.sqrt(x.var(axis=0) + 1e-5),)

    report = check_function(forward, backward, np.random.default_rng(0).standard_normal((6, 3)))
    assert report.suspects[0].startswith("batch norm terms missing")


def test_a_gradient_with_axes_left_over_is_told_to_sum_them():
    def scale(x, gamma):
        return x * gamma[:, None, None]

    def backward(grad_y, x, gamma):
        return grad_y * gamma[:, None, None], (grad_y * x).sum(axis=0)

    rng = np.random.default_rng(0)
    report = check_function(scale, backward, rng.standard_normal((3, 2, 4, 5)), rng.standard_normal(2))
    assert report.suspects[0] == "not summed over: sum what came back for gamma over axes (1, 2)"


def test_a_backward_that_never_looks_at_the_upstream_gradient_is_named():
    report = check_function(relu, lambda grad_y, x: (1.0 * (x > 0),), X)
    assert report.suspects[0].startswith("upstream gradient ignored")


def test_large_weights_and_small_ones_of_a_linear_function_are_decided():
    for scale in (1e-9, 1e6):
        report = check_function(lambda x: scale * x, lambda grad_y, x: (scale * grad_y,), X)  # noqa: B023
        assert report.verdict == "PASS"
