"""How parameters move: explicit functions over {name: array}, with the state in plain sight."""

from collections.abc import Mapping

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels.compiled import compiled
from minigooglenet.kernels.spreading import spread


def sgd_step(params, grads, velocity, *, lr, momentum=0.9, weight_decay=0.0, multipliers=None):
    """Move parameters in place by stochastic gradient descent with momentum.

    velocity = momentum * velocity + (grad + weight_decay * param);  param = param - lr * velocity

    That is PyTorch's rule. Caffe multiplies by the rate before it adds to the velocity, which is the same as long as
    the rate stays.

    Parameters
    ----------
    params : {name: array}, changed in place
    grads : {name: array of the same shape}; parameters without a gradient stay
    velocity : {name: array}, the state, changed in place; start with an empty dict
    multipliers : {name: (factor on lr, factor on weight_decay)}; 1 and 1 for names that are not there
    """
    if not isinstance(grads, Mapping) or not isinstance(params, Mapping):
        raise TypeError(
            f"params and grads must be dicts {{name: array}}, got {type(params).__name__} and {type(grads).__name__}; "
            "a graph has its parameters in g.params, and backward returns (grad_inputs, grad_params)"
        )
    _check_shapes(params, grads, velocity)
    for name, grad in grads.items():
        param = params[name]
        if name not in velocity:
            velocity[name] = np.zeros(grad.shape, np.result_type(param, grad))
        faster, heavier = (multipliers or {}).get(name, (1, 1))
        rates = lr * faster, momentum, weight_decay * heavier
        _move(param, grad, velocity[name], *(param.dtype.type(value) for value in rates))


def caffe_multipliers(names):
    """Return the multipliers of BVLC's replication: biases learn at twice the rate, and do not decay."""
    return {name: (2.0, 0.0) for name in names if name.rpartition("/")[2] == "bias"}


def _check_shapes(params, grads, *states):
    """Check all of a step before any parameter moves."""
    for name, grad in grads.items():
        shape = params[name].shape
        checks.has_shape(grad, f"the gradient of {name!r}", shape)
        for state in states:
            if name in state:
                checks.has_shape(state[name], f"the state of {name!r}", shape)


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


def constant(lr, step, steps, steps_per_epoch):
    """Return lr."""
    return lr


def paper(lr, step, steps, steps_per_epoch):
    """Return the rate of the paper (section 6): 4 per cent less every 8 epochs."""
    return lr * 0.96 ** (step // steps_per_epoch // 8)


def stepped(lr, step, steps, steps_per_epoch, size=320_000, gamma=0.96):
    """Return the rate of BVLC's solver: times gamma every `size` steps, which at 32 images each are 8 epochs."""
    return lr * gamma ** (step // size)


def polynomial(lr, step, steps, steps_per_epoch=None, power=0.5):
    """Return lr * (1 - step / steps) ** power, the schedule of BVLC's quick solver."""
    return lr * (1 - step / steps) ** power


# Each a function (lr, step, steps, steps_per_epoch) -> the rate of step 0, 1, ... of `steps`.
SCHEDULES = {"constant": constant, "paper": paper, "step": stepped, "polynomial": polynomial}


def average_step(average, arrays, count):
    """Take `arrays` into the running mean of `count` earlier ones, in place (Polyak averaging).

    average = average + (array - average) / (count + 1)

    Parameters
    ----------
    average : {name: array}, the state, changed in place; start with an empty dict and count 0
    arrays : {name: array}, such as a graph's parameters after a step
    """
    for name, array in arrays.items():
        if count == 0:
            average[name] = array.copy()
        else:
            average[name] += (array - average[name]) / array.dtype.type(count + 1)


def norm(grads) -> float:
    """Return the Euclidean norm of all arrays together."""
    return float(np.sqrt(sum(float(np.vdot(grad, grad).real) for grad in grads)))
