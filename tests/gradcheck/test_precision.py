"""Limits of finite differences: low precision inside, offsets, tiny entries, edges of the domain."""

import numpy as np
import pytest

from minigooglenet import losses
from minigooglenet.gradcheck import check_function

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 4))
W = RNG.standard_normal((4, 2))
LOGITS = np.array([[20.0, 0, -3], [0, 20, 1], [-20, 0, 0]])
SINGLE, HALF = np.float32, np.float16


def square_back(grad_y, x):
    return (2 * grad_y * x,)


COARSE = {
    "float32": (lambda x: (x.astype(SINGLE) ** 2).astype(float), square_back, "float32"),
    "float32 returned": (lambda x: x.astype(SINGLE) ** 2, square_back, "float32"),
    "float32 in a sum": (lambda x: float((x.astype(SINGLE) ** 2).sum()), square_back, "float32"),
    "float32 inside": (
        lambda x: np.exp(x.astype(SINGLE).astype(float) * 0.3),
        lambda g, x: (0.3 * g * np.exp(0.3 * x),),
        "float32",
    ),
    "float32 in one of two terms": (
        lambda x: (x.astype(SINGLE) ** 2).astype(float).sum() + np.sin(x).sum(),
        lambda g, x: (g * (2 * x + np.cos(x)),),
        "float32",
    ),
    "float32 of tiny values": (
        lambda x: (np.exp(1e-9 * x).astype(SINGLE) * SINGLE(0.7)).astype(float),
        lambda g, x: (7e-10 * g,),
        "float32",
    ),
    "float16": (lambda x: (x.astype(HALF) ** 2).astype(float), square_back, "float16"),
    "three decimals": (lambda x: np.round(x**2, 3), square_back, "rounded to 3 decimals"),
    "three decimals, gradient of zeros": (
        lambda x: np.round(x**2, 3),
        lambda g, x: (np.zeros_like(x),),
        "rounded to 3 decimals",
    ),
    "integers": (lambda x: (10 * x).astype(int) * 1.0, lambda g, x: (10 * g,), "integers"),
    "float32 backward of a linear function": (
        lambda x: 0.1 * x,
        lambda g, x: ((SINGLE(0.1) * g.astype(SINGLE)).astype(float),),
        "result of backward changes in steps",
    ),
    "float16 backward": (
        lambda x: x**2,
        lambda g, x: ((2 * g.astype(HALF) * x.astype(HALF)).astype(float),),
        "float16",
    ),
    "rounded backward": (lambda x: x**2, lambda g, x: (np.round(2 * g * x, 3),), "rounded to 3 decimals"),
}


@pytest.mark.parametrize("name", COARSE)
def test_low_precision_is_inconclusive_and_named(name):
    forward, backward, cause = COARSE[name]
    report = check_function(forward, backward, X)
    assert report.verdict == "INCONCLUSIVE", str(report)
    assert cause in str(report)


def test_float32_weights_are_named():
    report = check_function(lambda x, w: x @ w.astype(SINGLE).astype(float), lambda g, x, w: (g @ w.T, x.T @ g), X, W)
    assert report.verdict == "INCONCLUSIVE"
    assert "float32" in str(report)


@pytest.mark.parametrize("name", ["float32", "float32 in a sum", "float16"])
def test_wrong_factor_fails_in_spite_of_low_precision(name):
    forward, _, cause = COARSE[name]
    report = check_function(forward, lambda g, x: (3 * g * x,), X)
    assert report.verdict == "FAIL"
    assert cause in str(report)


def test_gradient_truncated_to_integers_fails():
    assert check_function(lambda x: x**2, lambda g, x: (np.trunc(20 * g * x) / 1.0,), X).verdict == "FAIL"


def entropy(logits, labels):
    return losses.softmax_cross_entropy(logits, labels)[0]


def entropy_back(grad, logits, labels):
    return (grad * losses.softmax_cross_entropy(logits, labels)[1],)


def relu_of_affine(x, b):
    return np.maximum(W.T @ x + b, 0)


def relu_of_affine_back(g, x, b):
    passed = g * (W.T @ x + b > 0)
    return W @ passed, passed


