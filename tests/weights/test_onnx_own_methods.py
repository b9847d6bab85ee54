"""Graphs that ONNX cannot express: overridden methods, and settings that no longer match the shapes."""

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import layers
from minigooglenet.weights.onnx import export, import_graph

pytest.importorskip("onnx")


class Twice(layers.Conv2d):
    def forward(self, x, train=False):
        y, cache = super().forward(x, train)
        return 2 * y, cache


class AtMostSix(layers.ReLU):  # equal for values of ordinary size
    def forward(self, x, train=False):
        return np.clip(x, 0, 6), x


class LeakyInference(layers.ReLU):
    def infer(self, x, out=None):
        return np.where(x > 0, x, x / 10)


class Clean(layers.Conv2d):
    def forward(self, x, train=False):
        return super().forward(np.ascontiguousarray(x), train)


def ones(x, weight, bias, stride, padding, groups):
    return np.ones((len(x), 4, 4, 4), x.dtype)


def graph_of(layer):
    graph = mg.Graph(image=(4, 6, 6))
    graph.add("a node", layer, "image")
    return graph


def with_forward_on_the_object():
    layer = layers.ReLU()
    layer.forward = lambda x, train=False: (3 * x, x)
    return layer


OTHERS = {
    "a subclass": lambda: Twice(4, 4, 3, rng=0),
    "large values only": AtMostSix,
    "in inference only": LeakyInference,
    "on the object": with_forward_on_the_object,
    "a pair of functions": lambda: layers.Conv2d(4, 4, 3, algorithm=(ones, lambda *_: None)),
}


@pytest.mark.parametrize("what", OTHERS)
def test_overridden_method_with_other_values_is_rejected(what, tmp_path):
    with pytest.raises(ValueError, match=r"node 'a node': its methods compute different values than (ReLU|Conv2d)"):
        export(graph_of(OTHERS[what]()), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_method_assigned_to_a_class_is_rejected(tmp_path, monkeypatch):
    monkeypatch.setattr(layers.ReLU, "forward", lambda self, x, train=False: (3 * x, x))
    with pytest.raises(ValueError, match="the forward method of ReLU was replaced, and a file stores no code"):
        export(graph_of(layers.ReLU()), tmp_path / "net.onnx")


def test_subclass_with_equal_values_is_exported(tmp_path):
    graph = graph_of(Clean(4, 5, 3, rng=0))
    export(graph, tmp_path / "net.onnx")
    x = np.random.default_rng(0).standard_normal((2, 4, 6, 6), np.float32)
    assert np.array_equal(import_graph(tmp_path / "net.onnx").graph(x), graph(x))


def test_arrays_are_exported_by_name(tmp_path):
    graph = graph_of(layers.Conv2d(4, 5, 3, bias_init=0.5, rng=0))
    params = graph.nodes["a node"].layer.params
    params["weight"] = params.pop("weight")
    export(graph, tmp_path / "net.onnx")
    x = np.random.default_rng(0).standard_normal((2, 4, 6, 6), np.float32)
    assert np.array_equal(import_graph(tmp_path / "net.onnx").graph(x), graph(x))


def test_changed_setting_is_rejected(tmp_path):
    graph = graph_of(layers.Conv2d(4, 5, 3, rng=0))
    graph.nodes["a node"].layer.stride = (2, 2)
    with pytest.raises(ValueError, match=r"node 'a node': a setting was changed after .* the shape \(5, 4, 4\)"):
        export(graph, tmp_path / "net.onnx")
