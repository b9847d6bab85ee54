"""The loss before any training."""

import math

from minigooglenet.exercises.questions import Question

first_loss = Question(
    "10.1",
    "the first loss",
    (
        "A network for {C} classes has a main classifier and {heads} auxiliary heads, each with the loss weight {w}. "
        "All logits are still 0. What is the loss of the first step, in nats?"
    ),
    minutes=3,
    difficulty=1,
    hints=(
        "Which losses are added, and with which loss weights?",
        "Equal logits give each class the probability 1/C. The loss of one classifier is -log(1/C), 1.386 for C = 4.",
        "`(1 + heads * w) * ____`, with the logarithm of `math.log`",
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
def main_classifier_only(C, heads, w):
    """That is the loss of the main classifier. The losses of the heads are added to it."""
    return math.log(C)


@first_loss.wrong
def one_auxiliary_head(C, heads, w):
    """You added the loss of one auxiliary head. Add the losses of all of them."""
    return (1 + w) * math.log(C)


@first_loss.wrong
def heads_at_full_weight(C, heads, w):
    """You gave the auxiliary heads the loss weight 1. Multiply their losses by the loss weight."""
    return (1 + heads) * math.log(C)


@first_loss.wrong
def mean_of_the_heads(C, heads, w):
    """You divided by the number of classifiers. Add the losses, don't average them."""
    return (1 + heads * w) / (1 + heads) * math.log(C)


@first_loss.wrong
def logarithm_to_base_10(C, heads, w):
    """You used the logarithm to base 10. A loss in nats uses the natural logarithm."""
    return (1 + heads * w) * math.log10(C)


@first_loss.wrong
def logarithm_to_base_2(C, heads, w):
    """That is the loss in bits. A loss in nats uses the natural logarithm."""
    return (1 + heads * w) * math.log2(C)


@first_loss.wrong
def main_classifier_missing(C, heads, w):
    """You added the auxiliary heads only. Add the main classifier, with loss weight 1."""
    return heads * w * math.log(C)
