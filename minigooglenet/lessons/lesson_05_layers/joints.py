"""Lesson 05: the joints (concatenation and fork) and the loss."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.kernels import concat
from minigooglenet.kernels.loops import add, softmax_cross_entropy

concat_backward = Exercise(
    "05.4",
    "the backward of a concatenation",
    "concat_backward(dout, widths) -> [(N, width, H, W), ...]",
    minutes=5,
    difficulty=1,
    hints=(
        "Which channels of the output did branch 2 write?",
        "Widths 1, 2, 1: branch 0 wrote channel 0, branch 1 wrote 1 and 2, branch 2 wrote 3. Cut at running sums.",
        "`grads.append(dout[:, start:start + ____])`",
    ),
)


@concat_backward.cases
def concat_backward_cases(rng):
    yield integers(rng, (2, 16, 2, 3)), (4, 8, 2, 2)  # as 3a, in eighths of its widths
    yield integers(rng, (2, 12, 2, 2)), (3, 3, 3, 3)


@concat_backward.reference
def concat_backward_reference(dout, widths):
    return list(concat.backward(dout, list(widths)))


concat_backward.engine(concat.backward)


@concat_backward.right
def concat_backward_cut_by_widths(dout, widths):
    return _cut(dout, widths)


@concat_backward.right
def concat_backward_by_split(dout, widths):
    return np.split(dout, np.cumsum(widths)[:-1], axis=1)


@concat_backward.wrong
def pool_and_5x5_exchanged(dout, widths):
    """The shapes fit, for both branches are equally wide; the order is 1x1, 3x3, 5x5, pool."""
    first, second, third, fourth = _cut(dout, widths)
    return [first, second, fourth, third]


@concat_backward.wrong
def equal_parts(dout, widths):
    """The widths differ: cut at their running sums, not in four equal parts."""
    return np.split(dout, len(widths), axis=1)


@concat_backward.wrong
def channels_dealt_in_turn(dout, widths):
    """Channels were dealt like cards: a branch's channels are neighbours."""
    return [dout[:, place :: len(widths)] for place in range(len(widths))]


@concat_backward.wrong
def every_branch_gets_all(dout, widths):
    """Each branch got the whole gradient: it gets the channels it wrote."""
    return [dout for _ in widths]


@concat_backward.wrong
def start_not_moved_on(dout, widths):
    """Every part begins at channel 0: add each width to the start."""
    return [dout[:, :width] for width in widths]


@concat_backward.wrong
def last_branch_left_out(dout, widths):
    """One gradient is missing: there are as many as widths."""
    return _cut(dout, widths)[:-1]


fork_backward = Exercise(
    "05.8",
    "four branches, one input",
    "fork_backward(grads) -> (N, C, H, W)",
    minutes=5,
    difficulty=1,
    hints=(
        "Raise x by 1: how many branches notice?",
        "Branch 0 wants 2 more, branch 1 wants 3 more: x is asked for 5 more. Copying forward means adding backward.",
        "`for grad in grads[1:]: total = total ____ grad`",
    ),
)


@fork_backward.cases
def fork_backward_cases(rng):
    yield ([integers(rng, (2, 3, 2, 2)) for _ in range(4)],)
    yield ([integers(rng, (1, 2, 2, 3)) for _ in range(2)],)


@fork_backward.reference
def fork_backward_reference(grads):
    return np.sum(grads, axis=0)


fork_backward.engine(add.backward)


@fork_backward.right
def fork_backward_by_sum(grads):
    return sum(grads)


@fork_backward.right
def fork_backward_in_a_loop(grads):
    total = grads[0].copy()
    for grad in grads[1:]:
        total += grad
    return total


@fork_backward.wrong
def last_gradient_only(grads):
    """Equals the last branch's gradient: the others were overwritten."""
    return grads[-1]


@fork_backward.wrong
def first_gradient_only(grads):
    """Equals the first branch's gradient: the others count as much."""
    return grads[0]


@fork_backward.wrong
def mean_of_the_gradients(grads):
    """Copying forward means adding backward: a mean is too small."""
    return np.mean(grads, axis=0)


