"""The weighted sum of three losses and its gradients."""

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
        "If the total is main + w * aux1 + w * aux2, which gradients does w multiply?",
        "The derivative of a + 0.3 b is 1 for a and 0.3 for b. So w multiplies the loss and the gradient.",
        "`daux1 = w * ____`, and the total loss has w * loss1",
    ),
)


@heads.cases
def heads_cases(rng):
    for count, classes, w in ((2, 3, 0.3), (4, 5, 0.5), (3, 2, 0.2)):
        logits = [rng.normal(0, 2, (count, classes)) for _ in range(3)]
        yield (*logits, rng.integers(0, classes, count), w)


def _weighted(main, aux1, aux2, labels, factors, of_grads=None):
    pairs = [losses.softmax_cross_entropy(logits, labels) for logits in (main, aux1, aux2)]
    of_grads = factors if of_grads is None else of_grads
    total = sum(factor * loss for factor, (loss, _) in zip(factors, pairs, strict=True))
    return (total, *(factor * grad for factor, (_, grad) in zip(of_grads, pairs, strict=True)))


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
    """The gradients of the heads are 1 / w times too large. Multiply them by w too."""
    return _weighted(main, aux1, aux2, labels, (1, w, w), (1, 1, 1))


@heads.wrong
def weight_in_the_gradient_only(main, aux1, aux2, labels, w):
    """The gradients are right, but the loss is not. Multiply the losses of the heads by w too."""
    return _weighted(main, aux1, aux2, labels, (1, 1, 1), (1, w, w))


@heads.wrong
def weight_squared(main, aux1, aux2, labels, w):
    """You multiplied the gradients of the heads by w twice: 0.09 instead of 0.3."""
    return _weighted(main, aux1, aux2, labels, (1, w, w), (1, w * w, w * w))


@heads.wrong
def mean_of_the_three(main, aux1, aux2, labels, w):
    """You averaged the three losses. Add them: the main loss with weight 1, the heads with weight w."""
    return _weighted(main, aux1, aux2, labels, (1 / 3,) * 3)


@heads.wrong
def weights_that_add_up_to_one(main, aux1, aux2, labels, w):
    """You gave the main loss the weight 1 - 2w. Its weight is 1 for every w."""
    return _weighted(main, aux1, aux2, labels, (1 - 2 * w, w, w))


@heads.wrong
def one_head_only(main, aux1, aux2, labels, w):
    """You left out the second head, aux2. Its loss has the weight w too."""
    return _weighted(main, aux1, aux2, labels, (1, w, 0))


@heads.wrong
def main_loss_missing(main, aux1, aux2, labels, w):
    """You left out the loss of the main classifier. Its weight is 1."""
    return _weighted(main, aux1, aux2, labels, (0, w, w))
