"""Lesson 11, second part: many answers made one, an error to publish, and a budget of looks."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import FormError, form
from minigooglenet.inference import Evaluation, table3, top_k_error
from minigooglenet.inference.intervals import paired_interval
from minigooglenet.inference.metrics import ranks

combine = Exercise(
    "11.2",
    "one answer of many",
    "combine(probs) -> (N, C)",
    minutes=5,
    difficulty=1,
    hints=(
        "probs has four axes: models, crops, N, C. Which two of them should be gone?",
        "Two models say (.9, .1) and (.5, .5) of a picture: the answer is (.7, .3), their mean.",
        "`probs.mean(axis=____)`",
    ),
)


@combine.cases
def combine_cases(rng):
    for shape in ((2, 3, 4, 5), (3, 2, 2, 2), (4, 1, 3, 3), (2, 2, 2, 3)):
        yield (rng.dirichlet(np.full(shape[-1], 0.5), shape[:-1]),)
    sure = np.array([[[[1.0, 0.0, 0.0]]], [[[0.0, 0.6, 0.4]]]])
    yield (sure,)


@combine.reference
def combine_reference(probs):
    models, crops, count, classes = probs.shape
    answers = probs.reshape(models * crops, 1, count, classes).transpose(2, 0, 1, 3)
    none = np.zeros(count, int)
    return Evaluation(answers, (1,), none, none).probabilities()


@combine.right
def combine_by_two_means(probs):
    return probs.mean(axis=1).mean(axis=0)


@combine.right
def combine_by_einsum(probs):
    return np.einsum("mknc->nc", probs) / (probs.shape[0] * probs.shape[1])


@combine.right
def combine_in_a_loop(probs):
    total = 0
    for of_model in probs:
        for of_crop in of_model:
            total = total + of_crop
    return total / (len(probs) * len(probs[0]))


@combine.wrong
def mean_of_logarithms(probs):
    """One network's certainty of zero vetoes all others: average the probabilities."""
    found = np.exp(np.log(probs).mean(axis=(0, 1)))
    return found / found.sum(axis=-1, keepdims=True)


@combine.wrong
def largest_crop(probs):
    """The paper tried the maximum over crops, and found it worse than the mean."""
    return probs.max(axis=1).mean(axis=0)


@combine.wrong
def votes(probs):
    """A vote throws away how sure each of them is."""
    return np.eye(probs.shape[-1])[probs.argmax(axis=-1)].mean(axis=(0, 1))


@combine.wrong
def pictures_averaged(probs):
    """You averaged pictures: the axis of crops is still there."""
    return probs.mean(axis=(0, 2))


@combine.wrong
def product(probs):
    """A product counts a doubt once for each look, and the rows no longer add up to 1."""
    return probs.prod(axis=(0, 1))


@combine.wrong
def first_model(probs):
    """Only the first network was heard."""
    return probs[0].mean(axis=0)


@combine.wrong
def first_crop(probs):
    """Only the first piece of each picture was heard."""
    return probs[:, 0].mean(axis=0)


@combine.wrong
def sum(probs):
    """Right up to a factor: the rows should add up to 1, so divide by models times crops."""
    return probs.sum(axis=(0, 1))


topk = Exercise(
    "11.3",
    "top-k error",
    "topk_error(probs, labels, k) -> share of 1",
    minutes=6,
    difficulty=1,
    hints=(
        "Which way does argsort sort, and what does the metric count: hits or misses?",
        "Scores (.2, .5, .3): the two likeliest classes are 1 and 2. A picture of class 0 is then a top-2 error.",
        "`best = np.argsort(-probs, axis=1)[:, ____]`; an error is a picture whose label is not in its row of best.",
    ),
)


@topk.cases
def topk_cases(rng):
    for count, classes, k in ((1, 4, 2), (7, 6, 3), (9, 5, 1), (20, 10, 5)):
        probs = rng.permuted(np.tile(np.arange(1.0, classes + 1), (count, 1)), axis=1)
        labels = rng.choice(classes, count, p=(w := np.arange(classes, 0, -1)) / w.sum())
        yield probs / probs.sum(axis=1, keepdims=True), labels, k


@topk.reference
def topk_reference(probs, labels, k):
    return top_k_error(probs, labels, k)


@topk.right
def topk_by_argpartition(probs, labels, k):
    best = np.argpartition(-probs, k - 1, axis=1)[:, :k]
    return 1 - (best == labels[:, None]).any(axis=1).mean()


@topk.right
def topk_row_by_row(probs, labels, k):
    missed = 0
    for row, label in zip(probs, labels, strict=True):
        missed += sum(value > row[label] for value in row) >= k
    return missed / len(labels)


def _hits(probs, labels, k):
    return (np.argsort(-probs, axis=1)[:, :k] == labels[:, None]).any(axis=1)


@topk.wrong
def the_five_worst(probs, labels, k):
    """argsort sorts upwards: its first places are the least likely classes."""
    return 1 - (np.argsort(probs, axis=1)[:, :k] == labels[:, None]).any(axis=1).mean()


@topk.wrong
def accuracy(probs, labels, k):
    """Exactly 1 minus ours: you counted what is right."""
    return _hits(probs, labels, k).mean()


@topk.wrong
def one_too_many(probs, labels, k):
    """You looked at k + 1 classes."""
    return 1 - _hits(probs, labels, k + 1).mean()


@topk.wrong
def top_1(probs, labels, k):
    """k is not used: this is the error of the likeliest class."""
    return 1 - _hits(probs, labels, 1).mean()


@topk.wrong
def count_for_share(probs, labels, k):
    """That is how many are wrong; divide by the number of pictures."""
    return (~_hits(probs, labels, k)).sum()


@topk.wrong
def mean_over_classes(probs, labels, k):
    """You averaged the classes' errors. Here every picture counts alike."""
    missed = ~_hits(probs, labels, k)
    return np.mean([missed[labels == label].mean() for label in np.unique(labels)])


@topk.wrong
def place_k_only(probs, labels, k):
    """A label in a better place than the k-th counts as right, too."""
    return (np.argsort(-probs, axis=1)[:, k - 1] != labels).mean()


BUDGET = 20  # forward passes a picture
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
    if any(part is None or part is Ellipsis for part in answer):
        raise NotImplementedError("choose models and crops, and give a reason")
    measured, models, crops, reason = answer
    if not isinstance(measured, Evaluation) or not isinstance(reason, str):
        raise FormError(f"the answer should be {spend.signature}, got {form(list(answer))}")
    if any(type(count) is not int or count < 1 for count in (models, crops)):
        raise FormError(f"models and crops are integers of at least 1, got {models!r} and {crops!r}")
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
