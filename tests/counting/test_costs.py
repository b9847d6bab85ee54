"""The cost of a layer: registered by class, inherited and, for one more version, defined by methods."""

import math

import numpy as np
import pytest
from numeric import draw

import minigooglenet as mg
from minigooglenet import layers
from minigooglenet.counting import Cost, Keeps, Term, costs, register
from minigooglenet.counting.windows import WHOLE


class Swish(layers.Layer):
    def output_shape(self, x_shape):
        return x_shape

    def forward(self, x, train=False):
        gate = 1 / (1 + np.exp(-x))
        return x * gate, (x, gate)

    def backward(self, grad_output, cache):
        x, gate = cache
        return (grad_output * (gate + x * gate * (1 - gate)),), {}


class Scaled(Swish):
    def __init__(self):
        super().__init__()
        self.params["scale"] = np.ones(1, np.float32)


@pytest.fixture(autouse=True)
def own_table(monkeypatch):
    monkeypatch.setattr(costs, "COSTS", dict(costs.COSTS))


def swish_cost(layer, x_shape):
    return Cost([Term("multiply", tuple(x_shape)), Term("power", tuple(x_shape))], Keeps(True, math.prod(x_shape)))


def test_every_layer_of_the_package_has_a_registered_cost():
    for name in layers.__all__:
        cls = getattr(layers, name)
        if isinstance(cls, type) and cls is not layers.Layer:
            assert cls in costs.COSTS, name


def test_registered_cost_is_counted_in_every_column():
    assert register(Swish)(swish_cost) is swish_cost
    row = mg.count(Swish(), (3, 4, 5)).rows[0]
    assert (row.multiplies, row.powers, row.macs, row.params) == (60, 60, 0, 0)
    assert row.receptive_field_max == (1, 1)
    assert mg.count(Swish(), (3, 4, 5)).tape_bytes == (60 + 60) * 4


def test_registered_tape_is_what_a_tape_holds():
    register(Swish)(swish_cost)
    g = mg.Graph(image=(3, 4, 5))
    g.add("relu", layers.ReLU(), "image")
    g.add("swish", Swish(), "relu")
    _, tape = g.forward({"image": draw(1, 3, 4, 5, dtype=np.float32)}, train=True)
    held = tape["relu"][0].nbytes + sum(array.nbytes for array in tape["swish"])
    assert mg.count(g).tape_bytes == held


def test_subclass_counts_as_the_class_it_inherits_from():
    register(Swish)(swish_cost)
    assert costs.cost(Scaled(), (2, 3, 3)) == costs.cost(Swish(), (2, 3, 3))
    counted = mg.count(Scaled(), (2, 3, 3))
    assert (counted.multiplies, counted.params) == (18, 1)


def test_nearest_class_of_the_inheritance_decides():
    register(Swish)(swish_cost)
    register(Scaled)(lambda layer, x_shape: Cost([Term("divide", (7,))]))
    assert mg.count(Scaled(), (2, 3, 3)).divides == 7
    assert mg.count(Swish(), (2, 3, 3)).divides == 0

    class Both(layers.ReLU, Scaled):
        pass

    assert mg.count(Both(), (2, 3, 3)).compares == 18


def test_register_replaces_a_built_in_cost():
    register(layers.ReLU)(lambda layer, x_shape: Cost([Term("add", (5, *x_shape))]))
    counted = mg.count(layers.ReLU(), (2, 3, 3))
    assert (counted.adds, counted.compares) == (90, 0)


def test_window_of_a_cost_decides_what_is_seen():
    register(Swish)(lambda layer, x_shape: Cost(window=WHOLE))
    assert mg.count(Swish(), (2, 6, 5)).rows[0].receptive_field_max == (6, 5)


@pytest.mark.parametrize("wrong", [Swish(), "Swish", None])
def test_register_rejects_other_objects_than_classes(wrong):
    with pytest.raises(
        TypeError, match=r"^register expects a layer class, as in @mg\.counting\.register\(Swish\), got"
    ):
        register(wrong)


def test_unknown_cost_error_shows_how_to_register():
    text = r"Swish has no registered cost\. Add one with @mg\.counting\.register\(Swish\)"
    with pytest.raises(NotImplementedError, match=f"^{text}$"):
        costs.cost(Swish(), (2, 3, 3))
    with pytest.raises(ValueError, match=rf"^node 'Swish': {text}\. An unknown cost is never counted as zero\.$"):
        mg.count(Swish(), (2, 3, 3))


class Stated(Swish):
    """A layer in the style of 0.1, which defines its cost by methods."""

    def operations(self, x_shape):
        return [Term("multiply", (2, *x_shape))]

    def taped(self, x_shape):
        return Keeps(inputs=True)

    def window(self, x_shape):
        return (3, 3), (1, 1)


class OnlyOperations(layers.ReLU):
    def operations(self, x_shape):
        return [Term("divide", tuple(x_shape))]


class Incomplete(Swish):
    def operations(self, x_shape):
        return []


def test_methods_of_0_1_count_with_a_warning():
    text = (
        r"^Stated defines its cost by methods \(operations, taped, window\)\. From 0\.3 on, this must be a function "
        r"registered with @mg\.counting\.register\(Stated\)\.$"
    )
    with pytest.warns(DeprecationWarning, match=text):
        cost = costs.cost(Stated(), (2, 4, 4))
    assert cost == Cost([Term("multiply", (2, 2, 4, 4))], Keeps(inputs=True), ((3, 3), (1, 1)))
    with pytest.warns(DeprecationWarning, match="^Stated defines"):
        assert mg.count(Stated(), (2, 4, 4)).multiplies == 64


def test_method_of_0_1_replaces_part_of_a_cost():
    with pytest.warns(DeprecationWarning, match="^OnlyOperations defines its cost by methods \\(operations\\)"):
        cost = costs.cost(OnlyOperations(), (2, 4, 4))
    assert cost == Cost([Term("divide", (2, 4, 4))], Keeps(bytes=32))


def test_methods_of_0_1_without_taped_raise():
    with pytest.raises(NotImplementedError, match=r"^Incomplete has no registered cost"):
        costs.cost(Incomplete(), (2, 4, 4))


def test_registered_cost_comes_before_inherited_methods():
    class Newer(Stated):
        pass

    register(Newer)(swish_cost)
    assert costs.cost(Newer(), (2, 4, 4)) == swish_cost(None, (2, 4, 4))
