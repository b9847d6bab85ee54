"""Boxes: overlap, validation, clipping and conversions."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from minigooglenet import detection
from minigooglenet.lessons.lesson_12_transfer import detection as lesson

corners = st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(1, 20)] * 2)
boxes = st.lists(corners.map(lambda c: (c[0], c[1], c[0] + c[2], c[1] + c[3])), max_size=8).map(
    lambda rows: np.array(rows, float).reshape(-1, 4)
)


def covered(box):
    """Return the set of unit squares in a box of integers."""
    x1, y1, x2, y2 = map(int, box)
    return {(x, y) for x in range(x1, x2) for y in range(y1, y2)}


@given(boxes, boxes)
def test_iou_counts_unit_squares(a, b):
    expected = [[len(covered(p) & covered(q)) / len(covered(p) | covered(q)) for q in b] for p in a]
    assert np.array_equal(detection.iou(a, b), np.array(expected, float).reshape(len(a), len(b)))
    assert np.array_equal(detection.iou(b, a), detection.iou(a, b).T)


def test_iou_matches_the_lesson():
    for a, b in lesson.iou_cases(np.random.default_rng(0)):
        assert detection.iou([a], [b])[0, 0] == lesson.iou_reference(a, b)


def test_empty_box_overlaps_nothing():
    assert detection.iou([(2, 2, 2, 5)], [(2, 2, 2, 5), (0, 0, 9, 9)]).tolist() == [[0, 0]]


def test_no_boxes_are_valid_everywhere():
    for nothing in ([], np.zeros((0, 4)), np.zeros((0, 4), int)):
        assert detection.checked(nothing, (5, 5)).shape == (0, 4)
        assert detection.checked(nothing).dtype == np.float64
        assert detection.iou(nothing, [(0, 0, 1, 1)]).shape == (0, 1)
        assert detection.iou([(0, 0, 1, 1)], nothing).shape == (1, 0)
        assert detection.clipped(nothing, (5, 5))[1] == 0
        assert detection.area(nothing).shape == (0,)
        for convert in (detection.from_centre, detection.to_centre, detection.from_inclusive, detection.to_inclusive):
            assert convert(nothing).shape == (0, 4)
        for convert in (detection.from_normalised, detection.to_normalised):
            assert convert(nothing, (5, 5)).shape == (0, 4)


@given(boxes)
def test_conversions_are_inverse(rows):
    assert np.array_equal(detection.from_centre(detection.to_centre(rows)), rows)
    assert np.array_equal(detection.from_inclusive(detection.to_inclusive(rows)), rows)
    assert np.allclose(detection.from_normalised(detection.to_normalised(rows, (30, 40)), (30, 40)), rows)


def test_inclusive_box_of_one_pixel_has_area_one():
    assert detection.area(detection.from_inclusive([(7, 9, 7, 9)])).tolist() == [1]


def test_normalised_boxes_use_width_for_x():
    assert detection.to_normalised([(10, 10, 20, 20)], size=(20, 40)).tolist() == [[0.25, 0.5, 0.5, 1.0]]


def test_clipping_keeps_the_order_and_counts_changes():
    rows, changed = detection.clipped([(-9, -9, -1, -1), (0, 0, 8, 6), (3, 3, 99, 5), (20, 1, 30, 2)], size=(6, 8))
    assert rows.tolist() == [[0, 0, 0, 0], [0, 0, 8, 6], [3, 3, 8, 5], [8, 1, 8, 2]]
    assert changed == 3
    assert detection.area(rows).tolist() == [0, 48, 10, 0]


GOOD = (0, 0, 4, 3)


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((0, np.nan, 4, 3), r"truths\[1\] = \(0, nan, 4, 3\) has a value that is not finite"),
        ((0, 0, np.inf, 3), r"truths\[1\] = \(0, 0, inf, 3\) has a value that is not finite"),
        ((4, 0, 1.5, 3), r"truths\[1\] = \(4, 0, 1.5, 3\) is reversed: boxes are x1, y1, x2, y2"),
        ((0, 3, 4, 2), r"truths\[1\] = \(0, 3, 4, 2\) is reversed"),
        ((2, 0, 2, 3), r"truths\[1\] = \(2, 0, 2, 3\) is empty"),
        ((0, 1, 2, 1), r"truths\[1\] = \(0, 1, 2, 1\) is empty"),
        ((0, 0, 5, 3), r"truths\[1\] = \(0, 0, 5, 3\) extends past the image, which is 4 wide and 3 high"),
        ((0, 0, 4, 3.5), r"truths\[1\] = \(0, 0, 4, 3.5\) extends past the image"),
        ((-1, 0, 4, 3), r"truths\[1\] = \(-1, 0, 4, 3\) extends past the image"),
        ((0, -0.25, 4, 3), r"truths\[1\] = \(0, -0.25, 4, 3\) extends past the image"),
    ],
)
def test_wrong_box_is_named_with_its_values(box, message):
    with pytest.raises(ValueError, match=message) as caught:
        detection.checked([GOOD, box, GOOD], size=(3, 4), what="truths")
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"2 of 3 boxes are wrong in this way"):
        detection.checked([box, GOOD, box], size=(3, 4))


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ((0, 0, 4, 3), ValueError, r"must have shape \(M, 4\), got \(4,\)\. A single box needs an axis more"),
        ([(0, 0, 4)], ValueError, r"must have shape \(M, 4\), got \(1, 3\)"),
        (np.zeros((0, 5)), ValueError, r"must have shape \(M, 4\), got \(0, 5\)"),
        ([("a", "b", "c", "d")], TypeError, "must be numbers"),
        ([(0, 0, 1j, 1)], TypeError, "must be numbers"),
        (np.ma.masked_less([(0.0, 0, 1, 1)], 1), TypeError, "masked array"),
    ],
)
def test_other_values_instead_of_boxes_raise(rows, error, message):
    for function in (detection.checked, detection.area, detection.from_centre, detection.to_centre):
        with pytest.raises(error, match=message):
            function(rows)
    with pytest.raises(error, match=message):
        detection.iou(rows, [GOOD])


def test_negative_width_raises():
    with pytest.raises(ValueError, match=r"boxes\[0\] = \(5, 5, -1, 2\) has a negative width or height"):
        detection.from_centre([(5, 5, -1, 2)])


@pytest.mark.parametrize("size", [(0, 4), (3, 2.5), (-1, 4)])
def test_wrong_image_size_raises(size):
    with pytest.raises((TypeError, ValueError), match=r"the image's (height|width) must be"):
        detection.clipped([GOOD], size)


def test_boxes_of_the_caller_stay():
    rows = np.array([[-1.0, 0, 9, 9]])
    detection.clipped(rows, (4, 4))
    detection.from_centre(rows)
    detection.from_inclusive(rows)
    assert rows.tolist() == [[-1, 0, 9, 9]]
