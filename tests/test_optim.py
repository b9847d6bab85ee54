"""Optimizer steps against worked numbers."""

import numpy as np
import pytest

from minigooglenet import optim


def test_momentum_adds_up_gradients_as_pytorch_does():
    params = {"w": np.array([1.0])}
    velocity = {}
    for grad in (1.0, 2.0):
        optim.sgd_step(params, {"w": np.array([grad])}, velocity, lr=0.1, momentum=0.5)
    # velocity 1, then 0.5 * 1 + 2 = 2.5: 1 - 0.1 * 1 - 0.1 * 2.5
    assert velocity["w"] == 2.5
    assert params["w"] == pytest.approx(0.65)


def test_weight_decay_pulls_towards_zero():
    params = {"w": np.array([2.0])}
    optim.sgd_step(params, {"w": np.array([0.0])}, {}, lr=0.1, weight_decay=0.5)
    assert params["w"] == pytest.approx(2 - 0.1 * 0.5 * 2)


def test_parameters_move_in_place_in_their_own_dtype_and_gradients_stay():
    array = np.ones(3, np.float32)
    grad = np.ones(3, np.float32)
    optim.sgd_step({"w": array}, {"w": grad}, {}, lr=0.5, weight_decay=0.1)
    assert array.dtype == np.float32
    assert np.allclose(array, 0.45)
    assert np.all(grad == 1)


def test_parameters_without_a_gradient_stay():
    params = {"a": np.ones(1), "b": np.ones(1)}
    optim.sgd_step(params, {"a": np.ones(1)}, {}, lr=1.0)
    assert (params["a"], params["b"]) == (0, 1)


def test_the_first_velocity_is_not_the_gradients_own_array():
    velocity, grad = {}, np.ones(1)
    optim.sgd_step({"w": np.ones(1)}, {"w": grad}, velocity, lr=1.0)
    assert not np.shares_memory(velocity["w"], grad)


def test_the_polynomial_schedule_falls_to_zero():
    assert [optim.polynomial(0.1, step, 4) for step in (0, 3, 4)] == pytest.approx([0.1, 0.05, 0.0])


def test_the_norm_is_over_all_arrays_together():
    assert optim.norm([np.array([3.0]), np.array([[0.0, 4.0]])]) == 5.0
