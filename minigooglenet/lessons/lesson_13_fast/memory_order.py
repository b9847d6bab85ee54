"""Steps in memory."""

import itertools

import numpy as np

from minigooglenet.exercises.exercise import Exercise

inner_step = Exercise(
    "13.1",
    "how far the inner loop jumps",
    "inner_step(order, layout, sizes) -> int",
    minutes=5,
    difficulty=1,
    core=False,
    hints=(
        "Which loop is the innermost, and which axis of the array does it walk along?",
        'Layout "hw" with 5 columns: one row further is 5 numbers further in memory, one column further is 1.',
        "`for axis in layout[layout.index(order[-1]) + 1 :]: step *= ____`",
    ),
)


@inner_step.cases
def inner_step_cases(rng):
    sizes = {"n": 2, "c": 3, "h": 5, "w": 7}
    yield "hw", "hw", {"h": 5, "w": 7}
    yield "wh", "hw", {"h": 5, "w": 7}
    for order, layout in itertools.product(("nchw", "nhwc", "cwnh", "hwcn"), ("nchw", "nhwc", "chwn")):
        yield order, layout, sizes
    yield "nchw", "nhwc", {"n": 3, "c": 2, "h": 4, "w": 6}
    yield "hwcn", "nchw", {"n": 3, "c": 2, "h": 4, "w": 6}


@inner_step.reference
def inner_step_reference(order, layout, sizes):
    array = np.empty([sizes[axis] for axis in layout], np.int8)  # one byte each: NumPy's strides are the steps
    return array.strides[layout.index(order[-1])]


@inner_step.right
def inner_step_by_product(order, layout, sizes):
    step = 1
    for axis in layout[layout.index(order[-1]) + 1 :]:
        step *= sizes[axis]
    return step


@inner_step.wrong
def outermost_loop(order, layout, sizes):
    """That is the step of the outermost loop: the innermost stands last in `order`."""
    return inner_step.reference_function(order[0], layout, sizes)


@inner_step.wrong
def always_1(order, layout, sizes):
    """Only the last axis of the layout lies side by side in memory."""
    return 1


@inner_step.wrong
def own_size_counted(order, layout, sizes):
    """A step along an axis passes what lies after it, not the axis itself."""
    return inner_step.reference_function(order, layout, sizes) * sizes[order[-1]]


@inner_step.wrong
def axes_before_not_after(order, layout, sizes):
    """You multiplied the sizes before the axis; the ones after it count."""
    return int(np.prod([sizes[axis] for axis in layout[: layout.index(order[-1])]]))


@inner_step.wrong
def place_in_the_layout(order, layout, sizes):
    """That is the axis's number; a step is counted in numbers of the array."""
    return len(layout) - layout.index(order[-1])


@inner_step.wrong
def only_the_next_axis(order, layout, sizes):
    """All axes after it are passed, so all their sizes multiply."""
    after = layout[layout.index(order[-1]) + 1 :]
    return sizes[after[0]] if after else 1
