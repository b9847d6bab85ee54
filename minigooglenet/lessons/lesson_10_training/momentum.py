"""One step of SGD with momentum."""

import functools

from minigooglenet import optim
from minigooglenet.exercises.exercise import Exercise, integers

sgd = Exercise(
    "10.2",
    "one step of SGD with momentum",
    "sgd_momentum(w, v, g, lr, mu, decay, is_bias) -> (w, v)",
    minutes=10,
    difficulty=2,
    hints=(
        "What is in the velocity, and where does lr appear?",
        (
            "With w = 8, v = 4, g = 2, lr = 0.5, mu = 0.5 and no decay, the new v is 0.5 * 4 + 2 = 4 and the new w is "
            "8 - 0.5 * 4 = 6. Weight decay adds decay * w to g before g enters the velocity."
        ),
        "`v = mu * v + (g + ____)`, then `w = w - lr * v`; for a bias, first `lr, decay = 2 * lr, 0`",
    ),
)
_SCHEDULE = (0.5, 0.25, 0.25, 0.125)


@sgd.cases
def sgd_cases(rng):
    for is_bias, shape, mu, decay in ((False, (2, 3), 0.75, 0.25), (True, (3,), 0.875, 0.5)):
        w, v = integers(rng, shape), 0 * integers(rng, shape)
        for lr in _SCHEDULE:  # each case continues after a right step of the case before
            g = integers(rng, shape)
            yield w, v, g, lr, mu, decay, is_bias
            w, v = _engine(w, v, g, lr, mu, decay, is_bias)
    shape = (2, 2)
    yield integers(rng, shape), integers(rng, shape), integers(rng, shape), 0.1, 0.9, 0.125, False


def _engine(w, v, g, lr, mu, decay, is_bias):
    name = "layer/bias" if is_bias else "layer/weight"
    params, velocity = {name: w.copy()}, {name: v.copy()}
    factors = optim.caffe_multipliers(params)
    optim.sgd_step(params, {name: g}, velocity, lr=lr, momentum=mu, weight_decay=decay, multipliers=factors)
    return params[name], velocity[name]


@sgd.reference
def sgd_reference(w, v, g, lr, mu, decay, is_bias):
    return _engine(w, v, g, lr, mu, decay, is_bias)


sgd.engine(optim.sgd_step)


def _factors(lr, decay, is_bias):
    return (2 * lr, 0.0) if is_bias else (lr, decay)


@sgd.right
def sgd_in_one_line(w, v, g, lr, mu, decay, is_bias):
    lr, decay = _factors(lr, decay, is_bias)
    v = mu * v + g + decay * w
    return w - lr * v, v


@sgd.right
def sgd_in_place(w, v, g, lr, mu, decay, is_bias):
    new = v.copy()
    new *= mu
    new += g
    if not is_bias:
        new += decay * w
    return [w - lr * new - (lr * new if is_bias else 0), new]


def _wrong_with_factors(function):
    """Register a wrong answer that receives the learning rate and the decay of this parameter."""

    @sgd.wrong
    @functools.wraps(function)
    def answer(w, v, g, lr, mu, decay, is_bias):
        return function(w, v, g, *_factors(lr, decay, is_bias), mu)

    return answer


@_wrong_with_factors
def learning_rate_inside_the_velocity(w, v, g, lr, decay, mu):
    """You multiplied the gradient by lr inside the velocity, as Caffe does. The result is the same until lr changes.
    Here, multiply by lr only when w moves."""
    v = mu * v + lr * (g + decay * w)
    return w - v, v


@_wrong_with_factors
def learning_rate_and_sign_inside_the_velocity(w, v, g, lr, decay, mu):
    """Your velocity is -lr times the expected one: v = mu * v - lr * g, then w + v, as some courses write it. Here the
    velocity is a sum of gradients only; use -lr when w moves."""
    v = mu * v - lr * (g + decay * w)
    return w + v, v


@_wrong_with_factors
def dampened(w, v, g, lr, decay, mu):
    """You multiplied the new gradient by 1 - mu, which is a tenth for mu = 0.9. Add it without a factor."""
    v = mu * v + (1 - mu) * (g + decay * w)
    return w - lr * v, v


@_wrong_with_factors
def Nesterov(w, v, g, lr, decay, mu):
    """That is Nesterov momentum: you moved by mu * v + g with the new v. Plain momentum moves by v."""
    v = mu * v + g + decay * w
    return w - lr * (g + decay * w + mu * v), v


@_wrong_with_factors
def velocity_not_kept(w, v, g, lr, decay, mu):
    """You discarded the old velocity. The new one is mu times the old one, plus the gradient and the decay."""
    v = g + decay * w
    return w - lr * v, v


@_wrong_with_factors
def decay_outside_the_velocity(w, v, g, lr, decay, mu):
    """You subtracted the decay from the weight directly. Add decay * w to the velocity instead."""
    v = mu * v + g
    return w - lr * v - lr * decay * w, v


@_wrong_with_factors
def decay_twice(w, v, g, lr, decay, mu):
    """You used the decay twice: in the velocity, and again when the weight moves."""
    v = mu * v + g + decay * w
    return w - lr * v - lr * decay * w, v


@_wrong_with_factors
def decay_forgotten(w, v, g, lr, decay, mu):
    """You left out the weight decay. Add decay * w to the gradient."""
    v = mu * v + g
    return w - lr * v, v


@_wrong_with_factors
def uphill(w, v, g, lr, decay, mu):
    """Your step increases the loss. It must go against the gradient: w - lr * v."""
    v = mu * v + g + decay * w
    return w + lr * v, v


@_wrong_with_factors
def moves_by_the_old_velocity(w, v, g, lr, decay, mu):
    """You moved the weight by the old velocity. Update the velocity first."""
    return w - lr * v, mu * v + g + decay * w


@sgd.wrong
def decay_on_the_bias(w, v, g, lr, mu, decay, is_bias):
    """You applied weight decay to a bias. Only weights decay."""
    v = mu * v + g + decay * w
    return w - (2 * lr if is_bias else lr) * v, v


@sgd.wrong
def bias_at_the_learning_rate_of_weights(w, v, g, lr, mu, decay, is_bias):
    """Your biases move half as far as they should. Their learning rate is 2 * lr."""
    v = mu * v + g + (0 if is_bias else decay) * w
    return w - lr * v, v
