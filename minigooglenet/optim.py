"""How parameters move: explicit functions over {name: array}, with the state in plain sight."""

from collections.abc import Mapping

import numpy as np

from minigooglenet.kernels.compiled import compiled
from minigooglenet.kernels.spreading import spread


def sgd_step(params, grads, velocity, *, lr, momentum=0.9, weight_decay=0.0):
    """Move parameters in place by stochastic gradient descent with momentum.

    velocity = momentum * velocity + (grad + weight_decay * param);  param = param - lr * velocity

    Parameters
    ----------
    params : {name: array}, changed in place
    grads : {name: array of the same shape}; parameters without a gradient stay
    velocity : {name: array}, the state, changed in place; start with an empty dict
    """
    if not isinstance(grads, Mapping) or not isinstance(params, Mapping):
        raise TypeError(
            f"params and grads must be dicts {{name: array}}, got {type(params).__name__} and {type(grads).__name__}; "
            "a graph has its parameters in g.params, and backward returns (grad_inputs, grad_params)"
        )
    for name, grad in grads.items():
        param = params[name]
        if name not in velocity:
            velocity[name] = np.zeros(grad.shape, np.result_type(param, grad))
        _move(param, grad, velocity[name], *(param.dtype.type(value) for value in (lr, momentum, weight_decay)))


def _move(param, grad, velocity, lr, momentum, weight_decay):
    arrays = param, grad, velocity
    if all(array.dtype in (np.float32, np.float64) and array.flags.c_contiguous for array in arrays):
        flat = [array.reshape(-1) for array in arrays]

        def task(start, stop):
            _step(*(array[start:stop] for array in flat), lr, momentum, weight_decay)

        spread(task, param.size, param.size)
        return
    velocity *= momentum
    velocity += grad + weight_decay * param if weight_decay else grad
    param -= lr * velocity


@compiled
def _step(param, grad, velocity, lr, momentum, weight_decay):
    """One pass over memory, where array expressions would take five."""
    for i in range(len(param)):
        pull = grad[i] + weight_decay * param[i] if weight_decay else grad[i]
        velocity[i] = momentum * velocity[i] + pull
        param[i] -= lr * velocity[i]


def polynomial(lr, step, steps, power=0.5):
    """Return lr * (1 - step / steps) ** power, the schedule of BVLC's quick solver."""
    return lr * (1 - step / steps) ** power


def norm(grads) -> float:
    """Return the Euclidean norm of all arrays together."""
    return float(np.sqrt(sum(float(np.vdot(grad, grad).real) for grad in grads)))
