"""A method replaced in any way runs in the graph and in a plan, forward and backward."""

import copy

import numpy as np
import pytest
from every_layer import CASES, make
from numeric import assert_close, draw

import minigooglenet as mg
from minigooglenet import layers, methods

EVERY = pytest.mark.parametrize("name", CASES)
WAYS = ("object", "subclass", "super", "class")
WAY = pytest.mark.parametrize("way", WAYS)


def replace(layer, method, way, monkeypatch):
    """Replace forward or backward by one with doubled results: on the object, in a subclass or in the class."""
    cls, old = type(layer), getattr(type(layer), method)

    def doubled(self, *args, **kwargs):
        right = getattr(super(type(self), self), method) if way == "super" else old.__get__(self)
        first, second = right(*args, **kwargs)
        if method == "forward":
            return 2 * first, second
        return tuple(2 * grad for grad in first), {key: 2 * grad for key, grad in second.items()}

    if way == "object":
        setattr(layer, method, doubled.__get__(layer))
    elif way == "class":
        monkeypatch.setattr(cls, method, doubled)
    else:
        layer.__class__ = type("Mine", (cls,), {method: doubled})


def graph_of(layer, inputs):
    g = mg.Graph(**{f"in{i}": x.shape[1:] for i, x in enumerate(inputs)})
    g.add("node", layer, *g.inputs)
    return g, dict(zip(g.inputs, inputs, strict=True))


def every_result(g, x):
    """Return the node's output from each way to run the graph."""
    outputs, _ = g.forward(x)
    return [
        outputs["node"],
        g(x),
        g.infer(x)["node"],
        mg.plan(g)(x),
        mg.plan(g, fuse=False, join=False, split_batch=False)(x),
    ]


@EVERY
@WAY
@pytest.mark.parametrize("images", [1, 2, 5])
def test_replaced_forward_runs_in_graph_and_plan(name, way, images, monkeypatch):
    layer, inputs, _ = make(name, np.float32, images)
    expected = 2 * copy.deepcopy(layer).forward(*inputs)[0]
    replace(layer, "forward", way, monkeypatch)
    for y in every_result(*graph_of(layer, inputs)):
        assert_close(y, expected)


@EVERY
@WAY
def test_replaced_backward_runs_with_and_without_input_gradients(name, way, monkeypatch):
    layer, inputs, grad = make(name, np.float32)
    _, cache = copy.deepcopy(layer).forward(*inputs)
    grad_inputs, grad_params = copy.deepcopy(layer).backward(grad, cache)
    replace(layer, "backward", way, monkeypatch)
    g, x = graph_of(layer, inputs)
    for wanted in (True, False):
        _, tape = g.forward(x)
        got_inputs, got_params = g.backward({"node": grad}, tape, inputs=wanted)
        for wire, expected in zip(x, grad_inputs, strict=True):
            if wanted:
                assert_close(got_inputs[wire], 2 * expected)
        assert got_inputs.keys() == (set(x) if wanted else set())
        # A layer without parameters gets no backward pass if no one needs its gradients.
        assert got_params.keys() == {f"node/{key}" for key in grad_params}
        for key, expected in grad_params.items():
            assert_close(got_params[f"node/{key}"], 2 * expected)


@EVERY
def test_replaced_backward_runs_only_if_needed(name):
    layer, inputs, grad = make(name, np.float32)
    calls, right = [], layer.backward
    layer.backward = lambda *args: calls.append(1) or right(*args)
    g, x = graph_of(layer, inputs)
    for wanted in (False, True):
        calls.clear()
        g.backward({"node": grad}, g.forward(x)[1], inputs=wanted)
        assert calls == [1] * bool(wanted or layer.params)


@EVERY
def test_need_inputs_is_passed_only_if_accepted(name):
    layer, inputs, grad = make(name, np.float32)
    received, right = [], layer.backward

    def backward(grad_output, cache, need_inputs=True):
        received.append(need_inputs)
        return right(grad_output, cache)

    layer.backward = backward
    g, x = graph_of(layer, inputs)
    for wanted in (True, False):
        g.backward({"node": grad}, g.forward(x)[1], inputs=wanted)
    assert received == [True, *[False] * bool(layer.params)]


@EVERY
def test_subclass_without_super_runs_its_forward(name):
    layer, inputs, _ = make(name, np.float32)
    shape = layer.output_shape(*(x.shape[1:] for x in inputs))

    class Mine(type(layer)):
        def forward(self, *xs, train=False):
            # Takes the mean over the whole batch, so a plan must keep the images together.
            return np.full((len(xs[0]), *shape), sum(x.mean() for x in xs), xs[0].dtype), None

    layer.__class__ = Mine
    first, *others = every_result(*graph_of(layer, inputs))
    assert all((y == first).all() for y in others)


