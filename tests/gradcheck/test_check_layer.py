"""Right layers pass with all hyperparameters of GoogLeNet; wrong layers fail, and the mistake is named."""

from types import MethodType

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet.gradcheck import check_layer
from minigooglenet.gradcheck.examples import examples
from minigooglenet.layers import Concat, Conv2d, Dropout, Layer, Linear, LocalResponseNorm, MaxPool2d, ReLU

EXAMPLES = [(layer, f"{kind}-{i}") for kind, layers in examples().items() for i, layer in enumerate(layers)]


@pytest.mark.parametrize("layer", [pytest.param(layer, id=name) for layer, name in EXAMPLES])
def test_layer_passes_with_five_seeds(layer):
    seeds = range(1) if getattr(layer, "algorithm", None) == "loops" else range(5)
    for seed in seeds:
        report = check_layer(layer, rng=seed)
        assert report.verdict == "PASS", str(report)
        assert report.suspects == []


def test_examples_cover_every_window_of_googlenet():
    def window(layer):
        return layer.kind, layer.kernel_size, layer.stride, layer.padding, getattr(layer, "ceil_mode", None)

    covered = {window(layer) for layer, _ in EXAMPLES if hasattr(layer, "kernel_size")}
    nodes = mg.models.googlenet(init="zeros").nodes
    used = {window(layer) for layer, _ in nodes.values() if hasattr(layer, "kernel_size")}
    last = ("AvgPool2d", (7, 7), (1, 1), ((0, 0), (0, 0)), False)  # checked at 5 x 7, so that its sides differ
    assert used - covered <= {last}


def test_check_does_not_change_the_layer():
    layer = mg.layers.BatchNorm2d(3)
    dropout = Dropout(0.5, rng=1)
    state = dropout.rng.bit_generator.state
    check_layer(layer)
    check_layer(dropout)
    assert layer.params["weight"].dtype == np.float32
    assert np.all(layer.buffers["running_mean"] == 0)
    assert dropout.rng.bit_generator.state == state


def test_linear_layer_is_checked_exactly():
    stage = check_layer(Conv2d(3, 3, 3, stride=2, padding=1, rng=0)).stages[1]
    assert (stage.verdict, stage.outcome) == ("PASS", "linear in x, weight, bias: adjoint identity checked on integers")


class SlightlyWrongBias(Conv2d):
    def backward(self, grad_output, cache):
        grads, params = super().backward(grad_output, cache)
        return grads, params | {"bias": params["bias"] + 1e-9}


def test_exact_stage_detects_an_error_below_round_off():
    report = check_layer(SlightlyWrongBias(3, 3, 3, rng=0))
    assert report.stages[1].verdict == "FAIL"
    assert "bias: on integers" in str(report)


def real_forward(self, x, train=False):
    y, cache = type(self).forward(self, np.asarray(x, np.float64), train)
    return y, cache


def halved_backward(self, grad_output, cache):
    grads, params = type(self).backward(self, grad_output, cache)
    return grads, {key: 0.5 * value for key, value in params.items()}


@pytest.mark.filterwarnings("error")
def test_assigned_methods_are_checked():
    layer = Linear(4, 3, rng=0)
    layer.forward = MethodType(real_forward, layer)  # does not accept complex arrays
    assert check_layer(layer).verdict == "PASS"
    layer.backward = MethodType(halved_backward, layer)
    assert check_layer(layer).verdict == "FAIL"


class Overwrites(MaxPool2d):
    def backward(self, grad_output, cache):
        argmax, (height, width), _ = cache
        grad_x = np.zeros((*grad_output.shape[:2], height, width))
        (top, _), (left, _) = self.padding
        for n, c, p, q in np.ndindex(grad_output.shape):
            r, s = divmod(int(argmax[n, c, p, q]), self.kernel_size[1])
            h, w = p * self.stride[0] - top + r, q * self.stride[1] - left + s
            grad_x[n, c, h, w] = grad_output[n, c, p, q]
        return (grad_x,), {}


@pytest.mark.parametrize("layer", [Overwrites(3, 2, ceil_mode=True), Overwrites(3, 1, 1)])
def test_subclass_methods_are_checked(layer):
    report = check_layer(layer)
    assert report.verdict == "FAIL"
    assert report.suspects[0].startswith("= where += belongs")


def test_separate_windows_hide_the_mistake():
    assert check_layer(Overwrites(2)).verdict == "PASS"


class Identity(LocalResponseNorm):
    def backward(self, grad_output, cache):
        return (grad_output.copy(),), {}


@pytest.mark.parametrize("alpha", [1.0, 1e-4])
def test_identity_backward_of_lrn_fails_at_small_alpha(alpha):
    report = check_layer(Identity(alpha=alpha))
    assert report.verdict == "FAIL"
    assert report.suspects[0].startswith("cross-channel term missing")


