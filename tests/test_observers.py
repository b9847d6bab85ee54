"""Observers of forward and backward passes: the order of the calls, their arrays, and errors in them."""

import numpy as np
import pytest
from numeric import draw

import minigooglenet as mg
from minigooglenet import layers
from minigooglenet.graph.observers import FiniteCheck


class Recorder:
    def __init__(self, calls=None, name=None):
        self.calls, self.name = [] if calls is None else calls, name

    def before(self, node, direction):
        self.calls.append(("before", node, direction, self.name))

    def after(self, node, direction, arrays):
        self.calls.append(("after", node, direction, {key: array.copy() for key, array in arrays.items()}))


@pytest.fixture
def g():
    g = mg.Graph(image=(2, 5, 5))
    g.add("conv", layers.Conv2d(2, 3, 3, padding=1, rng=0), "image")
    g.add("relu", layers.ReLU(), "conv")
    g.add("joined", layers.Concat(), "conv", "relu")
    g.add("mean", layers.GlobalAvgPool2d(), "joined")
    return g


X = {"image": draw(3, 2, 5, 5, dtype=np.float32)}
GRAD = {"mean": draw(3, 6, seed=1, dtype=np.float32)}


def calls_of(recorder):
    return [call[:3] for call in recorder.calls]


def after(recorder):
    return {call[1]: call[3] for call in recorder.calls if call[0] == "after"}


def test_forward_calls_before_and_after_around_every_node(g):
    recorder = Recorder()
    g.forward(X, on_node=recorder)
    names = [(when, node, "forward") for node in g.nodes for when in ("before", "after")]
    assert calls_of(recorder) == names


def test_forward_passes_the_output_of_each_node(g):
    recorder = Recorder()
    g.forward(X, on_node=recorder)
    outputs, _ = g.forward(X, list(g.nodes))
    for node, arrays in after(recorder).items():
        assert list(arrays) == [node]
        assert (arrays[node] == outputs[node]).all()


def test_forward_observes_only_the_nodes_that_run(g):
    recorder = Recorder()
    g.forward(X, "relu", on_node=recorder)
    assert list(after(recorder)) == ["conv", "relu"]


def test_backward_calls_before_and_after_in_reverse(g):
    recorder = Recorder()
    g.backward(GRAD, g.forward(X)[1], on_node=recorder)
    names = [(when, node, "backward") for node in reversed(list(g.nodes)) for when in ("before", "after")]
    assert calls_of(recorder) == names


def test_observer_gets_the_gradients_of_each_node(g):
    recorder = Recorder()
    grad_inputs, grad_params = g.backward(GRAD, g.forward(X)[1], wires="conv", on_node=recorder)
    sent = after(recorder)
    assert {node: set(arrays) for node, arrays in sent.items()} == {
        "mean": {"joined"},
        "joined": {"conv", "relu"},
        "relu": {"conv"},
        "conv": {"image", "conv/weight", "conv/bias"},
    }
    # A branch gets a part from each consumer; together they are the wire's gradient.
    np.testing.assert_allclose(sent["joined"]["conv"] + sent["relu"]["conv"], grad_inputs["conv"], rtol=1e-6)
    assert (sent["conv"]["image"] == grad_inputs["image"]).all()
    assert all((sent["conv"][key] == grad_params[key]).all() for key in grad_params)


def test_backward_observes_only_needed_nodes(g):
    g.add("head", layers.Flatten(), "image")  # no trainable layer
    recorder = Recorder()
    outputs, tape = g.forward(X)
    g.backward({wire: np.ones_like(y) for wire, y in outputs.items()}, tape, inputs=False, on_node=recorder)
    assert list(after(recorder)) == ["mean", "joined", "relu", "conv"]
    assert set(after(recorder)["conv"]) == {"conv/weight", "conv/bias"}


def test_frozen_nodes_are_observed_forward_and_not_backward(g):
    recorder = Recorder()
    g.add("fc", layers.Linear(6, 2, rng=1), "mean")
    _, tape = g.forward(X, frozen=["conv"], on_node=recorder)
    assert list(after(recorder)) == list(g.nodes)
    recorder = Recorder()
    g.backward({"fc": np.ones((3, 2), np.float32)}, tape, inputs=False, on_node=recorder)
    assert list(after(recorder)) == ["fc"]
    assert set(after(recorder)["fc"]) == {"fc/weight", "fc/bias"}


def test_observed_passes_are_bit_identical(g):
    outputs, tape = g.forward(X, on_node=Recorder())
    expected, expected_tape = g.forward(X)
    assert (outputs["mean"] == expected["mean"]).all()
    grads = g.backward(GRAD, tape, on_node=Recorder())
    for actual, expected in zip(grads, g.backward(GRAD, expected_tape), strict=True):
        assert all((actual[key] == expected[key]).all() for key in expected)


def test_check_finite_works_next_to_an_observer(g):
    recorder = Recorder()
    g.params["conv/weight"] = np.full_like(g.params["conv/weight"], np.inf)
    with pytest.raises(ValueError, match=r"^wire 'conv' is the first wire with a NaN or an infinity"):
        g.forward(X, check_finite=True, on_node=recorder)
    assert calls_of(recorder) == [("before", "conv", "forward")]


def test_finite_check_can_observe_a_backward_pass(g):
    grad = {"mean": np.full((3, 6), np.inf, np.float32)}
    with pytest.raises(ValueError, match=r"^wire 'joined' is the first wire with a NaN or an infinity"):
        g.backward(grad, g.forward(X)[1], on_node=FiniteCheck())


class Failing(Recorder):
    def __init__(self, node, when):
        super().__init__()
        self.node, self.when = node, when

    def before(self, node, direction):
        super().before(node, direction)
        if (node, "before") == (self.node, self.when):
            raise KeyError("stop here")

    def after(self, node, direction, arrays):
        super().after(node, direction, arrays)
        if (node, "after") == (self.node, self.when):
            raise ValueError("stop here")


@pytest.mark.parametrize("when", ["before", "after"])
def test_error_of_an_observer_ends_the_pass_unchanged(g, when):
    for run in (
        lambda observer: g.forward(X, on_node=observer),
        lambda observer: g.backward(GRAD, g.forward(X)[1], on_node=observer),
    ):
        observer = Failing("joined", when)
        with pytest.raises(KeyError if when == "before" else ValueError, match=r"^'?stop here'?$"):
            run(observer)
        assert calls_of(observer)[-1][:2] == (when, "joined")
    assert (g.forward(X)[0]["mean"] == g(X)).all()


def test_training_forward_that_an_observer_stops_restores_the_buffers():
    g = mg.Graph(image=(2, 5, 5))
    g.add("norm", layers.BatchNorm2d(2), "image")
    g.add("relu", layers.ReLU(), "norm")
    before = {key: value.copy() for key, value in g.buffers.items()}
    with pytest.raises(KeyError, match="stop here"):
        g.forward(X, train=True, on_node=Failing("relu", "before"))
    assert all((g.buffers[key] == value).all() for key, value in before.items())
