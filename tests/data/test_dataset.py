"""Data sets in memory, how their images become inputs, and the old names of images."""

import numpy as np
import pytest

from minigooglenet import data


def test_input_is_pixel_minus_mean_over_std():
    x = data.Pixels((10, 20, 30), (2, 4, 5)).to_input(np.full((2, 3, 1, 1), 40, np.uint8))
    assert x.dtype == np.float32
    assert x[:, :, 0, 0].tolist() == [[15, 5, 2]] * 2


def test_bgr_order_reverses_colours_and_means():
    pixels = data.Pixels((104, 117, 123), (1, 1, 1), "BGR")
    x = pixels.to_input(np.array([200, 100, 50], np.uint8).reshape(3, 1, 1))
    assert x.ravel().tolist() == [50 - 104, 100 - 117, 200 - 123]


@pytest.mark.parametrize("pixels", [data.Pixels(), data.UNIT, data.Pixels((1, 2, 3), (4, 5, 6), "BGR")])
def test_to_pixels_inverts_to_input(pixels):
    image = np.random.default_rng(0).integers(0, 256, (3, 5, 4), np.uint8)
    assert np.array_equal(pixels.to_pixels(pixels.to_input(image)), image)


def test_pixels_reject_invalid_values():
    with pytest.raises(ValueError, match="colours must be one of RGB, BGR, L, got 'HSV'"):
        data.Pixels(colours="HSV")
    with pytest.raises(ValueError, match="mean needs 1 numbers for L"):
        data.Pixels(colours="L")
    with pytest.raises(ValueError, match="std must be finite and above 0"):
        data.Pixels(std=(1, 0, 1))
    with pytest.raises(ValueError, match=r"pixels must be \(..., 3, H, W\) for RGB, got \(4, 4, 3\)"):
        data.Pixels().to_input(np.zeros((4, 4, 3)))


def test_load_augments_only_with_rng():
    images = np.arange(2 * 3 * 2 * 2, dtype=np.uint8).reshape(2, 3, 2, 2)
    some = data.Images(images, [1, 0], ("a", "b"), data.UNIT, augment=lambda image, rng: image[:, :, ::-1])
    assert (len(some), some.shape, some.labels.tolist()) == (2, (3, 2, 2), [1, 0])
    assert np.array_equal(some.load(1), data.UNIT.to_input(images[1]))
    assert np.array_equal(some.load(1, rng=0), data.UNIT.to_input(images[1, :, :, ::-1]))


def test_images_reject_a_label_without_class():
    with pytest.raises(ValueError, match=r"labels must be in 0 \.\. 1"):
        data.Images(np.zeros((1, 1, 2, 2), np.uint8), [2], ("a", "b"), data.GREY_UNIT)


IMAGES = np.arange(2 * 3 * 2 * 2, dtype=np.uint8).reshape(2, 3, 2, 2)


def test_old_names_of_images_work_with_a_warning():
    with pytest.warns(DeprecationWarning, match="pictures= is now images="):
        some = data.Images(pictures=IMAGES, labels=[1, 0], classes=("a", "b"), pixels=data.UNIT)
    with pytest.warns(DeprecationWarning, match="Images.pictures is now Images.images"):
        assert some.pictures is some.images
    with pytest.warns(DeprecationWarning, match="picture is now image"):
        assert np.array_equal(some.picture(1), IMAGES[1])
    scenes = data.shapes(1)
    with pytest.warns(DeprecationWarning, match="Scenes.pictures is now Scenes.images"):
        assert scenes.pictures is scenes.images


def test_subclass_with_the_old_method_works_with_a_warning():
    with pytest.warns(DeprecationWarning, match="Old.picture is now image"):

        class Old(data.Images):
            def picture(self, index):
                return 255 - super().picture(index)

    some = Old(IMAGES, [1, 0], ("a", "b"), data.UNIT)
    with pytest.warns(DeprecationWarning, match="picture is now image"):
        assert np.array_equal(some.load(1), data.UNIT.to_input(255 - IMAGES[1]))
