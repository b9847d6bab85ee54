"""Scenes of detection: reproducible bytes, boxes of visible pixels, and parts that share no scene."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minigooglenet import data
from minigooglenet.data import drawing
from minigooglenet.detection import scenes, shapes_detection


def test_scenes_of_detection_keep_their_bytes():
    drawn = shapes_detection(3, seed=0)
    boxes = np.concatenate([truths.boxes for truths in drawn.truths])
    digests = [hashlib.sha256(part.tobytes()).hexdigest() for part in (drawn.images, boxes.astype("<f8"))]
    assert digests == [
        "7347e1c9998680f755d2a323bef7190526c1b70c33a3c2887279fb7e21693665",
        "a7ac8d94fe7167847d44331474772d277b6613d15116c6eed8251a1f646493b4",
    ]


def test_scenes_of_detection_have_the_documented_shapes():
    drawn = shapes_detection(4, 40)
    assert (drawn.images.shape, drawn.images.dtype) == ((4, 3, 40, 40), np.uint8)
    assert len(drawn.truths) == 4
    for truths in drawn.truths:
        boxes, labels, difficult = truths
        assert boxes.shape == (len(labels), 4) == (len(difficult), 4)
        assert (boxes.dtype, labels.dtype, difficult.dtype) == (np.float64, np.int64, np.bool_)


def test_single_objects_for_pretraining_have_the_same_classes():
    assert shapes_detection(1).classes == data.shapes(1).classes


def test_smaller_count_gives_the_first_scenes():
    many, few = shapes_detection(12, 32, seed=3), shapes_detection(5, 32, seed=3)
    assert np.array_equal(few.images, many.images[:5])
    assert all(np.array_equal(a.boxes, b.boxes) for a, b in zip(few.truths, many.truths, strict=False))
    assert not np.array_equal(shapes_detection(5, 32, seed=4).images, few.images)


def test_other_size_gives_the_same_objects():
    small, large = shapes_detection(10, 64, max_objects=2), shapes_detection(10, 128, max_objects=2)
    assert [len(truths.boxes) for truths in small.truths] == [len(truths.boxes) for truths in large.truths]
    for one, other in zip(small.truths, large.truths, strict=True):
        assert np.array_equal(one.labels, other.labels)
        assert np.abs(2 * one.boxes - other.boxes).max() <= 3


def test_parts_share_no_scene():
    numbers = [number for part in scenes.PARTS.values() for number in (part[0], part[-1])]
    assert numbers == sorted({*numbers})
    drawn = [shapes_detection(30, 32, part=part).images for part in scenes.PARTS]
    assert len({image.tobytes() for images in drawn for image in images}) == 90


def test_scenes_contain_each_class_and_each_number_of_objects():
    drawn = shapes_detection(200, 32, max_objects=4)
    assert {*np.concatenate([truths.labels for truths in drawn.truths])} == {*range(10)}
    assert {len(truths.labels) for truths in drawn.truths} == {1, 2, 3, 4}


@pytest.fixture
def flat(monkeypatch):
    """Scenes without texture and smooth edges, in which object i has the red value 10 * (i + 1)."""
    monkeypatch.setattr(drawing, "texture", lambda rng, ground, size: Image.new("RGB", (size, size)))
    monkeypatch.setattr(drawing, "clutter", lambda rng, draw, side: None)
    for module in (drawing, scenes):
        monkeypatch.setattr(module, "FINE", 1)
    monkeypatch.setattr(scenes, "_different_colour", lambda rng, ground, others: (10 * len(others) + 10, 0, 0))


def test_box_is_tight_around_visible_pixels(flat):
    hidden = 0
    drawn = shapes_detection(100, 64, max_objects=8)
    for image, truths in zip(drawn.images[:, 0], drawn.truths, strict=True):
        boxes = []
        for value in np.unique(image[image > 0]):
            rows, columns = np.nonzero(image == value)
            boxes.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
        assert np.array_equal(truths.boxes, boxes)
        hidden += image.max() // 10 - len(boxes)
    assert hidden > 0  # some objects were dropped


def test_object_less_than_40_percent_visible_is_difficult(flat, monkeypatch):
    monkeypatch.setattr(scenes, "rotated", lambda rng, label: np.array([(0, 0), (1, 0), (1, 1), (0, 1.0)]))
    monkeypatch.setattr(scenes, "SIDES", (0.5, 0.5))
    drawn, counts = shapes_detection(100, 64), [0, 0]
    for image, truths in zip(drawn.images[:, 0], drawn.truths, strict=True):
        _, visible = np.unique(image[image > 0], return_counts=True)
        for fraction, difficult in zip(visible / 32.5**2, truths.difficult, strict=True):
            if abs(fraction - 0.4) > 0.03:  # the outlines of squares of 32 pixels take up 32 or 33 rows
                assert difficult == (fraction < 0.4)
                counts[int(difficult)] += 1
    assert min(counts) > 10


def test_hidden_object_is_dropped(flat, monkeypatch):
    monkeypatch.setattr(scenes, "rotated", lambda rng, label: np.array([(0, 0), (1, 0), (1, 1), (0, 1.0)]))
    monkeypatch.setattr(scenes, "SIDES", (1, 1))
    for truths in shapes_detection(20, 32).truths:
        assert truths.boxes.tolist() == [[0, 0, 32, 32]]
        assert not truths.difficult.any()


def test_objects_differ_in_colour_from_background_and_neighbours():
    rng = np.random.default_rng(0)
    for _ in range(50):
        ground, others = rng.uniform(0, 255, 3), [(255, 0, 0)]
        colour = np.array(scenes._different_colour(rng, ground, others))
        assert np.abs(colour - ground).max() >= drawing.CONTRAST
        assert np.abs(colour - others[0]).max() > 60


@given(st.integers(32, 80), st.integers(1, 12), st.integers(0, 1000))
def test_boxes_of_objects_are_inside_the_scene(size, objects, seed):
    drawn = shapes_detection(1, size, objects, seed=seed, part="validation")
    truths = drawn.truths[0].checked(len(drawn.classes), (size, size))
    assert 1 <= len(truths.boxes) <= objects
    assert not truths.difficult[-1]  # nothing covers the object in front


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 31}, "size must be at least 32, got 31"),
        ({"max_objects": 13}, "max_objects must be at most 12, got 13: more would hide one another"),
        ({"max_objects": 0}, "max_objects must be at least 1, got 0"),
        ({"part": "val"}, "unknown part 'val'; choose from train, validation, test"),
        ({"count": 1_000_001}, "count must be at most 1,000,000, got 1,000,001: part 'train' has no more scenes"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_impossible_scenes_of_detection_are_rejected(arguments, message):
    with pytest.raises(ValueError, match=message):
        shapes_detection(**{"count": 1, **arguments})
