"""Lesson 15: its references agree with the detection package, and its helpers do what the notebook states."""

import numpy as np
import pytest
from numeric import assert_close

from minigooglenet import detection
from minigooglenet.detection import grouping
from minigooglenet.detection.average_precision import match
from minigooglenet.detection.multibox import decode, encode
from minigooglenet.exercises.find import find
from minigooglenet.lessons.lesson_15_where import scenes


def _drawn(number):
    return [case for seed in range(4) for case in find(number).drawn(seed)]


def test_corners_reference_equals_the_converters():
    for pixels, centres in _drawn("15.1"):
        first, second = find("15.1").reference_function(pixels, centres)
        np.testing.assert_array_equal(first, detection.from_inclusive(pixels))
        assert_close(second, detection.from_centre(centres))


def test_neighbours_reference_equals_grouping():
    for (labels,) in _drawn("15.3"):
        sets = grouping.neighbours_of(labels)
        pairs = [[i, j] for i, others in enumerate(sets) for j in sorted(others) if i < j]
        assert find("15.3").reference_function(labels).tolist() == pairs


def test_suppression_reference_equals_the_package():
    for boxes, scores, labels, t in _drawn("15.4"):
        kept = detection.nms_per_class(detection.Detections(boxes, scores, labels), t)
        for one, other in zip(find("15.4").reference_function(boxes, scores, labels, t), kept, strict=True):
            np.testing.assert_array_equal(one, other)


def test_matching_reference_equals_the_package():
    for boxes, truths, rule in _drawn("15.5"):
        sides = truths[:, 2:] - truths[:, :2]
        small = sides.prod(axis=1) / (sides + 10).prod(axis=1)
        least = np.minimum(0.5, small) if rule == "ilsvrc" else np.full(len(truths), 0.5)
        ious = detection.iou(boxes, truths)
        indices = find("15.5").reference_function(boxes, truths, rule)
        hits = match(ious, np.zeros(len(truths), bool), least, rule)
        if rule == "coco":  # of equal IoUs, pycocotools takes the last object and the exercise the first one
            assert ((indices >= 0) == (hits >= 0)).all()
        else:
            np.testing.assert_array_equal(indices, hits)


@pytest.mark.parametrize("points", [0, 11, 101])
def test_average_precision_reference_equals_the_package(points):
    """With 16 objects, every recall is exact, so floats and integers reach the same levels."""
    rng = np.random.default_rng(points)
    for _ in range(20):
        hits = rng.integers(0, 2, 16)
        curve = detection.Curve(np.arange(16, 0, -1.0), hits == 1, objects=16)
        assert_close(find("15.6").reference_function(hits, 16, points), curve.average(str(points or "all")))


def test_offsets_reference_equals_multibox():
    for boxes, priors, offsets in _drawn("15.7"):
        encoded, decoded = find("15.7").reference_function(boxes, priors, offsets)
        assert_close(encoded, encode(boxes, priors))
        assert_close(decoded, decode(offsets, priors))


def test_boxes_in_turn_keep_the_order_of_both_lists():
    first, second = np.repeat([[1], [2], [3]], 4, axis=1), np.full((1, 4), 9)
    assert scenes.in_turn(first, second)[:, 0].tolist() == [1, 9, 2, 3]
    assert scenes.in_turn(second, first)[:, 0].tolist() == [9, 1, 2, 3]
    assert scenes.in_turn(first[:0], second)[:, 0].tolist() == [9]


def test_scores_are_those_of_the_detections():
    train = scenes.drawn(2)
    network = scenes.region_network(train, scenes.selective_search, epochs=1)
    boxes = scenes.selective_search(train.images[0], 2)
    scores = scenes.scores(network, train.classes, train.images[0], boxes)
    best = scenes.detected(network, train, [boxes, boxes[:0]], overlap=1)[0]
    assert scores.shape == (len(boxes),)
    assert scores.max() == best.scores.max()


def test_coverage_leaves_out_difficult_objects():
    truths = detection.Truths([(0, 0, 4, 4), (10, 10, 14, 14), (20, 0, 24, 4)], [0, 0, 0], [False, False, True])
    assert scenes.coverage([np.array([[0.0, 0, 4, 3]])], [truths.checked()]) == 0.5


def test_region_network_gets_the_features_that_the_head_was_fitted_to():
    train = scenes.drawn(8)
    network = scenes.region_network(train, scenes.selective_search, epochs=30)
    assert network.shapes[network.main] == (11,)
    found = scenes.detected(network, train, [true.boxes for true in train.truths])  # its own training regions
    right = [one.labels[:1].tolist() in true.labels for one, true in zip(found, train.truths, strict=True)]
    assert np.mean(right) > 0.6
