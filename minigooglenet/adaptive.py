"""Optimisers with an adaptive learning rate for every parameter value: Adam, AdamW and RMSProp."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigooglenet.optim import Multipliers, check, fast_for
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array

__all__ = ["adam_step", "adamw_step", "rmsprop_step", "without_decay"]


@flushed
def adamw_step(
    params: Mapping[str, Array],
    grads: Mapping[str, Array],
    state: dict[str, Any],
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
    multipliers: Multipliers | None = None,
) -> None:
    """Update parameters in place by AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    param = param - lr * weight_decay * param
    mean = b1 * mean + (1 - b1) * grad;  square = b2 * square + (1 - b2) * grad ** 2
    param = param - lr * (mean / (1 - b1 ** t)) / (sqrt(square / (1 - b2 ** t)) + eps)

    This is PyTorch's rule. Weight decay does not enter the means ("decoupled"). The step number t starts at 1 and
    corrects the bias of the means towards 0. eps is outside the square root.

    Parameters
    ----------
    params : {name: array}, changed in place
    grads : {name: array of the same shape}; parameters without a gradient do not change
    state : dict, changed in place; start with an empty dict. It then has "mean" and "square", {name: array}, and
        "count", {name: steps so far}
    betas : b1 and b2, the fraction of each running mean that a step keeps
    multipliers : {name: (factor on lr, factor on weight_decay)}; both are 1 for missing names

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> params, state = {"weight": np.array([1.0])}, {}
    >>> mg.adaptive.adamw_step(params, {"weight": np.array([0.5])}, state, lr=0.1, weight_decay=0.0)
    >>> params["weight"].round(6), state["count"]
    (array([0.9]), {'weight': 1})
    """
    _check_real("AdamW", params, grads, state.get("mean", {}), state.get("square", {}))
    means, squares, counts = (state.setdefault(part, {}) for part in ("mean", "square", "count"))
    b1, b2 = betas
    for name, grad in grads.items():
        param = params[name]
        if name not in means:
            dtype = np.result_type(param, grad)
            means[name], squares[name], counts[name] = np.zeros(grad.shape, dtype), np.zeros(grad.shape, dtype), 0
        counts[name] += 1
        faster, heavier = (multipliers or {}).get(name, (1, 1))
        rate, fix1, fix2 = lr * faster, 1 - b1 ** counts[name], 1 - b2 ** counts[name]
        factors = 1 - rate * weight_decay * heavier, b1, 1 - b1, b2, 1 - b2, rate / fix1, fix2**-0.5, eps
        _adapt(param, grad, means[name], squares[name], *(param.dtype.type(value) for value in factors))


@flushed
def adam_step(
    params: Mapping[str, Array],
    grads: Mapping[str, Array],
    state: dict[str, Any],
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    multipliers: Multipliers | None = None,
) -> None:
    """Update parameters in place by Adam (Kingma and Ba 2015), PyTorch's rule.

    This is AdamW with another weight decay: grad + weight_decay * param replaces grad in both means, so
    that values with large gradients decay less.

    Parameters
    ----------
    params, grads, state, betas, multipliers : as in `adamw_step`

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> params, state = {"weight": np.array([1.0])}, {}
    >>> mg.adaptive.adam_step(params, {"weight": np.array([0.0])}, state, lr=0.1, weight_decay=0.5)
    >>> params["weight"].round(6)  # the decay alone moves it by lr
    array([0.9])
    """
    _check_real("Adam", params, grads, state.get("mean", {}), state.get("square", {}))
    decayed = _with_decay(params, grads, weight_decay, multipliers)
    adamw_step(params, decayed, state, lr=lr, betas=betas, eps=eps, weight_decay=0.0, multipliers=multipliers)


@flushed
def rmsprop_step(
    params: Mapping[str, Array],
    grads: Mapping[str, Array],
    state: dict[str, dict[str, Array]],
    *,
    lr: float,
    decay: float = 0.9,
    momentum: float = 0.9,
    eps: float = 1.0,
    weight_decay: float = 0.0,
    multipliers: Multipliers | None = None,
) -> None:
    """Update parameters in place by RMSProp with momentum, as Inception-v2 and v3 were trained.

    grad = grad + weight_decay * param
    square = decay * square + (1 - decay) * grad ** 2
    velocity = momentum * velocity + lr * grad / sqrt(square + eps)
    param = param - velocity

    The paper (Szegedy et al. 2016, "Rethinking the Inception Architecture", section 8) states decay 0.9 and eps 1.0;
    the momentum of 0.9 is that of its published training code, in TensorFlow. This is TensorFlow's rule: eps is inside
    the square root, the learning rate enters the velocity, and the mean of squares starts at 1. PyTorch's RMSprop has
    sqrt(square) + eps and starts at 0; with eps = 1, it divides by up to sqrt(2) times as much.

    Parameters
    ----------
    params : {name: array}, changed in place
    grads : {name: array of the same shape}; parameters without a gradient do not change
    state : dict, changed in place; start with an empty dict. It then has "square" and "velocity", {name: array}
    decay : fraction of the running mean of squares that a step keeps
    eps : with 1.0, values with gradients far below 1 learn as in SGD; with 1e-10, all values move at a similar rate
    multipliers : {name: (factor on lr, factor on weight_decay)}; both are 1 for missing names

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> params, state = {"weight": np.array([1.0])}, {}
    >>> mg.adaptive.rmsprop_step(params, {"weight": np.array([2.0])}, state, lr=0.1)
    >>> params["weight"].round(4), state["square"]["weight"]  # 1 - 0.1 * 2 / sqrt(1.3 + 1)
    (array([0.8681]), array([1.3]))
    """
    _check_real("RMSProp", params, grads, state.get("square", {}), state.get("velocity", {}))
    squares, velocities = (state.setdefault(part, {}) for part in ("square", "velocity"))
    for name, grad in _with_decay(params, grads, weight_decay, multipliers).items():
        param = params[name]
        dtype = np.result_type(param, grad)
        square = squares.setdefault(name, np.ones(grad.shape, dtype))
        velocity = velocities.setdefault(name, np.zeros(grad.shape, dtype))
        rate = lr * (multipliers or {}).get(name, (1, 1))[0]
        d, rest, m, rate, e = (param.dtype.type(value) for value in (decay, 1 - decay, momentum, rate, eps))
        square[...] = d * square + rest * (grad * grad)
        velocity[...] = m * velocity + rate * grad / np.sqrt(square + e)
        param -= velocity


def without_decay(params: Mapping[str, Array]) -> dict[str, tuple[float, float]]:
    """Return multipliers that switch off weight decay for biases and batch norm's parameters.

    These are the parameters with at most one axis. Weight decay would pull a scale of 1 or an offset towards 0,
    although neither makes a network more complex.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.adaptive.without_decay({"conv1/weight": np.ones((8, 3, 3, 3)), "conv1/bias": np.ones(8)})
    {'conv1/bias': (1.0, 0.0)}
    """
    return {name: (1.0, 0.0) for name, array in params.items() if array.ndim <= 1}


def _check_real(optimizer, params, grads, *states):
    check(params, grads, *states)
    for name, grad in grads.items():
        if np.iscomplexobj(params[name]) or np.iscomplexobj(grad):
            kind = np.result_type(params[name], grad)
            raise TypeError(f"{optimizer} needs real parameters and gradients, but {name!r} is {kind}")


def _with_decay(params, grads, weight_decay, multipliers):
    """Return {name: grad + weight_decay * param}."""
    if not weight_decay:
        return grads
    factors = {name: weight_decay * (multipliers or {}).get(name, (1, 1))[1] for name in grads}
    return {name: grad + params[name].dtype.type(factors[name]) * params[name] for name, grad in grads.items()}


def _adapt(param, grad, mean, square, keep, b1, rest1, b2, rest2, rate, fix, eps):
    arrays = param, grad, mean, square
    if fast := fast_for(*arrays):
        fast.adamw(*(array.reshape(-1) for array in arrays), keep, b1, rest1, b2, rest2, rate, fix, eps)
        return
    mean[...] = b1 * mean + rest1 * grad
    square[...] = b2 * square + rest2 * (grad * grad)
    param[...] = keep * param - rate * mean / (np.sqrt(square) * fix + eps)
