"""The paper's schedule of the rate."""

import math

from minigooglenet import schedules
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.questions import Question

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
    "the rate of your epoch",
    (
        "The rate starts at {lr0} and falls as in the paper, by 4 per cent every 8 epochs. "
        "What is it in epoch {epoch}? (The first epoch is epoch 0.)"
    ),
    minutes=3,
    difficulty=1,
    core=False,
    hints=(
        "How often has it fallen before this epoch began?",
        "Epoch 15 is the last one of the second eight: the rate has fallen once.",
        "`lr0 * 0.96 ** ____`, a whole number of falls",
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
