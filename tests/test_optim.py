"""SGD compared with worked examples and PyTorch."""

import numpy as np
import pytest
from numeric import assert_close, draw

import minigooglenet as mg
from minigooglenet import adaptive, optim, schedules


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


def test_parameters_change_in_place_and_keep_their_dtype():
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


def test_first_velocity_does_not_alias_the_gradient():
    velocity, grad = {}, np.ones(1)
    optim.sgd_step({"w": np.ones(1)}, {"w": grad}, velocity, lr=1.0)
    assert not np.shares_memory(velocity["w"], grad)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_large_small_and_strided_parameters_follow_the_formula(dtype, weight_decay):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in ((400, 500), (3,), (6, 4))]
    params = {"large": arrays[0].copy(), "small": arrays[1].copy(), "strided": np.repeat(arrays[2], 2, axis=1)[:, ::2]}
    velocity, expected = {}, {name: (param.copy(), 0 * param) for name, param in params.items()}
    for _ in range(3):
        grads = {name: rng.standard_normal(param.shape).astype(dtype) for name, param in params.items()}
        optim.sgd_step(params, grads, velocity, lr=0.1, momentum=0.8, weight_decay=weight_decay)
        for name, (param, speed) in expected.items():
            speed = dtype(0.8) * speed + (grads[name] + dtype(weight_decay) * param)
            expected[name] = param - dtype(0.1) * speed, speed
    for name, (param, speed) in expected.items():
        assert params[name].dtype == velocity[name].dtype == dtype
        np.testing.assert_allclose(params[name], param, rtol=0, atol=1e-6)
        np.testing.assert_allclose(velocity[name], speed, rtol=0, atol=1e-6)


def test_velocity_is_changed_in_place():
    velocity, param = {}, np.ones(2)
    optim.sgd_step({"w": param}, {"w": np.ones(2)}, velocity, lr=0.1)
    first = velocity["w"]
    optim.sgd_step({"w": param}, {"w": np.ones(2)}, velocity, lr=0.1)
    assert velocity["w"] is first


def test_multipliers_scale_learning_rate_and_decay():
    params = {"a/weight": np.array([1.0]), "a/bias": np.array([1.0])}
    grads = {name: np.array([1.0]) for name in params}
    multipliers = optim.caffe_multipliers(params)
    optim.sgd_step(params, grads, {}, lr=0.1, momentum=0.0, weight_decay=0.5, multipliers=multipliers)
    # The weight: 1 - 0.1 * (1 + 0.5 * 1). The bias: 1 - 0.2 * (1 + 0).
    assert params["a/weight"] == pytest.approx(0.85)
    assert params["a/bias"] == pytest.approx(0.8)


def test_sgd_matches_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    start, velocity = rng.standard_normal(5), {}
    param = {"w": start.copy()}
    tensor = torch.tensor(start.copy(), requires_grad=True)
    optimizer = torch.optim.SGD([tensor], lr=0.1, momentum=0.9, weight_decay=0.01)
    for step in range(6):
        grad = rng.standard_normal(5)
        rate = schedules.polynomial(0.1, step, 6)
        optimizer.param_groups[0]["lr"] = rate
        tensor.grad = torch.tensor(grad)
        optimizer.step()
        optim.sgd_step(param, {"w": grad}, velocity, lr=rate, momentum=0.9, weight_decay=0.01)
    np.testing.assert_allclose(param["w"], tensor.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("storey", ["loops", "numpy"])
def test_steps_move_alike_on_every_storey(dtype, storey):
    def run():
        params, velocity, state, second = {"a": draw(3, 4, dtype=dtype), "b": draw(5, seed=1, dtype=dtype)}, {}, {}, {}
        for step in range(3):
            grads = {key: draw(*value.shape, seed=step + 5, dtype=dtype) for key, value in params.items()}
            optim.sgd_step(params, grads, velocity, lr=0.1, weight_decay=0.01)
            adaptive.adamw_step(params, grads, state, lr=0.1)
            adaptive.rmsprop_step(params, grads, second, lr=0.1)
        return params | {f"velocity {key}": value for key, value in velocity.items()}

    expected = run()
    with mg.use(storey):
        result = run()
    for key, value in expected.items():
        assert result[key].dtype == dtype
        assert_close(result[key], value)
