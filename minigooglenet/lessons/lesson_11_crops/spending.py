"""A budget of forward passes, spent on networks and crops."""

import numpy as np

from minigooglenet.evaluation import Evaluation, table3
from minigooglenet.evaluation.intervals import paired_interval
from minigooglenet.evaluation.metrics import ranks
from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import FormError, form, integer, parts

BUDGET = 20  # forward passes per image
LEAST_WORDS = 6

spend = Exercise(
    "11.5",
    "spend twenty forward passes",
    "(measured, models, crops, reason with a number)",
    minutes=8,
    difficulty=2,
    core=False,
    objects=(Evaluation,),
    hints=(
        "Which rows of the table cost at most 20? The cost of a row is models * crops.",
        "Of these rows, take the one with the smallest top-1 error, and state this error in your reason.",
        "`(measured, ____, ____, 'because its top-1 error is ...% for ... forward passes')`",
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
    trained = measured.answers.shape[1]
    cost = models * max(1, crops)
    passes = f"{models} x {crops} = {cost} forward passes"
    if cost > BUDGET:
        added = models + crops <= BUDGET
        return _named("sum instead of product" if added else "over the budget", f"{passes}. ")
    if models > trained or crops not in measured.counts:
        choices = " or ".join(map(str, measured.counts))
        received = f"got models = {models} and crops = {crops}"
        return Verdict(False, None, f"choose at most {trained} models and {choices} crops, {received}")
    if len(reason.split()) < LEAST_WORDS:
        return _named("no reason")
    if not any(character.isdigit() for character in reason):
        return _named("reason without a number")
    best = affordable(measured)[0]
    wrong, least = (
        ranks(measured.probabilities(*setting), measured.labels) > 0
        for setting in ((models, crops), (best.models, best.crops))
    )
    error = f"top-1 error {wrong.mean():.2%}; the best choice for {BUDGET} forward passes has {least.mean():.2%}"
    if paired_interval(wrong, least)[0] > 0:
        return _named("significantly worse choice", f"{error}. ")
    return Verdict(True, None, f"{passes}, {error}, which is not significantly better on these images")


def _named(name, before=""):
    wrong = next(wrong for wrong in spend.wrongs if wrong.name == name)
    return Verdict(False, name, before + wrong.message)


def _example():
    """Return an Evaluation of seven networks that are often wrong, but rarely on the same images."""
    rng = np.random.default_rng(11)
    labels = rng.integers(0, 3, 200)
    logits = np.eye(3)[labels][:, None, None] + rng.normal(0, 1, (200, 7, 2, 3))
    answers = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return Evaluation(answers, (1, 10), np.arange(200), labels)


_MEASURED = _example()
_REASON = "seven networks have the smallest error of all rows with a cost of at most 20"

spend.reference((_MEASURED, 7, 1, _REASON))
spend.right((_MEASURED, 6, 1, _REASON))


@spend.wrong
def over_the_budget():
    """That is more than twenty. The cost is models * crops."""
    return (_MEASURED, 1, 144, _REASON)


@spend.wrong
def sum_instead_of_product():
    """Every network reads every crop, so the cost is models * crops, not models + crops."""
    return (_MEASURED, 7, 10, _REASON)


@spend.wrong
def no_reason():
    """Give your reason in a sentence of at least six words."""
    return (_MEASURED, 7, 1, "best")


@spend.wrong
def reason_without_a_number():
    """Your reason should contain a number, for example the error of your choice."""
    return (_MEASURED, 7, 1, "because seven networks are wrong on different images")


@spend.wrong
def significantly_worse_choice():
    """Another row within the budget has a significantly smaller error."""
    return (_MEASURED, 1, 1, _REASON)
