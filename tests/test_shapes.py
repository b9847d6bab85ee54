"""Sizes computed from integers: floor and ceil mode, padding, windows, receptive fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet import shapes
from minigooglenet.counting import windows

SIDE = st.integers(0, 3)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "ceil_mode", "expected"),
    [
        (224, 7, 2, (3, 3), False, 112),
        (112, 3, 2, (0, 0), True, 56),
        (112, 3, 2, (0, 0), False, 55),
        (28, 3, 2, (0, 0), True, 14),
        (14, 3, 2, (0, 0), True, 7),
        (14, 3, 1, (1, 1), False, 14),
        (14, 5, 1, (2, 2), False, 14),
        (14, 5, 3, (0, 0), False, 4),
        (7, 7, 1, (0, 0), False, 1),
        (227, 11, 4, (0, 0), False, 55),
    ],
)
def test_sizes_of_googlenet_and_alexnet(size, kernel, stride, padding, ceil_mode, expected):
    assert shapes.window_count(size, kernel, stride, padding, ceil_mode=ceil_mode) == expected


@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 5), st.tuples(SIDE, SIDE))
def test_floor_mode_counts_the_windows_that_fit(size, kernel, stride, padding):
    padded = size + sum(padding)
    fitting = [p for p in range(padded + 1) if p * stride + kernel <= padded]
    assert max(0, shapes.window_count(size, kernel, stride, padding)) == len(fitting)


@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 5), st.tuples(SIDE, SIDE))
def test_ceil_mode_counts_windows_until_one_reaches_the_end(size, kernel, stride, padding):
    sides = tuple(min(side, kernel - 1) for side in padding)
    padded = size + sum(sides)
    if kernel > padded:
        return
    count = 1
    while (count - 1) * stride + kernel < padded and count * stride < size + sides[0]:
        count += 1
    assert shapes.window_count(size, kernel, stride, sides, ceil_mode=True) == count


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "expected"),
    [
        (3, 2, 2, (1, 1), 2),  # a third window would start at 4 = 3 + 1
        (3, 1, 3, (0, 0), 1),  # without padding too: a second window would start at 3 = 3 + 0
        (4, 2, 3, (0, 1), 2),  # a second window starts at 3 < 4 + 0
        (3, 2, 3, (0, 1), 1),  # a second window would start at 3 = 3 + 0: bottom padding does not keep it
    ],
)
def test_ceil_mode_drops_a_window_past_the_image(size, kernel, stride, padding, expected):
    assert shapes.window_count(size, kernel, stride, padding, ceil_mode=True) == expected


@given(st.integers(1, 15), st.integers(1, 5), st.integers(1, 5), st.tuples(SIDE, SIDE), st.booleans())
def test_every_pool_window_covers_part_of_the_image(size, kernel, stride, padding, ceil_mode):
    sides = tuple(min(side, kernel - 1) for side in padding)
    for index in range(max(0, shapes.window_count(size, kernel, stride, sides, ceil_mode=ceil_mode))):
        positions = [index * stride - sides[0] + r for r in range(kernel)]
        real = [h for h in positions if 0 <= h < size]
        assert list(range(*shapes.real_window(index, size, kernel, stride, sides[0]))) == real
        assert real
        counted = [h for h in positions if h < size + sides[1]]
        assert shapes.padded_window_length(index, size, kernel, stride, sides) == len(counted)


@pytest.mark.parametrize("count", range(1, 8))
@pytest.mark.parametrize("size", range(1, 15))
def test_adaptive_windows_cover_every_position_from_both_ends_alike(size, count):
    windows = [shapes.adaptive_window(i, size, count) for i in range(count)]
    assert {h for window in windows for h in range(*window)} == set(range(size))
    assert windows == [(size - end, size - start) for start, end in reversed(windows)]
    assert all(end - start <= -(-size // count) + 1 for start, end in windows)


def test_height_and_width_are_never_exchanged():
    assert shapes.output_size((10, 20), (3, 5), (1, 2), ((0, 1), (2, 3))) == (9, 11)


def test_three_forms_of_padding_mean_the_same():
    assert shapes.four_sided(2) == shapes.four_sided((2, 2)) == shapes.four_sided(((2, 2), (2, 2))) == ((2, 2), (2, 2))
    assert shapes.four_sided((1, 2)) == ((1, 1), (2, 2))
    assert shapes.four_sided([[0, 1], [2, 3]]) == ((0, 1), (2, 3))


def test_pair_is_height_then_width():
    assert shapes.pair(3, "stride") == (3, 3)
    assert shapes.pair([1, 2], "stride") == (1, 2)


def test_receptive_field_of_the_stem():
    field, jump = (1, 1), (1, 1)
    for kernel, stride in ((7, 2), (3, 2), (1, 1), (3, 1), (3, 2)):
        field, jump = windows.receptive_field(field, jump, (kernel, kernel), (stride, stride))
    assert (field, jump) == ((27, 27), (8, 8))


def test_receptive_field_keeps_the_axes_apart():
    assert windows.receptive_field((3, 1), (2, 4), (5, 3), (1, 2)) == ((11, 9), (2, 8))
