"""SGD with momentum: explicit functions over {name: array}, whose state is a plain dict."""

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels import compiled, forms
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array

__all__ = ["caffe_multipliers", "sgd_step"]

Multipliers = Mapping[str, tuple[float, float]]  # {name: (factor on lr, factor on weight_decay)}


@flushed
def sgd_step(
    params: Mapping[str, Array],
    grads: Mapping[str, Array],
    velocity: MutableMapping[str, Array],
    *,
    lr: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    multipliers: Multipliers | None = None,
) -> None:
    """Update parameters in place by stochastic gradient descent with momentum.

    velocity = momentum * velocity + (grad + weight_decay * param);  param = param - lr * velocity

    This is PyTorch's rule. Caffe multiplies by the learning rate before it adds to the velocity, which gives the same
    result while the learning rate is constant.

    Parameters
    ----------
    params : {name: array}, changed in place
    grads : {name: array of the same shape}; parameters without a gradient do not change
    velocity : {name: array}, the state, changed in place; start with an empty dict
    multipliers : {name: (factor on lr, factor on weight_decay)}; both are 1 for missing names

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> params, velocity = {"weight": np.array([1.0])}, {}
    >>> mg.optim.sgd_step(params, {"weight": np.array([0.5])}, velocity, lr=0.1)
    >>> params, velocity
    ({'weight': array([0.95])}, {'weight': array([0.5])})
    """
    check(params, grads, velocity)
    for name, grad in grads.items():
        param = params[name]
        if name not in velocity:
            velocity[name] = np.zeros(grad.shape, np.result_type(param, grad))
        faster, heavier = (multipliers or {}).get(name, (1, 1))
        rates = lr * faster, momentum, weight_decay * heavier
        _move(param, grad, velocity[name], *(param.dtype.type(value) for value in rates))


def caffe_multipliers(names: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Return the multipliers of BVLC's replication: biases have twice the learning rate and no weight decay.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.optim.caffe_multipliers(["conv1/weight", "conv1/bias"])
    {'conv1/bias': (2.0, 0.0)}
    """
    return {name: (2.0, 0.0) for name in names if name.rpartition("/")[2] == "bias"}


def check(params: Any, grads: Any, *states: Mapping[str, Array]) -> None:
    """Check all arguments of a step before any parameter changes."""
    if not isinstance(grads, Mapping) or not isinstance(params, Mapping):
        raise TypeError(
            f"params and grads must be dicts {{name: array}}, got {type(params).__name__} and {type(grads).__name__}. "
            "A graph has its parameters in g.params, and g.backward returns (grad_inputs, grad_params)."
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
    """Return the compiled module that updates such arrays in one pass over memory, or None if NumPy must do it."""
    plain = all(array.dtype in checks.FLOATS and array.flags.c_contiguous for array in arrays)
    return compiled.fast().sgd if plain and forms.choice.get()[""] == "fast" and compiled.fast() else None
