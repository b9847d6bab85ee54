"""Drawn scenes for detection: objects that may cover one another, with the boxes of their visible pixels.

`mg.data.shapes` draws the same ten classes, one object per image. These whole images of single objects train a
classifier of regions before it sees its first scene.
"""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from minigooglenet import console, names
from minigooglenet.data.drawing import CLASSES, FINE, background, colour, fill, rotated
from minigooglenet.detection.detections import Truths
from minigooglenet.shapes import integer
from minigooglenet.typing import UInt8Array

LEAST_SIZE = 32
MOST_OBJECTS = 12
SIDES = (0.2, 0.5)  # the longer side of an object, as fractions of the scene's side
VISIBLE = 0.4  # an object of which a smaller fraction is visible is difficult
COLOURS = 8  # candidates for the colour of an object; the one that differs most from the other objects is drawn

# Each scene has a number, and each part of the data its own range of numbers, so no scene is in two parts.
PARTS = {"train": range(1_000_000), "validation": range(1_000_000, 2_000_000), "test": range(2_000_000, 3_000_000)}


class DetectionScenes(NamedTuple):
    """Drawn scenes: images, and the boxes and classes of their objects.

    Attributes
    ----------
    images : (N, 3, S, S) uint8, red first
    truths : list of N `Truths`, each ordered from the object at the back to the object at the front
    classes : names of the classes; the labels in `truths` are their indices

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detection.shapes_detection(4)
    DetectionScenes(images=uint8 (4, 3, 96, 96), truths=4 items, classes=10 items)
    """

    images: UInt8Array
    truths: list[Truths]
    classes: tuple[str, ...]

    def __repr__(self) -> str:
        return console.brief(self)


def shapes_detection(
    count: int, size: int = 96, max_objects: int = 6, *, seed: int = 0, part: str = "train"
) -> DetectionScenes:
    """Return drawn scenes of 1 to `max_objects` objects of ten classes on textured backgrounds.

    Each object is inside the scene, rotated, and 0.2 to 0.5 of the scene's side long. It may cover older objects. The
    box of an object is the smallest box around its visible pixels. An object that is less than 40% visible is
    difficult; an object that is hidden completely is dropped.

    A scene depends only on `seed`, `part`, its index and `max_objects`. So a smaller `count` gives the first of the
    same scenes, another `size` the same scenes at another resolution, and no scene is in two parts.

    Parameters
    ----------
    count : N, number of scenes, at most 1,000,000
    size : S, their height and width in pixels, at least 32
    max_objects : largest number of objects per scene, 1 to 12; each number from 1 is equally likely
    seed : integer of at least 0
    part : "train", "validation" or "test"

    Returns
    -------
    DetectionScenes
        Images (N, 3, S, S) uint8, and for each one `Truths` with boxes (M, 4) float64: x1, y1, x2, y2, half-open.

    Raises
    ------
    ValueError, TypeError
        If an argument is not in its range.

    Examples
    --------
    >>> from minigooglenet import detection
    >>> scenes = detection.shapes_detection(3, max_objects=2)
    >>> [scenes.classes[label] for label in scenes.truths[0].labels]
    ['triangle', 'square']
    >>> scenes.truths[0].boxes.tolist()
    [[37.0, 45.0, 63.0, 72.0], [6.0, 22.0, 29.0, 45.0]]
    """
    count, size = integer(count, "count", 1), integer(size, "size", LEAST_SIZE)
    max_objects, seed = integer(max_objects, "max_objects", 1), integer(seed, "seed", 0)
    if max_objects > MOST_OBJECTS:
        raise ValueError(f"max_objects must be at most {MOST_OBJECTS}, got {max_objects}: more would hide one another")
    if part not in PARTS:
        raise ValueError(names.unknown("part", part, PARTS))
    if count > len(PARTS[part]):
        raise ValueError(f"count must be at most {len(PARTS[part]):,}, got {count:,}: part {part!r} has no more scenes")
    images, truths = np.empty((count, 3, size, size), np.uint8), []
    for i in range(count):
        rng = np.random.default_rng([seed, PARTS[part][i]])
        image, objects = _scene(rng, size, rng.integers(1, max_objects, endpoint=True))
        images[i] = image.transpose(2, 0, 1)
        truths.append(objects)
    return DetectionScenes(images, truths, CLASSES)


def _scene(rng, size, objects):
    """Return (image (S, S, 3), its Truths). Lengths are fractions of the side until drawn."""
    canvas, ground = background(rng, size)
    labels = rng.integers(0, len(CLASSES), objects)
    # At each fine pixel, 1 + the index of the object in front, or 0 for the background.
    owners = Image.new("L", canvas.size)
    colours, areas = list[tuple[int, ...]](), []
    for i, label in enumerate(labels):
        outline = rotated(rng, label) * math.exp(rng.uniform(*np.log(SIDES)))
        outline += rng.uniform(0, 1 - outline.max(axis=0))
        colours.append(_different_colour(rng, ground, colours))
        alone = Image.new("L", canvas.size)
        for image, value in ((canvas, colours[-1]), (owners, i + 1), (alone, 255)):
            fill(image, outline, value)
        areas.append(alone.histogram()[255])
    visible = np.array(owners.histogram()[1 : objects + 1])
    kept = np.flatnonzero(visible)
    boxes = np.array([_box(np.asarray(owners) == i + 1) for i in kept], np.float64)
    difficult = visible[kept] < VISIBLE * np.array(areas)[kept]
    return np.asarray(canvas.reduce(FINE)), Truths(boxes, labels[kept], difficult)


def _box(mask):
    """Return the half-open box, in pixels, around a mask of fine pixels."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return columns[0] // FINE, rows[0] // FINE, columns[-1] // FINE + 1, rows[-1] // FINE + 1


def _different_colour(rng, ground, others):
    """Return a colour with contrast to the background, of some candidates the one farthest from the other objects."""
    candidates = [colour(rng, ground) for _ in range(COLOURS)]
    return max(candidates, key=lambda one: min((np.abs(np.subtract(one, other)).max() for other in others), default=0))
