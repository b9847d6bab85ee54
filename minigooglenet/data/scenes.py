"""Drawn scenes of coloured objects on textured backgrounds, from a seed, with exact labels and boxes."""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from minigooglenet import console, renamed
from minigooglenet.shapes import integer
from minigooglenet.typing import IntArray, Rng, UInt8Array

FINE = 4  # each pixel is the mean of 4 x 4 finer pixels, which smooths the edges
LEAST_SIZE = 32
MOST_OBJECTS = 12
SIDES = (0.35, 0.9)  # of the only object, as fractions of the scene's side
GAP = 2 / LEAST_SIZE  # between objects: two pixels at the smallest size, so that no boxes overlap
CONTRAST = 90  # minimum difference between an object and its background, in one channel of 0 .. 255


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
    ground = rng.uniform(0, 255, 3)
    side = size * FINE
    canvas = _texture(rng, ground, size).resize((side, side), Image.Resampling.NEAREST)
    _clutter(rng, ImageDraw.Draw(canvas), side)
    boxes = []
    for outline in _placed(rng, labels):
        mask = Image.new("L", canvas.size)
        ImageDraw.Draw(mask).polygon((outline * side).ravel().tolist(), fill=255)
        canvas.paste(_colour(rng, ground), mask=mask)
        left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
        boxes.append((left // FINE, top // FINE, -(-right // FINE), -(-bottom // FINE)))
    return np.asarray(canvas.reduce(FINE)), boxes


def _placed(rng, labels):
    """Return an outline (points, 2) for each label, rotated, and moved so that no two overlap."""
    outlines, taken = [], list[tuple[np.ndarray, np.ndarray]]()
    for label in labels:
        side = math.exp(rng.uniform(*np.log(SIDES))) / math.sqrt(len(labels))
        angle = rng.uniform(0, 2 * math.pi)
        rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        outline = OUTLINES[CLASSES[label]] @ rotation
        outline -= outline.min(axis=0)
        extent = outline.max(axis=0)
        outline, extent = outline / extent.max(), extent / extent.max()
        while True:
            corner = rng.uniform(0, 1 - side * extent)
            low, high = corner - GAP, corner + side * extent + GAP
            if all(np.any(high <= other) or np.any(end <= low) for other, end in taken):
                break
            side *= 0.97  # a small enough object always fits
        outlines.append(corner + side * outline)
        taken.append((corner, corner + side * extent))
    return outlines


def _texture(rng, ground, size):
    """Return a square image of the colour `ground` with patches of other tones and with waves."""
    cells = int(rng.integers(3, 25))
    tones = ground + rng.normal(0, rng.uniform(4, 20), (cells, cells, 1)) + rng.normal(0, 8, (cells, cells, 3))
    patches = Image.fromarray(tones.clip(0, 255).astype(np.uint8)).resize((size, size), Image.Resampling.BILINEAR)
    angle = 2 * math.pi * (np.arange(size) + 0.5) / size
    across, down = rng.uniform(-10, 10, 2)
    waves = rng.uniform(0, 20) * np.sin(down * angle[:, None] + across * angle)
    return Image.fromarray((np.asarray(patches) + waves[..., None]).clip(0, 255).astype(np.uint8))


def _clutter(rng, draw, side):
    """Draw lines and specks, which belong to no class."""
    for _ in range(rng.integers(0, 4)):
        ends = rng.uniform(0, side, 4)
        draw.line(ends.tolist(), fill=_any_colour(rng), width=round(rng.uniform(0.008, 0.03) * side))
    for _ in range(rng.integers(0, 7)):
        x, y = rng.uniform(0, side, 2)
        radius = rng.uniform(0.01, 0.03) * side
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_any_colour(rng))


def _any_colour(rng):
    return tuple(rng.integers(0, 256, 3).tolist())


def _colour(rng, ground):
    """Return a colour with enough contrast to the background."""
    while True:
        colour = rng.integers(0, 256, 3)
        if abs(colour - ground).max() >= CONTRAST:
            return tuple(colour.tolist())


def _arc(start, stop, radius=1.0, centre=(0.0, 0.0), points=40):
    """Return points on a circle between two angles; an angle of 1 is a full turn."""
    angles = 2 * math.pi * np.linspace(start, stop, points)
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1) + centre


def _spikes(count, inner):
    """Return a star: points alternately on two circles."""
    radii = np.tile([1.0, inner], count)[:, None]
    return radii * _arc(0, 1 - 1 / (2 * count), points=2 * count)


def _heart():
    t = 2 * math.pi * np.linspace(0, 1, 60)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([16 * np.sin(t) ** 3, y], axis=1)


# Outlines of any size and centre: only their form matters. A ring follows the outer circle, then the inner one back.
OUTLINES = {
    "circle": _arc(0, 1),
    "ring": np.concatenate([_arc(0, 1), _arc(1, 0, 0.55)]),
    "triangle": _arc(0, 2 / 3, points=3),
    "square": _arc(0, 3 / 4, points=4),
    "star": _spikes(5, 0.42),
    "cross": np.array(
        [(1, 0), (2, 0), (2, 1), (3, 1), (3, 2), (2, 2), (2, 3), (1, 3), (1, 2), (0, 2), (0, 1), (1, 1)], float
    ),
    "crescent": np.concatenate([_arc(0.125, 0.875), _arc(0.75, 0.25, math.sqrt(0.5), (math.sqrt(0.5), 0))]),
    "heart": _heart(),
    "arrow": np.array([(0, 0.9), (2, 0.9), (2, 0), (4, 1.5), (2, 3), (2, 2.1), (0, 2.1)]),
    "corner": np.array([(0, 0), (1.2, 0), (1.2, 2), (3, 2), (3, 3.2), (0, 3.2)]),
}
CLASSES = tuple(OUTLINES)
