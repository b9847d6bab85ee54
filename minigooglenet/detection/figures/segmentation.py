"""Figures of a segmented image: its superpixels, and how they merge."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from minigooglenet import figures
from minigooglenet.detection.figures import panels
from minigooglenet.detection.grouping import MergeTree
from minigooglenet.shapes import integer
from minigooglenet.typing import IntArray, UInt8Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def superpixels(image: UInt8Array, labels: Mapping[str, IntArray]) -> tuple["Figure", str]:
    """Draw the borders of superpixels on an image, side by side for several sizes.

    Parameters
    ----------
    image : uint8 (C, H, W)
    labels : {title: superpixel of each pixel (H, W)}, such as `detection.superpixels` with two scales

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet import detection
    >>> image = np.zeros((3, 2, 6), np.uint8)
    >>> sizes = {"x1": np.array([[0, 0, 1, 1, 2, 2]] * 2), "x2": np.array([[0, 0, 0, 0, 1, 1]] * 2)}
    >>> print(detection.figures.superpixels(image, sizes)[1])
    superpixels of an image of 6 x 2 pixels
    x1: 3 superpixels of 4 to 4 pixels, median 4
    x2: 2 superpixels of 4 to 8 pixels, median 6, 0.67 times as many as x1
    """
    pixels = panels.colours(image)
    if not labels:
        return panels.sentence("No superpixels: pass at least one array of labels.")
    height, width = pixels.shape[:2]
    figure, axes = panels.grid(len(labels), columns=2, size=(height, width))
    lines, (first, *_) = [], labels
    counts = {title: np.bincount(_checked(regions, pixels, title).ravel()) for title, regions in labels.items()}
    for axis, (title, regions) in zip(axes, labels.items(), strict=True):
        sizes = counts[title][counts[title] > 0]
        panels.show(axis, pixels, f"{title}: {panels.many(len(sizes), 'superpixel')}")
        panels.borders(axis, regions)
        times = f", {len(sizes) / np.count_nonzero(counts[first]):.2f} times as many as {first}" * (title != first)
        extent = f"{sizes.min()} to {sizes.max()} pixels, median {np.median(sizes):g}"
        lines.append(f"{title}: {panels.many(len(sizes), 'superpixel')} of {extent}{times}")
    head = f"superpixels of an image of {width} x {height} pixels"
    return figures.described(figure, "\n".join([head, *lines]), alt="; ".join([head, *lines]))


def merge_tree(image: UInt8Array, labels: IntArray, tree: MergeTree, frames: int = 6) -> tuple["Figure", str]:
    """Draw a hierarchical grouping as a film strip, from the superpixels to the whole image.

    Each region has its mean colour. From frame to frame, the number of regions falls by about the same factor. A box
    is drawn around the region that the last merge made.

    Parameters
    ----------
    image : uint8 (C, H, W)
    labels : (H, W) superpixels that the tree was made from
    tree : MergeTree, from `detection.merge_tree`
    frames : largest number of frames

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet import detection
    >>> image = np.zeros((3, 2, 6), np.uint8)
    >>> image[:, :, 4:] = 255
    >>> labels = np.array([[0, 0, 1, 1, 2, 2]] * 2)
    >>> print(detection.figures.merge_tree(image, labels, detection.merge_tree(labels, image))[1])
    merge tree of 3 superpixels: 2 merges, 5 boxes
    3 regions: the largest has 33% of the pixels
    2 regions: the largest has 67% of the pixels, last merge (0, 0, 4, 2)
    1 region: the largest has 100% of the pixels, last merge (0, 0, 6, 2)
    """
    pixels, count = panels.colours(image), len(tree.boxes) // 2 + 1
    left = np.unique(np.rint(np.geomspace(count, 1, integer(frames, "frames", 1))).astype(int))[::-1].tolist()
    figure, axes = panels.grid(len(left), size=pixels.shape[:2])
    labels = _checked(labels, pixels, "labels")
    lines = []
    for axis, regions_left in zip(axes, left, strict=True):
        merges = count - regions_left
        _, regions = np.unique(tree.regions(labels, merges), return_inverse=True)
        regions = regions.reshape(labels.shape)
        sizes = np.bincount(regions.ravel())
        sums = [np.bincount(regions.ravel(), pixels[..., channel].ravel()) for channel in range(3)]
        means = np.rint(np.stack(sums, axis=1) / sizes[:, None]).astype(np.uint8)
        panels.show(axis, means[regions], panels.many(regions_left, "region"))
        panels.borders(axis, regions)
        last = ""
        if merges:
            box = tree.boxes[count - 1 + merges]
            panels.outline(axis, box, figures.PALETTE[3], linewidth=2)
            last = f", last merge {panels.numbers(box)}"
        largest = f"the largest has {sizes.max() / sizes.sum():.0%} of the pixels"
        lines.append(f"{panels.many(regions_left, 'region')}: {largest}{last}")
    boxes = f"{len(tree.boxes):,} box{'es' * (len(tree.boxes) > 1)}"
    head = f"merge tree of {panels.many(count, 'superpixel')}: {panels.many(count - 1, 'merge')}, {boxes}"
    steps = ", ".join(map(str, left))
    alt = f"film strip of a {head}; the frames have {steps} regions, and a box around the region of the last merge"
    return figures.described(figure, "\n".join([head, *lines]), alt=alt)


def _checked(labels, pixels, what):
    labels = np.asarray(labels)
    if labels.shape != pixels.shape[:2] or labels.dtype.kind not in "iu":
        size = pixels.shape[:2]
        raise ValueError(f"{what} must be integers of shape {size}, as the image, got {labels.dtype} {labels.shape}")
    return labels
