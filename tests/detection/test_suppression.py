"""Non-maximum suppression, compared with a definition in exact arithmetic."""

from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from minigooglenet.detection import Detections, iou, nms, nms_per_class, suppression
from minigooglenet.lessons.lesson_12_transfer import detection as lesson

# Small integers, so that boxes are often equal and overlaps often exactly a threshold; few scores, so that many tie.
box = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 6), st.integers(1, 6)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
scored = st.lists(st.tuples(box, st.integers(0, 3)), max_size=14)
thresholds = st.integers(0, 8).map(lambda eighths: eighths / 8)


def overlap(a, b):
    width, height = (max(0, min(a[i + 2], b[i + 2]) - max(a[i], b[i])) for i in (0, 1))
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return Fraction(width * height, sum(areas) - width * height)


def by_definition(boxes, scores, threshold):
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if all(overlap(boxes[i], boxes[j]) <= Fraction(threshold) for j in kept):
            kept.append(i)
    return kept


@settings(max_examples=1000)
@given(scored, thresholds)
def test_nms_matches_its_definition(pairs, threshold):
    boxes, scores = [b for b, _ in pairs], [float(s) for _, s in pairs]
    assert nms(boxes, scores, threshold).tolist() == by_definition(boxes, scores, threshold)


@given(scored, thresholds)
def test_nms_is_idempotent(pairs, threshold):
    boxes, scores = np.array([b for b, _ in pairs]).reshape(-1, 4), np.array([s for _, s in pairs], float)
    kept = nms(boxes, scores, threshold)
    assert nms(boxes[kept], scores[kept], threshold).tolist() == list(range(len(kept)))


@given(st.lists(box, max_size=14), thresholds, st.randoms(use_true_random=False))
def test_order_does_not_matter_for_distinct_scores(boxes, threshold, random):
    order = list(range(len(boxes)))
    random.shuffle(order)
    scores = [1 / (i + 1) for i in order]
    kept = [boxes[i] for i in nms(boxes, scores, threshold)]
    random.shuffle(order)
    assert kept == [boxes[order[i]] for i in nms([boxes[i] for i in order], [scores[i] for i in order], threshold)]


def test_nms_matches_the_lesson():
    for boxes, scores, threshold in lesson.nms_cases(np.random.default_rng(0)):
        assert nms(boxes, scores, threshold).tolist() == lesson.nms_reference(boxes, scores, threshold)


def test_boxes_of_very_different_widths_match_the_definition():
    rng = np.random.default_rng(0)
    low = rng.integers(0, 400, (300, 2))
    boxes = np.hstack([low, low + 2 ** rng.integers(0, 9, (300, 2))])
    scores = rng.integers(0, 50, 300) / 50
    for threshold in (0, 0.125, 0.5, 0.875, 1):
        assert nms(boxes, scores, threshold).tolist() == by_definition(boxes.tolist(), scores, threshold)


def test_distant_boxes_on_the_threshold_match_the_definition():
    far, sides = 2**40, (1, 2, 4, 8)
    boxes = [
        (far + x, -far + y, far + x + w, -far + y + h) for x in (0, 2, 4) for y in (0, 1) for w in sides for h in sides
    ]
    scores = np.random.default_rng(0).integers(0, 9, len(boxes)) / 8
    for threshold in (0.25, 0.5, 0.75):
        assert nms(boxes, scores, threshold).tolist() == by_definition(boxes, scores, threshold)


@pytest.mark.parametrize("axis", [0, 1])
def test_separate_strips_are_not_compared_with_each_other(axis, monkeypatch):
    pairs = []
    monkeypatch.setattr(
        suppression.geometry, "iou_of_arrays", lambda a, b: pairs.append(len(b)) or np.zeros((len(a), len(b)))
    )
    start = 2.0 * np.arange(500)
    boxes = np.stack([0 * start, start, 0 * start + 500, start + 1], axis=1)
    boxes = boxes[:, [1, 0, 3, 2]] if axis else boxes
    assert len(nms(boxes, np.random.default_rng(0).random(500))) == 500
    assert not pairs


def test_no_boxes_remain_no_boxes():
    kept = nms([], [])
    assert (kept.shape, kept.dtype) == ((0,), np.int64)
    assert nms_per_class(Detections([], [], [])).boxes.shape == (0, 4)


def test_empty_boxes_are_never_removed():
    assert nms([(1, 1, 1, 5)] * 2, [0.5, 0.6]).tolist() == [1, 0]


def test_hundred_thousand_detections_are_suppressed():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 100, (100_000, 2))
    boxes, scores = np.hstack([low, low + rng.uniform(20, 60, (100_000, 2))]), rng.random(100_000)
    kept = nms(boxes, scores, 0.25)
    assert kept[0] == scores.argmax()
    overlaps = iou(boxes[kept], boxes[kept])
    assert (overlaps[~np.eye(len(kept), dtype=bool)] <= 0.25).all()


def test_classes_are_suppressed_separately():
    boxes = np.array([(0, 0, 4, 4), (0, 0, 4, 3), (0, 0, 4, 4), (9, 9, 12, 12), (0, 0, 3, 4)])
    kept = nms_per_class(Detections(boxes, [0.6, 0.6, 0.8, 0.7, 0.9], [1, 1, 0, 1, 1]))
    assert kept.boxes.tolist() == boxes[[4, 2, 3]].tolist()
    assert (kept.scores.tolist(), kept.labels.tolist()) == ([0.9, 0.8, 0.7], [1, 0, 1])


def test_classes_with_equal_scores_keep_the_order_of_indices():
    kept = nms_per_class(Detections([(0, 0, 4, 4)] * 4, [0.5] * 4, [2, 0, 2, 1]))
    assert kept.labels.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("scores", "threshold", "error", "message"),
    [
        ([0.5], 0.5, ValueError, r"scores must have shape \(2,\), one per box, got \(1,\)"),
        ([0.5, np.nan], 0.5, ValueError, r"scores\[1\] = nan is not finite"),
        ([0.5, 0.6], 1.5, ValueError, r"threshold must be in \[0, 1\], got 1.5"),
        ([0.5, 0.6], None, TypeError, "threshold must be a number"),
    ],
)
def test_wrong_scores_or_threshold_raise(scores, threshold, error, message):
    with pytest.raises(error, match=message):
        nms([(0, 0, 1, 1), (0, 0, 2, 2)], scores, threshold)
