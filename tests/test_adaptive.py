"""AdamW compared with its formula and PyTorch."""

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


def test_adamw_rejects_complex_parameters():
    with pytest.raises(TypeError, match="AdamW needs real parameters and gradients, but 'w' is complex128"):
        adaptive.adamw_step({"w": np.ones(1, complex)}, {"w": np.ones(1, complex)}, {}, lr=0.1)


def test_adamw_checks_every_gradient_before_any_parameter_moves():
    params, state = {"a": np.ones(2), "b": np.ones(3)}, {}
    with pytest.raises(ValueError, match="the gradient of 'b'"):
        adaptive.adamw_step(params, {"a": np.ones(2), "b": np.ones(2)}, state, lr=0.1)
    assert np.all(params["a"] == 1)
    assert state == {}
