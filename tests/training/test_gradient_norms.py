"""Vanishing gradients: they vanish with small initial weights, and every remedy helps."""

import numpy as np
import pytest

from minigooglenet import training, viz
from minigooglenet.training import gradient_norms


@pytest.fixture(scope="module")
def flows():
    rng = np.random.default_rng(0)
    images, labels = rng.standard_normal((16, 1, 32, 32), dtype=np.float32), np.arange(16) % 4
    bad = {**gradient_norms.VARIANTS["weights of 0.01"], "depth": 6, "width": 0.5}
    variants = {
        "bad": bad,
        "shallow": {**bad, "depth": 2},
        "head": {**bad, "aux": True},
        "he": {**bad, "init": "he"},
        "norm": {**bad, "norm": "batch"},
    }
    return training.gradient_flow(images, labels, variants, steps=2, batch_size=8)


def test_small_initial_weights_make_gradients_vanish(flows):
    norms = list(flows["bad"].before.values())
    assert norms == sorted(norms)
    assert flows["bad"].reach < 1e-6


def test_every_remedy_increases_the_first_gradient(flows):
    for remedy in ("shallow", "head", "he", "norm"):
        assert flows[remedy].reach > 10 * flows["bad"].reach
    assert flows["norm"].reach > 0.1


def test_flow_lists_modules_from_input_without_heads(flows):
    assert list(flows["head"].before) == [
        "conv1",
        *(f"inception_{m}" for m in ("3a", "3b", "3c", "4a", "4b", "4c")),
        "loss3",
    ]


def test_table_and_figure_name_every_network(flows):
    text = str(gradient_norms.table(flows, 2))
    _, words = viz.gradient_flow({name: flow.before for name, flow in flows.items()})
    for name in flows:
        assert name in text
        assert name in words


def test_diverging_network_is_reported_as_not_finite():
    images, labels = np.ones((8, 1, 32, 32), np.float32), np.arange(8) % 2
    variants = {"wild": {"depth": 2, "norm": None, "init": "he", "width": 0.25}}
    flows = training.gradient_flow(images, labels, variants, steps=30, batch_size=4, lr=1e9)
    assert len(flows["wild"].losses) < 30
    assert "not finite" in str(gradient_norms.table(flows, 30))


def test_norm_is_over_all_arrays_together():
    assert gradient_norms.norm([np.array([3.0]), np.array([[0.0, 4.0]])]) == 5.0
