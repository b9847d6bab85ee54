"""Two small kernels, one after the other, as one larger kernel."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers

compose = Exercise(
    "14.1",
    "two kernels in a row",
    "compose(first, second) -> (R1 + R2 - 1, S1 + S2 - 1)",
    minutes=6,
    difficulty=2,
    hints=(
        "How many pixels of a row can change one output, if a window of R1 pixels is followed by one of R2?",
        (
            "In one dimension, [a, b] and then [c, d] computes c * (a*x0 + b*x1) + d * (a*x1 + b*x2), which is the "
            "kernel [c*a, c*b + d*a, d*b]: one copy of the first kernel for each weight of the second, moved by its "
            "position, and all copies are added."
        ),
        "`both[i : i + R1, j : j + S1] += second[i, j] * ____`",
    ),
)


@compose.cases
def compose_cases(rng):
    yield integers(rng, (3, 3)), integers(rng, (3, 3))
    yield integers(rng, (1, 4)) / 4, integers(rng, (3, 1)) / 8  # fractions
    yield integers(rng, (2, 3)), integers(rng, (3, 2))


@compose.reference
def compose_reference(first, second):
    return _composed(first, second)


def _composed(first, second):
    rows, columns = first.shape
    both = np.zeros((rows + second.shape[0] - 1, columns + second.shape[1] - 1))
    for i, j in np.ndindex(second.shape):
        both[i : i + rows, j : j + columns] += second[i, j] * first
    return both


@compose.right
def compose_by_four_loops(first, second):
    both = np.zeros((first.shape[0] + second.shape[0] - 1, first.shape[1] + second.shape[1] - 1))
    for i, j in np.ndindex(second.shape):
        for u, v in np.ndindex(first.shape):
            both[i + u, j + v] += second[i, j] * first[u, v]
    return both


@compose.right
def compose_by_fft(first, second):
    size = [a + b - 1 for a, b in zip(first.shape, second.shape, strict=True)]
    return np.fft.ifft2(np.fft.fft2(first, size) * np.fft.fft2(second, size)).real


@compose.wrong
def second_kernel_rotated(first, second):
    """You moved the copies in the opposite direction. The weight second[i, j] reads the pixel that is i rows below."""
    return _composed(first, second[::-1, ::-1])


@compose.wrong
def first_kernel_rotated(first, second):
    """Your copies of the first kernel are rotated by 180 degrees. A convolution here is a correlation."""
    return _composed(first[::-1, ::-1], second)


@compose.wrong
def result_rotated(first, second):
    """Your kernel is rotated by 180 degrees. A convolution here is a correlation, so nothing is rotated."""
    return _composed(first, second)[::-1, ::-1]


@compose.wrong
def copies_overwritten(first, second):
    """Your copies overwrite each other. A pixel that several copies read gets the sum of their weights: use +=."""
    both = np.zeros_like(_composed(first, second))
    for i, j in np.ndindex(second.shape):
        both[i : i + first.shape[0], j : j + first.shape[1]] = second[i, j] * first
    return both


@compose.wrong
def copies_side_by_side(first, second):
    """You put the copies side by side. The second kernel moves by one pixel, so the copies overlap."""
    return np.kron(second, first)


@compose.wrong
def size_of_the_first_kernel(first, second):
    """Your kernel has the size of the first one. Two windows in a row reach further than one."""
    top, left = (second.shape[0] - 1) // 2, (second.shape[1] - 1) // 2
    return _composed(first, second)[top : top + first.shape[0], left : left + first.shape[1]]


@compose.wrong
def copies_not_multiplied(first, second):
    """You added the copies without their factor. Multiply each by its weight second[i, j]."""
    return _composed(first, np.ones_like(second))


@compose.wrong
def kernels_exchanged_and_subtracted(first, second):
    """You subtracted the copies. The second convolution adds its products."""
    return -_composed(first, second)
