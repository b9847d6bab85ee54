"""Drawing of scenes: backgrounds with texture and clutter, outlines of ten classes, and colours with contrast.

Lengths are fractions of the scene's side until they are drawn.
"""

import math

import numpy as np
from PIL import Image, ImageDraw

FINE = 4  # each pixel is the mean of 4 x 4 finer pixels, which smooths the edges
CONTRAST = 90  # minimum difference between an object and its background, in one channel of 0 .. 255


def background(rng, size):
    """Return (image (FINE * S, FINE * S) with a texture, lines and specks, the mean colour of its texture)."""
    ground = rng.uniform(0, 255, 3)
    side = size * FINE
    canvas = texture(rng, ground, size).resize((side, side), Image.Resampling.NEAREST)
    clutter(rng, ImageDraw.Draw(canvas), side)
    return canvas, ground


def rotated(rng, label):
    """Return the outline (points, 2) of a class, rotated at random; its longer side is 1 and its corner (0, 0)."""
    angle = rng.uniform(0, 2 * math.pi)
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    outline = OUTLINES[CLASSES[label]] @ rotation
    outline -= outline.min(axis=0)
    return outline / outline.max()


def fill(image, outline, value):
    """Fill an outline in an image with a colour."""
    ImageDraw.Draw(image).polygon((outline * image.width).ravel().tolist(), fill=value)


def texture(rng, ground, size):
    """Return a square image of the colour `ground` with patches of other tones and with waves."""
    cells = int(rng.integers(3, 25))
    tones = ground + rng.normal(0, rng.uniform(4, 20), (cells, cells, 1)) + rng.normal(0, 8, (cells, cells, 3))
    patches = Image.fromarray(tones.clip(0, 255).astype(np.uint8)).resize((size, size), Image.Resampling.BILINEAR)
    angle = 2 * math.pi * (np.arange(size) + 0.5) / size
    across, down = rng.uniform(-10, 10, 2)
    waves = rng.uniform(0, 20) * np.sin(down * angle[:, None] + across * angle)
    return Image.fromarray((np.asarray(patches) + waves[..., None]).clip(0, 255).astype(np.uint8))


def clutter(rng, draw, side):
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


def colour(rng, ground):
    """Return a colour with enough contrast to the background `ground`."""
    while True:
        candidate = rng.integers(0, 256, 3)
        if abs(candidate - ground).max() >= CONTRAST:
            return tuple(candidate.tolist())


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
