"""Boxes of first and last pixels, and of centres and sizes, as corners."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise

corners = Exercise(
    "15.1",
    "three forms of a box",
    "corners(pixels, centres) -> boxes (M, 4), boxes (K, 4)",
    minutes=4,
    difficulty=1,
    hints=(
        "A box from pixel 1 to pixel 1 contains one pixel. Which corners does it have, and what is its width?",
        (
            "Pixel 1 covers 0 to 1, and pixel 7 covers 6 to 7. So the box from pixel 1 to pixel 7 reaches from 0 to 7. "
            "A box with centre 5 and width 4 reaches from 5 - 2 to 5 + 2."
        ),
        "`pixels - [1, 1, ____, ____]` and `cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2`",
    ),
)


@corners.cases
def corners_cases(rng):
    yield np.array([[1.0, 1.0, 500.0, 375.0], [3.0, 7.0, 3.0, 9.0]]), np.array([[5.0, 4.5, 4.0, 3.0]])
    low = rng.integers(1, 30, (3, 2)).astype(float)
    yield np.hstack([low, low + rng.integers(0, 20, (3, 2))]), _centres(rng, 4)
    yield np.array([[2.0, 3.0, 4.0, 8.0]]), _centres(rng, 2)


def _centres(rng, count):
    """Return centres and sizes with odd widths, in quarters."""
    sizes = 2.0 * rng.integers(1, 9, (count, 2)) + [1, 4]
    return np.hstack([rng.integers(40, 99, (count, 2)) / 4, sizes])


def _of_pixels(pixels):
    return pixels - [1, 1, 0, 0]


def _of_centres(centres):
    middle, half = centres[:, :2], centres[:, 2:] / 2
    return np.concatenate([middle - half, middle + half], axis=1)


@corners.reference
def corners_reference(pixels, centres):
    return _of_pixels(pixels), _of_centres(centres)


@corners.right
def corners_box_by_box(pixels, centres):
    first = [(x1 - 1, y1 - 1, x2, y2) for x1, y1, x2, y2 in pixels]
    second = [(cx - w / 2, cy - h / 2, cx - w / 2 + w, cy - h / 2 + h) for cx, cy, w, h in centres]
    return np.array(first), np.array(second)


@corners.right
def corners_as_products(pixels, centres):
    sides = np.array([[1, 0, -0.5, 0], [0, 1, 0, -0.5], [1, 0, 0.5, 0], [0, 1, 0, 0.5]])
    both = pixels.copy()
    both[:, :2] -= 1
    return both, centres @ sides.T


@corners.wrong
def pixels_unchanged(pixels, centres):
    """You returned pixel numbers as corners, so a box of one pixel is empty. Pixel 1 covers 0 to 1."""
    return pixels, _of_centres(centres)


@corners.wrong
def last_pixel_left_out(pixels, centres):
    """You subtracted 1 from all four, so each box is one pixel too small. The last pixel x covers x - 1 to x."""
    return pixels - 1, _of_centres(centres)


@corners.wrong
def pixels_counted_from_0(pixels, centres):
    """You added 1 to the last pixel. That is right if the first pixel of an image is 0, but here it is 1."""
    return pixels + np.array([0, 0, 1, 1]), _of_centres(centres)


@corners.wrong
def one_added_to_the_size(pixels, centres):
    """You added 1 to width and height of the centre form. These are lengths in floats, not counts of pixels."""
    return _of_pixels(pixels), _of_centres(centres + np.array([0, 0, 1, 1]))


@corners.wrong
def half_the_width_lost(pixels, centres):
    """You divided the size by 2 with //, which loses a half if it is odd. Use /."""
    half = centres[:, 2:] // 2
    return _of_pixels(pixels), np.concatenate([centres[:, :2] - half, centres[:, :2] + half], axis=1)


@corners.wrong
def whole_size_to_both_sides(pixels, centres):
    """Your box is twice as wide as w. Half of the width is on each side of the centre."""
    return _of_pixels(pixels), _of_centres(centres * [1, 1, 2, 2])


@corners.wrong
def centre_taken_as_corner(pixels, centres):
    """You added the size to the centre, as if it were the first corner. The centre is in the middle of the box."""
    return _of_pixels(pixels), np.hstack([centres[:, :2], centres[:, :2] + centres[:, 2:]])


@corners.wrong
def width_and_height_exchanged(pixels, centres):
    """You used w along y and h along x. The form is cx, cy, w, h."""
    return _of_pixels(pixels), _of_centres(centres[:, [0, 1, 3, 2]])


@corners.wrong
def x_and_y_exchanged(pixels, centres):
    """Your boxes have y before x, as rows and columns of an array. A box has x first."""
    order = [1, 0, 3, 2]
    return _of_pixels(pixels)[:, order], _of_centres(centres)[:, order]
