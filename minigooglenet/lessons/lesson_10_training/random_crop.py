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
        "What is drawn first: a side, or an area?",
        (
            "Area 8 and ratio width / height = 2: the height is sqrt(8 / 2) = 2 and the width sqrt(8 * 2) = 4. A crop "
            "higher or wider than the image is thrown away, and both numbers are drawn again."
        ),
        "`height = round(math.sqrt(area / ____))`",
    ),
)


@crop.cases
def crop_cases(rng):
    yield 20, 30, Scripted((0.5, 0.25, 0.999, 0.0))  # the last row that a crop may start in
    yield 24, 16, Scripted((0.3, 0.8, 0.1, 0.999))
    yield 90, 40, Scripted((0.98, 1.0, 0.3, 0.2, 0.4, 0.6))  # the first does not fit
    yield 12, 61, Scripted((0.99, 0.5))  # none fits, and the middle lies between two pixels
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
    """Return a crop with some part of it changed; the right one by default."""
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
        share = 0.08 + 0.92 * rng.random()
        ratio = (4 / 3) ** rng.uniform(-1, 1)
        height = round((share * H * W / ratio) ** 0.5)
        width = round((share * H * W * ratio) ** 0.5)
        if height > H or width > W:
            continue
        top = rng.integers(0, H - height, endpoint=True)
        return np.array([top, rng.integers(0, W - width + 1), height, width])
    side = min(H, W)
    return np.array([(H - side) // 2, (W - side) // 2, side, side])


@crop.wrong
def side_drawn_not_area(H, W, rng):
    """The side was drawn evenly, so that small areas are rare. Draw the area, 0.08 to 1 of the image's."""
    return _crop(H, W, rng, area=lambda H, W, rng: rng.uniform(math.sqrt(0.08), 1) ** 2 * H * W)


@crop.wrong
def landscape_only(H, W, rng):
    """You asked for ratios of 1 to 4/3: no crop is ever higher than wide."""
    return _crop(H, W, rng, ratio=lambda rng: math.exp(rng.uniform(0, math.log(4 / 3))))


@crop.wrong
def ratio_drawn_not_its_logarithm(H, W, rng):
    """Drawn evenly in 3/4 to 4/3, wide is likelier than high. Draw the logarithm."""
    return _crop(H, W, rng, ratio=lambda rng: rng.uniform(3 / 4, 4 / 3))


@crop.wrong
def ratio_on_the_width_only(H, W, rng):
    """The height ignores the ratio, so the area is no longer the one drawn."""
    return _crop(H, W, rng, sides=lambda area, ratio: (round(math.sqrt(area)), round(math.sqrt(area) * ratio)))


@crop.wrong
def ratio_upside_down(H, W, rng):
    """Height and width are exchanged: the ratio is width over height."""
    return _crop(H, W, rng, sides=lambda area, ratio: (round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))))


@crop.wrong
def clipped(H, W, rng):
    """A crop that does not fit was cut to fit, and has lost the area drawn. Draw again."""
    return _crop(H, W, rng, clip=True)


@crop.wrong
def gives_up_at_once(H, W, rng):
    """The first crop that did not fit ended the search; try ten times."""
    return _crop(H, W, rng, tries=1)


@crop.wrong
def one_try_fewer(H, W, rng):
    """You gave up after nine tries: there are ten."""
    return _crop(H, W, rng, tries=9)


@crop.wrong
def last_position_never_used(H, W, rng):
    """A crop may start at H - height too: one more place than you allow."""
    return _crop(H, W, rng, room=0)


@crop.wrong
def shorter_side_squared(H, W, rng):
    """The share is of the whole image's area, H * W, not of the square of its shorter side."""
    return _crop(H, W, rng, area=lambda H, W, rng: rng.uniform(0.08, 1) * min(H, W) ** 2)


@crop.wrong
def corner_for_the_centre(H, W, rng):
    """After ten tries take the square in the middle."""
    return _crop(H, W, rng, last=(0, 0, 12, 12))


@crop.wrong
def bounds_exchanged(H, W, rng):
    """Your row is drawn from W - width and your column from H - height."""
    *_, height, width = _crop(H, W, _Watched(rng), last=(None,) * 4)
    if height is None:
        return _crop(H, W, Scripted(rng.shares))
    return int(rng.integers(W - width + 1)), int(rng.integers(H - height + 1)), height, width


class _Watched:
    """Passes on what sets the size and leaves the place to others."""

    def __init__(self, rng):
        self.rng = rng

    def uniform(self, low, high):
        return self.rng.uniform(low, high)

    def integers(self, high):
        return 0
