"""Scenes from a seed: the same bits again, exact labels and boxes, and objects apart from one another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet import data


def test_a_seed_gives_the_same_scenes_and_fewer_are_the_first_of_more():
    many, again, few = data.shapes(20, 32, seed=3), data.shapes(20, 32, seed=3), data.shapes(5, 32, seed=3)
    assert np.array_equal(many.images, again.images)
    assert np.array_equal(few.images, many.images[:5])
    assert np.array_equal(few.boxes, many.boxes[:5])
    assert not np.array_equal(data.shapes(5, 32, seed=4).images, few.images)


def test_what_is_given_has_the_documented_forms():
    one, three = data.shapes(4, 40, seed=0), data.shapes(4, 64, seed=0, objects=3)
    assert (one.images.shape, one.images.dtype) == ((4, 3, 40, 40), np.uint8)
    assert (one.labels.shape, one.boxes.shape) == ((4,), (4, 4))
    assert (three.labels.shape, three.boxes.shape) == ((4, 3), (4, 3, 4))
    assert len(set(one.classes)) == 10


def test_a_seed_shows_the_same_objects_at_every_size():
    small, large = data.shapes(10, 32, seed=1), data.shapes(10, 128, seed=1)
    assert np.array_equal(small.labels, large.labels)
    assert np.abs(small.boxes * 4 - large.boxes).max() <= 6


def test_every_class_appears_and_scales_differ_by_two_at_least():
    scenes = data.shapes(300, 64, seed=0)
    sides = (scenes.boxes[:, 2:] - scenes.boxes[:, :2]).max(axis=1)
    assert set(scenes.labels) == set(range(10))
    assert sides.max() > 2 * sides.min()


def test_a_box_holds_every_pixel_of_its_object_and_touches_it_on_all_sides(monkeypatch):
    module = _scenes_module()
    monkeypatch.setattr(module, "_texture", lambda rng, ground, size: module.Image.new("RGB", (size, size)))
    monkeypatch.setattr(module, "_clutter", lambda rng, draw, side: None)
    monkeypatch.setattr(module, "_colour", lambda rng, ground: (255, 255, 255))
    scenes = data.shapes(100, 48, seed=0)
    for image, (x0, y0, x1, y1) in zip(scenes.images[:, 0], scenes.boxes, strict=True):
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        assert (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) == (x0, y0, x1, y1)


def test_an_object_stands_out_from_its_ground(monkeypatch):
    module = _scenes_module()
    tones = {}

    def flat(rng, ground, size):
        tones[len(tones)] = ground
        return module.Image.new("RGB", (size, size), tuple(ground.astype(int).tolist()))

    monkeypatch.setattr(module, "_texture", flat)
    monkeypatch.setattr(module, "_clutter", lambda rng, draw, side: None)
    scenes = data.shapes(200, 32, seed=5)
    for i, ground in tones.items():
        assert np.abs(scenes.images[i] - ground[:, None, None]).max(axis=0).max() >= 89


@given(st.integers(32, 80), st.integers(1, 12), st.integers(0, 1000))
def test_boxes_lie_inside_the_scene_and_never_overlap(size, objects, seed):
    scenes = data.shapes(1, size, seed=seed, objects=objects)
    boxes = scenes.boxes.reshape(-1, 4)
    assert boxes.min() >= 0
    assert boxes.max() <= size
    assert np.all(boxes[:, :2] < boxes[:, 2:])
    taken = np.zeros((size, size), int)
    for x0, y0, x1, y1 in boxes:
        taken[y0:y1, x0:x1] += 1
    assert taken.max() == 1


def test_what_no_scene_can_be_is_refused():
    with pytest.raises(ValueError, match="size must be at least 32, got 16"):
        data.shapes(1, 16)
    with pytest.raises(ValueError, match="room for at most 12 objects, got 13"):
        data.shapes(1, 64, objects=13)
    with pytest.raises(ValueError, match="count must be at least 1"):
        data.shapes(0)


def _scenes_module():
    import minigooglenet.data.scenes as module

    return module
