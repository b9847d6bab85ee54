"""Lowering: a plan uses its table for exact types with unchanged methods, else the layer's forward."""

import numpy as np
import pytest
from numeric import assert_close, draw, needs_numba

import minigooglenet as mg
from minigooglenet import layers
from minigooglenet.kernels import forms
from minigooglenet.planning.lowering import LOWERINGS, lowering

BUILD = {
    layers.Conv2d: (lambda: layers.Conv2d(4, 3, 3, rng=0), (4, 6, 6)),
    layers.Linear: (lambda: layers.Linear(4, 3, rng=0), (4,)),
    layers.MaxPool2d: (lambda: layers.MaxPool2d(3, 2), (4, 6, 6)),
    layers.AvgPool2d: (lambda: layers.AvgPool2d(3, 2), (4, 6, 6)),
    layers.AdaptiveAvgPool2d: (lambda: layers.AdaptiveAvgPool2d(2), (4, 6, 6)),
    layers.GlobalAvgPool2d: (layers.GlobalAvgPool2d, (4, 6, 6)),
    layers.LocalResponseNorm: (layers.LocalResponseNorm, (4, 6, 6)),
    layers.BatchNorm2d: (lambda: layers.BatchNorm2d(4), (4, 6, 6)),
    layers.ReLU: (layers.ReLU, (4, 6, 6)),
    layers.Flatten: (layers.Flatten, (4, 6, 6)),
    layers.Softmax: (layers.Softmax, (4,)),
    layers.Dropout: (layers.Dropout, (4, 6, 6)),
    layers.Concat: (layers.Concat, (4, 6, 6)),
    layers.Add: (layers.Add, (4, 6, 6)),
    layers.Clip: (lambda: layers.Clip(-0.5, 1), (4, 6, 6)),
    layers.ReLU6: (layers.ReLU6, (4, 6, 6)),
    layers.LeakyReLU: (layers.LeakyReLU, (4, 6, 6)),
    layers.Sigmoid: (layers.Sigmoid, (4, 6, 6)),
    layers.Tanh: (layers.Tanh, (4,)),
    layers.HardSwish: (layers.HardSwish, (4, 6, 6)),
    layers.SiLU: (layers.SiLU, (4, 6, 6)),
    layers.Scale: (lambda: layers.Scale(4, init=0.3), (4, 6, 6)),
    layers.Multiply: (layers.Multiply, (4, 6, 6)),
    layers.GlobalMaxPool2d: (layers.GlobalMaxPool2d, (4, 6, 6)),
    layers.Pad: (lambda: layers.Pad(1), (4, 6, 6)),
    layers.ChannelShuffle: (lambda: layers.ChannelShuffle(2), (4, 6, 6)),
    layers.ChannelSlice: (lambda: layers.ChannelSlice(1, 3), (4, 6, 6)),
}
EVERY = pytest.mark.parametrize("cls", BUILD, ids=lambda cls: cls.__name__)


def one_node(layer, shape):
    g = mg.Graph(x=shape)
    g.add("node", layer, *["x"] * (2 if isinstance(layer, layers.Multiply) else 1))
    return g, draw(5, *shape, dtype=np.float32)


def test_every_layer_of_the_package_is_in_the_table():
    classes = [getattr(layers, name) for name in layers.__all__]
    assert set(LOWERINGS) == set(BUILD) == {cls for cls in classes if isinstance(cls, type)} - {layers.Layer}


@EVERY
def test_exact_type_is_lowered(cls):
    assert lowering(BUILD[cls][0]()) is LOWERINGS[cls]


@EVERY
def test_subclass_runs_on_the_whole_batch(cls):
    sizes = []

    class Mine(cls):
        def forward(self, *xs, train=False):
            sizes.append(len(xs[0]))
            return super().forward(*xs, train=train)

    build, shape = BUILD[cls]
    layer = build()
    layer.__class__ = Mine
    assert lowering(layer) is None
    g, x = one_node(layer, shape)
    assert_close(mg.plan(g)(x), g(x))
    assert set(sizes) == {5}
    assert "the batch is not split, because node may depend on the whole batch" in str(mg.plan(g))


@EVERY
def test_subclass_without_methods_runs_its_forward(cls):
    layer = BUILD[cls][0]()
    layer.__class__ = type("Mine", (cls,), {})
    assert lowering(layer) is None
    g, x = one_node(layer, BUILD[cls][1])
    assert_close(mg.plan(g)(x), g(x))


