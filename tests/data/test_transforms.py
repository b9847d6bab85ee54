"""Transforms of images whose pixel values are their positions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.data import transforms


def _image(height=30, width=40, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (channels, height, width), np.uint8)


def _positions(height, width):
    """Return an image whose values are the positions: rows in red, columns in green."""
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    return np.stack([rows, columns, 0 * rows]).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("interpolation", transforms.INTERPOLATIONS)
def test_resize_keeps_the_order_of_axes_and_colours(channels, interpolation):
    image = np.zeros((channels, 8, 12), np.uint8) + np.arange(50, 50 + channels, dtype=np.uint8)[:, None, None]
    resized = transforms.resize(image, 4, 30, interpolation)
    assert (resized.shape, resized.dtype) == ((channels, 4, 30), np.uint8)
    assert resized[:, 0, 0].tolist() == resized[:, -1, -1].tolist() == list(range(50, 50 + channels))


def test_halving_by_area_averages_four_pixels():
    image = np.array([[[0, 4, 10, 10], [4, 8, 10, 10]]], np.uint8)
    assert transforms.resize(image, 1, 2, "area").tolist() == [[[4, 10]]]


def test_unknown_interpolation_is_rejected_with_the_choices():
    with pytest.raises(ValueError, match="one of bilinear, area, nearest, bicubic, got 'cubic'"):
        transforms.resize(_image(), 4, 4, "cubic")


def test_resize_follows_torchvisions_rule():
    for side in (224, 232, 256, 299):
        for height in range(200, 600, 7):
            for width in range(height % 5 + 200, 600, 11):
                # torchvision.transforms.functional._compute_resized_output_size, written out
                short, long = (width, height) if width <= height else (height, width)
                new_short, new_long = side, int(side * long / short)
                expected = (new_long, new_short) if width <= height else (new_short, new_long)
                assert transforms.shorter_side(height, width, side) == expected
    assert transforms.resize_shorter_side(_image(333, 500), 256).shape == (3, 256, 384)  # 384.38
    assert transforms.resize_shorter_side(_image(500, 334), 256).shape == (3, 383, 256)  # 383.23
    assert transforms.resize_shorter_side(_image(300, 451), 256).shape == (3, 256, 384)  # 384.85


def test_centre_crop_follows_torchvisions_rule():
    for height in range(224, 400):
        for width in (224, 225, 226, 227, 255, 383, 385):
            expected = round((height - 224) / 2.0), round((width - 224) / 2.0)
            assert transforms.centre(height, width, 224) == expected
    assert [transforms.centre(224, 224 + room, 224)[1] for room in range(8)] == [0, 0, 1, 2, 2, 2, 3, 4]


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 40))
def test_shorter_side_gets_its_size_and_keeps_proportions(height, width, side):
    _, rows, columns = transforms.resize_shorter_side(_image(height, width), side).shape
    assert min(rows, columns) == side
    for length, before in ((rows, height), (columns, width)):
        assert 0 <= side * before / min(height, width) - length < 1


def test_centre_crop_is_central():
    assert transforms.centre_crop(_positions(10, 20), 4)[:, 0, 0].tolist() == [3, 8, 0]
    with pytest.raises(ValueError, match="extends past the edge of an image of 10 x 20"):
        transforms.centre_crop(_positions(10, 20), 11)


@pytest.mark.parametrize(("height", "width"), [(256, 256), (200, 120), (64, 250)])
def test_middle_is_224_of_256_of_the_shorter_side(height, width):
    middle = transforms.middle(_positions(height, width), 56).astype(float)
    side = min(height, width) * 224 / 256
    for channel, axis, length in ((0, 1, height), (1, 2, width)):
        values = middle[channel].mean(axis=2 - axis)
        pixel = side / 56
        assert values[0] == pytest.approx((length - side) / 2 + pixel / 2 - 0.5, abs=1.5)
        assert values[-1] == pytest.approx((length + side) / 2 - pixel / 2 - 0.5, abs=1.5)


def test_middle_needs_little_memory_for_long_images():
    assert transforms.middle(np.zeros((1, 10, 100_000), np.uint8), 224).shape == (1, 224, 224)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 10**6))
def test_training_crop_has_the_papers_area_and_aspect(height, width, seed):
    top, left, rows, columns = transforms.area_box(np.random.default_rng(seed), height, width)
    assert min(top, left) >= 0
    assert top + rows <= height
    assert left + columns <= width
    if rows == columns == min(height, width):
        return  # a crop that does not fit becomes the central square
    # Rounding to integers changes the area and the aspect ratio a little.
    assert (rows + 0.5) * (columns + 0.5) >= 0.08 * height * width
    assert (columns + 0.5) / max(rows - 0.5, 0.5) >= 3 / 4
    assert (columns - 0.5) / (rows + 0.5) <= 4 / 3


def test_crop_areas_are_uniform_and_aspects_symmetric():
    rng = np.random.default_rng(0)
    boxes = np.array([transforms.area_box(rng, 1000, 1000) for _ in range(4000)])
    areas, log_aspect = boxes[:, 2] * boxes[:, 3] / 1e6, np.log(boxes[:, 3] / boxes[:, 2])
    assert areas.min() < 0.1
    assert np.histogram(areas, bins=4, range=(0.08, 0.8))[0].std() < 60  # large ones often do not fit
    assert abs(log_aspect.mean()) < 0.01
    assert log_aspect.max() == pytest.approx(np.log(4 / 3), abs=0.01)


def test_crop_that_never_fits_becomes_the_central_square():
    class Wide:
        def uniform(self, low, high):
            return high  # 100% of the area at 4 : 3 does not fit into a square

    assert transforms.area_box(Wide(), 10, 10) == (0, 0, 10, 10)
    assert transforms.area_box(Wide(), 6, 12) == (0, 3, 6, 6)


def test_random_interpolation_draws_all_four(monkeypatch):
    used = []
    monkeypatch.setattr(transforms, "resize", lambda image, height, width, interpolation: used.append(interpolation))
    rng = np.random.default_rng(0)
    for _ in range(400):
        transforms.random_area_crop(_image(), rng, 20, interpolation="random")
    assert {name: used.count(name) > 70 for name in transforms.INTERPOLATIONS} == dict.fromkeys(used, True)
    transforms.random_area_crop(_image(), rng, 20)
    assert used[-1] == "bilinear"


def test_mirror_flips_half_of_the_images():
    image, rng = _image(), np.random.default_rng(0)
    flipped = [np.array_equal(transforms.mirror(image, rng), image[:, :, ::-1]) for _ in range(1000)]
    assert 430 < sum(flipped) < 570


def test_shift_moves_and_reflects_at_the_border():
    seen = set()
    image = _positions(9, 7)
    for seed in range(300):
        moved = transforms.shift(image, np.random.default_rng(seed), 2)
        assert moved.shape == image.shape
        seen.add(tuple(moved[:2, 4, 3].tolist()))
    assert seen == {(row, column) for row in range(2, 7) for column in range(1, 6)}
    assert transforms._reflected(5, 2, 2).tolist() == [2, 3, 4, 3, 2]
    assert transforms._reflected(5, -2, 2).tolist() == [2, 1, 0, 1, 2]
    with pytest.raises(ValueError, match="by up to 4 pixels needs an image larger than 4 pixels, got 3"):
        transforms.shift(_image(3, 3), np.random.default_rng(0))


class _Fixed:
    """Draws one order and one factor."""

    def __init__(self, order, factor):
        self.order, self.factor = order, factor

    def permutation(self, count):
        return np.array(self.order)

    def uniform(self, low, high):
        return self.factor


def test_distortions_match_howard():
    image = np.array([10, 20, 40], np.uint8).reshape(3, 1, 1).repeat(2, axis=2)
    image[:, :, 1] = 100
    grey = 0.299 * 10 + 0.587 * 20 + 0.114 * 40
    half = 0.5
    assert transforms.distort(image, _Fixed([0], half))[:, 0, 0].tolist() == [5, 10, 20]
    mean = (grey + 100) / 2
    expected = [round(half * v + half * mean) for v in (10, 20, 40)]
    assert transforms.distort(image, _Fixed([1], half))[:, 0, 0].tolist() == expected
    expected = [round(half * v + half * grey) for v in (10, 20, 40)]
    assert transforms.distort(image, _Fixed([2], half))[:, 0, 0].tolist() == expected
    assert transforms.distort(image, _Fixed([2], half))[:, 0, 1].tolist() == [100] * 3


def test_order_of_distortions_matters():
    image = np.random.default_rng(0).integers(0, 256, (3, 8, 8), np.uint8)
    first, last = (transforms.distort(image, _Fixed(order, 1.5)) for order in ([0, 1, 2], [2, 1, 0]))
    assert not np.array_equal(first, last)


@pytest.mark.parametrize("channels", [1, 3])
def test_augmentation_repeats_with_its_seed(channels):
    image = _image(60, 80, channels)
    for function in (lambda p, rng: transforms.photo_augmentation(p, rng, 24), transforms.small_augmentation):
        one, again, other = (function(image, np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert one.dtype == np.uint8
        assert np.array_equal(one, again)
        assert not np.array_equal(one, other)
        assert np.array_equal(image, _image(60, 80, channels))
    assert transforms.photo_augmentation(image, np.random.default_rng(0), 24).shape == (channels, 24, 24)
