"""Optimizer steps against worked numbers."""

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
    assert [schedules.polynomial(0.1, step, 4) for step in (0, 3, 4)] == pytest.approx([0.1, 0.05, 0.0])


def test_the_norm_is_over_all_arrays_together():
    assert optim.norm([np.array([3.0]), np.array([[0.0, 4.0]])]) == 5.0


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


def test_the_velocity_is_changed_in_place():
    velocity, param = {}, np.ones(2)
    optim.sgd_step({"w": param}, {"w": np.ones(2)}, velocity, lr=0.1)
    first = velocity["w"]
    optim.sgd_step({"w": param}, {"w": np.ones(2)}, velocity, lr=0.1)
    assert velocity["w"] is first


def test_multipliers_scale_the_rate_and_the_decay_of_the_names_that_they_hold():
    params = {"a/weight": np.array([1.0]), "a/bias": np.array([1.0])}
    grads = {name: np.array([1.0]) for name in params}
    multipliers = optim.caffe_multipliers(params)
    optim.sgd_step(params, grads, {}, lr=0.1, momentum=0.0, weight_decay=0.5, multipliers=multipliers)
    # The weight: 1 - 0.1 * (1 + 0.5 * 1). The bias: 1 - 0.2 * (1 + 0).
    assert params["a/weight"] == pytest.approx(0.85)
    assert params["a/bias"] == pytest.approx(0.8)


def test_the_papers_rate_loses_four_per_cent_every_eight_epochs():
    rates = [schedules.paper(0.01, epoch * 10 + 9, 1_000, 10) for epoch in (0, 7, 8, 15, 16)]
    assert rates == pytest.approx([0.01, 0.01, 0.0096, 0.0096, 0.009216])


def test_bvlcs_step_rate_falls_after_its_number_of_steps():
    assert [schedules.stepped(1.0, step, 0, 1) for step in (319_999, 320_000, 640_000)] == pytest.approx(
        [1, 0.96, 0.9216]
    )


def test_the_average_is_the_mean_of_all_that_came_and_shares_no_memory_with_them():
    average, array = {}, np.array([1.0])
    for count, value in enumerate((1.0, 2.0, 6.0)):
        array[:] = value
        optim.average_step(average, {"w": array}, count)
    assert average["w"] == pytest.approx(3.0)
    assert not np.shares_memory(average["w"], array)


@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_every_schedule_starts_at_the_rate_and_never_rises(name):
    rates = [schedules.SCHEDULES[name](0.1, step, 40, 4) for step in range(40)]
    assert rates[0] == 0.1
    assert rates == sorted(rates, reverse=True)


def test_steps_follow_pytorchs_own_optimizer():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    start, velocity = rng.standard_normal(5), {}
    param = {"w": start.copy()}
    theirs = torch.tensor(start.copy(), requires_grad=True)
    optimizer = torch.optim.SGD([theirs], lr=0.1, momentum=0.9, weight_decay=0.01)
    for step in range(6):
        grad = rng.standard_normal(5)
        rate = schedules.polynomial(0.1, step, 6)
        optimizer.param_groups[0]["lr"] = rate
        theirs.grad = torch.tensor(grad)
        optimizer.step()
        optim.sgd_step(param, {"w": grad}, velocity, lr=rate, momentum=0.9, weight_decay=0.01)
    np.testing.assert_allclose(param["w"], theirs.detach().numpy(), rtol=1e-12)


def _adamw_by_hand(param, grads, *, lr, b1, b2, eps, decay):
    """Return the parameter after each gradient, by the update rule of PyTorch's documentation, in plain Python."""
    mean = square = 0.0
    history = []
    for t, grad in enumerate(grads, 1):
        param = param - lr * decay * param
        mean = b1 * mean + (1 - b1) * grad
        square = b2 * square + (1 - b2) * grad**2
        corrected, denominator = mean / (1 - b1**t), (square / (1 - b2**t)) ** 0.5 + eps
        param = param - lr * corrected / denominator
        history.append(param)
    return history


@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("eps", [1e-8, 0.5])
def test_adamw_follows_pytorchs_formula_step_by_step(decay, eps):
    rng = np.random.default_rng(0)
    start, grads = rng.standard_normal(7), rng.standard_normal((9, 7)) * 10.0 ** rng.integers(-4, 3, 7)
    param, state = start.copy(), {}
    settings = {"lr": 0.1, "eps": eps}
    for step, grad in enumerate(grads):
        adaptive.adamw_step({"w": param}, {"w": grad}, state, betas=(0.8, 0.95), weight_decay=decay, **settings)
        expected = [
            _adamw_by_hand(x, column[: step + 1], b1=0.8, b2=0.95, decay=decay, **settings)[-1]
            for x, column in zip(start, grads.T, strict=True)
        ]
        np.testing.assert_allclose(param, expected, rtol=1e-12)
    assert state["count"] == {"w": 9}


