"""Drawn scenes of coloured objects on textured backgrounds, from a seed, with exact labels and boxes."""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from minigooglenet import console, renamed
from minigooglenet.data.drawing import CLASSES, FINE, background, colour, fill, rotated
from minigooglenet.shapes import integer
from minigooglenet.typing import IntArray, Rng, UInt8Array

LEAST_SIZE = 32
MOST_OBJECTS = 12
SIDES = (0.35, 0.9)  # of the only object, as fractions of the scene's side
GAP = 2 / LEAST_SIZE  # between objects: two pixels at the smallest size, so that no boxes overlap


class Scenes(NamedTuple):
    """Drawn scenes: images, and the classes and boxes of their objects.

    Attributes
    ----------
    images : (N, 3, S, S) uint8, red first
    labels : (N,) integers, indices in `classes`; (N, objects) for several objects per scene
    boxes : (N, 4) integers x0, y0, x1, y1; (N, objects, 4) for several objects. Every pixel (x, y) that the object
        touches has x0 <= x < x1 and y0 <= y < y1
    classes : names of the classes

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.data.shapes(2)
    Scenes(images=uint8 (2, 3, 32, 32), labels=int64 (2,), boxes=int64 (2, 4), classes=10 items)
    """

    images: UInt8Array
    labels: IntArray
    boxes: IntArray
    classes: tuple[str, ...]

    @property
    def pictures(self) -> UInt8Array:
        """Old name of `images`, until 0.3."""
        return renamed.attribute(self, "pictures", "images")

    def __repr__(self) -> str:
        return console.brief(self)


def shapes(count: int, size: int = 32, *, seed: Rng = 0, objects: int = 1) -> Scenes:
    """Return drawn scenes of objects of ten classes, rotated, of clearly different scales, never overlapping.

    The same seed gives the same scenes at any size, and a smaller `count` gives the first of them. Lines and specks on
    the background belong to no class.

    Parameters
    ----------
    count : N, number of scenes
    size : S, their height and width in pixels, at least 32
    seed : Generator, int or None
    objects : number of objects per scene, 1 to 12; many objects are small and need a larger `size`

    Examples
    --------
    >>> import minigooglenet as mg
    >>> scenes = mg.data.shapes(3, seed=0)
    >>> [scenes.classes[label] for label in scenes.labels]
    ['arrow', 'heart', 'heart']
    """
    count, size = integer(count, "count", 1), integer(size, "size", LEAST_SIZE)
    objects = integer(objects, "objects", 1)
    if objects > MOST_OBJECTS:
        raise ValueError(f"objects must be at most {MOST_OBJECTS}, got {objects}: a scene has no room for more")
    rng = np.random.default_rng(seed)
    images = np.empty((count, 3, size, size), np.uint8)
    labels = np.empty((count, objects), np.int64)
    boxes = np.empty((count, objects, 4), np.int64)
    for i in range(count):
        labels[i] = rng.integers(0, len(CLASSES), objects)
        image, boxes[i] = _scene(rng, size, labels[i])
        images[i] = image.transpose(2, 0, 1)
    if objects == 1:
        labels, boxes = labels[:, 0], boxes[:, 0]
    return Scenes(images, labels, boxes, CLASSES)


def _scene(rng, size, labels):
    """Return (image (S, S, 3), boxes) with an object of each label. Lengths are fractions of the side until drawn."""
    canvas, tone = background(rng, size)
    boxes = []
    for outline in _placed(rng, labels):
        mask = Image.new("L", canvas.size)
        fill(canvas, outline, colour(rng, tone))
        fill(mask, outline, 255)
        left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
        boxes.append((left // FINE, top // FINE, -(-right // FINE), -(-bottom // FINE)))
    return np.asarray(canvas.reduce(FINE)), boxes


def _placed(rng, labels):
    """Return an outline (points, 2) for each label, rotated, and moved so that no two overlap."""
    outlines, taken = [], list[tuple[np.ndarray, np.ndarray]]()
    for label in labels:
        side = math.exp(rng.uniform(*np.log(SIDES))) / math.sqrt(len(labels))
        outline = rotated(rng, label)
        extent = outline.max(axis=0)
        while True:
            corner = rng.uniform(0, 1 - side * extent)
            low, high = corner - GAP, corner + side * extent + GAP
            if all(np.any(high <= other) or np.any(end <= low) for other, end in taken):
                break
            side *= 0.97  # a small enough object always fits
        outlines.append(corner + side * outline)
        taken.append((corner, corner + side * extent))
    return outlines
