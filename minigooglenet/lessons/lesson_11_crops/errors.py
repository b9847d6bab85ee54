"""What an error is, and by how many per cent it fell."""

import numpy as np

from minigooglenet.evaluation import top_k_error
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.questions import Question

reduction = Question(
    "11.4",
    "by how many per cent",
    "the winning top-5 error was {old} % one year and {new} % the next. By how many per cent of itself did it fall?",
    minutes=3,
    difficulty=1,
    core=False,
    tolerance=1e-3,
    hints=(
        "Compared with what? A fall from 20 to 10 is a fall by half, whatever the units.",
        "From 20 % to 15 % it fell by 5 points, and 5 is a quarter of 20.",
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
def points_for_per_cent(old, new):
    """Those are percentage points; asked is the share of the old error."""
    return old - new


@reduction.wrong
def relative_to_the_new(old, new):
    """You divided by the new error. What fell is the old one."""
    return 100 * (old - new) / new


@reduction.wrong
def what_is_left(old, new):
    """That is the share that is left; asked is the share that is gone."""
    return 100 * new / old


@reduction.wrong
def sign(old, new):
    """It fell, and you were asked by how much: a positive number."""
    return 100 * (new - old) / old


@reduction.wrong
def share_for_per_cent(old, new):
    """That is the share of 1; in per cent it is a hundred times as much."""
    return (old - new) / old


topk = Exercise(
    "11.3",
    "top-k error",
    "topk_error(probs, labels, k) -> share of 1",
    minutes=6,
    difficulty=1,
    hints=(
        "Which way does argsort sort, and what does the metric count: hits or misses?",
        "Scores (.2, .5, .3): the two likeliest classes are 1 and 2. An image of class 0 is then a top-2 error.",
        "`best = np.argsort(-probs, axis=1)[:, ____]`; an error is an image whose label is not in its row of best.",
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
    """That is how many are wrong; divide by the number of images."""
    return (~_hits(probs, labels, k)).sum()


@topk.wrong
def mean_over_classes(probs, labels, k):
    """You averaged the classes' errors. Here every image counts alike."""
    missed = ~_hits(probs, labels, k)
    return np.mean([missed[labels == label].mean() for label in np.unique(labels)])


@topk.wrong
def place_k_only(probs, labels, k):
    """A label in a better place than the k-th counts as right, too."""
    return (np.argsort(-probs, axis=1)[:, k - 1] != labels).mean()