PRECISE = {
    "affine with an offset": (lambda x: 0.01 * x + 100, lambda g, x: (0.01 * g,), (X,)),
    "offset inside": (lambda x: ((x + 1e6) - 1e6) ** 2, lambda g, x: (2 * g * x,), (X,)),
    "large mean": (lambda x: x - x.mean(), lambda g, x: (g - g.mean(),), (1e6 + X,)),
    "logarithm": (np.log, lambda g, x: (g / x,), (np.array([1e-8, 2e-8, 0.3, 1.0]),)),
    "sum of logarithms": (lambda x: np.log(x).sum(), lambda g, x: (g / x,), (np.array([1e-8, 0.3, 1.0]),)),
    "root": (np.sqrt, lambda g, x: (g / 2 / np.sqrt(x),), (np.array([1e-8, 3e-8, 1.0]),)),
    "power": (lambda x: x**1.5, lambda g, x: (1.5 * g * x**0.5,), (np.array([1e-9, 2e-9, 0.5, 1.0]),)),
    "power of tiny values": (lambda x: x**1.5, lambda g, x: (1.5 * g * x**0.5,), (np.array([1e-9, 2e-9]),)),
    "scales from 1e-8 to 1e6": (lambda x: x**2, lambda g, x: (2 * g * x,), (np.array([1e-8, 1e6, 1, 0, -3e-3]),)),
    "norm of all scales": (
        lambda x: np.sqrt((x**2).sum()),
        lambda g, x: (g * x / np.sqrt((x**2).sum()),),
        (np.array([1e-8, 1e6, 1, 0, -3e-3]),),
    ),
    "logits 20 apart": (entropy, entropy_back, (LOGITS, np.array([0, 0, 1]))),
    "ReLU next to its kink": (
        lambda x: np.maximum(x, 0),
        lambda g, x: (g * (x > 0),),
        (np.array([1e-9, -1e-9, 1.0, -0.5, 2e-9]),),
    ),
    "sum of ReLUs next to their kinks": (
        lambda x: np.maximum(x, 0).sum(),
        lambda g, x: (g * (x > 0),),
        (np.array([1e-9, -1e-9, 1.0, -0.5, 2e-9]),),
    ),
    "ReLU of sums next to their kinks": (
        relu_of_affine,
        relu_of_affine_back,
        (X[0], np.array([1e-9, -1e-9]) - W.T @ X[0]),
    ),
    "no axes": (np.sin, lambda g, x: (g * np.cos(x),), (np.array(0.3),)),
    "a Python float": (lambda x: float(np.sin(x)), lambda g, x: float(g * np.cos(x)), (np.array(0.3),)),
}  # fmt: skip


@pytest.mark.parametrize("name", PRECISE)
def test_right_pair_passes_at_awkward_scales(name):
    forward, backward, arrays = PRECISE[name]
    for seed in range(3):
        report = check_function(forward, backward, *arrays, rng=seed)
        assert report.verdict == "PASS", str(report)


@pytest.mark.parametrize("name", PRECISE)
def test_gradient_scaled_by_1001_fails_at_awkward_scales(name):
    forward, backward, arrays = PRECISE[name]

    def wrong(grad, *arrays):
        gradients = backward(grad, *arrays)
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        return tuple(1.001 * g for g in gradients)

    assert check_function(forward, wrong, *arrays).verdict == "FAIL"


def test_small_wrong_entry_next_to_large_ones_fails():
    x = np.array([1e-8, 1e6, 1.0, -3e-3])
    report = check_function(lambda x: x**2, lambda g, x: (2 * g * x * np.array([1.001, 1, 1, 1]),), x)
    assert report.verdict == "FAIL"
    assert "1 of 4 entries is wrong. Largest error at x[0]" in str(report)


def test_edge_of_a_domain_is_named():
    report = check_function(lambda x: x**1.5, lambda g, x: (1.5 * g * x**0.5,), np.array([0.0, 2.0, 0.5]))
    assert report.verdict == "INCONCLUSIVE"
    assert "1 of 3 indices are at the edge of the domain" in str(report)


def test_forward_that_raises_outside_its_domain_passes():
    def guarded(x):
        if not (x > 0).all():
            raise ValueError("only above 0")
        return np.log(x)

    assert check_function(guarded, lambda g, x: (g / x,), np.array([1e-8, 1.0, 2.0])).verdict == "PASS"


def test_complex_step_decides_what_round_off_hides():
    report = check_function(lambda x: 1e8 + 1e-12 * x, lambda g, x: (1e-12 * g,), X)
    assert report.verdict == "PASS", str(report)


def test_maximum_mask_counts_as_full_precision():
    x = RNG.standard_normal((2, 3, 4))

    def backward(grad_y, x):
        return (1.001 * grad_y[:, None] * (x == x.max(axis=1, keepdims=True)),)

    assert check_function(lambda x: x.max(axis=1), backward, x).verdict == "FAIL"


def test_cancelling_terms_pass():
    def softmax(x):
        return np.exp(x - x.max()) / np.exp(x - x.max()).sum()

    def forward(x):  # the log-sum-exp of a log-softmax is 0 for every x
        return np.log(np.exp(np.log(softmax(x))).sum())

    def backward(grad_y, x):
        p = softmax(x)
        return (grad_y * (p - p * p.sum()) + 1.1e-16 * grad_y,)

    def wrong(grad_y, x):
        return (grad_y * (softmax(x) - 0.999 * softmax(x)),)

    x = np.random.default_rng(0).standard_normal(6)
    assert check_function(forward, backward, x).verdict != "FAIL"
    assert check_function(forward, wrong, x).verdict != "PASS"


@pytest.mark.parametrize("seed", range(8))
def test_correct_gradient_of_a_very_short_wave_never_fails(seed):
    x = np.random.default_rng(seed).standard_normal((3, 4))
    report = check_function(lambda x: np.sin(1e7 * x), lambda g, x: (1e7 * g * np.cos(1e7 * x),), x)
    assert report.verdict != "FAIL", report
