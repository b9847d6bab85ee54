"""Crops: their positions match the paper, in the documented order, for any image."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minigooglenet import data
from minigooglenet.evaluation import boxes, crop_list, crops
from minigooglenet.evaluation.multicrop import scaled


def _noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def test_crop_list_has_144_distinct_crops():
    every = crop_list(144)
    assert len(set(every)) == len(every) == 144
    assert [len({crop[i] for crop in every}) for i in range(4)] == [4, 3, 6, 2]
    assert [crop.mirrored for crop in every] == [False, True] * 72
    assert every == tuple(sorted(every, key=lambda crop: crop.scale))


def test_boxes_at_scale_256_match_the_paper():
    positions, mirrored = boxes((3, 256, 512), 224, 144)
    corners = [(0, 0), (32, 0), (0, 32), (32, 32), (16, 16)]
    assert not mirrored[0]
    assert mirrored[1]
    for square, left in enumerate((0, 128, 256)):
        six = positions[12 * square : 12 * square + 12 : 2]
        assert six[:5].tolist() == [[left + x, y, left + x + 224, y + 224] for x, y in corners]
        assert six[5].tolist() == [left, 0, left + 256, 256]


def test_portrait_squares_are_top_middle_and_bottom():
    landscape, portrait = boxes((200, 300), 224, 144)[0], boxes((300, 200), 224, 144)[0]
    assert portrait[::12, :2].tolist()[:3] == [[0, 0], [0, 50], [0, 100]]
    # Transposed, the top right corner becomes the bottom left one.
    parts = [crop.part for crop in crop_list(144)]
    transposed = {"top right": "bottom left", "bottom left": "top right"}
    for start in range(0, 144, 12):
        by_part = dict(zip(parts[start : start + 12], portrait[start:], strict=False))
        for part, box in zip(parts[start : start + 12], landscape[start:], strict=False):
            assert by_part[transposed.get(part, part)] == pytest.approx(box[[1, 0, 3, 2]])


def test_larger_scale_covers_smaller_corners():
    sides = [boxes((3, 400, 400), 224, 144)[0][start][2] for start in range(0, 144, 36)]
    assert sides == pytest.approx([400 * 224 / scale for scale in (256, 288, 320, 352)])


@pytest.mark.parametrize("size", [224, 64, 32])
@pytest.mark.parametrize("shape", [(200, 300), (310, 190), (150, 150), (40, 30)])
@pytest.mark.parametrize("axis", [0, 1])
def test_crop_pixels_match_their_boxes(shape, size, axis):
    # A ramp from 0 to 250 along one axis, so that each pixel of a crop shows its position in the image.
    length = shape[axis]
    ramp = 250 * (np.arange(length) + 0.5) / length
    image = np.broadcast_to(ramp[:, None] if axis == 0 else ramp, shape).round().astype(np.uint8)[None]
    values = crops(image, size, 144)[:, 0].astype(float)
    for crop, box, mirrored in zip(values, *boxes(shape, size, 144), strict=True):
        low, high = box[[1, 3]] if axis == 0 else box[[0, 2]]
        at = low + (high - low) * (np.arange(size) + 0.5) / size
        expected = 250 * at / length
        profile = crop.mean(axis=1 - axis)
        if mirrored and axis == 1:
            profile = profile[::-1]
        edge = 2 + size // 16  # where resizing has fewer neighbours
        tolerance = 1.5 + 250 / length  # rounding, and one step of the ramp
        assert np.abs(profile - expected)[edge:-edge].max() < tolerance


def test_every_second_crop_mirrors_its_predecessor():
    values = crops(_noise((3, 90, 70)), 32, 144)
    assert np.array_equal(values[1::2], values[::2, :, :, ::-1])


def test_square_image_has_144_crop_count_equal_squares():
    by_square = crops(_noise((3, 50, 50)), 32, 144).reshape(4, 3, 12, 3, 32, 32)
    assert np.array_equal(by_square[:, 0], by_square[:, 1])
    assert np.array_equal(by_square[:, 0], by_square[:, 2])


def test_one_and_ten_crops_are_among_the_144():
    image = _noise((3, 60, 90))
    every, ten, one = (crops(image, 32, count) for count in (144, 10, 1))
    assert np.array_equal(ten, every[[crop_list(144).index(crop) for crop in crop_list(10)]])
    assert np.array_equal(one, ten[[crop_list(10).index(crop_list(1)[0])]])
    assert {crop.part for crop in crop_list(10)} == {"top left", "top right", "bottom left", "bottom right", "centre"}
    assert boxes(image.shape, 32, 10)[0].min() >= 0


def test_zero_crops_keep_an_image_of_network_size():
    image = _noise((3, 32, 32))
    assert np.array_equal(crops(image, 32, 0), image[None])
    assert boxes(image.shape, 32, 0)[0].tolist() == [[0, 0, 32, 32]]
    assert boxes((40, 100), 32, 0)[0].tolist() == [[30, 0, 70, 40]]


def test_one_crop_matches_prepare():
    photo = data.photograph()
    expected = data.prepare(photo)[0]
    crop = data.Pixels().to_input(crops(np.asarray(photo).transpose(2, 0, 1), 224, 1))[0]
    assert np.abs(crop - expected).max() <= 1  # rounding


def test_grey_crops_match_three_equal_channels():
    image = _noise((1, 45, 61))
    assert np.array_equal(crops(image.repeat(3, axis=0), 32, 144), crops(image, 32, 144).repeat(3, axis=1))


def test_very_long_image_is_never_resized_completely(monkeypatch):
    sizes, resize = [], Image.Image.resize
    monkeypatch.setattr(
        Image.Image, "resize", lambda self, size, *a, **k: sizes.append(size) or resize(self, size, *a, **k)
    )
    image = _noise((3, 20, 10_000))
    values = crops(image, 224, 144)
    assert max(sizes) == (352, 352)
    around = np.ascontiguousarray(image[:, :, 4900:5100])  # has the same middle square with its neighbours
    assert np.array_equal(values[12:24], crops(around, 224, 144)[12:24])


@given(
    st.integers(1, 70), st.integers(1, 70), st.integers(1, 40), st.sampled_from([1, 3]), st.sampled_from([1, 10, 144])
)
def test_any_image_gives_the_requested_crops(height, width, size, channels, count):
    image = np.full((channels, height, width), 77, np.uint8)
    values = crops(image, size, count)
    assert (values.shape, values.dtype) == ((count, channels, size, size), np.uint8)
    assert (values == 77).all()
    positions, _ = boxes(image.shape, size, count)
    assert positions.min() >= 0
    assert positions[:, 2].max() <= width + 1e-9
    assert positions[:, 3].max() <= height + 1e-9


def test_crops_do_not_alias_the_image():
    image = _noise((3, 32, 32))
    before = image.copy()
    crops(image, 32, 10)[:] = 0
    assert np.array_equal(image, before)


@pytest.mark.parametrize(
    ("size", "expected"), [(224, [256, 288, 320, 352]), (32, [37, 41, 46, 50]), (28, [32, 36, 40, 44])]
)
def test_scales_are_proportional_to_the_network_size(size, expected):
    assert [scaled(scale, size) for scale in (256, 288, 320, 352)] == expected


def test_crops_reject_invalid_images_with_advice():
    with pytest.raises(ValueError, match="crops must be one of 0, 1, 10, 144, got 12"):
        crops(_noise((3, 8, 8)), 4, 12)
    with pytest.raises(
        TypeError, match=r"must be a uint8 array, pixels in 0 \.\. 255 that are not normalised yet, got float32"
    ):
        crops(np.zeros((3, 8, 8), np.float32), 4, 1)
    with pytest.raises(ValueError, match=r"got \(8, 8, 3\)\. Try image\.transpose\(2, 0, 1\)"):
        crops(_noise((8, 8, 3)), 4, 1)
    with pytest.raises(ValueError, match=r"with 3 channels or 1, got \(3, 0, 8\)"):
        crops(_noise((3, 0, 8)), 4, 1)
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        crops(_noise((3, 8, 8)), 0, 1)


@pytest.mark.parametrize(("height", "width"), [(240, 323), (333, 500), (451, 300), (256, 256), (100, 257), (640, 481)])
def test_torchvision_rule_matches_torchvision(height, width):
    image = _noise((3, height, width))
    decoded = Image.fromarray(image.transpose(1, 2, 0).copy())
    short, long = min(height, width), max(height, width)
    longer = int(256 * long / short)
    rows, columns = (256, longer) if height <= width else (longer, 256)
    resized = np.asarray(decoded.resize((columns, rows), Image.BILINEAR))
    top, left = round((rows - 224) / 2.0), round((columns - 224) / 2.0)
    expected = resized[top : top + 224, left : left + 224].transpose(2, 0, 1)
    assert np.array_equal(crops(image, 224, 1, rule="torchvision")[0], expected)
    exact, rounded = (boxes(image.shape, 224, 1, rule)[0][0] for rule in ("box", "torchvision"))
    assert np.abs(exact - rounded).max() <= 1.5 * short / 256


def test_very_long_image_is_cropped_without_full_resize(monkeypatch):
    monkeypatch.setattr(sys.modules["minigooglenet.evaluation.multicrop"], "MOST_RESIZED", 256 * 400)
    image = _noise((3, 60, 240))
    near = crops(image, 224, 1, rule="torchvision").astype(int)
    monkeypatch.undo()
    assert np.abs(near - crops(image, 224, 1, rule="torchvision")).max() <= 1


def test_rule_changes_only_the_single_crop():
    image = _noise((3, 61, 90))
    for count in (0, 10, 144):
        assert np.array_equal(crops(image, 32, count), crops(image, 32, count, rule="torchvision"))
    with pytest.raises(ValueError, match="rule must be one of box, torchvision, got 'caffe'"):
        crop_list(1, "caffe")
