"""Digits and photographs as arrays, and files that are no photographs."""

import sys

import numpy as np
import pytest
from PIL import Image

from minigooglenet import data


def test_digits_are_1797_images_in_a_fixed_split():
    pytest.importorskip("sklearn")
    images, labels, test_images, test_labels = data.digits()
    assert (images.shape, test_images.shape) == ((1438, 1, 32, 32), (359, 1, 32, 32))
    assert (len(labels), len(test_labels)) == (1438, 359)
    assert images.dtype == np.float32
    assert images.min() >= -1
    assert images.max() <= 1
    assert set(test_labels) == set(range(10))
    assert np.array_equal(data.digits()[0], images)


def test_no_digit_is_in_both_parts():
    pytest.importorskip("sklearn")
    images, _, test_images, _ = data.digits(8)
    assert not {x.tobytes() for x in images} & {x.tobytes() for x in test_images}


def test_without_scikit_learn_the_digits_say_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ModuleNotFoundError, match="pip install scikit-learn"):
        data.digits()


def test_the_photograph_is_there_without_a_path():
    assert data.photograph().mode == "RGB"
    assert min(data.photograph().size) > 224


def _save(tmp_path, image, name="photo.png"):
    image.save(tmp_path / name)
    return tmp_path / name


@pytest.mark.parametrize("size", [(300, 500), (500, 300), (40, 30), (224, 224), (1, 1)])
def test_any_photograph_becomes_one_square_of_mean_subtracted_colours(tmp_path, size):
    path = _save(tmp_path, Image.new("RGB", size, (123, 117, 204)))
    x = data.prepare(data.photograph(path))
    assert (x.shape, x.dtype) == ((1, 3, 224, 224), np.float32)
    assert np.all(x[0, 0] == 0)
    assert np.all(x[0, 1] == 0)
    assert np.all(x[0, 2] == 100)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_other_colour_modes_become_rgb(tmp_path, mode):
    assert data.photograph(_save(tmp_path, Image.new(mode, (8, 8)), "photo.tif")).mode == "RGB"


def test_a_photograph_keeps_its_middle():
    image = Image.new("RGB", (896, 448))
    image.paste((255, 255, 255), (448 - 56, 0, 448 + 56, 448))
    x = data.prepare(image, size=224)[0, 0]
    assert x[:, 112].min() > 100
    assert x[:, 20].max() < 0


def test_a_turned_photograph_is_put_upright(tmp_path):
    image = Image.new("RGB", (20, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert data.photograph(tmp_path / "turned.jpg").size == (10, 20)


def test_what_is_no_image_is_refused_with_its_name_and_the_reason(tmp_path):
    text = tmp_path / "notes.jpg"
    text.write_text("not an image", encoding="utf-8")
    whole = _save(tmp_path, Image.effect_noise((64, 64), 50)).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    for name in ("notes.jpg", "half.png", "empty.png", "missing.png", "."):
        with pytest.raises(ValueError, match=r"cannot read .* as an image: "):
            data.photograph(tmp_path / name)


def test_an_image_that_declares_too_many_pixels_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr("minigooglenet.data.photos.MOST_PIXELS", 99)
    with pytest.raises(ValueError, match="declares 10 x 10 pixels, more than 99"):
        data.photograph(_save(tmp_path, Image.new("RGB", (10, 10))))


def test_a_very_long_image_takes_no_more_memory_than_a_square_one():
    # Resizing the whole of it to a height of 256 would make 768 million values.
    assert data.prepare(Image.new("RGB", (100_000, 10), (123, 117, 104))).max() == 0


def test_sixteen_bits_a_value_are_scaled_and_not_cut_to_white(tmp_path):
    values = np.full((8, 8), 40_000, np.uint16)
    values[:, :4] = 3_000
    Image.fromarray(values).save(tmp_path / "deep.png")
    assert np.unique(np.asarray(data.photograph(tmp_path / "deep.png"))).tolist() == [3_000 // 257, 40_000 // 257]


def test_what_is_no_image_is_refused_by_prepare():
    with pytest.raises(TypeError, match="prepare takes a PIL image, got ndarray"):
        data.prepare(np.zeros((3, 4, 4)))
