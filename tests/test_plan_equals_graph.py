"""A plan returns the same results and errors as the graph, and its results do not alias other arrays."""

import copy
import re
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric import draw

import minigooglenet as mg
from minigooglenet import layers


class OwnForward(layers.ReLU):
    def forward(self, x, train=False):
        y, cache = super().forward(x, train)
        return y - 0.5, cache


class Identity(layers.ReLU):
    """Return the input array itself, as students' layers do."""

    def forward(self, x, train=False):
        return x, np.ones(x.shape, bool)


class Foreign:
    """A layer without the base class, whose output depends on the whole batch."""

    params: ClassVar = {}

    def output_shape(self, shape):
        return shape

    def forward(self, x, train=False):
        return x - x.mean(axis=0), None

    def backward(self, grad, cache):
        return (grad - grad.mean(axis=0),), {}


def conv(data, shape, rng):
    channels, *size = shape
    kernel = tuple(data.draw(st.integers(1, min(3, length))) for length in size)
    groups = data.draw(st.sampled_from([g for g in (1, 2, channels) if channels % g == 0]))
    algorithm = data.draw(st.sampled_from(["auto", "auto", "auto", "im2col", "numba"]))
    return layers.Conv2d(
        channels,
        groups * data.draw(st.integers(1, 9)),
        kernel,
        data.draw(st.sampled_from([1, 2, (2, 1)])),
        data.draw(st.sampled_from([0, 1, (1, 0), ((0, 1), (2, 0))])),
        groups=groups,
        dilation=data.draw(st.sampled_from([1, 1, 2, (1, 3)])),
        bias=data.draw(st.booleans()),
        bias_init=0.1,
        algorithm=algorithm,
        rng=rng,
    )


def batch_norm(data, shape, rng):
    layer = layers.BatchNorm2d(shape[0])
    layer.buffers["running_mean"][:] = rng.normal(size=shape[0])
    layer.buffers["running_var"][:] = rng.uniform(0.5, 2, shape[0])
    layer.params["weight"][:] = rng.uniform(0.5, 1.5, shape[0])
    return layer


