"""An optimiser step in one pass over memory; array expressions would need five (SGD) or ten (AdamW)."""

import numpy as np

from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.threads import parallel_for


def sgd(param, grad, velocity, lr, momentum, weight_decay):
    """Update `param` and `velocity` in place; all arrays are flat."""

    def task(start, stop):
        _sgd(param[start:stop], grad[start:stop], velocity[start:stop], lr, momentum, weight_decay)

    parallel_for(task, param.size, param.size)


def adamw(param, grad, mean, square, *constants):
    """Update `param`, `mean` and `square` in place; all arrays are flat."""

    def task(start, stop):
        _adamw(param[start:stop], grad[start:stop], mean[start:stop], square[start:stop], *constants)

    parallel_for(task, param.size, param.size)


@compiled
def _sgd(param, grad, velocity, lr, momentum, weight_decay):
    for i in range(len(param)):
        pull = grad[i] + weight_decay * param[i] if weight_decay else grad[i]
        velocity[i] = momentum * velocity[i] + pull
        param[i] -= lr * velocity[i]


@compiled
def _adamw(param, grad, mean, square, keep, b1, rest1, b2, rest2, rate, fix, eps):
    for i in range(len(param)):
        mean[i] = b1 * mean[i] + rest1 * grad[i]
        square[i] = b2 * square[i] + rest2 * (grad[i] * grad[i])
        param[i] = keep * param[i] - rate * mean[i] / (np.sqrt(square[i]) * fix + eps)
