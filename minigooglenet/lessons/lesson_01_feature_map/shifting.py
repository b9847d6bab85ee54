"""Exercise: a kernel that moves the image and changes nothing else."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise

shift_kernel = Exercise(
    "01.4",
    "a kernel that moves the image",
    "shift_kernel(dy, dx) -> (3, 3)",
    minutes=6,
    difficulty=2,
    hints=(
        "Output (i, j) must be one pixel of the image. Which one?",
        (
            "The image moves down by dy and right by dx, so output(i, j) = x(i - dy, j - dx). With padding 1 the "
            "centre of the kernel, index (1, 1), reads x(i, j)."
        ),
        "`w[1 - dy, ____] = 1`",
    ),
    core=False,
)


@shift_kernel.cases
def shift_kernel_cases(rng):
    for position in np.ndindex(3, 3):
        yield tuple(value - 1 for value in position)


@shift_kernel.reference
def shift_kernel_reference(dy, dx):
    w = np.zeros((3, 3))
    w[1 - dy, 1 - dx] = 1
    return w


@shift_kernel.right
def shift_kernel_by_roll(dy, dx):
    middle = np.zeros((3, 3))
    middle[1, 1] = 1
    return np.roll(middle, (-dy, -dx), axis=(0, 1))


@shift_kernel.right
def shift_kernel_by_outer_product(dy, dx):
    rows, columns = np.arange(3) == 1 - dy, np.arange(3) == 1 - dx
    return np.outer(rows, columns).astype(float)


def _one_at(row, column):
    w = np.zeros((3, 3))
    w[row, column] = 1
    return w


@shift_kernel.wrong
def moves_the_other_way(dy, dx):
    """Your image moves the other way: put the 1 on the side that the image comes from."""
    return _one_at(1 + dy, 1 + dx)


@shift_kernel.wrong
def rows_and_columns_exchanged(dy, dx):
    """Your kernel moves the image right instead of down: the row is the first index."""
    return _one_at(1 - dx, 1 - dy)


@shift_kernel.wrong
def columns_the_other_way(dy, dx):
    """Up and down are correct; left and right are exchanged."""
    return _one_at(1 - dy, 1 + dx)


@shift_kernel.wrong
def rows_the_other_way(dy, dx):
    """Left and right are correct; up and down are exchanged."""
    return _one_at(1 + dy, 1 - dx)


@shift_kernel.wrong
def nothing_moves(dy, dx):
    """This kernel does not move the image."""
    return _one_at(1, 1)


@shift_kernel.wrong
def blur(dy, dx):
    """The image is blurred and does not move: a mean mixes nine pixels, but each output must be one pixel."""
    return np.full((3, 3), 1 / 9)


@shift_kernel.wrong
def counted_from_the_corner(dy, dx):
    """Index 0 is the corner; the centre of a 3 x 3 kernel is index 1."""
    return _one_at(-dy, -dx)
