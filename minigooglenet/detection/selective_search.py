"""Selective Search (Uijlings et al. 2013): the boxes of all regions of several hierarchical groupings of an image.

No single grouping finds every object: a red object and its shadow differ in brightness, not in hue. So an image is
grouped several times, in several colour spaces and from superpixels of several sizes, and all boxes are proposals.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from minigooglenet import checks, console
from minigooglenet.detection.colour_spaces import converted
from minigooglenet.detection.grouping import MergeTree, merge_tree
from minigooglenet.detection.superpixels import superpixels
from minigooglenet.typing import FloatArray, IntArray, UInt8Array

SCALE = (25, 50)  # for images of 64 to 128 pixels; for photographs, Uijlings et al. have 50 and 100
COLOUR_SPACES = ("hsv", "lab")  # those of the "fast" version of Uijlings et al.


@dataclass(frozen=True, repr=False)
class Proposals:
    """Boxes of one image that may contain objects, without duplicates.

    Attributes
    ----------
    boxes : (M, 4) float64 x1, y1, x2, y2, half-open; the whole image and the largest groups first
    """

    boxes: FloatArray

    def __len__(self) -> int:
        return len(self.boxes)

    def __repr__(self) -> str:
        return console.brief(self)


def selective_search(
    image: UInt8Array,
    scale: float | Sequence[float] = SCALE,
    colour_spaces: str | Sequence[str] = COLOUR_SPACES,
    method: str = "auto",
) -> Proposals:
    """Return the proposals of Selective Search for an image.

    The image is grouped once for each scale and colour space. The boxes are ordered by their level: first the last
    region of each grouping, which is the whole image, then the region before it, and so on down to the superpixels
    (Uijlings et al. 2013, section 3.3, without its random numbers). Of equal boxes, the first is kept. The result is
    bit-identical for every number of threads.

    Parameters
    ----------
    image : (3, H, W) uint8, red first
    scale : scales of the superpixels. Each is also their minimum size in pixels, so both double together: (50, 100) is
        the paper's "superpixel size x2" for (25, 50), with fewer than 0.6 times the proposals. A photograph needs
        larger scales, or should be made smaller first.
    colour_spaces : "rgb", "hsv" and "lab", or some of them
    method : of the superpixels: "skimage", "ours", or "auto" for scikit-image if it is installed

    Raises
    ------
    ValueError
        If the image has another shape or no pixels, if a scale is below 1, or if a name is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet import detection
    >>> image = np.zeros((3, 32, 48), np.uint8)
    >>> image[0, 8:16, 10:30] = 255
    >>> proposals = detection.selective_search(image)
    >>> proposals, proposals.boxes[0].tolist()
    (Proposals(boxes=float64 (7, 4)), [0.0, 0.0, 48.0, 32.0])
    >>> detection.iou(proposals.boxes, [(10, 8, 30, 16)]).max()  # the red rectangle
    np.float64(1.0)
    """
    boxes, levels = list[FloatArray](), list[IntArray]()
    scales = [checks.number(value, "scale", 1) for value in np.atleast_1d(scale).tolist()]
    for tree in _groupings(image, scales, np.atleast_1d(colour_spaces).tolist(), method):
        boxes.append(tree.boxes[::-1])
        levels.append(np.arange(len(tree.boxes)))
    if not boxes:
        raise ValueError(f"Selective Search needs a scale and a colour space, got {scale!r} and {colour_spaces!r}")
    ordered = np.concatenate(boxes)[np.argsort(np.concatenate(levels), kind="stable")]
    _, firsts = np.unique(ordered, axis=0, return_index=True)
    return Proposals(ordered[np.sort(firsts)])


def _groupings(image, scales, spaces, method) -> Iterator[MergeTree]:
    for space in spaces:
        values = converted(image, space)
        for scale in scales:
            yield merge_tree(superpixels(values, scale, round(scale), method), values)
