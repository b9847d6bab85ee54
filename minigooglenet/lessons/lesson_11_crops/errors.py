"""The top-k error, and the relative reduction of an error."""

import numpy as np

from minigooglenet.evaluation import top_k_error
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.questions import Question

reduction = Question(
    "11.4",
    "a relative reduction",
    "The smallest top-5 error was {old}% in one year and {new}% in the next. By what percentage of the old error did "
    "it fall?",
    minutes=3,
    difficulty=1,
    core=False,
    tolerance=1e-3,
    hints=(
        "Divide the difference by the old error. A fall from 20 to 10 is a fall by half.",
        "From 20% to 15% is a fall by 5 percentage points, and 5 is 25% of 20.",
        "`100 * (old - new) / ____`",
    ),
)


@reduction.draw
def reduction_draw(rng):
    old = round(float(rng.uniform(10, 27)), 1)
    return {"old": old, "new": round(float(rng.uniform(0.3, 0.85)) * old, 2)}


@reduction.solution
def reduction_solution(old, new):
    return 100 * (old - new) / old


@reduction.wrong
def points_instead_of_percentage(old, new):
    """Those are percentage points. Divide them by the old error."""
    return old - new


@reduction.wrong
def relative_to_the_new(old, new):
    """You divided by the new error. Divide by the old one."""
    return 100 * (old - new) / new


@reduction.wrong
def remaining_percentage(old, new):
    """That is the percentage that remains. The question is by what percentage the error fell."""
    return 100 * new / old


@reduction.wrong
def negative_sign(old, new):
    """The question is by how much the error fell, so the answer is positive."""
    return 100 * (new - old) / old


@reduction.wrong
def fraction_instead_of_percentage(old, new):
    """That is a fraction. Multiply it by 100 to get a percentage."""
    return (old - new) / old


topk = Exercise(
    "11.3",
    "top-k error",
    "topk_error(probs, labels, k) -> fraction of the images",
    minutes=6,
    difficulty=1,
    hints=(
        "In which order does argsort sort, and does the error count hits or misses?",
        "For the probabilities (.2, .5, .3), the likeliest classes are 1 and 2. An image of class 0 is a top-2 error.",
        "`best = np.argsort(-probs, axis=1)[:, ____]`; an image is an error if its label is not in its row of best",
    ),
)


@topk.cases
def topk_cases(rng):
    for count, classes, k in ((1, 4, 2), (7, 6, 3), (9, 5, 1), (20, 10, 5), (3, 4, 4)):
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
    """You took the k least likely classes: argsort sorts in ascending order."""
    return 1 - (np.argsort(probs, axis=1)[:, :k] == labels[:, None]).any(axis=1).mean()


@topk.wrong
def accuracy(probs, labels, k):
    """That is the accuracy, 1 minus the error. Count the misses."""
    return _hits(probs, labels, k).mean()


@topk.wrong
def one_too_many(probs, labels, k):
    """You used the k + 1 likeliest classes. Use k."""
    return 1 - _hits(probs, labels, k + 1).mean()


@topk.wrong
def top_1(probs, labels, k):
    """Your function does not use k: that is the top-1 error."""
    return 1 - _hits(probs, labels, 1).mean()


@topk.wrong
def count_instead_of_fraction(probs, labels, k):
    """That is the number of errors. Divide by the number of images."""
    return (~_hits(probs, labels, k)).sum()


@topk.wrong
def mean_over_classes(probs, labels, k):
    """You averaged the errors of the classes. Here every image has the same weight."""
    missed = ~_hits(probs, labels, k)
    return np.mean([missed[labels == label].mean() for label in np.unique(labels)])


@topk.wrong
def kth_class_only(probs, labels, k):
    """You compared the label with the k-th likeliest class only. The likelier classes count too."""
    return (np.argsort(-probs, axis=1)[:, k - 1] != labels).mean()
