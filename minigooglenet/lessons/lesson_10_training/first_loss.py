"""The loss before any training."""

import math

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
