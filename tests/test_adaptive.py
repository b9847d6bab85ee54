"""Adam, AdamW and RMSProp compared with their formulas and PyTorch."""

import numpy as np
import pytest

from minigooglenet import adaptive, schedules


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


def test_adamw_matches_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    start, state = rng.standard_normal(5), {}
    param, tensor = {"w": start.copy()}, torch.tensor(start.copy(), requires_grad=True)
    optimizer = torch.optim.AdamW([tensor], lr=0.1, betas=(0.9, 0.99), eps=1e-3, weight_decay=0.2)
    for step in range(8):
        rate = schedules.cosine(0.1, step, 8)
        optimizer.param_groups[0]["lr"] = rate
        grad = rng.standard_normal(5)
        tensor.grad = torch.tensor(grad)
        optimizer.step()
        adaptive.adamw_step(param, {"w": grad}, state, lr=rate, betas=(0.9, 0.99), eps=1e-3, weight_decay=0.2)
        np.testing.assert_allclose(param["w"], tensor.detach().numpy(), rtol=1e-10)


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


def test_adamw_does_not_change_gradients():
    params, grad, state = {"a": np.ones(2), "b": np.ones(2)}, np.ones(2), {}
    adaptive.adamw_step(params, {"a": grad}, state, lr=0.1)
    assert np.all(params["b"] == 1)
    assert np.all(grad == 1)
    assert set(state["mean"]) == {"a"}
    assert not np.shares_memory(state["mean"]["a"], grad)


STEPS = {"AdamW": adaptive.adamw_step, "Adam": adaptive.adam_step, "RMSProp": adaptive.rmsprop_step}


@pytest.mark.parametrize("name", STEPS)
def test_complex_parameters_are_rejected_by_name(name):
    with pytest.raises(TypeError, match=f"{name} needs real parameters and gradients, but 'w' is complex128"):
        STEPS[name]({"w": np.ones(1, complex)}, {"w": np.ones(1, complex)}, {}, lr=0.1)


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("name", STEPS)
def test_every_gradient_is_checked_before_any_parameter_moves(name, decay):
    params, state = {"a": np.ones(2), "b": np.ones(3)}, {}
    with pytest.raises(ValueError, match="the gradient of 'b'"):
        STEPS[name](params, {"a": np.ones(2), "b": np.ones(2)}, state, lr=0.1, weight_decay=decay)
    assert np.all(params["a"] == 1)
    assert state == {}


def _torch_run(kind, steps=200, **settings):
    """Return (initial parameter, gradients, PyTorch's parameter after each step), in float64."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    start, grads = rng.standard_normal(20), rng.standard_normal((steps, 20)) * 10.0 ** rng.integers(-3, 2, 20)
    tensor = torch.tensor(start.copy(), requires_grad=True)
    optimizer = getattr(torch.optim, kind)([tensor], **settings)
    if kind == "RMSprop":  # TensorFlow starts at 1, PyTorch at 0
        optimizer.state[tensor] = {
            "step": torch.tensor(0.0),
            "square_avg": torch.ones(20, dtype=torch.float64),
            "momentum_buffer": torch.zeros(20, dtype=torch.float64),
        }
    history = []
    for grad in grads:
        tensor.grad = torch.tensor(grad)
        optimizer.step()
        history.append(tensor.detach().numpy().copy())
    return start, grads, history


@pytest.mark.parametrize("decay", [0.0, 0.2])
def test_adam_matches_pytorch_for_many_steps(decay):
    settings = {"lr": 0.05, "betas": (0.9, 0.99), "eps": 1e-6, "weight_decay": decay}
    start, grads, history = _torch_run("Adam", **settings)
    param, state = {"w": start.copy()}, {}
    for grad, expected in zip(grads, history, strict=True):
        adaptive.adam_step(param, {"w": grad}, state, **settings)
        np.testing.assert_allclose(param["w"], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.2])
def test_rmsprop_without_eps_matches_pytorch_for_many_steps(decay):
    settings = {"lr": 0.01, "momentum": 0.9, "eps": 0.0, "weight_decay": decay}
    start, grads, history = _torch_run("RMSprop", alpha=0.9, **settings)
    param, state = {"w": start.copy()}, {}
    for grad, expected in zip(grads, history, strict=True):
        adaptive.rmsprop_step(param, {"w": grad}, state, decay=0.9, **settings)
        np.testing.assert_allclose(param["w"], expected, rtol=1e-9, atol=1e-12)


def test_rmsprop_has_eps_inside_the_square_root():
    """Their first steps differ by (sqrt(square) + 1) / sqrt(square + 1), which is at most sqrt(2)."""
    start, grads, history = _torch_run("RMSprop", steps=1, lr=0.01, alpha=0.9, momentum=0.9, eps=1.0)
    param = start.copy()
    adaptive.rmsprop_step({"w": param}, {"w": grads[0]}, {}, lr=0.01)
    square = 0.9 + 0.1 * grads[0] ** 2
    ratio = (np.sqrt(square) + 1) / np.sqrt(square + 1)
    np.testing.assert_allclose(param - start, (history[0] - start) * ratio, rtol=1e-9)
    assert 1 < ratio.min() < ratio.max() <= 2**0.5


def test_rmsprop_follows_tensorflows_formula_step_by_step():
    rng = np.random.default_rng(4)
    start, grads = rng.standard_normal(7), rng.standard_normal((30, 7))
    param, state = start.copy(), {}
    expected, square, velocity = start.copy(), np.ones(7), np.zeros(7)
    for step, grad in enumerate(grads):
        rate = schedules.exponential(0.045, step, 30, 5)
        adaptive.rmsprop_step({"w": param}, {"w": grad}, state, lr=rate, weight_decay=0.01)
        pull = grad + 0.01 * expected
        square = 0.9 * square + 0.1 * pull**2
        velocity = 0.9 * velocity + rate * pull / (square + 1) ** 0.5
        expected = expected - velocity
        np.testing.assert_allclose(param, expected, rtol=1e-12)
    assert set(state) == {"square", "velocity"}


def test_rmsprop_multipliers_scale_rate_and_decay():
    params = {"weight": np.ones(1), "bias": np.ones(1)}
    grads = {name: np.zeros(1) for name in params}
    adaptive.rmsprop_step(params, grads, {}, lr=0.1, weight_decay=0.5, multipliers={"bias": (2.0, 0.0)})
    assert params["bias"] == 1
    assert params["weight"] == pytest.approx(1 - 0.1 * 0.5 / (0.9 + 0.1 * 0.25 + 1) ** 0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", STEPS)
def test_state_and_parameters_keep_their_dtype(name, dtype):
    params, grad, state = {"w": np.ones(3, dtype)}, np.full(3, 0.5, dtype), {}
    STEPS[name](params, {"w": grad}, state, lr=0.1, weight_decay=0.1)
    assert params["w"].dtype == state["square"]["w"].dtype == dtype
    assert np.all(params["w"] < 1)
    assert np.all(grad == 0.5)