def pool(data, shape, rng):
    kernel = data.draw(st.integers(1, min(3, *shape[1:])))
    kind = data.draw(st.sampled_from([layers.MaxPool2d, layers.AvgPool2d]))
    return kind(kernel, data.draw(st.integers(1, 3)), kernel // 2, ceil_mode=data.draw(st.booleans()))


def linear(data, shape, rng):
    return layers.Linear(shape[0], data.draw(st.integers(1, 6)), bias=data.draw(st.booleans()), rng=rng)


ANY = {
    "relu": lambda *_: layers.ReLU(),
    "dropout": lambda *_: layers.Dropout(0.3),
    "own forward": lambda *_: OwnForward(),
    "identity": lambda *_: Identity(),
    "foreign": lambda *_: Foreign(),
    "concat of one": lambda *_: layers.Concat(),
}
MAPS = {
    "conv": conv,
    "conv again": conv,
    "batch norm": batch_norm,
    "pool": pool,
    "adaptive": lambda *_: layers.AdaptiveAvgPool2d((2, 3)),
    "lrn": lambda *_: layers.LocalResponseNorm(3, alpha=1.0),
    "global": lambda *_: layers.GlobalAvgPool2d(),
    "flatten": lambda *_: layers.Flatten(),
    "softmax": lambda *_: layers.Softmax(),
}


def random_graph(data, inputs=1):
    """Return a graph of up to 12 nodes of all types, with forks, concats, replaced methods and several outputs."""
    rng = np.random.default_rng(data.draw(st.integers(0, 99), label="seed"))
    size = data.draw(st.sampled_from([(2, 5, 6), (8, 9, 8), (3, 1, 1)]), label="size")
    g = mg.Graph(**{f"in{i}": size for i in range(inputs)})
    for index in range(data.draw(st.integers(1, 12), label="nodes")):
        wires = list(g.shapes)
        wire = data.draw(st.sampled_from(wires[-3:]), label="wire")
        shape = g.shapes[wire]
        mates = [other for other in wires if g.shapes[other][1:] == shape[1:] and len(g.shapes[other]) == len(shape)]
        kinds = {**ANY, **(MAPS if len(shape) == 3 else {"linear": linear})}
        kind = data.draw(st.sampled_from([*kinds, "concat", "add"]), label="kind")
        if kind in ("concat", "add"):
            mates = mates if kind == "concat" else [other for other in mates if g.shapes[other] == shape]
            reads = [wire, *data.draw(st.lists(st.sampled_from(mates), max_size=3), label="reads")]
            g.add(f"n{index}", layers.Concat() if kind == "concat" else layers.Add(), *reads)
            continue
        try:
            g.add(f"n{index}", kinds[kind](data, shape, rng), wire)
        except ValueError:  # the window does not fit
            g.add(f"n{index}", layers.ReLU(), wire)
    return g


def arrays_of(g):
    return [*g.params.values(), *g.buffers.values()]


@settings(max_examples=150)
@given(st.data())
def test_plan_of_a_random_graph_equals_the_graph(data):
    g = random_graph(data, data.draw(st.integers(1, 2), label="inputs"))
    images = data.draw(st.integers(1, 6), label="images")
    dtype = data.draw(st.sampled_from([np.float32, np.float64]), label="dtype")
    x = {name: draw(images, *shape, seed=i, dtype=dtype) for i, (name, shape) in enumerate(g.inputs.items())}
    kept, parameters = copy.deepcopy(x), [array.copy() for array in arrays_of(g)]
    outputs = data.draw(st.lists(st.sampled_from(list(g.shapes)), min_size=1, max_size=4, unique=True), label="outputs")
    ideas = {idea: data.draw(st.booleans(), label=idea) for idea in ("fuse", "join", "split_batch")}
    expected, _ = g.forward(x, outputs)
    plan = mg.plan(g, outputs, **ideas)
    results = [g.infer(x, outputs)]
    for _ in range(2):
        y = plan(x)
        results.append({outputs[0]: y} if len(outputs) == 1 else y)
    for result in results:
        assert list(result) == outputs
        for wire, y in result.items():
            assert y.dtype == dtype
            scale = max(1.0, np.abs(expected[wire]).max())
            np.testing.assert_allclose(y, expected[wire], rtol=0, atol=scale * (2e-4 if dtype == np.float32 else 1e-5))
    everything = [y for result in (expected, *results) for y in result.values()]
    for i, y in enumerate(everything):
        assert y.flags.writeable
        assert not any(np.shares_memory(y, other) for other in (*everything[:i], *x.values(), *arrays_of(g)))
    assert all((x[name] == kept[name]).all() for name in x)
    assert all((array == before).all() for array, before in zip(arrays_of(g), parameters, strict=True))
    before = {wire: y.copy() for wire, y in results[-1].items()}
    for array in (*everything, *arrays_of(g)):  # neither the caller nor training can change the results of a plan
        array[...] = 7
    again = plan(x)
    for wire, y in ({outputs[0]: again} if len(outputs) == 1 else again).items():
        assert (y == before[wire]).all()


def both_reject(g, x):
    """Return the error message for x, which must be the same for the graph and its plans."""
    sentences = set()
    for run in (g, lambda x: mg.plan(g)(x), mg.plan(g, fuse=False)):
        with pytest.raises((ValueError, TypeError)) as error:
            run(x)
        sentences.add(f"{error.type.__name__}: {error.value}")
    (sentence,) = sentences
    return sentence


def net():
    g = mg.Graph(image=(3, 8, 8))
    g.add("conv", layers.Conv2d(3, 8, 3, padding=1, rng=0), "image")
    g.add("norm", layers.BatchNorm2d(8), "conv")
    g.add("relu", layers.ReLU(), "norm")
    g.add("pool", layers.MaxPool2d(2), "relu")
    g.add("flat", layers.Flatten(), "pool")
    g.add("dense", layers.Linear(128, 4, rng=1), "flat")
    return g


X = draw(2, 3, 8, 8, dtype=np.float32)


@pytest.mark.parametrize(
    "x",
    [
        X[0],
        X[:, :2],
        X[:0],
        X.transpose(0, 2, 3, 1),
        X.astype(int),
        X.astype(np.float16),
        X.astype(np.complex128),
        X.tolist(),
        None,
        {"image": X, "other": X},
        {"imgae": X},
        {},
    ],
)
def test_plan_rejects_bad_inputs_as_the_graph_does(x):
    assert both_reject(net(), x)


@pytest.mark.parametrize("joint", [layers.Concat, layers.Add])
def test_inputs_of_two_dtypes_are_rejected(joint):
    g = mg.Graph(a=(3, 2, 2), b=(3, 2, 2))
    g.add("joint", joint(), "a", "b")
    a, b = draw(2, 3, 2, 2, dtype=np.float32), draw(2, 3, 2, 2, seed=1)
    sentence = both_reject(g, {"a": a, "b": b})
    assert sentence == "TypeError: all inputs must have the same dtype, got {'a': 'float32', 'b': 'float64'}"
    with pytest.raises(TypeError, match="all inputs must have the same dtype"):
        g.forward({"a": a, "b": b}, train=True)


@pytest.mark.parametrize(
    "key", ["conv/weight", "conv/bias", "norm/weight", "norm/running_var", "dense/weight", "dense/bias"]
)
@pytest.mark.parametrize(
    "change", [lambda a: a[:-1], lambda a: a.astype(np.float16), lambda a: a.astype(complex), np.ndarray.tolist]
)
def test_plan_rejects_wrong_parameters_as_the_graph_does(key, change):
    g = net()
    node, name = key.split("/")
    layer = g.nodes[node].layer
    arrays = layer.params if name in layer.params else layer.buffers
    arrays[name] = change(arrays[name])
    assert re.match(rf"^(Value|Type|Attribute)Error: node '{node}': ", both_reject(g, X))


def test_plan_rejects_a_layer_changed_after_add():
    for name, attribute, value in (
        ("conv", "stride", (2, 2)),
        ("pool", "kernel_size", (3, 3)),
        ("conv", "padding", ((0, 0), (0, 0))),
    ):
        g = net()
        setattr(g.nodes[name].layer, attribute, value)
        assert "must return" in both_reject(g, X)


@pytest.mark.parametrize(
    "result", [lambda x: x[:, :1], lambda x: x.sum(axis=(2, 3)), lambda x: x[0], lambda x: None, np.ndarray.tolist]
)
def test_plan_rejects_a_forward_of_another_shape(result):
    g = net()
    g.nodes["pool"].layer.forward = lambda x, train=False: (result(x), None)
    assert both_reject(g, X).startswith("ValueError: node 'pool': forward must return shape (2, 8, 4, 4), got")


def test_plan_of_complex_arrays_equals_the_graph():
    g = mg.Graph(image=(3, 8, 8))
    g.add("conv", layers.Conv2d(3, 8, 3, padding=1, rng=0), "image")
    g.add("norm", layers.BatchNorm2d(8), "conv")
    g.add("flat", layers.Flatten(), "norm")
    g.add("dense", layers.Linear(512, 4, rng=1), "flat")
    x = (draw(2, 3, 8, 8) + 1j * draw(2, 3, 8, 8, seed=1)).astype(np.complex128)
    np.testing.assert_allclose(mg.plan(g)(x), g(x), atol=1e-5)


@pytest.mark.parametrize("shape", [(5, 1), (1, 5), (1, 1)])
def test_plan_keeps_copies_of_thin_linear_weights(shape):
    g = mg.Graph(x=shape[:1])
    g.add("dense", layers.Linear(*shape, rng=0), "x")
    plan, x = mg.plan(g), draw(2, shape[0], dtype=np.float32)
    before = plan(x)
    g.params["dense/weight"][:] += 1
    g.params["dense/bias"][:] += 1
    assert (plan(x) == before).all()
    assert (g(x) != before).all()


@pytest.mark.parametrize(("var", "eps"), [(-1.0, 1e-5), (0.0, 0.0), (np.inf, 1e-5), (np.nan, 1e-5), (1e-38, 0.0)])
def test_plan_of_an_odd_variance_equals_the_graph(var, eps):
    g = net()
    norm = g.nodes["norm"].layer
    norm.eps = eps
    norm.buffers["running_var"][3] = var
    with np.errstate(all="ignore"):  # NumPy reports a square root of -1, compiled code does not
        actual, expected = mg.plan(g, "norm")(X), g.infer({"image": X}, "norm")["norm"]
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


class IgnoresOut(layers.ReLU):
    def infer(self, x, out=None):
        return np.where(x > 0, x, x / 10)


def test_plan_of_a_custom_infer_equals_the_graph():
    g = net()
    g.add("own", IgnoresOut(), g.main)
    np.testing.assert_allclose(mg.plan(g)(X), g(X), rtol=1e-4, atol=1e-5)
