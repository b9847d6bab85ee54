"""The crops are where the paper says, in the order that is documented, whatever the image."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minigooglenet import data
from minigooglenet.evaluation import boxes, crops, places
from minigooglenet.evaluation.multicrop import scaled


def _noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def test_there_are_144_different_crops_4_x_3_x_6_x_2():
    all_of_them = places(144)
    assert len(set(all_of_them)) == len(all_of_them) == 144
    assert [len({crop[i] for crop in all_of_them}) for i in range(4)] == [4, 3, 6, 2]
    assert [crop.mirrored for crop in all_of_them] == [False, True] * 72
    assert all_of_them == tuple(sorted(all_of_them, key=lambda crop: crop.scale))


def test_the_boxes_at_scale_256_are_the_papers():
    found, mirrored = boxes((3, 256, 512), 224, 144)
    corners = [(0, 0), (32, 0), (0, 32), (32, 32), (16, 16)]
    assert not mirrored[0]
    assert mirrored[1]
    for square, left in enumerate((0, 128, 256)):
        own = found[12 * square : 12 * square + 12 : 2]
        assert own[:5].tolist() == [[left + x, y, left + x + 224, y + 224] for x, y in corners]
        assert own[5].tolist() == [left, 0, left + 256, 256]


def test_a_portrait_is_cut_at_top_middle_and_bottom():
    landscape, portrait = boxes((200, 300), 224, 144)[0], boxes((300, 200), 224, 144)[0]
    assert portrait[::12, :2].tolist()[:3] == [[0, 0], [0, 50], [0, 100]]
    # Turned, the top right corner is the bottom left one.
    parts = [crop.part for crop in places(144)]
    turned = {"top right": "bottom left", "bottom left": "top right"}
    for start in range(0, 144, 12):
        there = dict(zip(parts[start : start + 12], portrait[start:], strict=False))
        for part, box in zip(parts[start : start + 12], landscape[start:], strict=False):
            assert there[turned.get(part, part)] == pytest.approx(box[[1, 0, 3, 2]])


def test_a_larger_scale_sees_less_in_its_corners():
    sides = [boxes((3, 400, 400), 224, 144)[0][start][2] for start in range(0, 144, 36)]
    assert sides == pytest.approx([400 * 224 / scale for scale in (256, 288, 320, 352)])


@pytest.mark.parametrize("size", [224, 64, 32])
@pytest.mark.parametrize("shape", [(200, 300), (310, 190), (150, 150), (40, 30)])
@pytest.mark.parametrize("axis", [0, 1])
def test_every_crop_shows_what_its_box_says(shape, size, axis):
    # A ramp from 0 to 250 along one axis: a pixel of a crop tells where it comes from.
    length = shape[axis]
    ramp = 250 * (np.arange(length) + 0.5) / length
    image = np.broadcast_to(ramp[:, None] if axis == 0 else ramp, shape).round().astype(np.uint8)[None]
    pieces = crops(image, size, 144)[:, 0].astype(float)
    for piece, box, mirrored in zip(pieces, *boxes(shape, size, 144), strict=True):
        low, high = box[[1, 3]] if axis == 0 else box[[0, 2]]
        at = low + (high - low) * (np.arange(size) + 0.5) / size
        expected = 250 * at / length
        found = piece.mean(axis=1 - axis)
        if mirrored and axis == 1:
            found = found[::-1]
        edge = 2 + size // 16  # there resizing sees fewer neighbours
        tolerance = 1.5 + 250 / length  # rounding, and a step of the ramp
        assert np.abs(found - expected)[edge:-edge].max() < tolerance


def test_every_second_crop_is_the_mirror_image_of_the_one_before():
    pieces = crops(_noise((3, 90, 70)), 32, 144)
    assert np.array_equal(pieces[1::2], pieces[::2, :, :, ::-1])


def test_a_square_image_has_three_equal_squares_and_still_144_crops():
    by_square = crops(_noise((3, 50, 50)), 32, 144).reshape(4, 3, 12, 3, 32, 32)
    assert np.array_equal(by_square[:, 0], by_square[:, 1])
    assert np.array_equal(by_square[:, 0], by_square[:, 2])


def test_the_one_is_among_the_ten_and_the_ten_among_the_144():
    image = _noise((3, 60, 90))
    all_of_them, ten, one = (crops(image, 32, count) for count in (144, 10, 1))
    assert np.array_equal(ten, all_of_them[[places(144).index(crop) for crop in places(10)]])
    assert np.array_equal(one, ten[[places(10).index(places(1)[0])]])
    assert {crop.part for crop in places(10)} == {"top left", "top right", "bottom left", "bottom right", "centre"}
    assert boxes(image.shape, 32, 10)[0].min() >= 0


def test_no_cropping_leaves_a_image_of_the_networks_size_as_it_is():
    image = _noise((3, 32, 32))
    assert np.array_equal(crops(image, 32, 0), image[None])
    assert boxes(image.shape, 32, 0)[0].tolist() == [[0, 0, 32, 32]]
    assert boxes((40, 100), 32, 0)[0].tolist() == [[30, 0, 70, 40]]


def test_one_crop_is_the_piece_that_prepare_takes():
    photo = data.photograph()
    expected = data.prepare(photo)[0]
    found = data.Pixels().to_input(crops(np.asarray(photo).transpose(2, 0, 1), 224, 1))[0]
    assert np.abs(found - expected).max() <= 1  # rounding


def test_a_grey_image_gives_what_three_equal_channels_give():
    image = _noise((1, 45, 61))
    assert np.array_equal(crops(image.repeat(3, axis=0), 32, 144), crops(image, 32, 144).repeat(3, axis=1))


def test_nothing_larger_than_a_square_is_ever_made_of_a_very_long_image(monkeypatch):
    sizes, resize = [], Image.Image.resize
    monkeypatch.setattr(
        Image.Image, "resize", lambda self, size, *a, **k: sizes.append(size) or resize(self, size, *a, **k)
    )
    image = _noise((3, 20, 10_000))
    pieces = crops(image, 224, 144)
    assert max(sizes) == (352, 352)
    around = np.ascontiguousarray(image[:, :, 4900:5100])  # an image whose middle square is the same, and neighbours
    assert np.array_equal(pieces[12:24], crops(around, 224, 144)[12:24])


@given(
    st.integers(1, 70), st.integers(1, 70), st.integers(1, 40), st.sampled_from([1, 3]), st.sampled_from([1, 10, 144])
)
def test_any_image_gives_the_crops_that_were_asked_for(height, width, size, channels, count):
    image = np.full((channels, height, width), 77, np.uint8)
    pieces = crops(image, size, count)
    assert (pieces.shape, pieces.dtype) == ((count, channels, size, size), np.uint8)
    assert (pieces == 77).all()
    found, _ = boxes(image.shape, size, count)
    assert found.min() >= 0
    assert found[:, 2].max() <= width + 1e-9
    assert found[:, 3].max() <= height + 1e-9


def test_the_image_is_not_changed_and_the_crops_are_the_callers():
    image = _noise((3, 32, 32))
    before = image.copy()
    pieces = crops(image, 32, 10)
    pieces[:] = 0
    assert np.array_equal(image, before)


@pytest.mark.parametrize(
    ("size", "expected"), [(224, [256, 288, 320, 352]), (32, [37, 41, 46, 50]), (28, [32, 36, 40, 44])]
)
def test_a_smaller_network_gets_scales_in_proportion(size, expected):
    assert [scaled(scale, size) for scale in (256, 288, 320, 352)] == expected


def test_what_cannot_be_cut_is_refused_with_the_likely_remedy():
    with pytest.raises(ValueError, match="crops must be one of 0, 1, 10, 144, got 12"):
        crops(_noise((3, 8, 8)), 4, 12)
    with pytest.raises(
        TypeError, match=r"array of uint8, 0 \.\. 255, before mean and scale are taken off; got float32"
    ):
        crops(np.zeros((3, 8, 8), np.float32), 4, 1)
    with pytest.raises(ValueError, match=r"got \(8, 8, 3\); perhaps image.transpose\(2, 0, 1\)"):
        crops(_noise((8, 8, 3)), 4, 1)
    with pytest.raises(ValueError, match=r"with 3 channels or 1, got \(3, 0, 8\)"):
        crops(_noise((3, 0, 8)), 4, 1)
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        crops(_noise((3, 8, 8)), 0, 1)


@pytest.mark.parametrize(("height", "width"), [(240, 323), (333, 500), (451, 300), (256, 256), (100, 257), (640, 481)])
def test_one_crop_for_torchvision_weights_is_torchvisions(height, width):
    image = _noise((3, height, width))
    decoded = Image.fromarray(image.transpose(1, 2, 0).copy())
    short, long = min(height, width), max(height, width)
    longer = int(256 * long / short)
    rows, columns = (256, longer) if height <= width else (longer, 256)
    resized = np.asarray(decoded.resize((columns, rows), Image.BILINEAR))
    top, left = round((rows - 224) / 2.0), round((columns - 224) / 2.0)
    expected = resized[top : top + 224, left : left + 224].transpose(2, 0, 1)
    assert np.array_equal(crops(image, 224, 1, rule="torchvision")[0], expected)
    own, theirs = (boxes(image.shape, 224, 1, rule)[0][0] for rule in ("box", "torchvision"))
    assert np.abs(own - theirs).max() <= 1.5 * short / 256


def test_very_long_image_is_cropped_without_resizing_all_of_it(monkeypatch):
    monkeypatch.setattr(sys.modules["minigooglenet.evaluation.multicrop"], "MOST_RESIZED", 256 * 400)
    image = _noise((3, 60, 240))
    near = crops(image, 224, 1, rule="torchvision").astype(int)
    monkeypatch.undo()
    assert np.abs(near - crops(image, 224, 1, rule="torchvision")).max() <= 1


def test_rule_of_resizing_changes_one_crop_only():
    image = _noise((3, 61, 90))
    for count in (0, 10, 144):
        assert np.array_equal(crops(image, 32, count), crops(image, 32, count, rule="torchvision"))
    with pytest.raises(ValueError, match="rule must be one of box, torchvision, got 'caffe'"):
        places(1, "caffe")
