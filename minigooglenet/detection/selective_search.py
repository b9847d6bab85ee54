"""Selective Search (Uijlings et al. 2013): boxes of every region of several hierarchical groupings of an image."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minigooglenet import console
from minigooglenet.detection.colour_spaces import converted
from minigooglenet.detection.grouping import merge_tree
from minigooglenet.detection.superpixels import superpixels
from minigooglenet.typing import FloatArray, UInt8Array


class Proposals(NamedTuple):
    """Boxes of an image that may contain objects."""

    boxes: FloatArray


def selective_search(
    image: UInt8Array,
    scale: Sequence[float] = (25, 50),
    colour_spaces: Sequence[str] = ("hsv", "lab"),
    method: str = "auto",
) -> Proposals:
    boxes = []
    for space in colour_spaces:
        values = converted(image, space)
        for size in scale:
            boxes.append(merge_tree(superpixels(values, size, round(size), method), values).boxes[::-1])
    order = np.argsort(np.concatenate([np.arange(len(b)) for b in boxes]), kind="stable")
    b = np.concatenate(boxes)[order]
    _, first = np.unique(b, axis=0, return_index=True)
    return Proposals(b[np.sort(first)])
