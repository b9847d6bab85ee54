"""Whole networks: the first wrong node is the culprit, and a missing branch is named."""

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet.gradcheck import check_network
from minigooglenet.graph import Node

X = np.random.default_rng(0).standard_normal((2, 1, 32, 32))
LABELS = np.array([1, 4])


def small(**settings):
    return mg.models.mini_googlenet(5, in_channels=1, aux=True, width=0.5, rng=0, **settings)


def replaced(g, name, layer):
    g.nodes[name] = Node(layer, g.nodes[name].wires)
    return g


class Halved(mg.layers.Conv2d):
    def backward(self, grad_output, cache):
        (grad_x,), params = super().backward(grad_output, cache)
        return (grad_x / 2,), params


class Careless(mg.Graph):
    """A graph whose backward uses = where += belongs."""

    def backward(self, grads, tape, wires=()):
        pending, gradients, params = dict(grads), {}, {}
        for name in reversed(list(tape)):
            if name not in pending:
                continue
            grad = pending.pop(name)
            gradients[name] = grad
            layer, wires = self.nodes[name]
            parts, grad_params = layer.backward(grad, tape.pop(name))
            pending.update(zip(wires, parts, strict=True))
            params |= {f"{name}/{key}": value for key, value in grad_params.items()}
        return gradients | pending, params


@pytest.mark.parametrize("norm", ["batch", "lrn"])
def test_right_network_passes_and_does_not_change(norm):
    g = small(norm=norm)
    before = {key: value.copy() for key, value in [*g.params.items(), *g.buffers.items()]}
    seen = []
    report = check_network(g, X, LABELS, on_node=lambda done, total, name: seen.append(name))
    assert report.verdict == "PASS", str(report)
    assert report.culprit is None
    assert seen == list(reversed(g.nodes))
    after = dict([*g.params.items(), *g.buffers.items()])
    assert all(np.array_equal(before[key], after[key]) for key in before)


def test_last_wrong_node_is_the_diagnosed_culprit():
    g = small()
    for name in ("inception_3b/3x3", "inception_4b/3x3_reduce"):
        old = g.nodes[name].layer
        replaced(
            g, name, Halved(old.in_channels, old.out_channels, old.kernel_size, padding=old.padding, bias=False, rng=0)
        )
    report = check_network(g, X, LABELS)
    assert report.verdict == "FAIL"
    assert report.culprit == "inception_4b/3x3_reduce"
    assert report.suspects[0].startswith("wrong by a constant factor: 2 times too small")
    assert "first wrong node, from the losses backwards: inception_4b/3x3_reduce" in str(report)


def test_missing_branch_is_named():
    g = Careless(image=(1, 6, 6))
    wire = g.add("stem", mg.layers.Conv2d(1, 3, 3, rng=0), "image")
    wire = mg.models.inception(g, wire, "module", 2, 2, 2, 2, 2, 2, style=mg.models.Style(rng=0))
    g.add("loss", mg.layers.Linear(8, 5, rng=1), g.add("mean", mg.layers.GlobalAvgPool2d(), wire))
    report = check_network(g, X[:, :, :6, :6], LABELS)
    assert report.verdict == "FAIL"
    assert report.culprit == "stem"
    assert (
        "the gradient of stem includes only module/1x1: module/pool, module/5x5_reduce, module/3x3_reduce are missing"
        in str(report)
    )


def test_network_backward_error_is_a_finding():
    class Unwritten(mg.layers.ReLU):
        def backward(self, grad_output, cache):
            raise NotImplementedError("exercise 05.1")

    report = check_network(replaced(small(), "inception_3a/relu_5x5", Unwritten()), X, LABELS)
    assert report.verdict == "FAIL"
    assert report.culprit == "inception_3a/relu_5x5"
    assert "backward raised NotImplementedError: exercise 05.1" in str(report)


class OneOff(mg.layers.Conv2d):
    def backward(self, grad_output, cache):
        grads, params = super().backward(grad_output, cache)
        params["weight"][0, 0, 1, 1] *= 1.01
        return grads, params


def test_weight_error_of_one_percent_fails():
    g = small()
    old = g.nodes["inception_3a/3x3"].layer
    wrong = OneOff(old.in_channels, old.out_channels, 3, padding=1, bias=False, rng=0)
    report = check_network(replaced(g, "inception_3a/3x3", wrong), X, LABELS)
    assert report.verdict == "FAIL"
    assert report.culprit == "inception_3a/3x3"
    assert "weight: directional derivative along a random direction: numerical" in str(report)


class Doubling(mg.Graph):
    def backward(self, grads, tape, wires=()):
        grad_inputs, grad_params = super().backward(grads, tape, wires)
        return grad_inputs, {key: 2 * value for key, value in grad_params.items()}


def test_wrong_graph_backward_is_reported():
    g = small()
    g.__class__ = Doubling
    report = check_network(g, X, LABELS)
    assert report.verdict == "FAIL"
    assert "the graph's backward and the node's backward return different gradients for" in str(report)


def test_small_weights_pass():
    g = small()
    for key, value in g.params.items():
        if key.endswith("weight"):
            value *= 1e-3
    assert check_network(g, X, LABELS).verdict == "PASS"


def test_check_network_rejects_nan_images():
    with pytest.raises(ValueError, match="the images contain 2048 values that are not finite"):
        check_network(small(), X * np.nan, LABELS)


def test_node_that_changes_its_upstream_gradient_fails():
    class Greedy(mg.layers.ReLU):
        def backward(self, grad_output, cache):
            result = super().backward(grad_output, cache)
            grad_output *= 0
            return result

    report = check_network(replaced(small(), "inception_3a/relu_5x5", Greedy()), X, LABELS)
    assert report.culprit == "inception_3a/relu_5x5"
    assert "modified its upstream gradient" in str(report)
