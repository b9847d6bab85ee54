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
    "gates": (layers.Multiply, [MAP, (4,)]),
    "three gates": (layers.Multiply, [(4,), MAP, (4, 1, 1)]),
    "shuffle": (lambda: layers.ChannelShuffle(2), [MAP]),
    "shuffle of a vector": (lambda: layers.ChannelShuffle(2), [(4,)]),
    "slice": (lambda: layers.ChannelSlice(1, 3), [MAP]),
    "slice of a vector": (lambda: layers.ChannelSlice(0, 3), [(4,)]),
}


def graph_of(build, shapes):
    g = mg.Graph(**{f"in{i}": shape for i, shape in enumerate(shapes)})
    g.add("node", build(), *g.inputs)
    return g


def images(g, count=3):
    rng = np.random.default_rng(1)
    return {name: 3 * rng.standard_normal((count, *shape), np.float32) for name, shape in g.inputs.items()}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("batch", ["N", 3])
def test_onnx_runtime_computes_the_same(name, batch):
    runtime = pytest.importorskip("onnxruntime")
    g = graph_of(*CASES[name])
    x = images(g)
    written = model(g, batch=batch)
    onnx.checker.check_model(written, full_check=True)
    session = runtime.InferenceSession(written.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(["node"], x)
    expected = g.infer(x)["node"]
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_written_layer_is_restored(name, tmp_path):
    g = graph_of(*CASES[name])
    require_restored(g, tmp_path)


def require_restored(g, tmp_path):
    export(g, tmp_path / "net.onnx")
    again = import_graph(tmp_path / "net.onnx").graph
    assert [(name, repr(layer), wires) for name, (layer, wires) in again.nodes.items()] == [
        (name, repr(layer), wires) for name, (layer, wires) in g.nodes.items()
    ]
    assert (again.params.keys(), again.buffers.keys()) == (g.params.keys(), g.buffers.keys())
    x = images(g)
    for wire, values in g.infer(x).items():
        np.testing.assert_array_equal(again.infer(x)[wire], values)


def test_layers_that_other_files_would_merge_stay_apart(tmp_path):
    """In files of other programs, these are a bias, a SiLU, a padding of the convolution, and no shuffle at all."""
    g = mg.Graph(image=MAP)
    steps = (
        ("conv", layers.Conv2d(4, 4, 3, padding=1, rng=0)),
        ("scale", filled(layers.Scale(4))),
        ("again", filled(layers.Scale(4, trained=False))),
        ("pad", layers.Pad(1)),
        ("after", layers.Conv2d(4, 6, 3, rng=1)),
        ("gate", layers.Sigmoid()),
    )
    wire = "image"
    for name, layer in steps:
        wire = g.add(name, layer, wire)
    g.add("product", layers.Multiply(), "after", "gate")
    g.add("other", layers.Multiply(), "product", "after")
    g.add("flat", layers.Flatten(), "other")
    g.add("flatter", layers.Flatten(), "flat")
    require_restored(g, tmp_path)


def test_subclass_with_other_values_is_not_written():
    class Doubled(layers.SiLU):
        def forward(self, x, train=False):
            y, cache = super().forward(x, train)
            return 2 * y, cache

    with pytest.raises(ValueError, match=r"^node 'node': its methods compute different values than SiLU"):
        model(graph_of(Doubled, [MAP]))


def test_every_later_layer_is_written():
    written = {type(build()) for build, _ in CASES.values()}
    assert written == {getattr(layers, name) for name in layers.later.__all__}