@EVERY
@pytest.mark.parametrize("method", ["forward", "output_shape"])
def test_method_assigned_to_the_object_runs(cls, method):
    layer = BUILD[cls][0]()
    right = getattr(layer, method)
    setattr(layer, method, lambda *args, **kwargs: right(*args, **kwargs))
    assert lowering(layer) is None
    delattr(layer, method)
    assert lowering(layer) is LOWERINGS[cls]


@EVERY
@pytest.mark.parametrize("method", ["forward", "output_shape"])
def test_method_assigned_to_the_class_runs(cls, method, monkeypatch):
    layer, right = BUILD[cls][0](), getattr(cls, method)
    with monkeypatch.context() as patch:
        patch.setattr(cls, method, lambda self, *args, **kwargs: right(self, *args, **kwargs))
        assert lowering(layer) is None
    assert lowering(layer) is LOWERINGS[cls]


@pytest.mark.parametrize("cls", [layers.MaxPool2d, layers.ReLU, layers.LocalResponseNorm], ids=lambda cls: cls.__name__)
def test_infer_assigned_to_a_layer_runs_in_a_plan(cls, monkeypatch):
    build, shape = BUILD[cls]
    layer = build()
    right = layer.infer
    layer.infer = lambda x: right(x) + 1
    g, x = one_node(layer, shape)
    assert lowering(layer) is None
    assert (mg.plan(g)(x) == right(x) + 1).all()
    assert (g(x) == right(x) + 1).all()
    other, shortcut = build(), cls.infer
    monkeypatch.setattr(cls, "infer", lambda self, x: shortcut(self, x) + 2)
    assert lowering(other) is None
    g, x = one_node(other, shape)
    assert_close(mg.plan(g)(x), g(x))


@EVERY
def test_lowered_layers_compute_what_the_graph_does(cls):
    g, x = one_node(BUILD[cls][0](), BUILD[cls][1])
    for storey in ("numpy", "fast"):
        with mg.use(storey):
            assert_close(mg.plan(g)(x), g(x))
            assert_close(mg.plan(g, fuse=False)(x), g(x))


@needs_numba
def test_compiled_tasks_are_bound_only_on_the_fast_storey():
    g = mg.Graph(image=(4, 8, 8))
    wire = g.add("conv", layers.Conv2d(4, 4, 3, rng=0), "image")
    wire = g.add("relu", layers.ReLU(), wire)
    g.add("pool", layers.MaxPool2d(2), wire)

    def steps():
        return [("+".join(step.nodes), step.bind is not None) for step in mg.plan(g).steps]

    with mg.use("fast"):
        assert steps() == [("conv+relu", True), ("pool", True)]
    with mg.use("numpy"):
        assert steps() == [("conv", False), ("relu", False), ("pool", False)]
    with mg.use("fast", max_pool2d="numpy"):
        assert steps() == [("conv+relu", True), ("pool", False)]
    with mg.use("fast", relu="numpy"):
        assert steps() == [("conv", True), ("relu", False), ("pool", True)]
    with mg.use("numpy", max_pool2d="fast"):
        assert steps() == [("conv", False), ("relu", False), ("pool", True)]


def test_plan_on_numpy_joins_and_leaves_dropout_out():
    g = mg.Graph(image=(4, 8, 8))
    g.add("left", layers.Conv2d(4, 3, 1, rng=0), "image")
    g.add("right", layers.MaxPool2d(3, 1, 1), "image")
    g.add("drop", layers.Dropout(), "right")
    g.add("both", layers.Concat(), "left", "drop")
    x = draw(5, 4, 8, 8, dtype=np.float32)
    with mg.use("numpy"):
        plan, expected = mg.plan(g), g(x)
    text = str(plan)
    assert "2 of 2 inputs are already in place" in text
    assert "because they are the identity at inference: drop" in text
    assert_close(plan(x), expected)
    assert plan.choice == {"": "numpy"} != forms.choice.get()


def test_plan_holds_no_graph_and_no_parameters_of_it():
    g = mg.Graph(image=(4, 8, 8))
    g.add("conv", layers.Conv2d(4, 3, 1, rng=0), "image")
    g.add("norm", layers.BatchNorm2d(3), "conv")
    plan = mg.plan(g)
    seen, waiting = set(), [plan]
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, type):
            continue
        seen.add(id(value))
        assert not isinstance(value, mg.Graph)
        assert not any(value is array for array in (*g.params.values(), *g.buffers.values()))
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, (list, tuple, set)):
            waiting += value
        elif hasattr(value, "__self__"):
            waiting.append(value.__self__)
        elif type(value).__module__.startswith("minigooglenet"):
            waiting += vars(value).values()
