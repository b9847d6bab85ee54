"""Pairs of functions: verdicts and sentences, and the checker itself never raises."""

import numpy as np
import pytest

from minigooglenet.gradcheck import check_function, museum

X = np.array([[0.3, -0.7, 1.1], [-1.3, 0.9, -0.2]])


def relu(x):
    return np.maximum(x, 0)


def relu_backward(grad_y, x):
    return (grad_y * (x > 0),)


def test_right_pair_passes():
    assert check_function(relu, relu_backward, X).verdict == "PASS"


def test_single_gradient_array_is_accepted():
    assert check_function(relu, lambda grad_y, x: grad_y * (x > 0), X).verdict == "PASS"


def test_integer_inputs_need_no_gradient():
    labels = np.array([0, 2])

    def loss(x, labels):
        return -x[np.arange(2), labels].mean()

    def backward(grad_y, x, labels):
        grad = np.zeros_like(x)
        grad[np.arange(2), labels] = -grad_y / 2
        return grad, None

    assert check_function(loss, backward, X, labels).verdict == "PASS"
    assert check_function(loss, lambda *a: backward(*a)[:1], X, labels).verdict == "PASS"


def test_kinks_everywhere_are_inconclusive_with_advice():
    report = check_function(relu, relu_backward, np.zeros((2, 3)))
    assert report.verdict == "INCONCLUSIVE"
    assert "6 of 6 indices are at a kink or a tie" in str(report)
    assert "shift the input slightly or use another seed" in str(report)


def test_single_kinks_are_skipped_and_counted():
    x = X.copy()
    x[0, 1] = 0
    report = check_function(relu, relu_backward, x)
    assert report.verdict == "PASS"
    assert "1 of 6 indices are at a kink or a tie" in str(report)


def test_kink_next_to_a_value_is_avoided():
    x = X.copy()
    x[0, 1] = 3e-6  # closer to zero than the step
    report = check_function(relu, relu_backward, x)
    assert report.verdict == "PASS"
    assert "at a kink" not in str(report)


def test_kink_does_not_hide_a_wrong_gradient():
    x = X.copy()
    x[0, 1] = 0
    assert check_function(relu, lambda grad_y, x: (grad_y,), x).verdict == "FAIL"


def test_gradient_below_round_off_is_inconclusive():
    report = check_function(lambda x: 1e8 + 1e-12 * x, lambda grad_y, x: (2e-12 * grad_y,), X)
    assert report.verdict == "INCONCLUSIVE"
    assert "below the noise floor" in str(report)


def test_float32_input_raises_unless_forced():
    with pytest.raises(TypeError, match=r"input 0 is float32: .* Pass x.astype\(np.float64\), or force=True"):
        check_function(relu, relu_backward, X.astype(np.float32))
    assert check_function(relu, relu_backward, X.astype(np.float32), force=True).verdict == "PASS"


@pytest.mark.parametrize(
    ("backward", "sentence"),
    [
        (lambda grad_y, x: None, "backward returned no gradient (None) for x"),
        (lambda grad_y, x: (grad_y, grad_y), "backward returned 2 gradients for 1 input: x"),
        (lambda grad_y, x: (grad_y.astype(int),), "the gradient of x is int64, but gradients must be floats"),
        (lambda grad_y, x: ("text",), "the gradient of x is a str, not an array"),
        (lambda grad_y, x: (grad_y[0],), "the gradient of x has shape (3,), but x has (2, 3)"),
        (lambda grad_y, x: (grad_y / 0.0,), "the gradient of x contains values that are not finite"),
        (lambda grad_y, x: grad_y @ grad_y, "backward raised ValueError: matmul"),
        (lambda grad_y, x: (np.sign(grad_y),), "not linear in the upstream gradient"),
    ],
)
def test_contract_fault_is_reported(backward, sentence):
    with np.errstate(divide="ignore", invalid="ignore"):
        report = check_function(relu, backward, X.copy())
    assert report.verdict == "FAIL"
    assert sentence in str(report)


def test_view_is_reported_but_passes():
    report = check_function(lambda x: x.reshape(-1).copy(), lambda grad_y, x: (grad_y.reshape(x.shape),), X)
    assert report.verdict == "PASS"
    assert "the gradient of x is a view of an argument" in str(report)


