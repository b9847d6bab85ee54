"""Hierarchical grouping (Uijlings et al. 2013, algorithm 1): merge the two most similar neighbours until one is left.

Each of n superpixels and of the n - 1 merged regions gives a box, 2n - 1 boxes in total. Two regions are neighbours if
two of their pixels share a side. Overlapping boxes are not enough: the box of a frame contains every region inside it.
"""

import heapq
from typing import NamedTuple

import numpy as np

from minigooglenet import console
from minigooglenet.detection.colour_spaces import fractions
from minigooglenet.detection.similarities import regions_of, similarities
from minigooglenet.typing import Array, FloatArray, IntArray


class MergeTree(NamedTuple):
    """All regions of a hierarchical grouping: n superpixels, then n - 1 merged regions in the order of the merges.

    Attributes
    ----------
    boxes : (2n - 1, 4) float64 x1, y1, x2, y2, half-open; the last one is the whole image
    parents : (2n - 1,) int64, index of the region that each region was merged into; -1 for the last one
    """

    boxes: FloatArray
    parents: IntArray

    def __repr__(self) -> str:
        return console.brief(self)

    def regions(self, labels: IntArray, merges: int) -> IntArray:
        """Return the region of each pixel, (H, W), after so many merges, as an index in `boxes`.

        Parameters
        ----------
        labels : (H, W) superpixels that the tree was made from
        merges : 0 (the superpixels) to n - 1 (the whole image)

        Raises
        ------
        ValueError
            If there are not so many merges.
        """
        most = len(self.boxes) // 2
        if not 0 <= merges <= most:
            raise ValueError(f"merges must be in [0, {most}], got {merges}: {most + 1} superpixels have {most} merges")
        existing = most + 1 + merges
        regions = np.arange(existing)
        for child in reversed(range(existing)):  # parents come after their children, so each parent's region is known
            if 0 <= self.parents[child] < existing:
                regions[child] = regions[self.parents[child]]
        return regions[labels]


def merge_tree(labels: IntArray, image: Array) -> MergeTree:
    """Return the hierarchical grouping of superpixels by colour, texture, size and fill.

    All pixels of an image are connected, so a single region is left. Of equally similar pairs, the one with the
    smallest indices merges first. Uijlings et al. 2013, algorithm 1.

    Parameters
    ----------
    labels : (H, W) integers 0 .. n - 1, each of which occurs
    image : (C, H, W) in any colour space, uint8 or floats of 0 to 1

    Raises
    ------
    ValueError
        If the labels have another size than the image, or are not 0 .. n - 1.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet import detection
    >>> image = np.zeros((3, 2, 6), np.uint8)
    >>> image[:, :, 4:] = 255
    >>> tree = detection.merge_tree(np.array([[0, 0, 1, 1, 2, 2]] * 2), image)
    >>> tree.parents.tolist()  # the two dark regions merge first
    [3, 3, 4, 4, -1]
    >>> tree.boxes[3:].tolist()
    [[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 6.0, 2.0]]
    """
    image = fractions(image)
    labels = _checked(labels, image.shape[1:])
    regions, neighbours, heap = regions_of(image, labels), neighbours_of(labels), list[tuple[float, int, int]]()
    count = len(neighbours)

    def push(i, others):
        """Add the pairs of region i with others, which have smaller indices; the heap's first one is most similar."""
        for j, similarity in zip(others, similarities(regions, i, np.array(others, int)).tolist(), strict=True):
            heapq.heappush(heap, (-similarity, j, i))

    for i in range(count):
        push(i, [j for j in neighbours[i] if j < i])
    parents = np.full(2 * count - 1, -1)
    for new in range(count, 2 * count - 1):
        i = j = 0
        while i == j or parents[i] >= 0 or parents[j] >= 0:  # a pair with a region that was merged meanwhile
            _, i, j = heapq.heappop(heap)
        parents[[i, j]] = new
        regions.merge(i, j, new)
        neighbours.append((neighbours[i] | neighbours[j]) - {i, j})
        for k in neighbours[new]:
            neighbours[k] = neighbours[k] - {i, j} | {new}
        push(new, sorted(neighbours[new]))
    return MergeTree(regions.boxes, parents)


def neighbours_of(labels: IntArray) -> list[set[int]]:
    """Return for each label the labels of the pixels that share a side with one of its pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection.grouping import neighbours_of
    >>> neighbours_of(np.array([[0, 0, 1], [2, 0, 1]]))
    [{1, 2}, {0}, {0}]
    """
    across = np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()])
    down = np.stack([labels[:-1].ravel(), labels[1:].ravel()])
    a, b = np.concatenate([across, down], axis=1)
    neighbours = [set[int]() for _ in range(int(labels.max()) + 1)]
    for i, j in zip(a[a != b].tolist(), b[a != b].tolist(), strict=True):
        neighbours[i].add(j)
        neighbours[j].add(i)
    return neighbours


def _checked(labels, size):
    labels = np.asarray(labels)
    if labels.shape != size or labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be integers of shape {size}, as the image, got {labels.dtype} {labels.shape}")
    values = np.unique(labels)
    if values[0] != 0 or values[-1] != len(values) - 1:
        raise ValueError(
            f"labels must be 0 .. n - 1, and each must occur, got {len(values)} values from {values[0]} to {values[-1]}"
        )
    return labels.astype(np.int64)
