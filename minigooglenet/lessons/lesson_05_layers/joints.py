"""The joints of a graph: concatenation and fork."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.kernels import concat
from minigooglenet.kernels.loops import add

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
    core=False,
)


@concat_backward.cases
def concat_backward_cases(rng):
    yield integers(rng, (2, 16, 2, 3)), (4, 8, 2, 2)  # as 3a, in eighths of its widths
    yield integers(rng, (2, 12, 2, 2)) / 4, (3, 3, 3, 3)


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
def cut_at_the_widths(dout, widths):
    """np.split takes the places where to cut, not the widths: these are the running sums, np.cumsum."""
    return np.split(dout, widths, axis=1)


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
    yield ([integers(rng, (1, 1, 2, 3)) / 2 for _ in range(6)],)


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


def _cut(dout, widths):
    """Return the channels of each branch."""
    grads, start = [], 0
    for width in widths:
        grads.append(dout[:, start : start + width])
        start += width
    return grads
