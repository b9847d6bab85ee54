"""Optimizers that give each value a rate of its own: AdamW."""

import numpy as np

from minigooglenet.optim import check, fast_for
from minigooglenet.parallel import flushed


@flushed
def adamw_step(params, grads, state, *, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, multipliers=None):
    """Move parameters in place by AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    param = param - lr * weight_decay * param
    mean = b1 * mean + (1 - b1) * grad;  square = b2 * square + (1 - b2) * grad ** 2
    param = param - lr * (mean / (1 - b1 ** t)) / (sqrt(square / (1 - b2 ** t)) + eps)

    That is PyTorch's rule. The decay does not enter the means ("decoupled"), t counts the steps from 1 and corrects
    their bias towards 0, and eps is outside the square root.

    Parameters
    ----------
    params : {name: array}, changed in place
    grads : {name: array of the same shape}; parameters without a gradient stay
    state : dict, changed in place; start with an empty dict. It then has "mean" and "square", {name: array}, and
        "count", {name: steps so far}
    betas : b1 and b2, how much of each mean a step keeps
    multipliers : {name: (factor on lr, factor on weight_decay)}; 1 and 1 for names that are not there
    """
    check(params, grads, state.get("mean", {}), state.get("square", {}))
    for name, grad in grads.items():
        if np.iscomplexobj(params[name]) or np.iscomplexobj(grad):
            kind = np.result_type(params[name], grad)
            raise TypeError(f"AdamW needs real parameters and gradients, {name!r} is {kind}")
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


def without_decay(params):
    """Return multipliers that leave biases and batch norm's parameters without weight decay.

    These are the parameters with one axis at most: decay would pull a scale of 1 or an offset towards 0, although
    neither makes a network more complex.
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
