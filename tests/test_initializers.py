"""Initialisation: the bound or variance of each rule, the dtype, and the source of the random numbers."""

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import initializers

SHAPE = (200, 300)


def drawn(name, fan_in=12, seed=0):
    return initializers.rule(name)(SHAPE, fan_in, np.random.default_rng(seed))


@pytest.mark.parametrize("name", ["caffe", "he", "gaussian", "zeros"])
def test_every_rule_is_float32_and_reproducible(name):
    assert drawn(name).dtype == np.float32
    assert drawn(name).shape == SHAPE
    assert (drawn(name) == drawn(name)).all()


def test_caffe_fills_its_interval_evenly():
    weight = drawn("caffe", fan_in=12)  # a = sqrt(3 / 12) = 0.5
    assert np.abs(weight).max() <= 0.5
    assert np.abs(weight).max() > 0.499
    np.testing.assert_allclose(weight.var(), 1 / 12, rtol=0.02)
    np.testing.assert_allclose(weight.mean(), 0, atol=0.005)


def test_he_has_variance_two_over_fan_in():
    np.testing.assert_allclose(drawn("he", fan_in=50).var(), 2 / 50, rtol=0.02)


def test_gaussian_has_deviation_a_hundredth_for_every_fan_in():
    np.testing.assert_allclose(drawn("gaussian", fan_in=50).std(), 0.01, rtol=0.02)
    assert (drawn("gaussian", fan_in=1) == drawn("gaussian", fan_in=50)).all()


def test_fan_in_of_a_grouped_convolution_is_one_groups():
    weight = mg.layers.Conv2d(8, 400, (3, 2), groups=4, init="caffe", rng=0).params["weight"]
    bound = np.sqrt(3 / (2 * 3 * 2))
    assert 0.99 * bound < np.abs(weight).max() <= bound * 1.0000001


def test_fan_in_of_a_linear_layer_is_its_inputs():
    weight = mg.layers.Linear(75, 100, init="caffe", rng=0).params["weight"]
    assert 0.99 * 0.2 < np.abs(weight).max() <= 0.2000001


@pytest.mark.parametrize(
    "make", [lambda rng: mg.layers.Conv2d(3, 4, 3, rng=rng), lambda rng: mg.layers.Linear(3, 4, rng=rng)]
)
def test_layer_draws_from_an_int_or_a_generator(make):
    from_int = make(7).params["weight"]
    from_generator = make(np.random.default_rng(7)).params["weight"]
    assert (from_int == from_generator).all()
    assert (from_int != make(8).params["weight"]).any()
    assert (make(None).params["weight"] != make(None).params["weight"]).any()


def test_global_random_state_does_not_change():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    mg.models.mini_googlenet(width=0.25)
    mg.layers.Dropout(0.5).forward(np.ones((2, 3), np.float32), train=True)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_biases_start_at_bias_init():
    assert (mg.layers.Conv2d(3, 4, 1, bias_init=0.2).params["bias"] == np.float32(0.2)).all()
    assert (mg.layers.Linear(3, 4).params["bias"] == 0).all()


def test_unknown_rule_is_named():
    with pytest.raises(ValueError, match=r"^init must be one of 'caffe', 'he', 'gaussian', 'zeros', got 'xavier'$"):
        mg.layers.Conv2d(3, 4, 1, init="xavier")
