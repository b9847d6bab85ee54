"""The sum over shards in a fixed binary tree, so that its bits do not depend on who adds which shards.

Floating-point addition is not associative: (a + b) + c and a + (b + c) differ in the last bits. Here neighbours are
added level by level. An odd array at the end moves up a level unchanged:

    0   1   2   3   4
     \\ /     \\ /    |
     0-1     2-3    4
        \\   /       |
        0-3         4
           \\      /
             0-4

A worker with the shards start .. stop adds every pair that it has completely, and sends what is left. For a power of
two of shards that is one array, whatever the number of workers.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from minigooglenet import checks
from minigooglenet.shapes import integer
from minigooglenet.typing import Array

Span = tuple[int, int]  # start, stop of the shards in a sum


class TreeSum:
    """Sum of `count` arrays of one shape and dtype that arrive in any order, in a fixed binary tree.

    An array is kept only until its neighbour arrives: of arrays that arrive in order, at most log2(count) + 1.

    Parameters
    ----------
    count : number of arrays
    free : list that receives each array that has been added to its neighbour, for a caller that uses its memory again

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.distributed import TreeSum
    >>> tree = TreeSum(4)
    >>> for index in range(3):
    ...     tree.add(index, np.array([1.0 + index]))
    >>> tree.nodes  # 1 + 2, and 3, which waits for its neighbour
    {(0, 2): array([3.]), (2, 3): array([3.])}
    >>> tree.add(3, np.array([4.0]))
    >>> tree.nodes
    {(0, 4): array([10.])}
    """

    def __init__(self, count: int, free: list[Array] | None = None) -> None:
        self.count = integer(count, "count", 1)
        self.nodes: dict[Span, Array] = {}
        self._free = free
        self._seen = set[int]()

    def add(self, index: int, array: Array) -> None:
        """Add the array of shard `index`. The tree takes it over, and may change it in place."""
        index = integer(index, "index", 0)
        if index >= self.count or index in self._seen:
            raise ValueError(f"expected each index in 0 .. {self.count - 1} once, got {index}")
        self._seen.add(index)
        self._join((index, index + 1), array)

    def add_nodes(self, nodes: Mapping[Span, Array]) -> None:
        """Add what another tree of the same count has summed."""
        for span, array in nodes.items():
            self._join(span, array)

    def _join(self, span, array):
        width = 1
        while width < self.count:
            start = span[0] // (2 * width) * 2 * width
            middle, stop = min(start + width, self.count), min(start + 2 * width, self.count)
            width *= 2
            if span[0] <= start and stop <= span[1]:
                continue  # already summed at this level, or an odd array that moves up
            left, right = (start, middle), (middle, stop)
            other = right if span == left else left
            if other not in self.nodes:
                break
            neighbour = self.nodes.pop(other)
            pair = (array, neighbour) if span == left else (neighbour, array)
            array = _added(*pair)
            if self._free is not None:
                self._free.append(pair[1])
            span = (start, stop)
        self.nodes[span] = array

    @property
    def total(self) -> Array:
        """Return the sum of all arrays; raise a ValueError if one is missing."""
        if list(self.nodes) != [(0, self.count)]:
            raise ValueError(f"expected all of {self.count} arrays, got {sorted(self.nodes)}")
        return self.nodes[0, self.count]


def tree_sum(arrays: Iterable[Array]) -> Array:
    """Return the sum of arrays of one shape and dtype in the fixed binary tree; the arrays do not change.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.distributed import tree_sum
    >>> values = np.float32([1e8, 1, -1e8, 1])
    >>> float(tree_sum(values)), float(((values[0] + values[1]) + values[2]) + values[3])
    (0.0, 1.0)
    """
    copies = [np.array(array) for array in arrays]
    if not copies:
        raise ValueError("expected at least one array to sum, got none")
    tree = TreeSum(len(copies))
    for index, array in enumerate(copies):
        tree.add(index, array)
    return tree.total


def spans(count: int, start: int, stop: int) -> list[Span]:
    """Return the spans that a worker with the shards start .. stop of `count` has left after adding all it can.

    Examples
    --------
    >>> from minigooglenet.distributed import spans
    >>> spans(8, 4, 8), spans(6, 3, 6)
    ([(4, 8)], [(3, 4), (4, 6)])
    """
    tree = TreeSum(count)
    for index in range(start, stop):
        tree.add(index, np.empty(0))
    return sorted(tree.nodes)


def _added(left, right):
    """Return left + right, in the memory of `left`."""
    checks.has_shape(right, "an array of the sum", left.shape)
    if right.dtype != left.dtype:
        raise TypeError(f"the arrays of a sum must have one dtype, got {left.dtype} and {right.dtype}")
    return np.add(left, right, out=left) if left.ndim else left + right
