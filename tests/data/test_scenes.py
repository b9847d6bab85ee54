"""Scenes from a seed: reproducible bits, exact labels and boxes, and objects that do not overlap."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minigooglenet import data
from minigooglenet.data import drawing


def test_seed_repeats_scenes_for_any_count():
    many, again, few = data.shapes(20, 32, seed=3), data.shapes(20, 32, seed=3), data.shapes(5, 32, seed=3)
    assert np.array_equal(many.images, again.images)
    assert np.array_equal(few.images, many.images[:5])
    assert np.array_equal(few.boxes, many.boxes[:5])
    assert not np.array_equal(data.shapes(5, 32, seed=4).images, few.images)


def test_scenes_keep_their_bytes():
    scenes = data.shapes(3, 32, seed=0, objects=2)
    digests = [hashlib.sha256(part.tobytes()).hexdigest() for part in (scenes.images, scenes.boxes.astype("<i8"))]
    assert digests == [
        "39283e2dda1c4861031fb8c28a8205f427bab6a5da4c75951b1dcb9982ee46f3",
        "0ac9a608f5d4d30cd4eb3fda5fc8c97123f1f72478e78e8c2e183549b7c2df3c",
    ]


def test_scenes_have_the_documented_shapes():
    one, three = data.shapes(4, 40, seed=0), data.shapes(4, 64, seed=0, objects=3)
    assert (one.images.shape, one.images.dtype) == ((4, 3, 40, 40), np.uint8)
    assert (one.labels.shape, one.boxes.shape) == ((4,), (4, 4))
    assert (three.labels.shape, three.boxes.shape) == ((4, 3), (4, 3, 4))
    assert len(set(one.classes)) == 10


def test_seed_gives_the_same_objects_at_every_size():
    small, large = data.shapes(10, 32, seed=1), data.shapes(10, 128, seed=1)
    assert np.array_equal(small.labels, large.labels)
    assert np.abs(small.boxes * 4 - large.boxes).max() <= 6


def test_scenes_contain_every_class_at_different_scales():
    scenes = data.shapes(300, 64, seed=0)
    sides = (scenes.boxes[:, 2:] - scenes.boxes[:, :2]).max(axis=1)
    assert set(scenes.labels) == set(range(10))
    assert sides.max() > 2 * sides.min()


def test_box_is_tight_around_its_object(monkeypatch):
    monkeypatch.setattr(drawing, "texture", lambda rng, ground, size: Image.new("RGB", (size, size)))
    monkeypatch.setattr(drawing, "clutter", lambda rng, draw, side: None)
    monkeypatch.setattr(_scenes_module(), "colour", lambda rng, ground: (255, 255, 255))
    scenes = data.shapes(100, 48, seed=0)
    for image, (x0, y0, x1, y1) in zip(scenes.images[:, 0], scenes.boxes, strict=True):
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        assert (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) == (x0, y0, x1, y1)


def test_object_contrasts_with_its_background(monkeypatch):
    tones = {}

    def flat(rng, ground, size):
        tones[len(tones)] = ground
        return Image.new("RGB", (size, size), tuple(ground.astype(int).tolist()))

    monkeypatch.setattr(drawing, "texture", flat)
    monkeypatch.setattr(drawing, "clutter", lambda rng, draw, side: None)
    scenes = data.shapes(200, 32, seed=5)
    for i, ground in tones.items():
        assert np.abs(scenes.images[i] - ground[:, None, None]).max(axis=0).max() >= 89


@given(st.integers(32, 80), st.integers(1, 12), st.integers(0, 1000))
def test_boxes_are_inside_the_scene_and_disjoint(size, objects, seed):
    scenes = data.shapes(1, size, seed=seed, objects=objects)
    boxes = scenes.boxes.reshape(-1, 4)
    assert boxes.min() >= 0
    assert boxes.max() <= size
    assert np.all(boxes[:, :2] < boxes[:, 2:])
    taken = np.zeros((size, size), int)
    for x0, y0, x1, y1 in boxes:
        taken[y0:y1, x0:x1] += 1
    assert taken.max() == 1


def test_shapes_reject_impossible_scenes():
    with pytest.raises(ValueError, match="size must be at least 32, got 16"):
        data.shapes(1, 16)
    with pytest.raises(ValueError, match="objects must be at most 12, got 13"):
        data.shapes(1, 64, objects=13)
    with pytest.raises(ValueError, match="count must be at least 1"):
        data.shapes(0)


def _scenes_module():
    import minigooglenet.data.scenes as module

    return module
