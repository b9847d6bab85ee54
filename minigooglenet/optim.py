"""How parameters move: explicit functions over {name: array}, with the state in plain sight."""

from collections.abc import Mapping

import numpy as np


def sgd_step(params, grads, velocity, *, lr, momentum=0.9, weight_decay=0.0):
    """Move parameters in place by stochastic gradient descent with momentum.

    velocity = momentum * velocity + (grad + weight_decay * param);  param = param - lr * velocity

    Parameters
    ----------
    params : {name: array}, changed in place
    grads : {name: array of the same shape}; parameters without a gradient stay
    velocity : {name: array}, the state; start with an empty dict
    """
    if not isinstance(grads, Mapping) or not isinstance(params, Mapping):
        raise TypeError(
            f"params and grads must be dicts {{name: array}}, got {type(params).__name__} and {type(grads).__name__}; "
            "a graph has its parameters in g.params, and backward returns (grad_inputs, grad_params)"
        )
    for name, grad in grads.items():
        param = params[name]
        step = grad + param.dtype.type(weight_decay) * param if weight_decay else grad
        before = velocity.get(name)
        velocity[name] = step.copy() if before is None else param.dtype.type(momentum) * before + step
        param -= param.dtype.type(lr) * velocity[name]


def polynomial(lr, step, steps, power=0.5):
    """Return lr * (1 - step / steps) ** power, the schedule of BVLC's quick solver."""
    return lr * (1 - step / steps) ** power


def norm(grads) -> float:
    """Return the Euclidean norm of all arrays together."""
    return float(np.sqrt(sum(float(np.vdot(grad, grad).real) for grad in grads)))
