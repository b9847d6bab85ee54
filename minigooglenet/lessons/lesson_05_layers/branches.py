"""Exercises: the backward passes of a concatenation and of a fork."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.kernels import concat
from minigooglenet.kernels.loops import add

concat_backward = Exercise(
    "05.4",
    "the backward pass of a concatenation",
    "concat_backward(dout, widths) -> [(N, width, H, W), ...]",
    minutes=5,
    difficulty=1,
    hints=(
        "Which channels of the output come from branch 2?",
        (
            "With widths 1, 2, 1, channel 0 comes from branch 0, channels 1 and 2 from branch 1, channel 3 from "
            "branch 2. Split at the running sums of the widths."
        ),
        "`grads.append(dout[:, start:start + ____])`",
    ),
    core=False,
)


@concat_backward.cases
def concat_backward_cases(rng):
    yield integers(rng, (2, 16, 2, 3)), (4, 8, 2, 2)  # the widths of 3a, divided by 16
    yield integers(rng, (2, 12, 2, 2)) / 4, (3, 3, 3, 3)


@concat_backward.reference
def concat_backward_reference(dout, widths):
    return list(concat.backward(dout, list(widths)))


concat_backward.engine(concat.backward)


@concat_backward.right
def concat_backward_by_slices(dout, widths):
    return _split(dout, widths)


@concat_backward.right
def concat_backward_by_split(dout, widths):
    return np.split(dout, np.cumsum(widths)[:-1], axis=1)


@concat_backward.wrong
def pool_and_5x5_exchanged(dout, widths):
    """The last two branches are exchanged; their shapes are equal. The order is 1x1, 3x3, 5x5, pool."""
    first, second, third, fourth = _split(dout, widths)
    return [first, second, fourth, third]


@concat_backward.wrong
def equal_parts(dout, widths):
    """The widths differ: split at their running sums, not into equal parts."""
    return np.split(dout, len(widths), axis=1)


@concat_backward.wrong
def split_at_the_widths(dout, widths):
    """np.split expects the indices at which to split, not the widths: use their running sums, np.cumsum."""
    return np.split(dout, widths, axis=1)


@concat_backward.wrong
def channels_in_turn(dout, widths):
    """You gave the channels to the branches in turn. The channels of a branch are contiguous."""
    return [dout[:, first :: len(widths)] for first in range(len(widths))]


@concat_backward.wrong
def every_branch_gets_all(dout, widths):
    """Each branch gets the whole gradient. It must get only its own channels."""
    return [dout for _ in widths]


@concat_backward.wrong
def every_slice_from_channel_0(dout, widths):
    """Every slice begins at channel 0: add each width to the start."""
    return [dout[:, :width] for width in widths]


@concat_backward.wrong
def last_branch_left_out(dout, widths):
    """One gradient is missing: return one for each width."""
    return _split(dout, widths)[:-1]


fork_backward = Exercise(
    "05.8",
    "four branches, one input",
    "fork_backward(grads) -> (N, C, H, W)",
    minutes=5,
    difficulty=1,
    hints=(
        "If x rises, through how many branches does the loss change?",
        "If x rises by 1 and the loss rises by 2 through branch 0 and by 3 through branch 1, it rises by 5 in total.",
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
    """That is the gradient of the last branch only. Add the gradients of all branches."""
    return grads[-1]


@fork_backward.wrong
def first_gradient_only(grads):
    """That is the gradient of the first branch only. Add the gradients of all branches."""
    return grads[0]


@fork_backward.wrong
def mean_of_the_gradients(grads):
    """That is the mean of the gradients. Add them instead of averaging them."""
    return np.mean(grads, axis=0)


@fork_backward.wrong
def last_branch_left_out(grads):
    """The gradient of the last branch is missing from the sum."""
    return np.sum(grads[:-1], axis=0)


@fork_backward.wrong
def changes_its_input(grads):
    """You changed the gradient of the first branch: add to a copy."""
    total = grads[0]
    for grad in grads[1:]:
        total += grad
    return total


def _split(dout, widths):
    """Return the channels of each branch."""
    grads, start = [], 0
    for width in widths:
        grads.append(dout[:, start : start + width])
        start += width
    return grads
