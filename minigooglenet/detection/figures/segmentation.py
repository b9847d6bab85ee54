"""Figures of a segmented image: its superpixels, and how they merge."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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
    sizes = {name: np.unique(_checked(one, pixels, name), return_counts=True)[1] for name, one in labels.items()}
    titles = {name: f"{name}: {panels.many(len(each), 'superpixel')}" for name, each in sizes.items()}
    figure, axes = panels.grid(list(titles.values()), columns=2, size=pixels.shape[:2])
    lines, (first, *_) = [], labels
    for axis, (name, each) in zip(axes, sizes.items(), strict=True):
        panels.show(axis, pixels)
        panels.borders(axis, labels[name])
        times = f", {len(each) / len(sizes[first]):.2f} times as many as {first}" * (name != first)
        lines.append(f"{titles[name]} of {each.min()} to {each.max()} pixels, median {np.median(each):g}{times}")
    head = "superpixels of an image of {1} x {0} pixels".format(*pixels.shape)
    return panels.described(figure, head, lines)


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
    titles = [panels.many(regions, "region") for regions in left]
    figure, axes = panels.grid(titles, size=pixels.shape[:2])
    labels = _checked(labels, pixels, "labels")
    style: dict[str, Any] = {"color": figures.PALETTE[3], "linewidth": 2}
    lines = []
    for axis, title, merges in zip(axes, titles, count - np.array(left), strict=True):
        _, regions = np.unique(tree.regions(labels, merges), return_inverse=True)
        regions = regions.reshape(labels.shape)
        sizes = np.bincount(regions.ravel())
        sums = [np.bincount(regions.ravel(), pixels[..., channel].ravel()) for channel in range(3)]
        means = np.rint(np.stack(sums, axis=1) / sizes[:, None]).astype(np.uint8)
        panels.show(axis, means[regions])
        panels.borders(axis, regions)
        last = ""
        if merges:
            box = tree.boxes[count - 1 + merges]
            panels.outline(axis, box, **style)
            last = f", last merge {panels.numbers(box)}"
        largest = f"the largest has {sizes.max() / sizes.sum():.0%} of the pixels"
        lines.append(f"{title}: {largest}{last}")
    if len(left) > 1:
        panels.legend(figure, {"box of the last merge": style})
    boxes = f"{len(tree.boxes):,} box{'es' * (len(tree.boxes) > 1)}"
    head = f"merge tree of {panels.many(count, 'superpixel')}: {panels.many(count - 1, 'merge')}, {boxes}"
    steps = ", ".join(map(str, left))
    alt = f"film strip of a {head}; the frames have {steps} regions, and a box around the region of the last merge"
    return panels.described(figure, head, lines, alt)


def _checked(labels, pixels, what):
    labels = np.asarray(labels)
    if labels.shape != pixels.shape[:2] or labels.dtype.kind not in "iu":
        size = pixels.shape[:2]
        raise ValueError(f"{what} must be integers of shape {size}, as the image, got {labels.dtype} {labels.shape}")
    return labels
