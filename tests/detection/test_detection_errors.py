"""The types of wrong detections, and missed objects."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from minigooglenet.detection import Detections, Truths, error_types, evaluate

# Three objects that are far apart: classes 0, 1 and 0.
OBJECTS = Truths([(0, 0, 10, 10), (50, 0, 60, 10), (0, 50, 10, 60)], [0, 1, 0], [False] * 3)


def types(boxes, labels, truths=OBJECTS, scores=None):
    """Return the types of the detections, by default the best first, and the indices of missed objects."""
    scores = np.linspace(0.9, 0.1, len(boxes)) if scores is None else scores
    result = error_types([Detections(boxes, scores, labels)], [truths])
    return result.types[0].tolist(), np.flatnonzero(result.missed[0]).tolist()


@pytest.mark.parametrize(
    ("box", "label", "expected", "missed"),
    [
        ((0, 0, 10, 10), 0, "hit", [1, 2]),
        ((0, 0, 10, 5), 0, "hit", [1, 2]),
        ((0, 0, 10, 4.9), 0, "location", [1, 2]),
        ((0, 0, 10, 1), 0, "location", [1, 2]),
        ((0, 0, 10, 0.9), 0, "background", [0, 1, 2]),
        ((0, 0, 10, 5), 1, "class", [1, 2]),
        ((0, 0, 10, 4.9), 1, "both", [0, 1, 2]),
        ((0, 0, 10, 1), 1, "both", [0, 1, 2]),
        ((0, 0, 10, 0.9), 1, "background", [0, 1, 2]),
        ((90, 90, 99, 99), 1, "background", [0, 1, 2]),
        ((0, 0, 10, 10), 7, "class", [1, 2]),
    ],
)
def test_single_detection_has_its_type(box, label, expected, missed):
    assert types([box], [label]) == ([expected], missed)


def test_second_detection_of_an_object_is_a_duplicate():
    assert types([(0, 0, 10, 9), (0, 0, 10, 10)], [0, 0]) == (["hit", "duplicate"], [1, 2])
    assert types([(0, 0, 10, 9), (0, 0, 10, 10)], [0, 0], scores=[0.1, 0.2]) == (["duplicate", "hit"], [1, 2])


def test_location_comes_before_class_and_class_before_duplicate():
    close = Truths([(0, 0, 10, 10), (0, 0, 10, 9)], [0, 1], [False] * 2)
    assert types([(0, 0, 10, 3)], [0], close) == (["location"], [1])
    assert types([(0, 0, 10, 10), (0, 0, 10, 9)], [0, 0], close) == (["hit", "class"], [])
    apart = Truths([(0, 0, 10, 10), (0, 5, 10, 15)], [0, 1], [False] * 2)
    assert types([(0, 5, 10, 12)], [0], apart) == (["location"], [1])


def test_detection_of_a_difficult_object_is_ignored():
    difficult = Truths([(0, 0, 10, 10), (50, 0, 60, 10)], [0, 0], [True, False])
    boxes = [(0, 0, 10, 10), (0, 0, 10, 9), (0, 0, 10, 4), (0, 0, 10, 10)]
    assert types(boxes, [0, 0, 0, 1], difficult) == (["ignored", "ignored", "background", "background"], [1])


def test_images_without_objects_or_detections_have_types():
    nothing, no_objects = Detections([], [], []), Truths([], [], [])
    found = Detections([(0, 0, 4, 4)], [0.9], [0])
    result = error_types([nothing, found, nothing], [no_objects, no_objects, OBJECTS])
    assert [image.tolist() for image in result.types] == [[], ["background"], []]
    assert [image.tolist() for image in result.missed] == [[], [], [True] * 3]
    assert result.counts == {"class": 0, "location": 0, "both": 0, "duplicate": 0, "background": 1, "missed": 3}
    assert set(error_types([], []).counts.values()) == {0}


def test_golden_case_has_one_location_error():
    truths = Truths([(0, 0, 40, 40), (10, 0, 50, 40), (100, 100, 110, 110), (200, 200, 240, 240)], [0] * 4, [False] * 4)
    boxes = [(0, 0, 40, 40), (4, 0, 44, 40), (104, 100, 114, 110), (200, 200, 240, 240), (300, 300, 340, 340)]
    assert types(boxes, [0] * 5, truths) == (["hit", "hit", "location", "hit", "background"], [])


boxes = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
found = st.lists(st.tuples(boxes, st.integers(0, 3), st.integers(0, 2)), max_size=9)
true = st.lists(st.tuples(boxes, st.integers(0, 2), st.booleans()), max_size=6)


@given(found, true)
def test_every_coco_false_positive_has_one_error(found, true):
    detections = Detections(*([row[i] for row in found] for i in range(3)))
    truths = Truths(*([row[i] for row in true] for i in range(3)))
    result, curves = error_types([detections], [truths]), evaluate([detections], [truths], "abc", "coco").curves
    hits = sum(int(curve.hits.sum()) for curve in curves)
    assert np.sum(result.types[0] == "hit") == hits
    counts = {**result.counts}
    missed = counts.pop("missed")
    assert sum(counts.values()) == sum(len(curve.hits) for curve in curves) - hits
    assert missed <= sum(curve.objects for curve in curves) - hits


@pytest.mark.parametrize(
    ("foreground", "background", "message"),
    [(0.1, 0.5, r"background must be in \[0, 0.1\], got 0.5"), (1.5, 0, r"foreground must be in \[0, 1\], got 1.5")],
)
def test_thresholds_in_the_wrong_order_raise(foreground, background, message):
    with pytest.raises(ValueError, match=message):
        error_types([], [], foreground, background)
