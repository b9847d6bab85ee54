"""Three losses, added."""

import numpy as np

from minigooglenet import losses
from minigooglenet.exercises.exercise import Exercise

heads = Exercise(
    "09.3",
    "three losses",
    "total_loss_and_grad(main, aux1, aux2, labels, w) -> (loss, dmain, daux1, daux2)",
    minutes=5,
    difficulty=1,
    hints=(
        "Which quantities does the weight multiply, if the total is main + w * aux1 + w * aux2?",
        "A total of a + 0.3 b has the slope 1 along a and 0.3 along b: the weight is in the loss and in the gradient.",
        "`daux1 = w * ____`, and the total has the same w before that head's loss.",
    ),
)


@heads.cases
def heads_cases(rng):
    for count, classes, w in ((2, 3, 0.3), (4, 5, 0.5), (3, 2, 0.2)):
        logits = [rng.normal(0, 2, (count, classes)) for _ in range(3)]
        yield (*logits, rng.integers(0, classes, count), w)


def _weighted(main, aux1, aux2, labels, factors, of_grads=None):
    found = [losses.softmax_cross_entropy(logits, labels) for logits in (main, aux1, aux2)]
    of_grads = factors if of_grads is None else of_grads
    total = sum(factor * loss for factor, (loss, _) in zip(factors, found, strict=True))
    return (total, *(factor * grad for factor, (_, grad) in zip(of_grads, found, strict=True)))


@heads.reference
def heads_reference(main, aux1, aux2, labels, w):
    total, _, grads = losses.weighted_sum(
        {"aux1": aux1, "aux2": aux2, "main": main}, labels, {"aux1": w, "aux2": w, "main": 1.0}
    )
    return total, grads["main"], grads["aux1"], grads["aux2"]


@heads.right
def heads_by_the_formula(main, aux1, aux2, labels, w):
    return _weighted(main, aux1, aux2, labels, (1, w, w))


@heads.right
def heads_in_a_loop(main, aux1, aux2, labels, w):
    total, grads = 0, []
    for logits, factor in ((main, 1), (aux1, w), (aux2, w)):
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = shifted / shifted.sum(axis=1, keepdims=True)
        rows = np.arange(len(labels))
        total -= factor * np.log(probabilities[rows, labels]).mean()
        probabilities[rows, labels] -= 1
        grads.append(factor * probabilities / len(labels))
    return (total, *grads)


@heads.wrong
def weight_in_the_loss_only(main, aux1, aux2, labels, w):
    """The heads push 1 / w times too hard: their gradients need the weight, too."""
    return _weighted(main, aux1, aux2, labels, (1, w, w), (1, 1, 1))


@heads.wrong
def weight_in_the_gradient_only(main, aux1, aux2, labels, w):
    """The gradients are right; the loss that you report is not theirs."""
    return _weighted(main, aux1, aux2, labels, (1, 1, 1), (1, w, w))


@heads.wrong
def weight_squared(main, aux1, aux2, labels, w):
    """0.09 in place of 0.3: the weight came in twice."""
    return _weighted(main, aux1, aux2, labels, (1, w, w), (1, w * w, w * w))


@heads.wrong
def mean_of_the_three(main, aux1, aux2, labels, w):
    """A third of each. The paper adds them, the heads with weight w."""
    return _weighted(main, aux1, aux2, labels, (1 / 3,) * 3)


@heads.wrong
def weights_that_add_up_to_one(main, aux1, aux2, labels, w):
    """The main loss keeps its weight of 1, whatever w is."""
    return _weighted(main, aux1, aux2, labels, (1 - 2 * w, w, w))


@heads.wrong
def one_head_only(main, aux1, aux2, labels, w):
    """The second head, after 4d, has a loss as well."""
    return _weighted(main, aux1, aux2, labels, (1, w, 0))


@heads.wrong
def main_loss_missing(main, aux1, aux2, labels, w):
    """The heads help the main classifier, they do not stand in for it."""
    return _weighted(main, aux1, aux2, labels, (0, w, w))
