"""Lesson 10, first part: the first loss, a step of SGD with momentum, the paper's schedule."""

import functools
import math

from minigooglenet import optim
from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.exercises.questions import Question

first_loss = Question(
    "10.1",
    "the first loss",
    (
        "A network tells {C} classes apart. It has {heads} auxiliary heads, each counted {w} times, and the main head. "
        "All logits are still 0. What is the loss of the first step, in nats?"
    ),
    minutes=3,
    difficulty=1,
    hints=(
        "How many losses are added, and with which weights?",
        "Equal logits give each class 1/C. One head's loss is -log(1/C): with C = 4 that is 1.386.",
        "`(1 + heads * w) * ____`, with the logarithm that `math.log` gives",
    ),
    tolerance=0.001,
)


@first_loss.draw
def first_loss_draw(rng):
    return {
        "C": int(rng.integers(5, 400)),
        "heads": int(rng.integers(2, 4)),
        "w": float(rng.choice([0.2, 0.25, 0.3, 0.4, 0.5])),
    }


@first_loss.solution
def first_loss_solution(C, heads, w):
    return (1 + heads * w) * math.log(C)


@first_loss.wrong
def main_head_only(C, heads, w):
    """That is the main head's loss. The others are added to it."""
    return math.log(C)


@first_loss.wrong
def one_auxiliary_head(C, heads, w):
    """You added one auxiliary head; there are more."""
    return (1 + w) * math.log(C)


@first_loss.wrong
def heads_at_full_weight(C, heads, w):
    """Each head was counted whole; an auxiliary one is discounted."""
    return (1 + heads) * math.log(C)


@first_loss.wrong
def mean_of_the_heads(C, heads, w):
    """You divided by the number of heads. The losses are added."""
    return (1 + heads * w) / (1 + heads) * math.log(C)


@first_loss.wrong
def logarithm_to_base_10(C, heads, w):
    """A loss in nats takes the natural logarithm, not that to base 10."""
    return (1 + heads * w) * math.log10(C)


@first_loss.wrong
def logarithm_to_base_2(C, heads, w):
    """That is in bits. A loss in nats takes the natural logarithm."""
    return (1 + heads * w) * math.log2(C)


@first_loss.wrong
def discount_left_out_of_the_sum(C, heads, w):
    """Only the auxiliary heads were added; the main one counts once."""
    return heads * w * math.log(C)


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


rate = Exercise(
    "10.3",
    "the paper's rate",
    "paper_rate(lr0, epoch) -> the rate of that epoch",
    minutes=4,
    difficulty=1,
    hints=(
        "What is the rate in epochs 0 to 7? And in epoch 8?",
        "It goes in steps: lr0 for eight epochs, then 0.96 * lr0 for eight, then 0.96 * 0.96 * lr0.",
        "`lr0 * 0.96 ** (epoch ____ 8)`",
    ),
)


@rate.cases
def rate_cases(rng):
    yield from ((1.0, epoch) for epoch in (0, 7, 8, 23))
    yield 0.01, 249


@rate.reference
def rate_reference(lr0, epoch):
    return optim.paper(lr0, epoch, None, 1)


rate.engine(optim.paper)


@rate.right
def rate_epoch_by_epoch(lr0, epoch):
    value = lr0
    for past in range(1, epoch + 1):
        if past % 8 == 0:
            value *= 0.96
    return value


@rate.right
def rate_by_logarithms(lr0, epoch):
    return lr0 * math.exp(math.log(0.96) * ((epoch - epoch % 8) / 8))


question = Question(
    "10.3b",
    "the rate of your epoch",
    (
        "The rate starts at {lr0} and falls as in the paper, by 4 per cent every 8 epochs. "
        "What is it in epoch {epoch}? (The first epoch is epoch 0.)"
    ),
    minutes=3,
    difficulty=1,
    hints=(
        "How often has it fallen before this epoch began?",
        "Epoch 15 is the last one of the second eight: the rate has fallen once.",
        "`lr0 * 0.96 ** ____`, a whole number of falls",
    ),
    tolerance=0.001,
    core=False,
)


@question.draw
def question_draw(rng):
    return {"lr0": float(rng.choice([0.005, 0.01, 0.02, 0.05])), "epoch": 8 * int(rng.integers(3, 21)) + 7}


@question.solution
def question_solution(lr0, epoch):
    return optim.paper(lr0, epoch, None, 1)


@question.wrong
@rate.wrong
def falls_all_the_time(lr0, epoch):
    """Your rate falls a little in each epoch; the paper's stays for eight and then drops."""
    return lr0 * 0.96 ** (epoch / 8)


@question.wrong
@rate.wrong
def one_epoch_early(lr0, epoch):
    """Your drop comes an epoch early: epochs are counted from 0, so epoch 7 is still the first eight."""
    return lr0 * 0.96 ** ((epoch + 1) // 8)


@question.wrong
@rate.wrong
def four_percent_of_the_start(lr0, epoch):
    """You took 4 per cent of lr0 each time, a straight line; it is 4 per cent of what is left."""
    return lr0 * (1 - 0.04 * (epoch // 8))


@question.wrong
@rate.wrong
def times_4_percent(lr0, epoch):
    """4 per cent less is times 0.96, not times 0.04."""
    return lr0 * 0.04 ** (epoch // 8)


@question.wrong
@rate.wrong
def every_epoch(lr0, epoch):
    """You let it fall in every epoch; it falls in every eighth."""
    return lr0 * 0.96**epoch
