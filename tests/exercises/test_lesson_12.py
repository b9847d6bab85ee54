"""Lesson 12: the bundled backbone, the regions, and its judges on answers that are not known mistakes."""

import numpy as np

from minigooglenet import data, evaluation, models
from minigooglenet.exercises import check
from minigooglenet.lessons.lesson_12_transfer import regions


def test_bundled_backbone_classifies_its_six_classes():
    scenes = data.shapes(200, seed=99)
    known = scenes.labels < regions.KNOWN
    images = data.pixels.UNIT.to_input(scenes.images[known])
    right = evaluation.predict(regions.trained_backbone(), images) == scenes.labels[known]
    assert right.mean() > 0.8


def test_windows_cover_the_image():
    boxes = regions.windows(96, (24, 48))
    assert len(boxes) == 13**2 + 5**2
    assert (boxes.min(), boxes.max()) == (0, 96)
    assert np.allclose(regions.overlaps(boxes, boxes).diagonal(), 1)


def test_head_on_features_learns_separable_classes():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    x = (np.eye(3)[labels] + rng.normal(0, 0.1, (60, 3))).astype(np.float32)
    assert (regions.fitted(x, labels, 3)(x).argmax(axis=1) == labels).all()


def test_precision_staircase_ends_at_total_recall():
    a, b = (0, 0, 10, 10), (20, 0, 30, 10)
    recall, precision, highest = regions.staircase(
        [(0, 0.5, a), (0, 0.9, (50, 50, 60, 60)), (1, 0.3, b)], [(0, a), (0, b)]
    )
    assert recall.tolist() == [0, 0.5, 0.5]
    assert precision.tolist() == [0, 1 / 2, 1 / 3]
    assert highest.tolist() == [1 / 2, 1 / 2, 1 / 3]


def test_answer_of_wrong_kind_shows_the_expected_form():
    what = check("12.1", lambda net, classes, rng: net).what
    assert what == "the output should be (network, number of parameters of its head), got <Graph>"
    count = check("12.1", lambda net, classes, rng: (models.with_classes(net, classes, rng=rng)[0], 7))
    assert "not 7" in count.what
    assert "shape" in check("12.2", lambda net, images: images).what
    assert check("12.2", lambda net, images: None).status == "wrong"
