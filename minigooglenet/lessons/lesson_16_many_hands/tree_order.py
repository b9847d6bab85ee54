"""The sum of the shards in a fixed binary tree, to the bit."""

import numpy as np

from minigooglenet.distributed import tree_sum
from minigooglenet.exercises.exercise import Exercise

summed = Exercise(
    "16.2",
    "a sum in a tree",
    "summed(arrays) -> total (M,)",
    minutes=6,
    difficulty=2,
    tolerance=0,
    hints=(
        "Draw five arrays in a row. Which pairs do you add first, and what happens to the last one?",
        (
            "Five arrays: (a + b), (c + d), e. Then ((a + b) + (c + d)), e. Then the sum of these two. A list of the "
            "arrays of one level becomes the list of the next level, until one array is left."
        ),
        "`level = [left + right for left, right in zip(level[0::2], level[1::2])] + ([level[-1]] if ____ else [])`",
    ),
)


@summed.cases
def summed_cases(rng):
    for count in (8, 5, 7, 6, 11, 13, 1, 2):
        scales = np.float32(10) ** rng.integers(-3, 4, (count, 1)).astype(np.float32)
        yield (rng.standard_normal((count, 24)).astype(np.float32) * scales,)
    yield (np.float32([[1e8], [1], [-1e8], [1]]),)


def _level(arrays):
    """Return the next level: pairs of neighbours, and an odd last array."""
    pairs = [left + right for left, right in zip(arrays[0::2], arrays[1::2], strict=False)]
    return pairs + ([arrays[-1]] if len(arrays) % 2 else [])


@summed.reference
def summed_reference(arrays):
    level = list(arrays)
    while len(level) > 1:
        level = _level(level)
    return level[0]


summed.engine(tree_sum)


@summed.right
def summed_by_recursion(arrays):
    if len(arrays) == 1:
        return arrays[0]
    left = 1 << (len(arrays) - 1).bit_length() - 1  # the largest power of two below the number of arrays
    return summed_by_recursion(arrays[:left]) + summed_by_recursion(arrays[left:])


@summed.right
def summed_in_strides(arrays):
    total, width = arrays.copy(), 1
    while width < len(total):
        for start in range(0, len(total) - width, 2 * width):
            total[start] += total[start + width]
        width *= 2
    return total[0]


@summed.wrong
def running_sum(arrays):
    """That is a running sum, ((a + b) + c) + d. Add neighbours: (a + b) + (c + d)."""
    total = arrays[0].copy()
    for array in arrays[1:]:
        total += array
    return total


@summed.wrong
def running_sum_from_the_end(arrays):
    """You added from the end, a + (b + (c + d)). Add neighbours: (a + b) + (c + d)."""
    total = arrays[-1]
    for array in arrays[-2::-1]:
        total = array + total
    return total


@summed.wrong
def odd_array_forgotten(arrays):
    """An array is missing: if a level has an odd number of arrays, the last one moves up to the next level."""
    level = list(arrays)
    while len(level) > 1:
        level = [left + right for left, right in zip(level[0::2], level[1::2], strict=False)]
    return level[0]


@summed.wrong
def odd_array_added_early(arrays):
    """You added the odd last array to its neighbour at once. It moves up to the next level unchanged."""
    level = list(arrays)
    while len(level) > 1:
        pairs = [left + right for left, right in zip(level[0::2], level[1::2], strict=False)]
        if len(level) % 2:
            pairs[-1] = pairs[-1] + level[-1]
        level = pairs
    return level[0]


@summed.wrong
def odd_array_moves_to_the_front(arrays):
    """You moved the odd array to the front of the next level. It stays the last one."""
    level = list(arrays)
    while len(level) > 1:
        following = _level(level)
        level = following[-1:] + following[:-1] if len(level) % 2 else following
    return level[0]


@summed.wrong
def odd_array_added_last(arrays):
    """You kept the odd arrays until the end. An odd array is a member of the next level, which may find it a pair."""
    level, odd = list(arrays), []
    while len(level) > 1:
        odd += [level.pop()] if len(level) % 2 else []
        level = _level(level)
    total = level[0]
    for array in odd[::-1]:
        total = total + array
    return total


@summed.wrong
def split_in_the_middle(arrays):
    """You split the list in the middle. For 6 arrays, the tree has 4 on the left and 2 on the right."""
    if len(arrays) == 1:
        return arrays[0]
    return split_in_the_middle(arrays[: len(arrays) // 2]) + split_in_the_middle(arrays[len(arrays) // 2 :])


@summed.wrong
def first_half_with_second_half(arrays):
    """You added array k to array k + n/2. Add neighbours, k and k + 1."""
    level = list(arrays)
    while len(level) > 1:
        half = len(level) // 2
        odd = level[2 * half :]
        level = [left + right for left, right in zip(level[:half], level[half : 2 * half], strict=True)] + odd
    return level[0]


@summed.wrong
def first_with_last(arrays):
    """You added the first array to the last one. Add neighbours, k and k + 1."""
    level = list(arrays)
    while len(level) > 1:
        half = len(level) // 2
        pairs = [left + right for left, right in zip(level[:half], level[::-1], strict=False)]
        level = pairs + level[half : len(level) - half]
    return level[0]


@summed.wrong
def float64_inside(arrays):
    """You added in float64, which rounds elsewhere. Keep the dtype of the arrays."""
    return summed_reference(arrays.astype(np.float64)).astype(np.float32)


@summed.wrong
def mean_instead_of_sum(arrays):
    """You divided by the number of arrays. Return their sum."""
    return summed_reference(arrays) / np.float32(len(arrays))
