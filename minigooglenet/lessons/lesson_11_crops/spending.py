"""A budget of looks, and what it buys."""

import numpy as np

from minigooglenet.evaluation import Evaluation, table3
from minigooglenet.evaluation.intervals import paired_interval
from minigooglenet.evaluation.metrics import ranks
from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import FormError, form, integer, parts

BUDGET = 20  # forward passes an image
LEAST_WORDS = 6

spend = Exercise(
    "11.5",
    "spend twenty looks",
    "(measured, models, crops, your reason with a number)",
    minutes=8,
    difficulty=2,
    core=False,
    objects=(Evaluation,),
    hints=(
        "Read the table: which rows cost 20 or less? The cost of a row is models times crops.",
        "Of the rows that you can pay, take the one with the smallest top-1 error, and say that error in your reason.",
        "`(measured, ____, ____, 'because its top-1 error is ... % for ... forward passes')`",
    ),
)


def affordable(measured) -> list:
    """Return the rows of the table that cost no more than the budget, best first."""
    count = measured.answers.shape[1]
    rows = table3(measured, models=range(1, count + 1)).rows
    return sorted((row for row in rows if row.cost <= BUDGET), key=lambda row: row.changes[0].error)


@spend.judge
def spend_judge(answer):
    measured, models, crops, reason = parts(answer, ("measured", "models", "crops", "reason"))
    if any(part is None or part is Ellipsis for part in (measured, models, crops, reason)):
        raise NotImplementedError("choose models and crops, and give a reason")
    if not isinstance(measured, Evaluation) or not isinstance(reason, str):
        raise FormError(f"the answer should be {spend.signature}, got {form(list(answer))}")
    models, crops = integer(models, "models"), integer(crops, "crops")
    if min(models, crops) < 1:
        raise FormError(f"models and crops should be at least 1, got {models} and {crops}")
    there = measured.answers.shape[1]
    cost = models * max(1, crops)
    if cost > BUDGET:
        added = models + crops <= BUDGET
        return _named("sum for product" if added else "over the budget", f"{models} x {crops} = {cost} looks. ")
    if models > there or crops not in measured.counts:
        return Verdict(False, None, f"measured are up to {there} models with {measured.counts} crops")
    if len(reason.split()) < LEAST_WORDS:
        return _named("no reason")
    if not any(character.isdigit() for character in reason):
        return _named("reason without a number")
    best = affordable(measured)[0]
    wrong, least = (
        ranks(measured.probabilities(*setting), measured.labels) > 0
        for setting in ((models, crops), (best.models, best.crops))
    )
    error = f"top-1 error {wrong.mean():.2%}, the best for {BUDGET} looks has {least.mean():.2%}"
    if paired_interval(wrong, least)[0] > 0:
        return _named("more than chance behind", f"{error}. ")
    return Verdict(True, None, f"{models} x {crops} = {cost} looks: {error}; this test set does not tell them apart")


def _named(name, before=""):
    wrong = next(wrong for wrong in spend.wrongs if wrong.name == name)
    return Verdict(False, name, before + wrong.message)


def _example():
    """Return an Evaluation of seven networks that are each often wrong, and seldom together."""
    rng = np.random.default_rng(11)
    labels = rng.integers(0, 3, 200)
    scores = np.eye(3)[labels][:, None, None] + rng.normal(0, 1, (200, 7, 2, 3))
    answers = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    return Evaluation(answers, (1, 10), np.arange(200), labels)


_MEASURED = _example()
_REASON = "seven networks err least: their error is the smallest of all rows that cost 20"

spend.reference((_MEASURED, 7, 1, _REASON))
spend.right((_MEASURED, 6, 1, _REASON))


@spend.wrong
def over_the_budget():
    """That is more than you may spend; models and crops multiply."""
    return (_MEASURED, 1, 144, _REASON)


@spend.wrong
def sum_for_product():
    """Every network looks at every crop: the cost is the product, not the sum."""
    return (_MEASURED, 7, 10, _REASON)


@spend.wrong
def no_reason():
    """Choose and defend: one sentence, please, of six words at least."""
    return (_MEASURED, 7, 1, "best")


@spend.wrong
def reason_without_a_number():
    """Which error does it buy? Let the sentence hold the number."""
    return (_MEASURED, 7, 1, "because seven networks err in different places")


@spend.wrong
def more_than_chance_behind():
    """Another row for the same money is better, by more than chance."""
    return (_MEASURED, 1, 1, _REASON)
