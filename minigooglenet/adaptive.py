"""AdamW: an optimiser with an adaptive learning rate for every parameter value."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigooglenet.optim import Multipliers, check, fast_for
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array

__all__ = ["adamw_step", "without_decay"]


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
    check(params, grads, state.get("mean", {}), state.get("square", {}))
    for name, grad in grads.items():
        if np.iscomplexobj(params[name]) or np.iscomplexobj(grad):
            kind = np.result_type(params[name], grad)
            raise TypeError(f"AdamW needs real parameters and gradients, but {name!r} is {kind}")
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


def _adapt(param, grad, mean, square, keep, b1, rest1, b2, rest2, rate, fix, eps):
    arrays = param, grad, mean, square
    if fast := fast_for(*arrays):
        fast.adamw(*(array.reshape(-1) for array in arrays), keep, b1, rest1, b2, rest2, rate, fix, eps)
        return
    mean[...] = b1 * mean + rest1 * grad
    square[...] = b2 * square + rest2 * (grad * grad)
    param[...] = keep * param - rate * mean / (np.sqrt(square) * fix + eps)