class ForgetsBias(Linear):
    def backward(self, grad_output, cache):
        grads, params = super().backward(grad_output, cache)
        return grads, {"weight": params["weight"]}


def test_parameter_without_gradient_is_reported():
    report = check_layer(ForgetsBias(5, 4, rng=0))
    assert report.verdict == "FAIL"
    assert "backward returned no gradient (None) for bias" in str(report)


class Scaled(ReLU):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def backward(self, grad_output, cache):
        (grad,), params = super().backward(grad_output, cache)
        return (self.factor * grad,), params


@pytest.mark.parametrize(
    ("factor", "hint"),
    [
        (7, "7 times too large"),
        (1 / 7, "7 times too small"),
        (0.9, "1.11111 times too small, 0.9 of the right gradient"),
        (3, "3 times too large, as if multiplied by N = 3 or K = 3"),
        (1 / 3, "3 times too small, as if divided by N = 3 or K = 3"),
        (1 / 20, "20 times too small, as if divided by P*Q = 20 or H*W = 20"),
        (-1, "-1 (the sign is wrong)"),
        (-7, "the sign is wrong, and it is 7 times too large"),
    ],
)
def test_constant_factor_is_reported_with_its_direction(factor, hint):
    report = check_layer(Scaled(factor), (3, 4, 5))
    assert report.suspects[0] == f"wrong by a constant factor: {hint}"


class Wrong(ReLU):
    def backward(self, grad_output, cache):
        (grad,), params = super().backward(grad_output, cache)
        return (grad * (1 + 0.1 * np.sin(np.arange(grad.size).reshape(grad.shape))),), params


def test_unknown_mistake_reports_only_the_error_map():
    report = check_layer(Wrong())
    assert report.verdict == "FAIL"
    assert report.suspects == []
    assert "It matches no known mistake. The error map shows where the gradient is wrong." in str(report)
    assert "error map of x" in str(report)
    figure, text = report.figure()
    assert len(figure.axes) == 3
    assert "worst at x[" in text


def test_bisection_finds_one_wrong_weight():
    class OneWrong(Conv2d):
        def backward(self, grad_output, cache):
            grads, params = super().backward(grad_output, cache)
            params["weight"][17, 20, 2, 1] += 3
            return grads, params

    report = check_layer(OneWrong(32, 16 * 2, 3, padding=1, rng=0), (32, 3, 4))
    (finding,) = [f for f in report.findings if f.index is not None]
    assert finding.argument == "weight"
    assert finding.index == (17, 20, 2, 1)
    assert "14 probes" in finding.sentence or "13 probes" in finding.sentence


class Raises(Layer):
    def output_shape(self, x_shape):
        return x_shape

    def forward(self, x, train=False):
        return x * 2, None

    def backward(self, grad_output, cache):
        raise RuntimeError("not written yet")


def test_backward_error_is_a_finding():
    report = check_layer(Raises(), (2, 3, 3))
    assert report.verdict == "FAIL"
    assert "backward raised RuntimeError: not written yet" in str(report)


def test_unsuitable_input_shape_is_a_finding():
    report = check_layer(Conv2d(3, 4, 3, rng=0), (2, 5, 5))
    assert report.verdict == "FAIL"
    assert "expects 3 input channels, got 2" in str(report)


def test_several_inputs_are_numbered():
    assert "x0 315, x1 315" in str(check_layer(Concat()))


class Keeps(ReLU):
    def forward(self, x, train=False):
        self.passed = x > 0
        return np.where(self.passed, x, 0), self.passed.shape

    def backward(self, grad_output, cache):
        return (np.where(self.passed, grad_output, 0),), {}


def test_layer_that_stores_activations_fails():
    report = check_layer(Keeps())
    assert report.verdict == "FAIL"
    assert "Put everything that backward needs into the cache." in str(report)


class InLoops(Conv2d):
    def forward(self, x, train=False):
        y = np.zeros((len(x), *self.output_shape(x.shape[1:])))
        y[:] = super().forward(x.astype(np.float64))[0]
        return y, x


def test_custom_forward_with_real_buffers_passes():
    assert check_layer(InLoops(3, 3, 3, stride=2, padding=1, rng=0)).verdict == "PASS"


@pytest.mark.parametrize(("layer", "shape"), [(ReLU(), (1,)), (MaxPool2d(2), (1, 2, 2)), (MaxPool2d(3), (1, 3, 3))])
def test_tiny_feature_maps_pass(layer, shape):
    for seed in range(40):
        assert check_layer(layer, shape, rng=seed).verdict == "PASS"


def test_average_pools_are_checked_exactly():
    for layer in examples()["AvgPool2d"]:
        assert check_layer(layer).stages[1].outcome.startswith("linear in x")


@pytest.mark.parametrize("wrong", [None, ReLU, 5])
def test_check_layer_rejects_other_objects(wrong):
    with pytest.raises(TypeError, match="check_layer expects a layer"):
        check_layer(wrong)
