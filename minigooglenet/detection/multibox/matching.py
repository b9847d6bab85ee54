"""Matching: which prior is responsible for which object.

Every object gets one prior of its own, by the cheapest bipartite matching (Erhan et al. 2014, section 3, "prior
matching"). In the convolutional form, the neighbours of that prior are almost as good. If they counted as background,
equal features would be trained towards opposite confidences. So priors that overlap an object enough are matched too.
"""

import numpy as np

from minigooglenet import checks
from minigooglenet.detection.boxes import iou
from minigooglenet.typing import Array, FloatArray, IntArray


def bipartite(costs: Array) -> IntArray:
    """Return the row of each column (K,), or -1, in the matching of rows and columns with the smallest total cost.

    The Hungarian method (Kuhn 1955) by shortest augmenting paths (Jonker and Volgenant 1987): rows are added one by
    one. Each new row looks for the cheapest path to a free column, on which other rows may move to another column.
    The potentials of rows and columns keep all reduced costs at least 0, as Dijkstra's algorithm needs.

    Parameters
    ----------
    costs : (N, K) finite numbers; min(N, K) pairs are matched, and the columns of the other ones are -1

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection.multibox import bipartite
    >>> bipartite(np.array([[1.0, 2.0, 9.0], [1.0, 4.0, 9.0]]))  # row 1 needs column 0 more than row 0 does
    array([ 1,  0, -1])
    """
    costs = np.asarray(checks.unmasked(costs, "costs"), np.float64)
    if costs.ndim != 2:
        raise ValueError(f"costs must have shape (N, K), got {costs.shape}")
    if not np.isfinite(costs).all():
        raise ValueError(f"costs must be finite, but {(~np.isfinite(costs)).sum()} of {costs.size} are not")
    if len(costs) <= costs.shape[1]:
        return _rows_of_columns(costs)
    rows = np.full(costs.shape[1], -1, np.int64)
    columns = _rows_of_columns(costs.T)  # of the rows
    rows[columns[columns >= 0]] = np.flatnonzero(columns >= 0)
    return rows


def _rows_of_columns(costs):
    """Return the row of each column, for at most as many rows as columns."""
    count, columns = costs.shape
    row_potentials, column_potentials = np.zeros(count), np.zeros(columns)
    rows = np.full(columns, -1, np.int64)
    for row in range(count):
        distances, previous = np.full(columns, np.inf), np.full(columns, -1)
        reached = np.zeros(columns, bool)
        current, column, distance = row, -1, 0.0
        while current >= 0:  # until the nearest column is free
            through = distance + costs[current] - row_potentials[current] - column_potentials
            shorter = ~reached & (through < distances)
            distances[shorter], previous[shorter] = through[shorter], column
            column = int(np.where(reached, np.inf, distances).argmin())
            reached[column], distance, current = True, distances[column], rows[column]
        passed = reached & (rows >= 0)
        column_potentials[passed] -= distance - distances[passed]
        row_potentials[rows[passed]] += distance - distances[passed]
        row_potentials[row] += distance
        while previous[column] >= 0:  # each row on the path moves to the next column
            rows[column], column = rows[previous[column]], previous[column]
        rows[column] = row
    return rows


def match(boxes: Array, priors: Array, threshold: float | None = None) -> IntArray:
    """Return the index of the object of each prior (K,), or -1 for the background.

    Parameters
    ----------
    boxes : (N, 4) objects
    priors : (K, 4), in the same coordinates
    threshold : every prior whose best IoU with an object reaches it is matched to that object as well; None for the
        bipartite matching only

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection.multibox import match
    >>> priors = np.array([[0.0, 0.0, 4.0, 4.0], [1.0, 0.0, 5.0, 4.0], [6.0, 6.0, 9.0, 9.0]])
    >>> match(np.array([[0.0, 0.0, 5.0, 4.0]]), priors), match(np.array([[0.0, 0.0, 5.0, 4.0]]), priors, threshold=0.5)
    (array([ 0, -1, -1]), array([ 0,  0, -1]))
    """
    if not len(boxes):
        return np.full(len(priors), -1, np.int64)
    matched = bipartite(squared_distances(boxes, priors))
    if threshold is None:
        return matched
    overlaps = iou(boxes, priors)
    best = np.where(overlaps.max(axis=0) >= threshold, overlaps.argmax(axis=0), -1)
    return np.where(matched >= 0, matched, best)


def squared_distances(a: Array, b: Array) -> FloatArray:
    """Return the squared Euclidean distances (M, K) of points (M, D) and (K, D)."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    total = np.zeros((len(a), len(b)))
    for axis in range(a.shape[1]):  # without BLAS, whose sums depend on the number of threads
        total += (a[:, axis, None] - b[:, axis]) ** 2
    return total
