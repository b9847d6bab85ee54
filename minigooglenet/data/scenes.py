"""Scenes of coloured objects on textured ground, drawn from a seed: labels and boxes are exact, nothing is loaded."""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from minigooglenet import console
from minigooglenet.shapes import integer

FINE = 4  # each pixel is the mean of 4 x 4 finer ones, which smooths the edges
LEAST_SIZE = 32
MOST_OBJECTS = 12
SIDES = (0.35, 0.9)  # of a lone object, as shares of the scene's side
GAP = 2 / LEAST_SIZE  # between objects: two pixels at the least size, so that no boxes overlap
CONTRAST = 90  # an object differs from its ground by at least so much in some channel of 0 .. 255


class Scenes(NamedTuple):
    """Images and what is on them.

    images : (N, 3, S, S) uint8, red first
    labels : (N,) integers, positions in `classes`; (N, objects) for several objects a scene
    boxes : (N, 4) integers x0, y0, x1, y1, (N, objects, 4) for several; x0 <= x < x1 and y0 <= y < y1 hold every pixel
        that the object touches
    classes : names of the classes
    """

    images: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray
    classes: tuple[str, ...]

    __repr__ = console.brief


def shapes(count, size=32, *, seed=0, objects=1) -> Scenes:
    """Return scenes of objects of ten classes, turned, of clearly different scales, never overlapping.

    A seed gives the same scenes at any size, and fewer scenes are the first of more. Lines and specks on the ground
    belong to no class.

    Parameters
    ----------
    count : N, how many scenes
    size : S, their height and width in pixels, at least 32
    seed : Generator, int or None
    objects : how many objects each scene shows, 1 to 12; many objects are small and need a larger `size`
    """
    count, size = integer(count, "count", 1), integer(size, "size", LEAST_SIZE)
    objects = integer(objects, "objects", 1)
    if objects > MOST_OBJECTS:
        raise ValueError(f"a scene has room for at most {MOST_OBJECTS} objects, got {objects}")
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
    """Return (image (S, S, 3), boxes) with an object of each label. Lengths are shares of the side until drawn."""
    ground = rng.uniform(0, 255, 3)
    side = size * FINE
    canvas = _texture(rng, ground, size).resize((side, side), Image.NEAREST)
    _clutter(rng, ImageDraw.Draw(canvas), side)
    boxes = []
    for outline in _placed(rng, labels):
        mask = Image.new("L", canvas.size)
        ImageDraw.Draw(mask).polygon((outline * side).ravel().tolist(), fill=255)
        canvas.paste(_colour(rng, ground), mask=mask)
        left, top, right, bottom = mask.getbbox()
        boxes.append((left // FINE, top // FINE, -(-right // FINE), -(-bottom // FINE)))
    return np.asarray(canvas.reduce(FINE)), boxes


def _placed(rng, labels):
    """Return an outline (points, 2) for each label, turned and put where it meets no other."""
    placed, taken = [], []
    for label in labels:
        side = math.exp(rng.uniform(*np.log(SIDES))) / math.sqrt(len(labels))
        angle = rng.uniform(0, 2 * math.pi)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        outline = OUTLINES[CLASSES[label]] @ turn
        outline -= outline.min(axis=0)
        extent = outline.max(axis=0)
        outline, extent = outline / extent.max(), extent / extent.max()
        while True:
            corner = rng.uniform(0, 1 - side * extent)
            low, high = corner - GAP, corner + side * extent + GAP
            if all(np.any(high <= other) or np.any(end <= low) for other, end in taken):
                break
            side *= 0.97  # a smaller one fits at last
        placed.append(corner + side * outline)
        taken.append((corner, corner + side * extent))
    return placed


def _texture(rng, ground, size):
    """Return a square image of `ground` under patches of other tones and under waves."""
    cells = int(rng.integers(3, 25))
    tones = ground + rng.normal(0, rng.uniform(4, 20), (cells, cells, 1)) + rng.normal(0, 8, (cells, cells, 3))
    patches = Image.fromarray(tones.clip(0, 255).astype(np.uint8)).resize((size, size), Image.BILINEAR)
    place = 2 * math.pi * (np.arange(size) + 0.5) / size
    across, down = rng.uniform(-10, 10, 2)
    waves = rng.uniform(0, 20) * np.sin(down * place[:, None] + across * place)
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
    """Return a colour that stands out from the ground."""
    while True:
        colour = rng.integers(0, 256, 3)
        if abs(colour - ground).max() >= CONTRAST:
            return tuple(colour.tolist())


def _arc(start, stop, radius=1.0, centre=(0.0, 0.0), points=40):
    """Return points on a circle, from one angle in turns to another."""
    angles = 2 * math.pi * np.linspace(start, stop, points)
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1) + centre


def _spikes(count, inner):
    """Return a star: points on two circles in turn."""
    radii = np.tile([1.0, inner], count)[:, None]
    return radii * _arc(0, 1 - 1 / (2 * count), points=2 * count)


def _heart():
    t = 2 * math.pi * np.linspace(0, 1, 60)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([16 * np.sin(t) ** 3, y], axis=1)


# Outlines of any size about any middle: only their form counts. A ring is walked outside, then back inside.
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
