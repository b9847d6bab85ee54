"""Superpixels: small regions of similar colour. Felzenszwalb and Huttenlocher (2004) by union-find, to be read.

Pixels are nodes, an edge joins each pair of neighbours, and its weight is the distance between their colours. Edges are
visited from the lightest to the heaviest. An edge merges the two regions at its ends if it is hardly heavier than the
heaviest edge that merged pixels inside each region. "Hardly" is scale / size, so small regions merge easily, and a
larger `scale` gives larger regions. Finally, regions of fewer than `min_size` pixels are merged with a neighbour.
"""

from importlib import util

import numpy as np

from minigooglenet import checks, extras, names
from minigooglenet.detection.colour_spaces import fractions
from minigooglenet.detection.gaussian import smoothed
from minigooglenet.shapes import integer
from minigooglenet.typing import Array, IntArray

METHODS = ("auto", "skimage", "ours")
SIGMA = 0.8  # pixels; Felzenszwalb and Huttenlocher, section 5: invisible, but it removes artefacts of digital images


def superpixels(image: Array, scale: float, min_size: int, method: str = "auto") -> IntArray:
    """Return the superpixel of each pixel, with scikit-image if it is installed.

    Both methods have the same definition. Their regions can differ if edges have equal weights.

    Parameters
    ----------
    image : (C, H, W), uint8, or floats of 0 to 1
    scale : preference for large regions, at least 1, see `felzenszwalb`
    min_size : minimum size of a region in pixels
    method : "skimage" (compiled, in the extra `detect`), "ours" (`felzenszwalb`), or "auto" for "skimage" if possible

    Returns
    -------
    (H, W) int64, labels from 0 in the order of their first pixels

    Raises
    ------
    ModuleNotFoundError
        If `method` is "skimage" and scikit-image is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet import detection
    >>> image = np.zeros((3, 20, 12), np.uint8)
    >>> image[:, :, 5:] = 200
    >>> detection.superpixels(image, scale=50, min_size=50)[0]
    array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1])
    """
    if method not in METHODS:
        raise ValueError(names.unknown("method", method, METHODS))
    if method == "ours" or (method == "auto" and util.find_spec("skimage") is None):
        return felzenszwalb(image, scale, min_size)
    with extras.needed("detect", "superpixels by scikit-image"):
        from skimage import segmentation
    image, scale, min_size = _checked(image, scale, min_size)
    labels = segmentation.felzenszwalb(image, scale, SIGMA, min_size, channel_axis=0)
    return _numbered(labels.ravel()).reshape(labels.shape)


def felzenszwalb(image: Array, scale: float, min_size: int, sigma: float = SIGMA) -> IntArray:
    """Return the superpixel of each pixel by the graph-based method of Felzenszwalb and Huttenlocher (2004).

    Parameters
    ----------
    image : (C, H, W), uint8, or floats of 0 to 1
    scale : k of the paper, in the units of 0 .. 255. A region of n pixels merges over an edge that is up to k / n
        heavier than its heaviest inner edge. At least 1.
    min_size : minimum size of a region in pixels
    sigma : standard deviation in pixels of the Gaussian that smooths the image first

    Returns
    -------
    (H, W) int64, labels from 0 in the order of their first pixels

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet import detection
    >>> image = np.zeros((1, 3, 5), np.uint8)
    >>> image[:, 1:, 3:] = 255
    >>> detection.felzenszwalb(image, scale=10, min_size=1, sigma=0)
    array([[0, 0, 0, 0, 0],
           [0, 0, 0, 1, 1],
           [0, 0, 0, 1, 1]])
    """
    image, scale, min_size = _checked(image, scale, min_size)
    edges, weights = _edges(smoothed(255 * image, checks.number(sigma, "sigma", 0)))
    forest = Forest(image[0].size)
    limits = [scale] * image[0].size  # of the edge that a region merges over: its heaviest inner edge + scale / size
    for (a, b), weight in zip(edges, weights, strict=True):
        a, b = forest.find(a), forest.find(b)
        if a != b and weight <= limits[a] and weight <= limits[b]:
            root = forest.join(a, b)
            limits[root] = weight + scale / forest.sizes[root]  # the weights ascend, so this one is the heaviest
    for a, b in edges:
        a, b = forest.find(a), forest.find(b)
        if a != b and min(forest.sizes[a], forest.sizes[b]) < min_size:
            forest.join(a, b)
    roots = np.array([forest.find(pixel) for pixel in range(image[0].size)])
    return _numbered(roots).reshape(image.shape[1:])


class Forest:
    """Union-find: sets of the integers 0 .. count - 1 as trees, each identified by its root.

    Examples
    --------
    >>> from minigooglenet.detection.superpixels import Forest
    >>> forest = Forest(4)
    >>> root = forest.join(0, 3)
    >>> forest.find(0) == forest.find(3), forest.find(1) == forest.find(3), forest.sizes[root]
    (True, False, 2)
    """

    def __init__(self, count: int):
        self.parents = list(range(count))
        self.sizes = [1] * count  # valid at roots

    def find(self, node: int) -> int:
        """Return the root of a node's tree. Each node on the way gets its grandparent as parent: paths stay short."""
        parents = self.parents
        while parents[node] != node:
            parents[node] = node = parents[parents[node]]
        return node

    def join(self, a: int, b: int) -> int:
        """Join the trees of two different roots, the smaller one below the larger one, and return the new root."""
        if self.sizes[a] < self.sizes[b]:
            a, b = b, a
        self.parents[b] = a
        self.sizes[a] += self.sizes[b]
        return a


def _checked(image, scale, min_size):
    return fractions(image), checks.number(scale, "scale", 1), integer(min_size, "min_size", 1)


def _edges(image):
    """Return the pairs of 8-neighbours as [(pixel, pixel)] and their distances in colour, lightest first."""
    pixels = np.arange(image[0].size).reshape(image.shape[1:])
    everything, first, last = slice(None), slice(None, -1), slice(1, None)
    steps = [  # down, right, and both diagonals: every pair once
        ((last, everything), (first, everything)),
        ((everything, last), (everything, first)),
        ((last, last), (first, first)),
        ((first, last), (last, first)),
    ]
    a, b = (np.concatenate([pixels[step[i]].ravel() for step in steps]) for i in range(2))
    values = image.reshape(len(image), -1)
    weights = np.sqrt(((values[:, a] - values[:, b]) ** 2).sum(axis=0))
    order = np.argsort(weights, kind="stable")  # stable, so that equal weights keep their order on every machine
    return list(zip(a[order].tolist(), b[order].tolist(), strict=True)), weights[order].tolist()


def _numbered(labels):
    """Return labels renumbered from 0 in the order in which they first appear."""
    _, firsts, inverse = np.unique(labels, return_index=True, return_inverse=True)
    ranks = np.empty_like(firsts)
    ranks[np.argsort(firsts)] = np.arange(len(firsts))
    return ranks[inverse]
