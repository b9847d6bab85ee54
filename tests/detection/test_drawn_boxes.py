"""Images with boxes drawn on them: sizes, colours, and class names that a font may lack."""

import numpy as np
import pytest
from PIL import ImageColor

from minigooglenet import figures
from minigooglenet.detection import Detections
from minigooglenet.detection.drawing import drawn


def detections(*rows):
    """Return Detections from rows (label, x1, y1, x2, y2)."""
    boxes = np.array([row[1:] for row in rows], float).reshape(-1, 4)
    return Detections(boxes, np.full(len(rows), 0.5), np.array([row[0] for row in rows], np.int64))


@pytest.mark.parametrize(
    ("height", "width", "size"), [(64, 64, (448, 448)), (30, 60, (480, 240)), (500, 700, (700, 500))]
)
def test_small_image_is_enlarged_by_an_integer(height, width, size):
    image = np.random.default_rng(0).integers(0, 256, (3, height, width), np.uint8)
    canvas = drawn(image, detections(), ("cat",))
    assert canvas.size == size
    scale = size[0] // width
    assert np.array_equal(np.asarray(canvas)[::scale, ::scale], image.transpose(1, 2, 0))


def test_box_has_the_colour_of_its_class():
    canvas = np.asarray(drawn(np.zeros((3, 500, 500), np.uint8), detections((1, 100, 200, 300, 400)), ("cat", "dog")))
    colour = ImageColor.getrgb(figures.PALETTE[1])
    for x, y in ((100, 300), (299, 300), (200, 399)):
        assert tuple(canvas[y, x]) == colour
    assert not canvas[300, 99].any()
    assert not canvas[300, 300].any()
    assert not canvas[300, 200].any()


def test_grey_image_and_any_class_name_are_drawn():
    names = ("K\u00e4se \u4e2d\u6587", *map(str, range(20)))
    canvas = drawn(np.full((1, 20, 20), 99, np.uint8), detections((0, 0, 0, 20, 20), (20, 19, 19, 20, 20)), names)
    assert canvas.mode == "RGB"
