"""Label smoothing: its loss and gradient, and the smallest value of the loss."""

import math

import numpy as np

from minigooglenet import losses
from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.exercises.questions import Question

smoothed = Exercise(
    "14.3",
    "label smoothing",
    "smoothed_loss(z, labels, smoothing) -> loss, (N, K)",
    minutes=7,
    difficulty=2,
    hints=(
        "Write down the K target probabilities of one image. What is their sum?",
        (
            "K = 4 and smoothing 0.2: every class gets 0.2 / 4 = 0.05, and the label gets 0.8 more, so the targets q "
            "are 0.85, 0.05, 0.05, 0.05. The loss is the mean over the images of -sum(q * log p). Its gradient is "
            "(p - q) / N."
        ),
        "`q = np.full(z.shape, smoothing / K)`, then `q[np.arange(N), labels] += ____`",
    ),
)


@smoothed.cases
def smoothed_cases(rng):
    yield integers(rng, (4, 5), -3, 4), np.array([0, 3, 3, 4]), 0.1
    yield integers(rng, (2, 3), -5, 6) / 4, np.array([2, 1]), 0.3
    yield integers(rng, (3, 4), -3, 4), np.array([1, 0, 3]), 0.0


@smoothed.reference
def smoothed_reference(z, labels, smoothing):
    return losses.softmax_cross_entropy(z, labels, smoothing)


def _log_p(z):
    return z - np.logaddexp.reduce(z, axis=1, keepdims=True)


def _targets(z, labels, correct, other):
    q = np.full(z.shape, other)
    q[np.arange(len(z)), labels] = correct
    return q


def _cross_entropy(z, q):
    log_p = _log_p(z)
    return -(q * log_p).sum() / len(z), (np.exp(log_p) - q) / len(z)


@smoothed.right
def smoothed_by_targets(z, labels, smoothing):
    other = smoothing / z.shape[1]
    return _cross_entropy(z, _targets(z, labels, 1 - smoothing + other, other))


@smoothed.right
def smoothed_by_two_losses(z, labels, smoothing):
    hard = _cross_entropy(z, _targets(z, labels, 1.0, 0.0))
    uniform = _cross_entropy(z, np.full(z.shape, 1 / z.shape[1]))
    return tuple((1 - smoothing) * a + smoothing * b for a, b in zip(hard, uniform, strict=True))


@smoothed.wrong
def only_the_other_classes(z, labels, smoothing):
    """You spread the fraction over the K - 1 other classes. The paper spreads it over all K, the label included."""
    return _cross_entropy(z, _targets(z, labels, 1 - smoothing, smoothing / (z.shape[1] - 1)))


@smoothed.wrong
def label_without_its_share(z, labels, smoothing):
    """Your targets have a sum below 1. The label gets 1 - smoothing and, like every class, smoothing / K."""
    return _cross_entropy(z, _targets(z, labels, 1 - smoothing, smoothing / z.shape[1]))


@smoothed.wrong
def label_keeps_1(z, labels, smoothing):
    """Your targets have a sum above 1. What the classes get is taken from the label."""
    other = smoothing / z.shape[1]
    return _cross_entropy(z, _targets(z, labels, 1 + other, other))


@smoothed.wrong
def fraction_not_divided_by_K(z, labels, smoothing):
    """You gave the whole fraction to every class. Divide it by K."""
    return _cross_entropy(z, _targets(z, labels, 1.0, smoothing))


@smoothed.wrong
def gradient_without_smoothing(z, labels, smoothing):
    """The loss is right, but the gradient is that of the loss without smoothing. Subtract the smoothed targets."""
    return smoothed_reference(z, labels, smoothing)[0], losses.softmax_cross_entropy(z, labels)[1]


@smoothed.wrong
def loss_without_smoothing(z, labels, smoothing):
    """The gradient is right, but the loss is the one without smoothing."""
    return losses.softmax_cross_entropy(z, labels)[0], smoothed_reference(z, labels, smoothing)[1]


@smoothed.wrong
def no_smoothing(z, labels, smoothing):
    """These are the loss and the gradient without smoothing."""
    return losses.softmax_cross_entropy(z, labels)


@smoothed.wrong
def sum_over_the_images(z, labels, smoothing):
    """N times too large: the loss is the mean over the images."""
    loss, grad = smoothed_reference(z, labels, smoothing)
    return loss * len(z), grad * len(z)


@smoothed.wrong
def gradient_not_divided_by_N(z, labels, smoothing):
    """The loss is right, but the gradient is N times too large. The loss is a mean, so its gradient has a 1 / N."""
    loss, grad = smoothed_reference(z, labels, smoothing)
    return loss, grad * len(z)


@smoothed.wrong
def gradient_with_the_opposite_sign(z, labels, smoothing):
    """Your gradient has the opposite sign: it is probability minus target."""
    loss, grad = smoothed_reference(z, labels, smoothing)
    return loss, -grad


@smoothed.wrong
def mean_over_the_classes(z, labels, smoothing):
    """Your loss is K times too small. Add over the classes, and take the mean over the images only."""
    loss, grad = smoothed_reference(z, labels, smoothing)
    return loss / z.shape[1], grad


smallest = Question(
    "14.3b",
    "your smallest loss",
    "A network has {K} classes and is trained with a smoothing of {percent}%. What is the smallest value of its loss, "
    "in nats?",
    minutes=4,
    difficulty=2,
    core=False,
    tolerance=0.002,
    hints=(
        "Which probabilities make the gradient p - q zero?",
        (
            "K = 2 and a smoothing of 20%: the targets are 0.9 and 0.1. The loss is smallest if p = q, so it is "
            "-0.9 * log(0.9) - 0.1 * log(0.1) = 0.325."
        ),
        "`-correct * log(correct) - (K - 1) * other * ____`, with other = smoothing / K",
    ),
)


@smallest.draw
def smallest_draw(rng):
    return {"K": int(rng.integers(5, 200)), "percent": int(rng.integers(4, 31))}


@smallest.solution
def smallest_solution(K, percent):
    return losses.smallest_loss(K, percent / 100)


@smallest.wrong
def label_only(K, percent):
    """That is the part of the label only. The other classes have targets above 0, and add to the loss."""
    correct = 1 - percent / 100 + percent / 100 / K
    return -correct * math.log(correct)


@smallest.wrong
def log_of_the_targets_of_the_label(K, percent):
    """That is -log of the label's target, the loss without smoothing at these probabilities. Weight all classes."""
    return -math.log(1 - percent / 100 + percent / 100 / K)


@smallest.wrong
def one_other_class(K, percent):
    """You counted one other class. There are K - 1 of them."""
    correct, other = 1 - percent / 100 + percent / 100 / K, percent / 100 / K
    return -correct * math.log(correct) - other * math.log(other)


@smallest.wrong
def equal_probabilities(K, percent):
    """That is log(K), the loss if all classes have the same probability. A trained network gets below it."""
    return math.log(K)


@smallest.wrong
def zero(K, percent):
    """Zero is the smallest loss without smoothing. With it, the targets are not 0 and 1: p = q has a loss above 0."""
    return 0.0


@smallest.wrong
def in_bits(K, percent):
    """You used the logarithm to base 2. A loss in nats has the natural logarithm."""
    return losses.smallest_loss(K, percent / 100) / math.log(2)
