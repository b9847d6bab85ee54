"""The paper's learning-rate schedule."""

import math

from minigooglenet import schedules
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.questions import Question

rate = Exercise(
    "10.3",
    "the paper's learning rate",
    "paper_rate(lr0, epoch) -> learning rate in this epoch",
    minutes=4,
    difficulty=1,
    hints=(
        "What is the learning rate in epoch 7, and what is it in epoch 8?",
        "It falls in steps: lr0 for eight epochs, then 0.96 * lr0 for eight, then 0.96 * 0.96 * lr0.",
        "`lr0 * 0.96 ** (epoch ____ 8)`",
    ),
)


@rate.cases
def rate_cases(rng):
    yield from ((1.0, epoch) for epoch in (0, 7, 8, 23))
    yield 0.01, 249


@rate.reference
def rate_reference(lr0, epoch):
    return schedules.paper(lr0, epoch, None, 1)


rate.engine(schedules.paper)


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
    "the learning rate in your epoch",
    (
        "The initial learning rate is {lr0}, and it falls as in the paper, by 4% every 8 epochs. "
        "What is it in epoch {epoch}? (The first epoch is epoch 0.)"
    ),
    minutes=3,
    difficulty=1,
    core=False,
    hints=(
        "How many times has the learning rate fallen before this epoch?",
        "Epoch 15 is the last of the second eight epochs: the learning rate has fallen once.",
        "`lr0 * 0.96 ** ____`, with an integer as exponent",
    ),
    tolerance=0.001,
)


@question.draw
def question_draw(rng):
    return {"lr0": float(rng.choice([0.005, 0.01, 0.02, 0.05])), "epoch": 8 * int(rng.integers(3, 21)) + 7}


@question.solution
def question_solution(lr0, epoch):
    return schedules.paper(lr0, epoch, None, 1)


@question.wrong
@rate.wrong
def falls_all_the_time(lr0, epoch):
    """Your learning rate falls a little in every epoch. The paper's is constant for eight epochs and then drops."""
    return lr0 * 0.96 ** (epoch / 8)


@question.wrong
@rate.wrong
def one_epoch_early(lr0, epoch):
    """Your drop is one epoch early. The first epoch is epoch 0, so epoch 7 is still one of the first eight."""
    return lr0 * 0.96 ** ((epoch + 1) // 8)


@question.wrong
@rate.wrong
def four_percent_of_lr0(lr0, epoch):
    """You subtracted 4% of lr0 at each drop. It is 4% of the current learning rate."""
    return lr0 * (1 - 0.04 * (epoch // 8))


@question.wrong
@rate.wrong
def times_4_percent(lr0, epoch):
    """You multiplied by 0.04. A drop of 4% is a factor of 0.96."""
    return lr0 * 0.04 ** (epoch // 8)


@question.wrong
@rate.wrong
def every_epoch(lr0, epoch):
    """Your learning rate falls in every epoch. It falls in every eighth epoch."""
    return lr0 * 0.96**epoch
