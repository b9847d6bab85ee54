"""Priors: boxes from which the network predicts, so that it only has to learn the difference.

Erhan et al. (2014, section 3) take the K centroids of the training boxes. Szegedy et al. (2014) put several boxes on
every cell of a grid. Here, both come from the same k-means: of whole boxes, or of their widths and heights.
"""

import numpy as np

from minigooglenet.detection.boxes import from_centre
from minigooglenet.detection.multibox.matching import squared_distances
from minigooglenet.shapes import integer
from minigooglenet.typing import Array, FloatArray, Rng

MOST_ROUNDS = 100


def kmeans(points: Array, count: int, *, rng: Rng = 0) -> FloatArray:
    """Return `count` centroids (count, D) of points (M, D), by Lloyd's algorithm.

    Each round assigns every point to the nearest centroid (the first of equally near ones), then moves the centroids to
    the mean of their points. The first centroids are points, drawn with a probability proportional to the squared
    distance from those drawn before (k-means++, Arthur and Vassilvitskii 2007). So no two of them are equal.

    Raises
    ------
    ValueError
        If there are fewer than `count` different points.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection.multibox import kmeans
    >>> np.sort(kmeans(np.array([[0.0], [1.0], [10.0], [12.0]]), 2, rng=0), axis=0)
    array([[ 0.5],
           [11. ]])
    """
    points, count, rng = np.asarray(points, np.float64), integer(count, "count", 1), np.random.default_rng(rng)
    different = len(np.unique(points, axis=0))
    if different < count:
        raise ValueError(
            f"{count} centroids need at least {count} different points, got {different} of {len(points)}. Use more "
            "training boxes, or fewer priors."
        )
    centroids = points[rng.integers(len(points))][None]
    while len(centroids) < count:
        distances = squared_distances(points, centroids).min(axis=1)
        drawn = rng.choice(len(points), p=distances / distances.sum())
        centroids = np.concatenate([centroids, points[drawn][None]])
    nearest = None
    for _ in range(MOST_ROUNDS):
        before, nearest = nearest, squared_distances(points, centroids).argmin(axis=1)
        if before is not None and (before == nearest).all():
            break
        sizes = np.bincount(nearest, minlength=count)
        sums = np.stack([np.bincount(nearest, column, minlength=count) for column in points.T], axis=1)
        # A centroid without points does not move.
        centroids = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centroids)
    return centroids


def grid_priors(cells: int, sides: Array) -> FloatArray:
    """Return priors (cells * cells * P, 4) in 0 .. 1: boxes of P widths and heights (P, 2) around every cell's centre.

    The cells are in the order of a feature map: row by row, and within a row from left to right. A prior may extend
    past the edge of the image.

    Examples
    --------
    >>> from minigooglenet.detection.multibox import grid_priors
    >>> grid_priors(2, [[0.5, 0.5]])[:2]
    array([[0. , 0. , 0.5, 0.5],
           [0.5, 0. , 1. , 0.5]])
    """
    sides = np.asarray(sides, np.float64)
    centres = (np.arange(cells) + 0.5) / cells
    y, x = np.meshgrid(centres, centres, indexing="ij")
    positions = np.stack([x, y], axis=-1).reshape(-1, 1, 2)
    shape = len(positions), len(sides), 2
    return from_centre(
        np.concatenate([np.broadcast_to(positions, shape), np.broadcast_to(sides, shape)], axis=2).reshape(-1, 4)
    )