@fork_backward.wrong
def last_branch_left_out(grads):
    """The sum stops one branch early."""
    return np.sum(grads[:-1], axis=0)


@fork_backward.wrong
def changes_its_input(grads):
    """Branch 1 changed after you added branch 2: add into a copy."""
    total = grads[0]
    for grad in grads[1:]:
        total += grad
    return total


softmax_ce = Exercise(
    "05.5",
    "softmax with cross-entropy",
    "softmax_ce(z, labels, weight) -> loss, (N, K)",
    minutes=15,
    difficulty=2,
    hints=(
        "What is p before and after z[0, 0] is raised?",
        (
            "Take the largest off each row first: exp of 0 or less never overflows. The loss is the mean of "
            "log(sum of exp) - z[label]; its gradient is p minus one at the label, over N. Both times the weight."
        ),
        "`dz[np.arange(N), labels] -= ____`",
    ),
)


@softmax_ce.cases
def softmax_ce_cases(rng):
    yield integers(rng, (4, 5), -3, 4), np.array([0, 3, 3, 4]), 1.0
    yield np.array([[1000.0, -1000, 0], [-1000, 1000, 999], [1, 2, 1000]]), np.array([0, 2, 1]), 0.3


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
def largest_not_taken_off(z, labels, weight):
    """exp(1000) is infinite, and infinity over infinity nan: shift each row."""
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    loss, dz = _loss(p, labels), _minus_one(p, labels) / len(z)
    return weight * loss, weight * dz


@softmax_ce.wrong
def logarithm_of_p(z, labels, weight):
    """p became 0 and its logarithm minus infinity: use z - largest - log(sum of exp)."""
    p = _p(z)
    return weight * _loss(p, labels), weight * _minus_one(p, labels) / len(z)


@softmax_ce.wrong
def one_not_taken_off(z, labels, weight):
    """The gradient is p alone: take one off at the label."""
    loss, _ = _entropy(z, labels, weight)
    return loss, weight * _p(z) / len(z)


@softmax_ce.wrong
def not_divided_by_N(z, labels, weight):
    """dz is N times too big: the loss is a mean over the images."""
    loss, dz = _entropy(z, labels, weight)
    return loss, dz * len(z)


@softmax_ce.wrong
def divided_by_the_classes(z, labels, weight):
    """Divided by classes in place of images."""
    loss, _ = _entropy(z, labels, weight)
    return loss, weight * _minus_one(_p(z), labels) / z.shape[1]


@softmax_ce.wrong
def softmax_over_the_images(z, labels, weight):
    """Columns add to 1, rows should: the sum runs over classes."""
    loss, _ = _entropy(z, labels, weight)
    return loss, weight * _minus_one(_p(z, axis=0), labels) / len(z)


@softmax_ce.wrong
def labels_one_too_far(z, labels, weight):
    """The -1 sits one class to the right: labels count from 0."""
    return _entropy(z, (labels + 1) % z.shape[1], weight)


@softmax_ce.wrong
def weight_in_the_loss_only(z, labels, weight):
    """The auxiliary heads would train at full strength: weigh the gradient, too."""
    loss, _ = _entropy(z, labels, weight)
    return loss, _minus_one(_p(z), labels) / len(z)


@softmax_ce.wrong
def sum_for_mean(z, labels, weight):
    """The loss is N times too big: it is a mean over the images."""
    loss, dz = _entropy(z, labels, weight)
    return loss * len(z), dz


@softmax_ce.wrong
def p_times_1_minus_p(z, labels, weight):
    """That is the sigmoid's formula: here it is p minus one at the label."""
    loss, _ = _entropy(z, labels, weight)
    return loss, weight * _p(z) * (1 - _p(z)) / len(z)


@softmax_ce.wrong
def sign_exchanged(z, labels, weight):
    """The loss would rise: one at the label minus p is downhill."""
    loss, dz = _entropy(z, labels, weight)
    return loss, -dz


def _cut(dout, widths):
    """Return the channels of each branch."""
    grads, start = [], 0
    for width in widths:
        grads.append(dout[:, start : start + width])
        start += width
    return grads


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
