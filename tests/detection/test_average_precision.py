"""Average precision under three rules: manual calculations, the lesson, and awkward cases."""

import numpy as np
import pytest

from minigooglenet.detection import Curve, Detections, Truths, average_precision, evaluate
from minigooglenet.lessons.lesson_12_transfer import detection as lesson

NOTHING = Detections([], [], [])
NO_OBJECTS = Truths([], [], [])
RULES = ("voc", "ilsvrc", "coco")
# Two objects that overlap, a small one and a large one; a duplicate or second best, a small shift, and a miss.
GOLDEN_TRUTHS = Truths(
    [(0, 0, 40, 40), (10, 0, 50, 40), (100, 100, 110, 110), (200, 200, 240, 240)], [0] * 4, [False] * 4
)
GOLDEN = Detections(
    [(0, 0, 40, 40), (4, 0, 44, 40), (104, 100, 114, 110), (200, 200, 240, 240), (300, 300, 340, 340)],
    [0.9, 0.8, 0.7, 0.6, 0.5],
    [0] * 5,
)


def objects(boxes, difficult=None):
    return Truths(boxes, [0] * len(boxes), difficult or [False] * len(boxes))


def found(boxes, scores):
    return Detections(boxes, scores, [0] * len(boxes))


@pytest.mark.parametrize(
    ("rule", "points", "expected"),
    [
        ("voc", "all", 0.375),
        ("voc", "11", 0.4091),
        ("coco", "all", 0.6875),
        ("coco", "11", 0.6818),
        ("coco", "101", 0.6906),
        ("ilsvrc", "all", 1.0),
        ("ilsvrc", "11", 1.0),
        ("ilsvrc", "101", 1.0),
    ],
)
def test_golden_case_has_known_values(rule, points, expected):
    value = average_precision([GOLDEN], [GOLDEN_TRUTHS], 0, rule, points)
    assert value == pytest.approx(expected, abs=5e-5)


def test_voc_average_matches_the_lesson_on_its_cases():
    for detections, truths in lesson.average_precision_cases(np.random.default_rng(0)):
        assert _voc(detections, truths) == pytest.approx(
            lesson.average_precision_reference(detections, truths), abs=1e-12
        )


