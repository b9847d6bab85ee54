"""The flat array: all gradients and running statistics of a shard in one message."""

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet.distributed import Flat, flat
from minigooglenet.training.step import gradients
from tests.training import small


def test_unpack_reverses_pack():
    rng = np.random.default_rng(0)
    arrays = {"a": rng.standard_normal((2, 3)), "b": rng.standard_normal(()), "c": rng.standard_normal((0, 2))}
    layout = Flat(arrays)
    back = layout.unpack(layout.pack(arrays))
    assert all(np.array_equal(back[name], array) and back[name].shape == array.shape for name, array in arrays.items())


def test_other_names_and_shapes_are_rejected():
    layout = Flat({"a": np.zeros(2)})
    with pytest.raises(ValueError, match="only on one side: a, b"):
        layout.pack({"b": np.zeros(2)})
    with pytest.raises(ValueError, match=r"shape \(2,\), got \(3,\)"):
        layout.pack({"a": np.zeros(3)})


@pytest.mark.parametrize("frozen", [(), ("conv1/3x3", "conv1/bn"), ("loss1/*",)])
@pytest.mark.parametrize("heads", [0.3, 0.0])
def test_layout_has_exactly_the_gradients(frozen, heads):
    g, settings = small.graph(), mg.training.Settings(freeze=frozen, heads=heads)
    fixed = settings.frozen(g)
    weights = settings.head_weights(g, fixed)
    x, labels = np.zeros((4, 1, 8, 8), np.float32), np.zeros(4, np.int64)
    result = gradients(g, x, labels, weights, frozen=fixed)
    layout, names = flat.of_training(g, weights, fixed)
    assert set(names) == set(result.params)
    assert layout.size == sum(a.size for a in (*result.params.values(), *g.buffers.values()))
