"""Similarities of two regions: colour, texture, size and fill (Uijlings et al. 2013, section 3.2), each in 0 .. 1.

Only superpixels read pixels. The histograms, the size and the box of a merged region follow from its two parts.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minigooglenet.detection.gaussian import derivatives
from minigooglenet.typing import FloatArray, IntArray

COLOUR_BINS = 25  # per channel
DIRECTIONS = 8  # of the derivatives
TEXTURE_BINS = 10  # per direction and channel
SIGMA = 1.0  # pixels, of the derivatives
LARGEST = 1 / (SIGMA * math.sqrt(2 * math.pi))  # derivative at a step from 0 to 1


@dataclass
class Regions:
    """Up to M regions of an image; the first n are superpixels, the others have room for merged regions.

    Attributes
    ----------
    colour : (M, C * 25) histograms, each with the sum 1
    texture : (M, C * 8 * 10) histograms, each with the sum 1
    sizes : (M,) numbers of pixels
    boxes : (M, 4) float64 x1, y1, x2, y2, half-open
    pixels : number of pixels of the image
    """

    colour: FloatArray
    texture: FloatArray
    sizes: FloatArray
    boxes: FloatArray
    pixels: int

    def merge(self, i: int, j: int, new: int) -> None:
        """Write the union of regions i and j to index `new`."""
        a, b = self.sizes[i], self.sizes[j]
        for histograms in (self.colour, self.texture):
            histograms[new] = (a * histograms[i] + b * histograms[j]) / (a + b)
        self.sizes[new] = a + b
        self.boxes[new] = _union(self.boxes[i], self.boxes[j])


def regions_of(image: FloatArray, labels: IntArray) -> Regions:
    """Return the superpixels of an image as regions, with room for all n - 1 merged regions.

    Parameters
    ----------
    image : (C, H, W) float64 of 0 to 1
    labels : (H, W) integers 0 .. n - 1, each of which occurs

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection.similarities import regions_of
    >>> regions = regions_of(np.zeros((3, 2, 4)), np.array([[0, 0, 0, 1], [0, 0, 1, 1]]))
    >>> regions.boxes[:2].tolist(), regions.sizes[:2].tolist(), regions.colour.shape, regions.texture.shape
    ([[0.0, 0.0, 3.0, 2.0], [2.0, 0.0, 4.0, 2.0]], [5.0, 3.0], (3, 75), (3, 240))
    """
    count = int(labels.max()) + 1
    total = 2 * count - 1
    sizes = np.bincount(labels.ravel(), minlength=total).astype(np.float64)
    colour = _histograms([image], COLOUR_BINS, labels, total)
    texture = _histograms((response / LARGEST for response in directed(image)), TEXTURE_BINS, labels, total)
    return Regions(colour, texture, sizes, _boxes(labels, total), labels.size)


def directed(image: FloatArray) -> Iterator[FloatArray]:
    """Yield the positive part (C, H, W) of the Gaussian derivatives of an image in each of 8 directions.

    Opposite directions have opposite derivatives: one of them responds to an edge from dark to light, the other to an
    edge from light to dark.
    """
    right, down = derivatives(image, SIGMA)
    for angle in 2 * math.pi * np.arange(DIRECTIONS) / DIRECTIONS:
        yield np.maximum(math.cos(angle) * right + math.sin(angle) * down, 0)


def similarities(regions: Regions, i: int, others: IntArray) -> FloatArray:
    """Return the sum of all four similarities of region i and each of the others, (K,), in 0 .. 4."""
    return (
        colour(regions, i, others) + texture(regions, i, others) + size(regions, i, others) + fill(regions, i, others)
    )


def colour(regions: Regions, i: int, others: IntArray) -> FloatArray:
    """Return the intersection of the colour histograms: the sum of the smaller value of each bin."""
    return np.minimum(regions.colour[i], regions.colour[others]).sum(axis=1)


def texture(regions: Regions, i: int, others: IntArray) -> FloatArray:
    """Return the intersection of the texture histograms."""
    return np.minimum(regions.texture[i], regions.texture[others]).sum(axis=1)


def size(regions: Regions, i: int, others: IntArray) -> FloatArray:
    """Return the fraction of the image outside both regions: small regions merge early."""
    return 1 - (regions.sizes[i] + regions.sizes[others]) / regions.pixels


def fill(regions: Regions, i: int, others: IntArray) -> FloatArray:
    """Return 1 - the fraction of the image that is in the common box but in neither region: holes are filled."""
    boxes = _union(regions.boxes[i], regions.boxes[others])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return 1 - (areas - regions.sizes[i] - regions.sizes[others]) / regions.pixels


def _histograms(features, count, labels, total):
    """Return one histogram for each label, (total, features * C * count), each with the sum 1.

    The features (C, H, W) have values from 0 to 1, which `count` bins divide equally; 1 itself is in the last bin.
    """
    cells = labels.ravel() * count
    counts = []
    for channel in itertools.chain.from_iterable(features):
        bins = np.minimum((count * channel).astype(np.int64), count - 1)
        counts.append(np.bincount(cells + bins.ravel(), minlength=total * count).reshape(total, count))
    joined = np.concatenate(counts, axis=1)
    return joined / np.maximum(joined.sum(axis=1, keepdims=True), 1)  # the rows of later merged regions are empty


def _boxes(labels, total):
    """Return the box around each label's pixels. Pixel x covers x .. x + 1, so a box ends at its last x + 1."""
    boxes = np.zeros((total, 4))
    for axis, positions in enumerate(np.indices(labels.shape, sparse=True)):
        occurs = np.zeros((labels.max() + 1, labels.shape[axis]), bool)  # of each label in each row or column
        occurs[labels, positions] = True
        boxes[: len(occurs), 1 - axis] = occurs.argmax(axis=1)
        boxes[: len(occurs), 3 - axis] = labels.shape[axis] - occurs[:, ::-1].argmax(axis=1)
    return boxes


def _union(a, b):
    return np.concatenate([np.minimum(a[..., :2], b[..., :2]), np.maximum(a[..., 2:], b[..., 2:])], axis=-1)
