"""Exercise: softmax with cross-entropy."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.kernels.loops import softmax_cross_entropy

softmax_ce = Exercise(
    "05.5",
    "softmax with cross-entropy",
    "softmax_ce(z, labels, weight) -> loss, (N, K)",
    minutes=15,
    difficulty=2,
    hints=(
        "If you raise z[0, 0], which entries of p change?",
        (
            "Subtract the largest logit from each row first: exp of 0 or less never overflows. The loss is the mean of "
            "log(sum of exp) - z[label]. Its gradient is p, minus 1 at the label, divided by N. Multiply both by the "
            "weight."
        ),
        "`dz[np.arange(N), labels] -= ____`",
    ),
)


@softmax_ce.cases
def softmax_ce_cases(rng):
    yield integers(rng, (4, 5), -3, 4), np.array([0, 3, 3, 4]), 1.0
    yield np.array([[1000.0, -1000, 0], [-1000, 1000, 999], [1, 2, 1000]]), np.array([0, 2, 1]), 0.3
    yield np.array([[-1000.0, -1001, -1003], [1000, 998, 0]]), np.array([1, 0]), 0.5  # each row has its own maximum


@softmax_ce.reference
def softmax_ce_reference(z, labels, weight):
    loss, log_p = softmax_cross_entropy.forward(z, labels)
    return weight * loss, weight * softmax_cross_entropy.backward(log_p, labels)


softmax_ce.engine(softmax_cross_entropy.backward)


@softmax_ce.right
def softmax_ce_by_the_formula(z, labels, weight):
    return _entropy(z, labels, weight)


@softmax_ce.right
def softmax_ce_by_logaddexp(z, labels, weight):
    rows = np.arange(len(z))
    log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    hot = np.zeros_like(z)
    hot[rows, labels] = 1
    return -weight * log_p[rows, labels].sum() / len(z), (np.exp(log_p) - hot) * (weight / len(z))


@softmax_ce.wrong
def largest_not_subtracted(z, labels, weight):
    """exp(1000) overflows to infinity, and infinity / infinity is nan: subtract the largest logit from each row."""
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    loss, dz = _loss(p, labels), _minus_one(p, labels) / len(z)
    return weight * loss, weight * dz


@softmax_ce.wrong
def one_maximum_for_all_rows(z, labels, weight):
    """z.max() is the largest logit of all images, so exp underflows to 0 in rows far below it. Subtract each row's own
    maximum, with axis=1."""
    e = np.exp(z - z.max())
    p = e / e.sum(axis=1, keepdims=True)
    return weight * _loss(p, labels), weight * _minus_one(p, labels) / len(z)


@softmax_ce.wrong
def logarithm_of_p(z, labels, weight):
    """p is rounded to 0, and its logarithm is minus infinity: use z - largest - log(sum of exp)."""
    p = _p(z)
    return weight * _loss(p, labels), weight * _minus_one(p, labels) / len(z)


def _with_a_small_number(eps):
    """Register log(p + eps), which keeps the logarithm finite and makes the loss wrong."""

    def answer(z, labels, weight):
        rows = np.arange(len(z))
        return -weight * np.log(_p(z)[rows, labels] + eps).mean(), _entropy(z, labels, weight)[1]

    answer.__name__ = f"{eps:g}_added_to_p"
    answer.__doc__ = (
        f"log(p + {eps:g}) is never below log({eps:g}), but the correct loss can be as large as the logits. "
        "Use z - largest - log(sum of exp), without a small constant."
    )
    softmax_ce.wrong(answer)


for power in (7, 8, 9, 10, 12, 15):
    _with_a_small_number(10.0**-power)


@softmax_ce.wrong
def one_not_subtracted(z, labels, weight):
    """Your gradient is p: subtract 1 at the label."""
    loss, _ = _entropy(z, labels, weight)
    return loss, weight * _p(z) / len(z)


@softmax_ce.wrong
def one_subtracted_in_every_row(z, labels, weight):
    """dz[:, labels] selects these columns in every row: write dz[np.arange(N), labels]."""
    loss, _ = _entropy(z, labels, weight)
    dz = _p(z)
    dz[:, labels] -= 1
    return loss, weight * dz / len(z)


@softmax_ce.wrong
def not_divided_by_N(z, labels, weight):
    """dz is N times too large: the loss is a mean over the images, so divide by N."""
    loss, dz = _entropy(z, labels, weight)
    return loss, dz * len(z)


@softmax_ce.wrong
def divided_by_the_classes(z, labels, weight):
    """You divided by the number of classes instead of the number of images."""
    loss, _ = _entropy(z, labels, weight)
    return loss, weight * _minus_one(_p(z), labels) / z.shape[1]


@softmax_ce.wrong
def softmax_over_the_images(z, labels, weight):
    """Your columns add up to 1, but the rows must: sum over the classes, axis=1."""
    loss, _ = _entropy(z, labels, weight)
    return loss, weight * _minus_one(_p(z, axis=0), labels) / len(z)


@softmax_ce.wrong
def softmax_and_logarithm_over_the_images(z, labels, weight):
    """Your columns add up to 1, but the rows must: take the sum and the maximum over the classes, axis=1."""
    p = _p(z, axis=0)
    return weight * _loss(p, labels), weight * _minus_one(p, labels) / len(z)


def _every_label_of_every_row(by_log_p):
    """Register z[:, labels], which takes all labels in each row."""

    def answer(z, labels, weight):
        log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
        dz = _p(z)
        dz[:, labels] -= 1
        picked = log_p[:, labels] if by_log_p else np.log(_p(z)[:, labels])
        return -weight * picked.mean(), weight * dz / len(z)

    answer.__name__ = f"every_label_of_every_row_{'from_log_p' if by_log_p else 'from_p'}"
    also = "" if by_log_p else " Also, p may be rounded to 0: use z - largest - log(sum of exp)."
    answer.__doc__ = f"[:, labels] selects all labels in every row. Write [np.arange(N), labels] for one per row.{also}"
    softmax_ce.wrong(answer)


for by_log_p in (True, False):
    _every_label_of_every_row(by_log_p)


@softmax_ce.wrong
def labels_one_too_far(z, labels, weight):
    """You subtracted 1 one class too far to the right: labels start at 0."""
    return _entropy(z, (labels + 1) % z.shape[1], weight)


@softmax_ce.wrong
def weight_in_the_loss_only(z, labels, weight):
    """The gradient is not multiplied by the weight: the auxiliary heads would train with full weight."""
    loss, _ = _entropy(z, labels, weight)
    return loss, _minus_one(_p(z), labels) / len(z)


@softmax_ce.wrong
def sum_instead_of_mean(z, labels, weight):
    """The loss is N times too large: it is a mean over the images, so divide by N."""
    loss, dz = _entropy(z, labels, weight)
    return loss * len(z), dz


@softmax_ce.wrong
def p_times_1_minus_p(z, labels, weight):
    """That is the derivative of a sigmoid. Here the gradient is p, minus 1 at the label."""
    loss, _ = _entropy(z, labels, weight)
    return loss, weight * _p(z) * (1 - _p(z)) / len(z)


@softmax_ce.wrong
def wrong_sign(z, labels, weight):
    """Your gradient has the wrong sign: it is p, minus 1 at the label."""
    loss, dz = _entropy(z, labels, weight)
    return loss, -dz


def _p(z, axis=1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _loss(p, labels):
    return -np.log(p[np.arange(len(p)), labels]).mean()


def _minus_one(p, labels):
    p = p.copy()
    p[np.arange(len(p)), labels] -= 1
    return p


def _entropy(z, labels, weight):
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(len(z)), labels].mean()
    return weight * loss, weight * _minus_one(np.exp(log_p), labels) / len(z)
