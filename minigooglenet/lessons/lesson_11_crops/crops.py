"""The 144 crops of an image."""

import functools

import numpy as np

from minigooglenet.evaluation.multicrop import SCALES, boxes, crop_list
from minigooglenet.evaluation.multicrop import SIDE as CROP
from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import FormError, Raised, call, close, form

SIZES_OF_IMAGES = ((300, 450), (450, 300), (400, 400), (200, 800))  # every resized side is an integer

crop_boxes = Exercise(
    "11.1",
    "the 144 crops",
    "crop_boxes(H, W) -> 144 x (scale, y, x, side, mirror)",
    minutes=12,
    difficulty=2,
    hints=(
        "Take one scale and one square. How many crops does it have, and which of them is larger than 224?",
        "At 256 x 384, the squares begin in columns 0, 64 and 128. Each gives four corners, a centre and the square.",
        "With `room = q - 224` in a square of side q, y, x: `(0, 0), (0, room), (room, 0), (room, room), (____, ____)`",
    ),
)


@crop_boxes.reference
def crop_boxes_reference(H, W):
    """Return the engine's boxes, in pixels of the resized image."""
    found, mirrored = boxes((H, W), CROP, 144)
    rows = []
    for crop, (left, top, right, _), mirror in zip(crop_list(144), found, mirrored, strict=True):
        factor = crop.scale / min(H, W)
        rows.append([crop.scale, top * factor, left * factor, (right - left) * factor, mirror])
    return np.rint(np.array(rows))


