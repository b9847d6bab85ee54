"""The paper's random crop."""

import math

import numpy as np

from minigooglenet.data import transforms
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.lessons.lesson_10_training.scripted import Scripted

crop = Exercise(
    "10.4",
    "the paper's random crop",
    "random_crop(H, W, rng) -> (top, left, height, width)",
    minutes=12,
    difficulty=2,
    core=False,
    hints=(
        "Which value do you draw first, a side or the area?",
        (
            "With area 8 and ratio width / height = 2, the height is sqrt(8 / 2) = 2 and the width is sqrt(8 * 2) = 4. "
            "If the crop is taller or wider than the image, draw area and ratio again."
        ),
        "`height = round(math.sqrt(area / ____))`",
    ),
)


@crop.cases
def crop_cases(rng):
    yield 20, 30, Scripted((0.5, 0.25, 0.999, 0.0))  # the last possible top row
    yield 24, 16, Scripted((0.3, 0.8, 0.1, 0.999))
    yield 90, 40, Scripted((0.98, 1.0, 0.3, 0.2, 0.4, 0.6))  # the first does not fit
    yield 12, 61, Scripted((0.99, 0.5))  # none fits, and the centre is between two pixels
    yield 61, 12, Scripted((0.99, 0.5))
    yield 60, 12, Scripted((*(0.99, 0.5) * 10, 0.1, 0.5))  # only the eleventh fits
    yield 90, 40, Scripted((*(0.98, 1.0) * 9, 0.3, 0.2, 0.4, 0.6))  # only the tenth fits
    yield 16, 16, Scripted((1.0, 0.5, 0.7, 0.7))  # the whole image


@crop.reference
def crop_reference(H, W, rng):
    return transforms.area_box(rng, H, W)


crop.engine(transforms.area_box)


def _crop(
    H,
    W,
    rng,
    *,
    area=lambda H, W, rng: rng.uniform(0.08, 1) * H * W,
    ratio=lambda rng: math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3))),
    sides=lambda area, ratio: (round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))),
    tries=10,
    clip=False,
    room=1,
    last=None,
):
    """Return the right crop by default; each argument can make one known mistake."""
    for _ in range(tries):
        drawn = area(H, W, rng)
        height, width = sides(drawn, ratio(rng))
        if clip:
            height, width = min(height, H), min(width, W)
        if 0 < height <= H and 0 < width <= W:
            top, left = (int(rng.integers(max(1, free + room))) for free in (H - height, W - width))
            return top, left, height, width
    side = min(H, W)
    return last or ((H - side) // 2, (W - side) // 2, side, side)


@crop.right
def crop_by_tries(H, W, rng):
    return _crop(H, W, rng)


@crop.right
def crop_in_a_loop(H, W, rng):
    for _ in range(10):
        area = (0.08 + 0.92 * rng.random()) * H * W
        ratio = (4 / 3) ** rng.uniform(-1, 1)
        height = round((area / ratio) ** 0.5)
        width = round((area * ratio) ** 0.5)
        if height > H or width > W:
            continue
        top = rng.integers(0, H - height, endpoint=True)
        return np.array([top, rng.integers(0, W - width + 1), height, width])
    side = min(H, W)
    return np.array([(H - side) // 2, (W - side) // 2, side, side])


@crop.wrong
def side_drawn_not_area(H, W, rng):
    """You drew the side uniformly, which makes small areas rare. Draw the area uniformly instead."""
    return _crop(H, W, rng, area=lambda H, W, rng: rng.uniform(math.sqrt(0.08), 1) ** 2 * H * W)


@crop.wrong
def landscape_only(H, W, rng):
    """You drew ratios from 1 to 4/3, so no crop is taller than wide. The smallest ratio is 3/4."""
    return _crop(H, W, rng, ratio=lambda rng: math.exp(rng.uniform(0, math.log(4 / 3))))


@crop.wrong
def ratio_drawn_not_its_logarithm(H, W, rng):
    """You drew the ratio uniformly from 3/4 to 4/3, which makes wide crops likelier than tall ones. Draw its logarithm
    uniformly."""
    return _crop(H, W, rng, ratio=lambda rng: rng.uniform(3 / 4, 4 / 3))


@crop.wrong
def ratio_on_the_width_only(H, W, rng):
    """Your height ignores the ratio, so the crop does not have the area that was drawn."""
    return _crop(H, W, rng, sides=lambda area, ratio: (round(math.sqrt(area)), round(math.sqrt(area) * ratio)))


@crop.wrong
def ratio_upside_down(H, W, rng):
    """Height and width are exchanged. The ratio is width / height."""
    return _crop(H, W, rng, sides=lambda area, ratio: (round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))))


@crop.wrong
def clipped(H, W, rng):
    """You clipped a crop that did not fit, which changes its area. Draw area and ratio again."""
    return _crop(H, W, rng, clip=True)


@crop.wrong
def gives_up_at_once(H, W, rng):
    """You gave up after the first crop that did not fit. Draw up to ten times."""
    return _crop(H, W, rng, tries=1)


@crop.wrong
def one_try_fewer(H, W, rng):
    """You gave up after nine draws. Draw up to ten times."""
    return _crop(H, W, rng, tries=9)


@crop.wrong
def last_position_never_used(H, W, rng):
    """You never use the last position. The top row can also be H - height, and the left column W - width."""
    return _crop(H, W, rng, room=0)


@crop.wrong
def shorter_side_squared(H, W, rng):
    """You multiplied by the square of the shorter side. The fraction is of the area of the whole image, H * W."""
    return _crop(H, W, rng, area=lambda H, W, rng: rng.uniform(0.08, 1) * min(H, W) ** 2)


@crop.wrong
def corner_instead_of_the_centre(H, W, rng):
    """After ten draws you returned the square in the corner. Return the square in the centre."""
    return _crop(H, W, rng, last=(0, 0, 12, 12))


@crop.wrong
def bounds_exchanged(H, W, rng):
    """You drew the top row up to W - width and the left column up to H - height. Exchange the two limits."""
    *_, height, width = _crop(H, W, _Watched(rng), last=(None,) * 4)
    if height is None:
        return _crop(H, W, Scripted(rng.fractions))
    return int(rng.integers(W - width + 1)), int(rng.integers(H - height + 1)), height, width


class _Watched:
    """A generator that passes on the draws of the size, and draws position 0."""

    def __init__(self, rng):
        self.rng = rng

    def uniform(self, low, high):
        return self.rng.uniform(low, high)

    def integers(self, high):
        return 0
