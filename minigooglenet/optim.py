"""How parameters move: explicit functions over {name: array}, with the state in plain sight."""

import math
from collections.abc import Mapping

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels.compiled import compiled
from minigooglenet.kernels.spreading import flushed, spread


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
    _check_named(params, grads)
    _check_shapes(params, grads, velocity)
    for name, grad in grads.items():
        param = params[name]
        if name not in velocity:
            velocity[name] = np.zeros(grad.shape, np.result_type(param, grad))
        faster, heavier = (multipliers or {}).get(name, (1, 1))
        rates = lr * faster, momentum, weight_decay * heavier
        _move(param, grad, velocity[name], *(param.dtype.type(value) for value in rates))


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
    _check_named(params, grads)
    _check_shapes(params, grads, state.get("mean", {}), state.get("square", {}))
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


def caffe_multipliers(names):
    """Return the multipliers of BVLC's replication: biases learn at twice the rate, and do not decay."""
    return {name: (2.0, 0.0) for name in names if name.rpartition("/")[2] == "bias"}


def _check_named(params, grads):
    if not isinstance(grads, Mapping) or not isinstance(params, Mapping):
        raise TypeError(
            f"params and grads must be dicts {{name: array}}, got {type(params).__name__} and {type(grads).__name__}; "
            "a graph has its parameters in g.params, and backward returns (grad_inputs, grad_params)"
        )


def _check_shapes(params, grads, *states):
    """Check all of a step before any parameter moves."""
    for name, grad in grads.items():
        shape = checks.unmasked(params[name], f"parameter {name!r}").shape
        checks.has_shape(grad, f"the gradient of {name!r}", shape)
        for state in states:
            if name in state:
                checks.has_shape(state[name], f"the state of {name!r}", shape)


def _plain(*arrays):
    return all(array.dtype in (np.float32, np.float64) and array.flags.c_contiguous for array in arrays)


def _move(param, grad, velocity, lr, momentum, weight_decay):
    arrays = param, grad, velocity
    if _plain(*arrays):
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


def _adapt(param, grad, mean, square, keep, b1, rest1, b2, rest2, rate, fix, eps):
    arrays = param, grad, mean, square
    if _plain(*arrays):
        flat = [array.reshape(-1) for array in arrays]

        def task(start, stop):
            _adamw(*(array[start:stop] for array in flat), keep, b1, rest1, b2, rest2, rate, fix, eps)

        spread(task, param.size, param.size)
        return
    mean[...] = b1 * mean + rest1 * grad
    square[...] = b2 * square + rest2 * (grad * grad)
    param[...] = keep * param - rate * mean / (np.sqrt(square) * fix + eps)


@compiled
def _adamw(param, grad, mean, square, keep, b1, rest1, b2, rest2, rate, fix, eps):
    """One pass over memory, where array expressions would take ten."""
    for i in range(len(param)):
        mean[i] = b1 * mean[i] + rest1 * grad[i]
        square[i] = b2 * square[i] + rest2 * (grad[i] * grad[i])
        param[i] = keep * param[i] - rate * mean[i] / (np.sqrt(square[i]) * fix + eps)


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


def cosine(lr, step, steps, steps_per_epoch=None):
    """Return lr * (1 + cos(pi * step / steps)) / 2: half a wave from lr to 0 (Loshchilov and Hutter 2017)."""
    return lr * (1 + math.cos(math.pi * step / steps)) / 2


# Each a function (lr, step, steps, steps_per_epoch) -> the rate of step 0, 1, ... of `steps`.
SCHEDULES = {"constant": constant, "paper": paper, "step": stepped, "polynomial": polynomial, "cosine": cosine}


def warmed_up(schedule, lr, step, steps, steps_per_epoch, warmup):
    """Return the rate of a schedule after `warmup` steps of linear warm-up, from lr / warmup to lr.

    The schedule then runs over the other steps, as if they were all.
    """
    if step < warmup:
        return lr * (step + 1) / warmup
    return schedule(lr, step - warmup, steps - warmup, steps_per_epoch)


@flushed
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
            average[name] = checks.unmasked(array, repr(name)).copy()
        else:
            average[name] += (array - average[name]) / array.dtype.type(count + 1)


@flushed
def norm(grads) -> float:
    """Return the Euclidean norm of all arrays together."""
    return float(np.sqrt(sum(float(np.vdot(grad, grad).real) for grad in grads)))
