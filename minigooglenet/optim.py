"""How parameters move: explicit functions over {name: array}, with the state in plain sight."""

from collections.abc import Mapping

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels import compiled, forms
from minigooglenet.parallel import flushed


@flushed
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
    check(params, grads, velocity)
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


def check(params, grads, *states):
    """Check all of a step before any parameter moves."""
    if not isinstance(grads, Mapping) or not isinstance(params, Mapping):
        raise TypeError(
            f"params and grads must be dicts {{name: array}}, got {type(params).__name__} and {type(grads).__name__}; "
            "a graph has its parameters in g.params, and backward returns (grad_inputs, grad_params)"
        )
    for name, grad in grads.items():
        shape = checks.unmasked(params[name], f"parameter {name!r}").shape
        checks.has_shape(grad, f"the gradient of {name!r}", shape)
        for state in states:
            if name in state:
                checks.has_shape(state[name], f"the state of {name!r}", shape)


def _move(param, grad, velocity, lr, momentum, weight_decay):
    arrays = param, grad, velocity
    if fast := fast_for(*arrays):
        fast.sgd(*(array.reshape(-1) for array in arrays), lr, momentum, weight_decay)
        return
    velocity *= momentum
    velocity += grad + weight_decay * param if weight_decay else grad
    param -= lr * velocity


def fast_for(*arrays):
    """Return the module that moves such arrays in one pass over memory, or None where the lines of NumPy do."""
    plain = all(array.dtype in checks.FLOATS and array.flags.c_contiguous for array in arrays)
    return compiled.fast().sgd if plain and forms.choice.get()[""] == "fast" and compiled.fast() else None
