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
        "What does the velocity remember, and where does lr enter?",
        (
            "w = 8, v = 4, g = 2, lr = 0.5, mu = 0.5, no decay: the new v is 0.5 * 4 + 2 = 4, the new w is 8 - 0.5 * 4 "
            "= 6. Decay pulls a weight towards 0: it adds decay * w to g, before v takes it in."
        ),
        "`v = mu * v + (g + ____)`, then `w = w - lr * v`; for a bias, first `lr, decay = 2 * lr, 0`",
    ),
)
_RATES = (0.5, 0.25, 0.25, 0.125)  # a schedule


@sgd.cases
def sgd_cases(rng):
    for is_bias, shape, mu, decay in ((False, (2, 3), 0.75, 0.25), (True, (3,), 0.875, 0.5)):
        w, v = integers(rng, shape), 0 * integers(rng, shape)
        for lr in _RATES:  # each case starts where a right step before it ends
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


def _at_its_rates(function):
    """Register a wrong answer that gets the rate and the decay as they are for this parameter."""

    @sgd.wrong
    @functools.wraps(function)
    def answer(w, v, g, lr, mu, decay, is_bias):
        return function(w, v, g, *_factors(lr, decay, is_bias), mu)

    return answer


@_at_its_rates
def rate_inside_the_velocity(w, v, g, lr, decay, mu):
    """Equal until lr changes: that is Caffe's rule. Ours keeps lr out of the velocity."""
    v = mu * v + lr * (g + decay * w)
    return w - v, v


@_at_its_rates
def rate_and_sign_inside_the_velocity(w, v, g, lr, decay, mu):
    """Your velocity is -lr times ours: v = mu * v - lr * g, then w + v, as other courses write it. Ours adds up
    gradients alone; the rate and the minus come when w moves."""
    v = mu * v - lr * (g + decay * w)
    return w + v, v


@_at_its_rates
def dampened(w, v, g, lr, decay, mu):
    """The new gradient came in 1 - mu times: with mu = 0.9 that is a tenth of the push."""
    v = mu * v + (1 - mu) * (g + decay * w)
    return w - lr * v, v


@_at_its_rates
def Nesterov(w, v, g, lr, decay, mu):
    """One look ahead: you moved by mu * v + g with the new v. Plain momentum moves by v."""
    v = mu * v + g + decay * w
    return w - lr * (g + decay * w + mu * v), v


@_at_its_rates
def velocity_not_kept(w, v, g, lr, decay, mu):
    """The velocity restarted from 0. It is mu times the old one, and then the new pull."""
    v = g + decay * w
    return w - lr * v, v


@_at_its_rates
def decay_outside_the_velocity(w, v, g, lr, decay, mu):
    """The decay never enters the velocity: you took it off the weight beside it."""
    v = mu * v + g
    return w - lr * v - lr * decay * w, v


@_at_its_rates
def decay_twice(w, v, g, lr, decay, mu):
    """The decay pulls twice: once in the velocity, once beside it."""
    v = mu * v + g + decay * w
    return w - lr * v - lr * decay * w, v


@_at_its_rates
def decay_forgotten(w, v, g, lr, decay, mu):
    """Your weights are not pulled towards 0 at all."""
    v = mu * v + g
    return w - lr * v, v


@_at_its_rates
def uphill(w, v, g, lr, decay, mu):
    """The loss rises: the step goes against the gradient, w - lr * v."""
    v = mu * v + g + decay * w
    return w + lr * v, v


@_at_its_rates
def moves_by_the_old_velocity(w, v, g, lr, decay, mu):
    """The weight moved by the velocity of the step before; renew it first."""
    return w - lr * v, mu * v + g + decay * w


@sgd.wrong
def decay_on_the_bias(w, v, g, lr, mu, decay, is_bias):
    """A bias must not decay: only weights are pulled towards 0."""
    v = mu * v + g + decay * w
    return w - (2 * lr if is_bias else lr) * v, v


@sgd.wrong
def bias_at_the_rate_of_weights(w, v, g, lr, mu, decay, is_bias):
    """Your biases move half as far: here they learn at twice the rate."""
    v = mu * v + g + (0 if is_bias else decay) * w
    return w - lr * v, v