def test_adamw_matches_pytorchs_own_optimizer():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    start, state = rng.standard_normal(5), {}
    param, theirs = {"w": start.copy()}, torch.tensor(start.copy(), requires_grad=True)
    optimizer = torch.optim.AdamW([theirs], lr=0.1, betas=(0.9, 0.99), eps=1e-3, weight_decay=0.2)
    for step in range(8):
        rate = schedules.cosine(0.1, step, 8)
        optimizer.param_groups[0]["lr"] = rate
        grad = rng.standard_normal(5)
        theirs.grad = torch.tensor(grad)
        optimizer.step()
        adaptive.adamw_step(param, {"w": grad}, state, lr=rate, betas=(0.9, 0.99), eps=1e-3, weight_decay=0.2)
        np.testing.assert_allclose(param["w"], theirs.detach().numpy(), rtol=1e-10)


def test_adamws_first_step_is_as_large_as_the_rate():
    param = np.zeros(4, np.float32)
    adaptive.adamw_step({"w": param}, {"w": np.array([5, -0.1, 1e-3, 0], np.float32)}, {}, lr=0.25)
    np.testing.assert_allclose(param, [-0.25, 0.25, -0.25, 0], rtol=2e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adamw_gives_compiled_and_strided_parameters_the_same_values(dtype):
    rng = np.random.default_rng(2)
    start, grads = rng.standard_normal((300, 400)).astype(dtype), rng.standard_normal((3, 300, 400)).astype(dtype)
    params = {"plain": start.copy(), "strided": np.repeat(start, 2, axis=1)[:, ::2]}
    state = {}
    for grad in grads:
        adaptive.adamw_step(params, {"plain": grad, "strided": grad}, state, lr=0.01)
    assert params["plain"].dtype == state["mean"]["plain"].dtype == dtype
    tolerance = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(params["plain"], params["strided"], rtol=tolerance, atol=tolerance)


def test_adamw_spares_biases_and_batch_norm_from_decay():
    params = {"a/weight": np.ones((2, 2)), "a/bias": np.ones(2), "bn/weight": np.ones(2)}
    multipliers = adaptive.without_decay(params)
    assert multipliers == {"a/bias": (1.0, 0.0), "bn/weight": (1.0, 0.0)}
    grads = {name: np.zeros_like(param) for name, param in params.items()}
    adaptive.adamw_step(params, grads, {}, lr=0.5, weight_decay=0.1, multipliers=multipliers)
    assert np.allclose(params["a/weight"], 0.95)
    assert np.all(params["a/bias"] == 1)
    assert np.all(params["bn/weight"] == 1)


def test_adamw_leaves_gradients_and_other_parameters_alone():
    params, grad, state = {"a": np.ones(2), "b": np.ones(2)}, np.ones(2), {}
    adaptive.adamw_step(params, {"a": grad}, state, lr=0.1)
    assert np.all(params["b"] == 1)
    assert np.all(grad == 1)
    assert set(state["mean"]) == {"a"}
    assert not np.shares_memory(state["mean"]["a"], grad)


def test_adamw_rejects_complex_parameters():
    with pytest.raises(TypeError, match="AdamW needs real parameters and gradients, 'w' is complex128"):
        adaptive.adamw_step({"w": np.ones(1, complex)}, {"w": np.ones(1, complex)}, {}, lr=0.1)


def test_the_cosine_schedule_is_half_a_wave():
    rates = [schedules.cosine(0.2, step, 4) for step in (0, 1, 2, 4)]
    assert rates == pytest.approx([0.2, 0.1 + 0.1 * 2**-0.5, 0.1, 0.0])


@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_warm_up_rises_before_the_schedule_starts(name):
    schedule = schedules.SCHEDULES[name]
    rates = [schedules.warmed_up(schedule, 0.1, step, 12, 4, 3) for step in range(12)]
    assert rates[:3] == pytest.approx([0.1 / 3, 0.2 / 3, 0.1])
    assert rates[3:] == [schedule(0.1, step, 9, 4) for step in range(9)]


def test_adamw_checks_every_gradient_before_any_parameter_moves():
    params, state = {"a": np.ones(2), "b": np.ones(3)}, {}
    with pytest.raises(ValueError, match="the gradient of 'b'"):
        adaptive.adamw_step(params, {"a": np.ones(2), "b": np.ones(2)}, state, lr=0.1)
    assert np.all(params["a"] == 1)
    assert state == {}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("storey", ["loops", "numpy"])
def test_steps_move_alike_on_every_storey(dtype, storey):
    def run():
        params, velocity, state = {"a": draw(3, 4, dtype=dtype), "b": draw(5, seed=1, dtype=dtype)}, {}, {}
        for step in range(3):
            grads = {key: draw(*value.shape, seed=step + 5, dtype=dtype) for key, value in params.items()}
            optim.sgd_step(params, grads, velocity, lr=0.1, weight_decay=0.01)
            adaptive.adamw_step(params, grads, state, lr=0.1)
        return params | {f"velocity {key}": value for key, value in velocity.items()}

    expected = run()
    with mg.use(storey):
        found = run()
    for key, value in expected.items():
        assert found[key].dtype == dtype
        assert_close(found[key], value)