@pytest.mark.parametrize("seed", range(30))
def test_voc_average_matches_the_lesson_on_random_cases(seed):
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 12, (10, 2))
    boxes = np.hstack([low, low + rng.integers(3, 9, (10, 2))]).astype(float)
    truths = [(int(rng.integers(3)), tuple(row)) for row in boxes.tolist()]
    moved = np.repeat(boxes, 3, axis=0)
    moved = moved + rng.choice([-1.0, 0.0, 1.0], moved.shape)
    scores = rng.permutation(30) / 30
    detections = [(truths[i // 3][0], float(scores[i]), tuple(moved[i].tolist())) for i in range(30)]
    assert _voc(detections, truths) == pytest.approx(lesson.average_precision_reference(detections, truths), abs=1e-12)


def _voc(detections, truths):
    """Return the average precision of the lesson's lists (image, score, box) and (image, box)."""
    images = range(1 + max(image for image, *_ in [*detections, *truths]))
    by_image = [[(box, score) for other, score, box in detections if other == image] for image in images]
    return average_precision(
        [found([box for box, _ in pairs], [score for _, score in pairs]) for pairs in by_image],
        [objects([box for other, box in truths if other == image]) for image in images],
        0,
    )


def test_a_duplicate_is_a_false_positive():
    twice = found([(0, 0, 10, 10), (0, 0, 10, 9)], [0.9, 0.8])
    for rule in RULES:
        result = evaluate([twice], [objects([(0, 0, 10, 10)])], ["cat"], rule)
        assert result.curves[0].hits.tolist() == [True, False]
        assert result.false_positives.tolist() == [1]


def test_iou_of_exactly_the_threshold_is_a_hit():
    half = found([(0, 0, 10, 5)], [0.9])
    for rule in RULES:
        assert average_precision([half], [objects([(0, 0, 10, 10)])], 0, rule) == 1
        assert average_precision([half], [objects([(0, 0, 10, 10)])], 0, rule, threshold=0.51) == (rule == "ilsvrc") * 1


def test_ilsvrc_threshold_depends_on_the_size_of_the_object():
    # 20 x 20: 400 / 900 = 0.444; 30 x 10 with 10 more pixels: 300 / 800 = 0.375; 100 x 100: 0.826, so 0.5.
    for box, least in (((0, 0, 20, 20), 400 / 900), ((0, 0, 30, 10), 0.375), ((0, 0, 100, 100), 0.5)):
        x2 = box[2]
        for fraction, expected in ((least + 0.01, 1), (least - 0.01, 0)):
            shorter = found([(0, 0, x2 * fraction, box[3])], [0.9])
            assert average_precision([shorter], [objects([box])], 0, "ilsvrc") == expected


def test_boxes_that_do_not_overlap_never_match():
    for rule in RULES:
        result = average_precision([found([(5, 5, 6, 6)], [0.9])], [objects([(0, 0, 4, 4)])], 0, rule, threshold=0)
        assert result == 0


def test_objects_of_other_images_and_classes_do_not_match():
    box = (0, 0, 10, 10)
    detections = [found([box], [0.9]), NOTHING]
    other_class = Truths([box], [1], [False])
    for rule in RULES:
        assert average_precision(detections, [NO_OBJECTS, objects([box])], 0, rule) == 0
        assert average_precision(detections, [other_class, objects([box])], 0, rule) == 0


@pytest.mark.parametrize("rule", RULES)
def test_difficult_object_is_neither_hit_nor_false_positive(rule):
    # Two detections of a difficult object, then a hit; the difficult object is not among the objects either.
    detections = found([(0, 0, 10, 10), (0, 0, 10, 9), (50, 50, 60, 60)], [0.9, 0.8, 0.7])
    truths = objects([(0, 0, 10, 10), (50, 50, 60, 60)], [True, False])
    result = evaluate([detections], [truths], ["cat"], rule)
    curve = result.curves[0]
    assert (curve.scores.tolist(), curve.hits.tolist(), curve.objects) == ([0.7], [True], 1)
    assert (result.ap.tolist(), result.false_positives.tolist()) == ([1], [0])


def test_only_voc_prefers_a_nearer_difficult_object():
    detection = found([(0, 0, 10, 10)], [0.9])
    truths = objects([(0, 0, 10, 10), (0, 0, 10, 8)], [True, False])
    hits = {rule: evaluate([detection], [truths], ["cat"], rule).curves[0].hits.tolist() for rule in RULES}
    assert hits == {"voc": [], "ilsvrc": [True], "coco": [True]}


def test_equal_overlaps_match_the_first_object_or_the_last():
    # The first detection is between both objects; the second one reaches only the first object.
    detections = found([(20, 0, 120, 100), (0, 0, 100, 100)], [0.9, 0.8])
    truths = objects([(0, 0, 100, 100), (40, 0, 140, 100)])
    hits = {rule: evaluate([detections], [truths], ["cat"], rule).curves[0].hits.tolist() for rule in RULES}
    assert hits == {"voc": [True, False], "ilsvrc": [True, False], "coco": [True, True]}


def test_class_with_only_difficult_objects_is_excluded():
    result = evaluate([found([(0, 0, 4, 4)], [0.9])], [objects([(0, 0, 4, 4)], [True])], ["cat"])
    assert np.isnan(result.ap[0])
    assert result.excluded == ("cat",)


def test_class_without_objects_is_nan_excluded_and_listed():
    detections = Detections([(0, 0, 4, 4), (5, 5, 9, 9)], [0.9, 0.8], [0, 1])
    result = evaluate([detections], [Truths([(0, 0, 4, 4)], [0], [False])], ["cat", "dog", "cow"])
    assert result.ap[0] == result.mean_ap == 1
    assert np.isnan(result.ap[1:]).all()
    assert result.excluded == ("dog", "cow")
    assert result.false_positives.tolist() == [0, 1, 0]
    assert np.isnan(result.curves[1].recall).all()


def test_mean_is_over_the_classes_with_objects():
    truths = Truths([(0, 0, 4, 4), (5, 5, 9, 9)], [0, 2], [False, False])
    detections = Detections([(0, 0, 4, 4), (20, 20, 24, 24), (5, 5, 9, 9)], [0.5, 0.9, 0.8], [0, 0, 0])
    result = evaluate([detections], [truths], ["cat", "dog", "cow"])
    assert result.ap[[0, 2]].tolist() == [pytest.approx(1 / 3), 0]
    assert result.mean_ap == pytest.approx(1 / 6)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("points", ["all", "11", "101"])
def test_images_without_objects_or_detections_have_results(rule, points):
    box = (0, 0, 4, 4)
    cases = [
        ([], [], np.nan),
        ([NOTHING], [NO_OBJECTS], np.nan),
        ([found([box], [0.9])], [NO_OBJECTS], np.nan),
        ([NOTHING], [objects([box])], 0),
        ([NOTHING, found([box], [0.9]), NOTHING], [NO_OBJECTS, objects([box]), NO_OBJECTS], 1),
        ([found([box], [0.9]), found([box], [0.8])], [NO_OBJECTS, objects([box])], 0.5),
    ]
    for detections, truths, expected in cases:
        value = average_precision(detections, truths, 0, rule, points)
        assert np.array_equal(value, expected, equal_nan=True)
        mean = evaluate(detections, truths, ["cat"], rule, points).mean_ap
        assert np.array_equal(mean, expected, equal_nan=True)
    assert np.isnan(evaluate([NOTHING], [NO_OBJECTS], [], rule, points).mean_ap)


@pytest.mark.parametrize("rule", RULES)
def test_detections_outside_the_image_are_false_positives(rule):
    detections = found([(-90, -90, -80, -80), (0, 0, 4, 4)], [0.9, 0.8])
    assert average_precision([detections], [objects([(0, 0, 4, 4)])], 0, rule) == 0.5


def test_equal_scores_are_ranked_by_image_and_index():
    right, wrong = (0, 0, 4, 4), (20, 20, 24, 24)
    truths = [objects([right]), objects([right])]
    first = evaluate([found([wrong, right], [0.5, 0.5]), found([right], [0.5])], truths, ["cat"]).curves[0]
    assert first.hits.tolist() == [False, True, True]


def test_order_of_detections_does_not_matter_for_distinct_scores():
    order = [3, 0, 4, 2, 1]
    shuffled = GOLDEN.checked().filtered(order)
    for rule in RULES:
        values = [average_precision([each], [GOLDEN_TRUTHS], 0, rule) for each in (GOLDEN, shuffled)]
        assert values[0] == values[1]


def test_curve_ends_at_the_recall_of_all_detections():
    curve = evaluate([GOLDEN], [GOLDEN_TRUTHS], ["cat"], "coco").curves[0]
    assert curve.recall.tolist() == [0.25, 0.5, 0.5, 0.75, 0.75]
    assert curve.precision.tolist() == [1, 1, 2 / 3, 0.75, 0.6]
    assert curve.envelope.tolist() == [1, 1, 0.75, 0.75, 0.6]


def test_eleven_points_are_not_all_points():
    curve = Curve(np.array([0.9]), np.array([True]), 20)  # a recall of 1/20 reaches the point 0 only
    assert [curve.average(points) for points in ("all", "11")] == [1 / 20, 1 / 11]


def test_hundred_thousand_detections_are_evaluated():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 500, (100_000, 2))
    many = found(np.hstack([low, low + 20]), rng.random(100_000))
    low = rng.uniform(0, 500, (20, 2))
    truths = objects(np.hstack([low, low + 20]))
    for rule in RULES:
        result = evaluate([many], [truths], ["cat"], rule)
        assert result.curves[0].hits.sum() == 20
        assert result.false_positives.tolist() == [99_980]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: evaluate([NOTHING], [], ["cat"]), ValueError, r"for 1 images and truths for 0\. An image without"),
        (
            lambda: evaluate(GOLDEN, [GOLDEN_TRUTHS], ["cat"]),
            TypeError,
            "detections must be a list with one D",
        ),
        (lambda: evaluate([GOLDEN], GOLDEN_TRUTHS, ["cat"]), TypeError, "truths must be a list with one T"),
        (
            lambda: evaluate([NOTHING, Detections([(0, 0, 1, 1)], [1], [2])], [NO_OBJECTS] * 2, ["cat", "dog"]),
            ValueError,
            r"detections of image 1: label 2 at index 0 is not in 0 \.\. 1, the indices of the 2 classes",
        ),
        (
            lambda: evaluate([NOTHING], [Truths([(0, 0, 1, 1)], [7], [False])], ["cat", "dog"]),
            ValueError,
            r"truths of image 0: label 7 at index 0 is not in 0 \.\. 1",
        ),
        (
            lambda: average_precision([NOTHING], [Truths([(0, 0, 0, 1)], [0], [False])], 0),
            ValueError,
            r"truths of image 0: boxes\[0\] = \(0, 0, 0, 1\) is empty",
        ),
        (lambda: average_precision([], [], 0, "VOC"), ValueError, r"unknown rule 'VOC'"),
        (lambda: average_precision([], [], 0, "coco", 11), ValueError, r"unknown number of points 11"),
        (lambda: average_precision([], [], 0, threshold=50), ValueError, r"threshold must be in \[0, 1\], got 50"),
        (lambda: average_precision([], [], "cat"), TypeError, r"label must be an integer, got 'cat'"),
    ],
)
def test_wrong_arguments_raise(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