@EVERY
def test_untouched_layers_are_inferred_and_lowered(name):
    layer, *_ = make(name)
    assert methods.infers(layer) == hasattr(layer, "infer")
    assert methods.unchanged(layer, "forward", "output_shape")
    for method in ("forward", "output_shape", "infer"):
        setattr(layer, method, lambda *xs: None)
        assert not methods.unchanged(layer, "forward", "output_shape") or not hasattr(type(layer), method)
        delattr(layer, method)
    layer.forward = lambda x, train=False: None
    assert not methods.infers(layer)


def test_patched_and_restored_class_is_inferred_again(monkeypatch):
    layer = layers.ReLU()
    with monkeypatch.context() as patch:
        patch.setattr(layers.ReLU, "forward", lambda self, x, train=False: (x + 1, None))
        assert not methods.infers(layer)
        assert not methods.unchanged(layer, "forward")
    assert methods.infers(layer)
    assert methods.unchanged(layer, "forward")


def test_infer_of_a_subclass_runs():
    class Mine(layers.ReLU):
        def infer(self, x):
            return x + 1

    g = mg.Graph(image=(2, 3, 3))
    g.add("mine", Mine(), "image")
    x = draw(2, 2, 3, 3, dtype=np.float32)
    assert (g(x) == x + 1).all()
    assert (mg.plan(g)(x) == x + 1).all()


@pytest.mark.parametrize("layer", [layers.MaxPool2d(2), layers.ReLU(), layers.LocalResponseNorm()])
def test_infer_called_by_an_overridden_forward_does_not_recurse(layer):
    class Mine(type(layer)):
        def forward(self, x, train=False):
            return -super().infer(x), x.shape

    x = draw(2, 3, 4, 4, dtype=np.float32)
    expected = -layer.forward(x)[0]
    layer.__class__ = Mine
    assert_close(layer.forward(x)[0], expected)


CHAIN = {
    "conv": lambda: layers.Conv2d(3, 8, 3, padding=1, rng=0),
    "norm": lambda: layers.BatchNorm2d(8),
    "relu": layers.ReLU,
    "drop": layers.Dropout,
    "pool": lambda: layers.MaxPool2d(2),
    "joint": layers.Concat,
    "flat": layers.Flatten,
    "dense": lambda: layers.Linear(8 * 4 * 4 * 2, 5, rng=1),
}


def chain():
    """Return a graph in which a plan fuses nodes, joins branches in place and removes nodes."""
    g, wire = mg.Graph(image=(3, 8, 8)), "image"
    for name, build in CHAIN.items():
        wire = g.add(
            name, build(), *([wire, g.add("side", layers.AvgPool2d(3, 1, 1), wire)] if name == "joint" else [wire])
        )
    g.nodes["norm"].layer.buffers["running_mean"][:] = np.linspace(-1, 1, 8)
    g.nodes["norm"].layer.buffers["running_var"][:] = np.linspace(0.5, 2, 8)
    return g


@pytest.mark.parametrize("name", CHAIN)
@WAY
@pytest.mark.parametrize("images", [1, 6])
def test_replaced_method_runs_inside_a_fused_chain(name, way, images, monkeypatch):
    g, x = chain(), draw(images, 3, 8, 8, dtype=np.float32)
    before = g(x)
    replace(g.nodes[name].layer, "forward", way, monkeypatch)
    expected = g.forward({"image": x})[0]["dense"]
    assert_close(g(x), expected)
    assert_close(mg.plan(g)(x), expected, 5e-5)
    assert np.abs(expected - before).max() > 1e-3


@pytest.mark.parametrize("name", CHAIN)
@WAY
def test_replaced_backward_runs_inside_a_training_step(name, way, monkeypatch):
    g, x = chain(), draw(6, 3, 8, 8, dtype=np.float32)
    grad = draw(6, 5, dtype=np.float32)

    def first_gradients(graph):
        _, tape = graph.forward({"image": x})
        return {key: value.copy() for key, value in graph.backward({"dense": grad}, tape, inputs=False)[1].items()}

    expected = first_gradients(g)
    replace(g.nodes[name].layer, "backward", way, monkeypatch)
    before = list(CHAIN)[: list(CHAIN).index(name) + 1]
    for key, value in first_gradients(g).items():
        assert_close(value, value.dtype.type(2 if key.split("/")[0] in before else 1) * expected[key], 5e-5)
