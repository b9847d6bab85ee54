"""The 144 pieces of an image."""

import numpy as np

from minigooglenet.evaluation.multicrop import SCALES, boxes, crop_list
from minigooglenet.evaluation.multicrop import SIDE as PIECE
from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import FormError, Raised, call, close, form

SIZES_OF_IMAGES = ((300, 450), (450, 300), (400, 400), (200, 800))  # every size comes out whole: nothing to round

crop_boxes = Exercise(
    "11.1",
    "the 144 pieces",
    "crop_boxes(H, W) -> 144 x (scale, y, x, side, mirror)",
    minutes=12,
    difficulty=2,
    hints=(
        "Take one scale and one square only. How many pieces does it have, and which of them is larger than 224?",
        "At 256 x 384 the squares begin at columns 0, 64, 128. Each has four corners and a centre, and is one itself.",
        "In a square of q rows, `room = q - 224`; y, x: `(0, 0), (0, room), (room, 0), (room, room), (____, ____)`.",
    ),
)


@crop_boxes.reference
def crop_boxes_reference(H, W):
    """The engine's own boxes, moved from the image to the resized image."""
    found, mirrored = boxes((H, W), PIECE, 144)
    rows = []
    for crop, (left, top, right, _), mirror in zip(crop_list(144), found, mirrored, strict=True):
        factor = crop.scale / min(H, W)
        rows.append([crop.scale, top * factor, left * factor, (right - left) * factor, mirror])
    return np.rint(np.array(rows))


def _boxes(H, W, squares, parts, mirrors=(0, 1)):
    """Return the rows of answers that differ in their squares or in the parts of a square."""
    return [
        (scale, y + dy, x + dx, side, mirror)
        for scale in SCALES
        for y, x in squares(H * scale // min(H, W), W * scale // min(H, W), scale)
        for dy, dx, side in parts(scale)
        for mirror in mirrors
    ]


def _squares(h, w, q):
    return [(round((h - q) * share), round((w - q) * share)) for share in (0, 0.5, 1)]


def _parts(q):
    room = q - PIECE
    corners = [(y, x, PIECE) for y in (0, room) for x in (0, room)]
    return [*corners, (room // 2, room // 2, PIECE), (0, 0, q)]


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
    """It is the shorter side that becomes 256, 288, 320 and 352."""
    return [
        (scale, y + dy, x + dx, side, mirror)
        for scale in SCALES
        for y, x in _squares(H * scale // max(H, W), W * scale // max(H, W), min(H, W) * scale // max(H, W))
        for dy, dx, side in _parts(scale)
        for mirror in (0, 1)
    ]


@crop_boxes.wrong
def image_squashed(H, W):
    """You resized both sides to the scale. Keep the proportions: 2 x 3 stays 2 x 3."""
    return _boxes(H, W, lambda h, w, q: [(0, 0)] * 3, _parts)


@crop_boxes.wrong
def left_and_right_of_a_portrait(H, W):
    """A portrait is tall: its squares are top, middle and bottom."""
    return _boxes(H, W, lambda h, w, q: [(0, round((w - q) * share)) for share in (0, 0.5, 1)], _parts)


@crop_boxes.wrong
def corners_of_the_image(H, W):
    """The corners are those of each square, not those of the whole image."""
    rows = []
    for scale in SCALES:
        h, w = H * scale // min(H, W), W * scale // min(H, W)
        for y, x in _squares(h, w, scale):
            for dy, dx, side in _parts(scale):
                corner = side == PIECE and (dy, dx) != (_parts(scale)[4][:2])
                place = (bool(dy) * (h - PIECE), bool(dx) * (w - PIECE)) if corner else (y + dy, x + dx)
                rows += [(scale, *place, side, mirror) for mirror in (0, 1)]
    return rows


@crop_boxes.wrong
def whole_square_forgotten(H, W):
    """120 pieces: of each square, the square itself made smaller is missing."""
    return _boxes(H, W, _squares, lambda q: _parts(q)[:5])


@crop_boxes.wrong
def centre_forgotten(H, W):
    """120 pieces: of each square, the piece in its centre is missing."""
    return _boxes(H, W, _squares, lambda q: [*_parts(q)[:4], _parts(q)[5]])


@crop_boxes.wrong
def mirrors_forgotten(H, W):
    """72 pieces: each of them comes plain and mirrored."""
    return _boxes(H, W, _squares, _parts, mirrors=(0,))


@crop_boxes.wrong
def middle_square_only(H, W):
    """48 pieces: the paper takes three squares of each size."""
    return _boxes(H, W, lambda h, w, q: _squares(h, w, q)[1:2], _parts)


@crop_boxes.judge
def crop_boxes_judge(function):
    """The order of the pieces is the student's own: both lists are sorted."""
    outputs = [_sorted(function, image) for image in SIZES_OF_IMAGES]
    right = [_sorted(crop_boxes.reference_function, image) for image in SIZES_OF_IMAGES]
    if all(close(mine, theirs).all() for mine, theirs in zip(outputs, right, strict=True)):
        return Verdict(True, None, f"all 144 pieces of {len(SIZES_OF_IMAGES)} images, in whatever order")
    for wrong in crop_boxes.wrongs:
        theirs = [_sorted(wrong.function, image) for image in SIZES_OF_IMAGES]
        if all(close(a, b).all() for a, b in zip(outputs, theirs, strict=True)):
            return Verdict(False, wrong.name, wrong.message)
    for image, mine, theirs in zip(SIZES_OF_IMAGES, outputs, right, strict=True):
        if not close(mine, theirs).all():
            return Verdict(False, None, _difference(image, mine, theirs))
    raise AssertionError("one of them differs")


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
        raise FormError(f"each piece should be five numbers (scale, y, x, side, mirror), got shape {rows.shape}")
    rows = np.round(rows, 6)  # every right value is an integer, up to the round-off of its formula
    return rows[np.lexsort(rows.T[::-1])]


def _difference(image, mine, theirs):
    size = "{} x {}".format(*image)
    if len(mine) != len(theirs):
        return f"an image of {size} gets {len(mine)} pieces, not {len(theirs)}"
    known = {tuple(row) for row in theirs}
    odd = next((row for row in mine.tolist() if tuple(row) not in known), None)
    if odd is None:
        return f"in an image of {size} some of your pieces come too often and others not at all"
    return "in an image of {} the piece (scale {:g}, y {:g}, x {:g}, side {:g}, mirror {:g}) is none of ours".format(
        size, *odd
    )
