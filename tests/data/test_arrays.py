"""Image arrays: uint8 pixels or float inputs; arrays that do not fit are rejected with advice."""

import numpy as np
import pytest

from minigooglenet import data
from minigooglenet.data import arrays

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 3, 5, 4), np.uint8)
PIXELS[0, 0, 0, :2] = 0, 255
LABELS = [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("pixels", [data.UNIT, data.Pixels(), data.Pixels((1, 2, 3), (4, 5, 6), "BGR")])
def test_float_images_give_the_same_batches_as_their_pixels(dtype, pixels):
    x = pixels.to_input(PIXELS).astype(dtype)
    whole, floats = (data.Images(images, LABELS, ("a", "b"), pixels) for images in (PIXELS, x))
    for left, right in zip(data.batches(whole, range(6), 4), data.batches(floats, range(6), 4), strict=True):
        assert right.x.dtype == np.float32
        assert np.array_equal(left.x, right.x)
    assert np.array_equal(floats.load(2), whole.load(2))
    assert np.array_equal(floats.image(3), PIXELS[3])
    assert floats.digest() != whole.digest()


def test_float_images_are_augmented_as_floats():
    x = data.UNIT.to_input(PIXELS)
    some = data.Images(x, LABELS, ("a", "b"), data.UNIT, augment=lambda image, rng: image[:, ::-1])
    batch = next(data.batches(some, range(6), 6, seed=0))
    assert np.array_equal(batch.x, x[:, :, ::-1])


def test_float_images_without_pixels_have_no_uint8_image():
    some = data.Images(np.ones((2, 3, 4, 4)) * 7, [0, 1], ("a", "b"), None)
    assert some.load(0).max() == 7
    with pytest.raises(ValueError, match=r"without pixels=, so they cannot be converted back .* Pass pixels="):
        some.image(0)


@pytest.mark.parametrize(
    ("images", "pixels", "error", "message"),
    [
        (PIXELS.astype(np.float32), data.UNIT, ValueError, r"in -1 \.\. 1 for mean .*got 0 \.\. 255\. They look like"),
        (np.full((1, 3, 2, 2), -9.0), data.UNIT, ValueError, r"got -9 \.\. -9\.$"),
        (np.full((1, 3, 2, 2), np.nan), data.UNIT, ValueError, "12 of 12 values are NaN or infinite"),
        (np.full((1, 3, 2, 2), np.inf), None, ValueError, "12 of 12 values are NaN or infinite"),
        (PIXELS.astype(int), data.UNIT, TypeError, r"got int64\. Try images\.astype\(np\.uint8\)"),
        (PIXELS.astype(np.float16), data.UNIT, TypeError, "got float16$"),
        (PIXELS[0], data.UNIT, TypeError, r"must be \(M, C, H, W\), got \(3, 5, 4\)\. Add the missing axis"),
        (PIXELS.transpose(0, 2, 3, 1), data.UNIT, ValueError, "The channels seem to come last"),
        (PIXELS, data.GREY_UNIT, ValueError, "L has 1 channels"),
        (PIXELS, None, ValueError, "uint8 images need pixels="),
    ],
)
def test_wrong_arrays_are_rejected_with_advice(images, pixels, error, message):
    with pytest.raises(error, match=message):
        arrays.checked(images, pixels)


def test_as_split_accepts_four_arrays():
    x = data.UNIT.to_input(PIXELS)
    split = data.as_split((x, LABELS, x[:2], LABELS[:2]), 3)
    assert split.train.classes == split.test.classes == ("0", "1", "2")
    assert (len(split.train), len(split.test), split.train.pixels) == (6, 2, None)
    assert data.as_split((PIXELS, LABELS, PIXELS, LABELS), 2).train.pixels == data.UNIT
    assert data.as_split((PIXELS[:, :1], LABELS, PIXELS[:, :1], LABELS), 2).train.pixels == data.GREY_UNIT
    assert data.as_split(split, 3) is split
    assert data.as_split([split.train, split.test], 3) == split


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("digits", TypeError, r"data must be a data\.Split .* got str"),
        ((PIXELS, LABELS), TypeError, "got 2 values"),
        ((PIXELS, LABELS[:5], PIXELS, LABELS), ValueError, "train: 6 images and 5 labels"),
        ((PIXELS, LABELS, PIXELS, [0, 1, 2, 0, 1, 0]), ValueError, r"test: labels must be in 0 \.\. 1"),
        ((PIXELS, np.eye(2)[LABELS], PIXELS, LABELS), ValueError, "train: "),
        ((PIXELS, np.array(LABELS, float), PIXELS, LABELS), TypeError, "train: labels must be integers"),
        ((PIXELS.astype(int), LABELS, PIXELS, LABELS), TypeError, "train: images must be uint8"),
    ],
)
def test_as_split_rejects_other_values(value, error, message):
    with pytest.raises(error, match=message):
        data.as_split(value, 2)
