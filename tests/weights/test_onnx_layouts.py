"""Layouts of ONNX tensors read the values that NumPy reads."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.weights.onnx import layouts

SHAPES = st.lists(st.sampled_from([1, 2, 3, 4, 6]), min_size=1, max_size=4).map(tuple)


def values(shape):
    return np.arange(math.prod(shape)).reshape(shape)


@st.composite
def changes(draw, shapes=SHAPES):
    """Return (shape of a wire, array after some reshapes and transposes, layout of that array)."""
    shape = draw(shapes)
    array, layout = values(shape), layouts.of(shape)
    for _ in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            order = draw(st.permutations(range(array.ndim)))
            array, layout = array.transpose(order), layouts.transpose(layout, order)
        else:
            sizes = draw(st.permutations([*draw(st.sampled_from(divisions(array.size))), 1]))
            try:
                layout = layouts.reshape(layout, sizes)
            except ValueError:
                continue
            array = array.reshape(sizes)
    return shape, array, layout


def divisions(size):
    """Return some shapes with as many values."""
    pairs = [(a, size // a) for a in range(1, size + 1) if size % a == 0]
    return [(size,), *pairs, *((a, b, c // b) for a, c in pairs for b in range(2, c) if c % b == 0)]


@given(changes())
def test_layout_reads_what_numpy_reads(change):
    _, array, layout = change
    assert layouts.sizes(layout) == array.shape
    assert np.array_equal(layouts.indices(layout), array.ravel())


@given(SHAPES.flatmap(lambda shape: st.tuples(*[changes(st.just(shape))] * 2)))
def test_layouts_are_equal_exactly_if_their_values_are(pair):
    (_, a, layout), (_, b, other) = pair
    assert (layout == other) == (a.shape == b.shape and np.array_equal(a, b))


@given(changes())
def test_order_is_found_exactly_for_transposes(change):
    shape, array, layout = change
    order = layouts.order(layout, shape)
    transposed = [values(shape).transpose(axes) for axes in itertools.permutations(range(len(shape)))]
    if order is None:
        assert not any(np.array_equal(array, other) for other in transposed)
    else:
        assert np.array_equal(values(shape).transpose(order), array)


@given(SHAPES, st.randoms(use_true_random=False))
def test_order_inverts_a_transpose(shape, random):
    order = random.sample(range(len(shape)), len(shape))
    found = layouts.order(layouts.transpose(layouts.of(shape), order), shape)
    assert np.array_equal(values(shape).transpose(found), values(shape).transpose(order))


@given(changes())
def test_wire_axes_cover_the_axes_of_the_array(change):
    shape, array, layout = change
    covered = layouts.wire_axes(layout, shape)
    if covered is not None:  # each axis of the array walks through its axes of the wire
        for axis, wire in enumerate(covered):
            step = np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)[:, 0]
            assert array.shape[axis] == math.prod(shape[i] for i in wire)
            index = tuple(slice(None) if i in wire else 0 for i in range(len(shape)))
            assert np.array_equal(step - step[0], values(shape)[index].ravel())


@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("size", [(), (5,), (2, 1, 3)])
def test_shuffle_is_recognised_in_every_form(groups, size):
    shape = (6, *size)
    for rest in (size, (math.prod(size),)):  # exporters also flatten the map before the transpose
        layout = layouts.reshape(layouts.of(shape), (groups, 6 // groups, *rest))
        layout = layouts.transpose(layout, (1, 0, *range(2, len(layout))))
        assert layouts.shuffled(layouts.reshape(layout, shape), shape) == groups
    assert layouts.shuffled(layouts.of(shape), shape) is None


def test_transposed_values_cannot_be_divided_across_a_border():
    flat = layouts.reshape(layouts.transpose(layouts.of((4, 6)), (1, 0)), (24,))
    assert layouts.sizes(layouts.reshape(flat, (3, 2, 4))) == (3, 2, 4)
    with pytest.raises(ValueError, match=r"no strides divide \(24,\) into \(4, 6\)"):
        layouts.reshape(flat, (4, 6))