@pytest.mark.parametrize(
    ("forward", "sentence"),
    [
        (lambda x: x.missing, "forward raised AttributeError"),
        (lambda x: (x > 0).astype(int), "forward returned int64, not floats"),
        (lambda x: x + np.random.default_rng().random(), "forward returned different results for the same input"),
        (lambda x: np.log(x), "values that are not finite"),
        (lambda x: (x, [x, 1]), "Return only y, without a cache"),
    ],
)
def test_unusable_forward_is_reported(forward, sentence):
    with np.errstate(invalid="ignore"):
        report = check_function(forward, relu_backward, X)
    assert report.verdict == "FAIL"
    assert sentence in str(report)


def test_check_function_rejects_missing_float_inputs():
    with pytest.raises(TypeError, match="needs at least one input"):
        check_function(relu, relu_backward)
    with pytest.raises(TypeError, match="none of the inputs is a float array"):
        check_function(relu, relu_backward, np.arange(3))


@pytest.mark.parametrize("name", museum.EXHIBITS)
def test_exhibit_fails_with_the_right_first_suspect(name):
    exhibit = museum.EXHIBITS[name]
    report = check_function(exhibit.forward, exhibit.backward, *exhibit.inputs(np.random.default_rng(0)))
    assert report.verdict == "FAIL"
    assert report.suspects[0].startswith(exhibit.suspect), str(report)


@pytest.mark.parametrize("name", [name for name, e in museum.EXHIBITS.items() if e.broken == "backward"])
def test_correct_backward_of_exhibit_passes(name):
    exhibit = museum.EXHIBITS[name]
    report = check_function(exhibit.forward, exhibit.correct, *exhibit.inputs(np.random.default_rng(1)))
    assert report.verdict == "PASS", str(report)


@pytest.mark.parametrize("name", museum.CONTRACT_FAULTS)
def test_museum_contract_fault_is_reported(name):
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
    "a flat point": (lambda x: x**3, lambda g, x: (3 * g * x**2,), np.zeros(4)),
    "steps": (np.round, lambda g, x: (np.zeros_like(x),), X),
}


@pytest.mark.parametrize("name", RIGHT_BUT_AWKWARD)
def test_awkward_right_function_never_fails(name):
    forward, backward, x = RIGHT_BUT_AWKWARD[name]
    for seed in range(20):
        assert check_function(forward, backward, x, rng=seed).verdict != "FAIL"


def test_function_infinite_nearby_never_passes():
    report = check_function(np.sqrt, lambda g, x: (7 * g / np.sqrt(x),), np.array([0.0, 1.0]) + 1e-320)
    assert report.verdict != "PASS"


def test_forward_error_at_moved_input_is_reported():
    def picky(x):
        if np.any(x != X):
            raise ValueError("only this input")
        return x * 2

    report = check_function(picky, lambda g, x: (2 * g,), X)
    assert report.verdict == "FAIL"
    assert "forward raised ValueError: only this input" in str(report)


def test_pair_with_shared_object_and_buffers_passes():
    class Square:
        out = np.empty(X.shape)

        def forward(self, x):
            self.x = x.copy()
            return np.multiply(x, x, out=self.out)

        def backward(self, grad_y, *_):
            return (2 * grad_y * self.x,)

    square = Square()
    assert check_function(square.forward, square.backward, X).verdict == "PASS"


def test_batch_norm_suspect_is_found_for_vectors():
    def forward(x):
        return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)

    def backward(grad_y, x):
        return (grad_y / np.sqrt(x.var(axis=0) + 1e-5),)

    report = check_function(forward, backward, np.random.default_rng(0).standard_normal((6, 3)))
    assert report.suspects[0].startswith("batch norm terms missing")


def test_gradient_with_extra_axes_reports_the_sum():
    def scale(x, gamma):
        return x * gamma[:, None, None]

    def backward(grad_y, x, gamma):
        return grad_y * gamma[:, None, None], (grad_y * x).sum(axis=0)

    rng = np.random.default_rng(0)
    report = check_function(scale, backward, rng.standard_normal((3, 2, 4, 5)), rng.standard_normal(2))
    assert report.suspects[0] == "not summed over: sum the returned gradient of gamma over axes (1, 2)"


def test_ignored_upstream_gradient_is_reported():
    report = check_function(relu, lambda grad_y, x: (1.0 * (x > 0),), X)
    assert report.suspects[0].startswith("upstream gradient ignored")


def test_linear_function_passes_at_any_scale():
    for scale in (1e-9, 1e6):
        report = check_function(lambda x: scale * x, lambda grad_y, x: (scale * grad_y,), X)  # noqa: B023
        assert report.verdict == "PASS"
