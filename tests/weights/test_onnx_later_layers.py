"""Layers of later networks in ONNX files: ONNX Runtime computes the same, and files that are read do too."""

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import layers
from minigooglenet.weights.onnx import export, import_graph, model

onnx = pytest.importorskip("onnx")

MAP = (4, 5, 6)


def filled(layer):
    """Return the layer with random arrays."""
    for arrays in (layer.params, layer.buffers):
        for name, value in arrays.items():
            arrays[name] = np.random.default_rng(len(name)).standard_normal(value.shape).astype(np.float32)
    return layer


# {name: (function that makes the layer, shapes of its inputs)}
CASES = {
    "clip": (lambda: layers.Clip(-0.5, 1), [MAP]),
    "clip without a lower bound": (lambda: layers.Clip(None, 0.5), [(4,)]),
    "clip without an upper bound": (lambda: layers.Clip(-0.5, None), [MAP]),
    "clip without bounds": (lambda: layers.Clip(None, None), [MAP]),
    "relu6": (layers.ReLU6, [MAP]),
    "leaky relu": (lambda: layers.LeakyReLU(0.2), [MAP]),
    "sigmoid": (layers.Sigmoid, [MAP]),
    "tanh": (layers.Tanh, [(4,)]),
    "hard swish": (layers.HardSwish, [MAP]),
    "silu": (layers.SiLU, [MAP]),
    "scale": (lambda: filled(layers.Scale(4)), [MAP]),
    "scale of a vector": (lambda: filled(layers.Scale(4, bias=False)), [(4,)]),
    "constant scale": (lambda: filled(layers.Scale(4, trained=False)), [MAP]),
    "multiply": (layers.Multiply, [MAP, MAP, MAP]),
    "gates with axes": (layers.Multiply, [(4, 1, 1), MAP]),
    "global max": (layers.GlobalMaxPool2d, [MAP]),
    "pad": (lambda: layers.Pad(((0, 1), (2, 0)), 0.5), [MAP]),
}
# Written as several operators, of which no single one is a layer.
WRITTEN = {
    "gates": (layers.Multiply, [MAP, (4,)]),
    "three gates": (layers.Multiply, [(4,), MAP, (4, 1, 1)]),
    "shuffle": (lambda: layers.ChannelShuffle(2), [MAP]),
    "shuffle of a vector": (lambda: layers.ChannelShuffle(2), [(4,)]),
}


def graph_of(build, shapes):
    g = mg.Graph(**{f"in{i}": shape for i, shape in enumerate(shapes)})
    g.add("node", build(), *g.inputs)
    return g


def images(g, count=3):
    rng = np.random.default_rng(1)
    return {name: 3 * rng.standard_normal((count, *shape), np.float32) for name, shape in g.inputs.items()}


@pytest.mark.parametrize("name", CASES | WRITTEN)
@pytest.mark.parametrize("batch", ["N", 3])
def test_onnx_runtime_computes_the_same(name, batch):
    runtime = pytest.importorskip("onnxruntime")
    g = graph_of(*(CASES | WRITTEN)[name])
    x = images(g)
    written = model(g, batch=batch)
    onnx.checker.check_model(written, full_check=True)
    session = runtime.InferenceSession(written.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(["node"], x)
    expected = g.infer(x)["node"]
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_written_layer_is_read_and_computes_the_same(name, tmp_path):
    g = graph_of(*CASES[name])
    export(g, tmp_path / "net.onnx")
    again = import_graph(tmp_path / "net.onnx").graph
    x = images(g)
    np.testing.assert_allclose(again.infer(x)["node"], g.infer(x)["node"], rtol=0, atol=1e-6)


def test_subclass_with_other_values_is_not_written():
    class Doubled(layers.SiLU):
        def forward(self, x, train=False):
            y, cache = super().forward(x, train)
            return 2 * y, cache

    with pytest.raises(ValueError, match=r"^node 'node': its methods compute different values than SiLU"):
        model(graph_of(Doubled, [MAP]))


def test_every_later_layer_is_written():
    written = {type(build()) for build, _ in (CASES | WRITTEN).values()}
    assert written == {getattr(layers, name) for name in layers.later.__all__}