def _boxes(H, W, squares, parts, mirrors=(0, 1)):
    """Return the rows of an answer from the positions of its squares and of the crops in a square."""
    return [
        (scale, y + dy, x + dx, side, mirror)
        for scale in SCALES
        for y, x in squares(H * scale // min(H, W), W * scale // min(H, W), scale)
        for dy, dx, side in parts(scale)
        for mirror in mirrors
    ]


def _squares(h, w, q):
    return [(round((h - q) * fraction), round((w - q) * fraction)) for fraction in (0, 0.5, 1)]


def _parts(q):
    room = q - CROP
    corners = [(y, x, CROP) for y in (0, room) for x in (0, room)]
    return [*corners, (room // 2, room // 2, CROP), (0, 0, q)]


@crop_boxes.right
def crop_boxes_by_squares(H, W):
    return _boxes(H, W, _squares, _parts, mirrors=(True, False))


@crop_boxes.right
def crop_boxes_in_loops(H, W):
    rows = []
    for scale in (256, 288, 320, 352):
        long = max(H, W) * scale / min(H, W)
        for start in (0, (long - scale) / 2, long - scale):
            y, x = (0, start) if W > H else (start, 0)
            room = scale - 224
            for dy, dx in ((0, 0), (0, room), (room, 0), (room, room), (room / 2, room / 2)):
                rows += [(scale, y + dy, x + dx, 224, 0), (scale, y + dy, x + dx, 224, 1)]
            rows += [(scale, y, x, scale, 0), (scale, y, x, scale, 1)]
    return np.array(rows)


@crop_boxes.wrong
def longer_side_scaled(H, W):
    """You resized the longer side to the scale. Resize the shorter side to 256, 288, 320 and 352."""
    return [
        (scale, y + dy, x + dx, side, mirror)
        for scale in SCALES
        for y, x in _squares(H * scale // max(H, W), W * scale // max(H, W), min(H, W) * scale // max(H, W))
        for dy, dx, side in _parts(scale)
        for mirror in (0, 1)
    ]


@crop_boxes.wrong
def image_squashed(H, W):
    """You resized both sides to the scale. Keep the proportions of the image."""
    return _boxes(H, W, lambda h, w, q: [(0, 0)] * 3, _parts)


@crop_boxes.wrong
def left_and_right_of_a_portrait(H, W):
    """You placed the squares left, centre and right. If an image is taller than wide, they are top, centre, bottom."""
    return _boxes(H, W, lambda h, w, q: [(0, round((w - q) * fraction)) for fraction in (0, 0.5, 1)], _parts)


@crop_boxes.wrong
def corners_of_the_image(H, W):
    """You used the corners of the whole image. Use the corners of each square."""
    rows = []
    for scale in SCALES:
        h, w = H * scale // min(H, W), W * scale // min(H, W)
        for y, x in _squares(h, w, scale):
            for dy, dx, side in _parts(scale):
                corner = side == CROP and (dy, dx) != (_parts(scale)[4][:2])
                position = (bool(dy) * (h - CROP), bool(dx) * (w - CROP)) if corner else (y + dy, x + dx)
                rows += [(scale, *position, side, mirror) for mirror in (0, 1)]
    return rows


@crop_boxes.wrong
def whole_square_forgotten(H, W):
    """You have 120 crops. In each square, the whole square is missing as a crop."""
    return _boxes(H, W, _squares, lambda q: _parts(q)[:5])


@crop_boxes.wrong
def centre_forgotten(H, W):
    """You have 120 crops. In each square, the crop in the centre is missing."""
    return _boxes(H, W, _squares, lambda q: [*_parts(q)[:4], _parts(q)[5]])


@crop_boxes.wrong
def mirrors_forgotten(H, W):
    """You have 72 crops. The mirror image of each crop is missing."""
    return _boxes(H, W, _squares, _parts, mirrors=(0,))


@crop_boxes.wrong
def middle_square_only(H, W):
    """You have 48 crops, of one square per size. The paper takes three squares."""
    return _boxes(H, W, lambda h, w, q: _squares(h, w, q)[1:2], _parts)


@crop_boxes.judge
def crop_boxes_judge(function):
    """Compare sorted lists, because any order of the crops is right."""
    outputs = [_sorted(function, image) for image in SIZES_OF_IMAGES]
    right = _kept(crop_boxes.reference_function)
    if all(close(output, expected).all() for output, expected in zip(outputs, right, strict=True)):
        return Verdict(True, None, f"all 144 crops of {len(SIZES_OF_IMAGES)} images are right, in any order")
    for wrong in crop_boxes.wrongs:
        if all(close(a, b).all() for a, b in zip(outputs, _kept(wrong.function), strict=True)):
            return Verdict(False, wrong.name, wrong.message)
    for image, output, expected in zip(SIZES_OF_IMAGES, outputs, right, strict=True):
        if not close(output, expected).all():
            return Verdict(False, None, _difference(image, output, expected))
    raise AssertionError("one of the outputs differs")


@functools.cache
def _kept(function):
    """Return the sorted lists of a function of ours, which every check needs."""
    return [_sorted(function, image) for image in SIZES_OF_IMAGES]


def _sorted(function, image):
    rows, _ = call(function, image)
    if isinstance(rows, Raised):
        raise rows.error
    if rows is None:
        raise FormError("crop_boxes returned None. Check for a missing return")
    try:
        rows = np.array([tuple(row) for row in rows], np.float64)
    except (TypeError, ValueError):
        raise FormError(f"crop_boxes should return a list of (scale, y, x, side, mirror), got {form(rows)}") from None
    if rows.ndim != 2 or rows.shape[1] != 5:
        raise FormError(f"each crop should be five numbers (scale, y, x, side, mirror), got shape {rows.shape}")
    rows = np.round(rows, 6)  # right values are integers, up to round-off
    return rows[np.lexsort(rows.T[::-1])]


def _difference(image, output, expected):
    size = "{} x {}".format(*image)
    if len(output) != len(expected):
        return f"for an image of {size} you return {len(output)} crops, not {len(expected)}"
    known = {tuple(row) for row in expected}
    odd = next((row for row in output.tolist() if tuple(row) not in known), None)
    if odd is None:
        return f"for an image of {size} some of your crops appear twice and others are missing"
    crop = "(scale {:g}, y {:g}, x {:g}, side {:g}, mirror {:g})".format(*odd)
    return f"for an image of {size} the crop {crop} is not one of the paper's 144 crops"
