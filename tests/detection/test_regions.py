"""Regions of an image: the warp against its definition in loops and against Pillow, its context, and its errors."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minigooglenet.detection import regions


def definition(image, box, side):
    """Return the warped box by the definition: a loop over output pixels, their samples, and four neighbours each."""
    channels, height, width = image.shape
    x1, y1, x2, y2 = box
    across, down = (max(1, math.ceil(length / (2 * side))) for length in (x2 - x1, y2 - y1))
    result = np.zeros((channels, side, side))
    for row in range(side):
        for column in range(side):
            for j in range(down):
                for i in range(across):
                    y = y1 + (y2 - y1) * (row + (j + 0.5) / down) / side - 0.5
                    x = x1 + (x2 - x1) * (column + (i + 0.5) / across) / side - 0.5
                    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
                    for k in range(height):
                        for m in range(width):
                            weight = max(0, 1 - abs(y - k)) * max(0, 1 - abs(x - m))
                            result[:, row, column] += weight * image[:, k, m] / (down * across)
    return result


@st.composite
def cases(draw):
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    xs, ys = (
        sorted(draw(st.lists(st.floats(0, length, width=16), min_size=2, max_size=2, unique=True)))
        for length in (width, height)
    )
    image = np.random.default_rng(draw(st.integers(0, 99))).integers(
        0, 256, (draw(st.sampled_from((1, 3))), height, width)
    )
    return image.astype(np.uint8), (xs[0], ys[0], xs[1], ys[1]), draw(st.integers(1, 6))


@given(cases())
def test_warp_matches_its_definition(case):
    image, box, side = case
    warped = regions.crop(image, box, side, context=0)
    assert np.abs(warped - definition(image, box, side)).max() <= 0.5 + 1e-3  # rounding to a pixel value


@pytest.mark.parametrize("box", [(0, 0, 20, 14), (3, 2, 9, 13), (4.25, 1.5, 11.75, 8.5)])
def test_enlarged_region_matches_pillow(box):
    image = np.random.default_rng(0).integers(0, 256, (3, 14, 20), np.uint8)
    colours = Image.fromarray(image.transpose(1, 2, 0))
    expected = np.asarray(colours.resize((32, 32), Image.Resampling.BILINEAR, box=box)).transpose(2, 0, 1)
    if box == (0, 0, 20, 14):  # Pillow repeats pixels at the edge of the box, not only at the edge of the image
        assert np.abs(regions.crop(image, box, 32, context=0).astype(int) - expected).max() <= 1
    inner = slice(4, -4)
    difference = regions.crop(image, box, 32, context=0).astype(int)[:, inner, inner] - expected[:, inner, inner]
    assert np.abs(difference).max() <= 1


def test_region_of_the_same_size_is_the_image():
    image = np.random.default_rng(1).integers(0, 256, (3, 16, 16), np.uint8)
    assert np.array_equal(regions.crop(image, (0, 0, 16, 16), 16, context=0), image)


def test_box_fills_the_middle_of_its_region():
    image = np.zeros((1, 100, 100), np.uint8)
    image[:, 40:60, 30:70] = 200
    region = regions.crop(image, (30, 40, 70, 60), side=40, context=0.25)[0]
    assert (region[11:29, 11:29] == 200).all()
    assert not region[:9].any()
    assert not region[:, :9].any()


def test_context_of_r_cnn_is_16_of_227_pixels():
    enlarged = regions.enlarged(np.array([[16.0, 16.0, 211.0, 211.0]]))
    assert np.allclose(enlarged, [[0, 0, 227, 227]], atol=1e-12)


def test_context_beyond_the_image_repeats_its_edge():
    image = np.arange(100, dtype=np.uint8).reshape(1, 10, 10)
    region = regions.crop(image, (0, 0, 10, 10), side=20, context=0.25)[0]
    assert (region[:5, :5] == 0).all()
    assert (region[-5:, -5:] == 99).all()


@given(cases(), st.integers(0, 5))
def test_batch_of_boxes_equals_single_boxes(case, more):
    image, box, side = case
    height, width = image.shape[1:]
    boxes = np.array([box, (0, 0, width, height), (0, 0, width / 2, height / 3)] + [box] * more)
    together = regions.crops(image, boxes, side)
    assert together.dtype == np.uint8
    for region, one in zip(together, boxes, strict=True):
        assert np.array_equal(region, regions.crop(image, one, side))


def test_regions_are_the_same_in_parts(monkeypatch):
    image = np.random.default_rng(2).integers(0, 256, (3, 20, 30), np.uint8)
    boxes = [(0, 0, 30, 20), (1, 1, 9, 4), (2, 3, 8, 9), (0, 0, 5, 5)]
    expected = regions.crops(image, boxes, 8)
    monkeypatch.setattr(regions, "TOGETHER", 1)
    assert np.array_equal(regions.crops(image, boxes, 8), expected)


def test_large_region_skips_no_pixel():
    image = np.zeros((1, 90, 90), np.uint8)
    image[:, 45, :] = 255  # a line of one pixel, which samples 9 pixels apart can miss
    assert regions.crop(image, (0, 0, 90, 90), side=10, context=0).max() > 20


def test_no_boxes_give_no_regions():
    assert regions.crops(np.zeros((3, 8, 8), np.uint8), np.zeros((0, 4)), 32).shape == (0, 3, 32, 32)


@pytest.mark.parametrize(
    ("image", "boxes", "error", "message"),
    [
        (np.zeros((8, 8, 3), np.uint8), [(0, 0, 2, 2)], ValueError, r"last: image\.transpose\(2, 0, 1\)$"),
        (np.zeros((3, 8, 8), np.float32), [(0, 0, 2, 2)], TypeError, r"must be uint8 \(C, H, W\), got float32"),
        (np.zeros((8, 8), np.uint8), [(0, 0, 2, 2)], TypeError, r"got uint8 of shape \(8, 8\)"),
        (np.zeros((3, 8, 8), np.uint8), [(0, 0, 2, 2), (0, 0, 9, 2)], ValueError, r"boxes\[1\] = \(0, 0, 9, 2\)"),
        (np.zeros((3, 8, 8), np.uint8), [(2, 0, 2, 2)], ValueError, r"boxes\[0\].* is empty"),
    ],
)
def test_wrong_arguments_raise(image, boxes, error, message):
    with pytest.raises(error, match=message):
        regions.crops(image, boxes, 4)


@pytest.mark.parametrize("context", [-0.1, 0.5, float("nan")])
def test_context_outside_its_range_raises(context):
    with pytest.raises(ValueError, match="context must be"):
        regions.crop(np.zeros((3, 8, 8), np.uint8), (0, 0, 4, 4), 4, context)


def test_large_image_is_made_smaller_first():
    tall = np.random.default_rng(0).integers(0, 256, (3, 1200, 600), dtype=np.uint8)
    small, factors = regions.smaller(tall)
    assert small.shape == (3, 500, 250)
    boxes = np.array([[0.0, 0, 600, 1200], [12, 24, 300, 480]])
    assert np.array_equal(regions.crops(tall, boxes, 24), regions.crops(small, boxes * factors, 24))
    assert regions.smaller(tall[:, :1, :501])[0].shape == (3, 1, 500)
    assert regions.smaller(tall[:, :500, :500])[0].shape == (3, 500, 500)
