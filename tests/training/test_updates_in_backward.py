"""Updates in the backward pass, node by node, give the same bits as updates after it, and no gradients are kept."""

import tracemalloc

import numpy as np
import pytest
import small
from numeric import draw

import minigooglenet as mg
from minigooglenet import losses, optim, training
from minigooglenet.training import trainer as trainers
from minigooglenet.training.step import gradients
from minigooglenet.training.tied import ties


def network():
    return mg.models.mini_googlenet(width=0.25, depth=2, dropout=0.0, rng=0)


def batch(count=4):
    return draw(count, 3, 32, 32, dtype=np.float32), np.arange(count) % 10


def test_every_gradient_arrives_once_and_is_not_kept():
    g, (x, labels) = network(), batch()
    heads = losses.head_weights(g)
    expected = gradients(g, x, labels, heads).params
    got = {}

    def collect(part):
        assert len({name.rpartition("/")[0] for name in part}) == 1  # one node
        assert not part.keys() & got.keys()
        got.update(part)

    assert gradients(g, x, labels, heads, update=collect).params == {}
    assert got.keys() == expected.keys()
    assert all(got[name].tobytes() == grad.tobytes() for name, grad in expected.items())


def test_frozen_nodes_get_no_gradient():
    g, (x, labels) = network(), batch()
    seen = []
    gradients(g, x, labels, losses.head_weights(g), frozen=("conv1/3x3",), update=seen.extend)
    assert seen
    assert not [name for name in seen if name.startswith("conv1/3x3/")]


def test_peak_does_not_hold_all_gradients():
    g = mg.Graph(x=(256,))
    wire = "x"
    for index in range(20):
        wire = g.add(f"fc{index}", mg.layers.Linear(256, 256, rng=index), wire)
    x, labels = draw(2, 256, dtype=np.float32), np.zeros(2, np.int64)
    peaks = []
    for update in (None, lambda part: None):
        gradients(g, x, labels, {wire: 1.0}, update=update)  # what is imported and cached on first use
        tracemalloc.start()
        gradients(g, x, labels, {wire: 1.0}, update=update)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    weight = 256 * 256 * 4
    assert peaks[0] > 20 * weight
    assert peaks[1] < 4 * weight


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop"])
def test_trainer_computes_the_same_bits(optimizer, monkeypatch):
    settings = training.Settings(epochs=1, batch_size=10, optimizer=optimizer, lr=1e-3)
    results = []
    for tied in (False, True):
        monkeypatch.setattr(trainers, "ties", lambda g, tied=tied: tied)
        trainer = training.Trainer(small.graph(), small.split(), settings)
        assert trainer._early is not tied
        trainer.run()
        results.append({name: array.tobytes() for name, array in trainer.graph.params.items()})
    assert results[0] == results[1]


def test_short_loop_computes_the_bits_of_separate_steps():
    images, labels = batch(8)
    g, other, velocity = network(), network(), {}
    steps = training.train(g, images, labels, epochs=2, batch_size=8, rng=3)
    rng = np.random.default_rng(3)
    for step in steps:
        order = rng.permutation(8)
        result = gradients(other, images[order], labels[order], losses.head_weights(other))
        rate = mg.schedules.polynomial(0.05, step.number, len(steps))
        optim.sgd_step(other.params, result.params, velocity, lr=rate, momentum=0.9, weight_decay=2e-4)
    assert all(array.tobytes() == other.params[name].tobytes() for name, array in g.params.items())


def test_shared_parameters_are_updated_after_the_pass():
    g = mg.Graph(x=(4,))
    g.add("one", mg.layers.Linear(4, 4, rng=0), "x")
    g.add("two", mg.layers.Linear(4, 4, rng=1), "one")
    assert not ties(g)
    g.params["two/weight"] = g.params["one/weight"]
    assert ties(g)
    weight, (x, labels) = g.params["one/weight"].copy(), (draw(3, 4, dtype=np.float32), np.array([0, 1, 2]))
    result = gradients(g, x, labels, {"two": 1.0})
    training.train(g, x, labels, epochs=1, batch_size=3, lr=0.5, momentum=0.0, weight_decay=0.0, rng=0)
    rate = np.float32(mg.schedules.polynomial(0.5, 0, 1))
    expected = weight - rate * result.params["two/weight"] - rate * result.params["one/weight"]
    np.testing.assert_allclose(g.params["one/weight"], expected, rtol=1e-5, atol=1e-6)
