"""Digits and photographs as arrays, and files that are not photographs."""

import sys

import numpy as np
import pytest
from PIL import Image

from minigooglenet import data


def test_digits_have_1797_images_and_a_fixed_split():
    pytest.importorskip("sklearn")
    images, labels, test_images, test_labels = data.digits()
    assert (images.shape, test_images.shape) == ((1438, 1, 32, 32), (359, 1, 32, 32))
    assert (len(labels), len(test_labels)) == (1438, 359)
    assert images.dtype == np.float32
    assert images.min() >= -1
    assert images.max() <= 1
    assert set(test_labels) == set(range(10))
    assert np.array_equal(data.digits()[0], images)


def test_digits_have_disjoint_parts():
    pytest.importorskip("sklearn")
    images, _, test_images, _ = data.digits(8)
    assert not {x.tobytes() for x in images} & {x.tobytes() for x in test_images}


def test_digits_without_scikit_learn_name_the_install_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ModuleNotFoundError, match=r"minigooglenet\[course\]"):
        data.digits()


def test_photograph_has_a_default():
    assert data.photograph().mode == "RGB"
    assert min(data.photograph().size) > 224


def _save(tmp_path, image, name="photo.png"):
    image.save(tmp_path / name)
    return tmp_path / name


@pytest.mark.parametrize("size", [(300, 500), (500, 300), (40, 30), (224, 224), (1, 1)])
def test_prepare_returns_a_mean_subtracted_square(tmp_path, size):
    path = _save(tmp_path, Image.new("RGB", size, (123, 117, 204)))
    x = data.prepare(data.photograph(path))
    assert (x.shape, x.dtype) == ((1, 3, 224, 224), np.float32)
    assert np.all(x[0, 0] == 0)
    assert np.all(x[0, 1] == 0)
    assert np.all(x[0, 2] == 100)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_other_colour_modes_become_rgb(tmp_path, mode):
    assert data.photograph(_save(tmp_path, Image.new(mode, (8, 8)), "photo.tif")).mode == "RGB"


def test_prepare_keeps_the_centre():
    image = Image.new("RGB", (896, 448))
    image.paste((255, 255, 255), (448 - 56, 0, 448 + 56, 448))
    x = data.prepare(image, size=224)[0, 0]
    assert x[:, 112].min() > 100
    assert x[:, 20].max() < 0


def test_rotated_photograph_becomes_upright(tmp_path):
    image = Image.new("RGB", (20, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: rotate by 90 degrees
    image.save(tmp_path / "rotated.jpg", exif=exif)
    assert data.photograph(tmp_path / "rotated.jpg").size == (10, 20)


def test_photograph_rejects_other_files_with_the_reason(tmp_path):
    text = tmp_path / "notes.jpg"
    text.write_text("not an image", encoding="utf-8")
    whole = _save(tmp_path, Image.effect_noise((64, 64), 50)).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    for name in ("notes.jpg", "half.png", "empty.png", "missing.png", "."):
        with pytest.raises(ValueError, match=r"cannot read .* as an image: "):
            data.photograph(tmp_path / name)


def test_photograph_rejects_too_many_pixels_before_decoding(tmp_path, monkeypatch):
    monkeypatch.setattr("minigooglenet.data.photos.MOST_PIXELS", 99)
    with pytest.raises(ValueError, match="declares 10 x 10 pixels, more than 99"):
        data.photograph(_save(tmp_path, Image.new("RGB", (10, 10))))


def test_prepare_needs_little_memory_for_long_images():
    # Resizing the whole image to a height of 256 would need 768 million values.
    assert data.prepare(Image.new("RGB", (100_000, 10), (123, 117, 104))).max() == 0


def test_sixteen_bit_values_are_scaled_not_clipped(tmp_path):
    values = np.full((8, 8), 40_000, np.uint16)
    values[:, :4] = 3_000
    Image.fromarray(values).save(tmp_path / "deep.png")
    assert np.unique(np.asarray(data.photograph(tmp_path / "deep.png"))).tolist() == [3_000 // 257, 40_000 // 257]


def test_prepare_rejects_arrays():
    with pytest.raises(TypeError, match=r"image must be a PIL image, got ndarray\. Try Image\.fromarray"):
        data.prepare(np.zeros((3, 4, 4)))
