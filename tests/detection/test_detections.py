"""The detections and true objects of an image."""

import numpy as np
import pytest

from minigooglenet.detection import Detections, Truths

BOXES = [(0, 0, 4, 3), (1, 1, 3, 3), (2, 0, 4, 1)]


def test_filtering_keeps_boxes_scores_and_labels_together():
    found = Detections(BOXES, [0.9, 0.4, 0.6], [2, 0, 1]).checked()
    other = found.filtered([2, 0])
    assert other.boxes.tolist() == [[2, 0, 4, 1], [0, 0, 4, 3]]
    assert (other.scores.tolist(), other.labels.tolist()) == ([0.6, 0.9], [1, 2])
    assert found.filtered(found.scores >= 0.5).labels.tolist() == [2, 1]
    true = Truths(BOXES, [2, 0, 1], [False, True, False]).checked().filtered([1])
    assert (true.boxes.tolist(), true.labels.tolist(), true.difficult.tolist()) == ([[1, 1, 3, 3]], [0], [True])


@pytest.mark.parametrize("nothing", [[], np.zeros(0, bool), np.zeros(0, int)])
def test_filtering_may_leave_nothing(nothing):
    found = Detections([], [], []).checked()
    assert found.filtered(nothing).boxes.shape == (0, 4)
    assert Truths([], [], []).checked().filtered(nothing).difficult.dtype == bool


def test_filtering_by_an_empty_list_drops_all():
    assert len(Detections(BOXES, [0.9, 0.4, 0.6], [2, 0, 1]).checked().filtered([]).scores) == 0


def test_checked_detections_have_fixed_dtypes():
    for found in (Detections([], [], []), Detections(BOXES, np.ones(3, np.float32), np.ones(3, np.uint8))):
        assert [array.dtype.name for array in found.checked()] == ["float64", "float64", "int64"]
    for true in (Truths([], [], []), Truths(BOXES, np.ones(3, np.int32), np.ones(3, bool))):
        assert [array.dtype.name for array in true.checked()] == ["float64", "int64", "bool"]


@pytest.mark.parametrize(
    ("found", "error", "message"),
    [
        (Detections(BOXES, [0.9], [0, 0, 0]), ValueError, r"image 3: scores must have shape \(3,\), one per box, got"),
        (Detections(BOXES, [1, np.nan, 1], [0, 0, 0]), ValueError, r"image 3: scores\[1\] = nan is not finite"),
        (Detections(BOXES, ["a", "b", "c"], [0, 0, 0]), TypeError, "image 3: scores must be numbers"),
        (Detections(BOXES, [1, 1, 1], [0, 0]), ValueError, r"image 3: labels must have shape \(3,\), one per box"),
        (Detections(BOXES, [1, 1, 1], [0, 0.5, 0]), TypeError, "image 3: labels must be integers, got float64"),
        (Detections(BOXES, [1, 1, 1], [0, 0, 5]), ValueError, r"image 3: label 5 at index 2 is not in 0 \.\. 4"),
        (Detections(BOXES, [1, 1, 1], [0, -1, 0]), ValueError, r"image 3: label -1 at index 1 is not in 0 \.\. 4"),
        (Detections([(3, 0, 1, 1)], [1], [0]), ValueError, r"image 3: boxes\[0\] = \(3, 0, 1, 1\) is reversed"),
        (Detections([(0, 0, 9, 1)], [1], [0]), ValueError, r"image 3: boxes\[0\] = \(0, 0, 9, 1\) extends past"),
        (Truths(BOXES, [0, 0, 0], [1, 0, 0]), TypeError, "image 3: difficult must be booleans, got int64"),
        (Truths(BOXES, [0, 0, 0], [True]), ValueError, r"image 3: difficult must have shape \(3,\)"),
        (Truths(BOXES, [0, 0, 7], [True] * 3), ValueError, r"image 3: label 7 at index 2 is not in 0 \.\. 4"),
    ],
)
def test_wrong_entry_is_named(found, error, message):
    with pytest.raises(error, match=message):
        found.checked(classes=5, size=(3, 4), what="image 3")


def test_negative_label_raises_for_unknown_classes():
    with pytest.raises(ValueError, match="label -1 at index 0 is negative"):
        Detections(BOXES[:1], [1], [-1]).checked()


def test_repr_shows_shapes():
    assert repr(Truths(BOXES, [0, 0, 0], [False] * 3).checked()) == (
        "Truths(boxes=float64 (3, 4), labels=int64 (3,), difficult=bool (3,))"
    )
