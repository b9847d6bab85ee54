"""How far a loop moves in memory."""

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
        "Which loop is the innermost, and along which axis of the array does it move?",
        'In the layout "hw" with 5 columns, a step to the next row is 5 elements long, and one to the next column 1.',
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
    array = np.empty([sizes[axis] for axis in layout], np.int8)  # one byte per element, so strides count elements
    return array.strides[layout.index(order[-1])]


@inner_step.right
def inner_step_by_product(order, layout, sizes):
    step = 1
    for axis in layout[layout.index(order[-1]) + 1 :]:
        step *= sizes[axis]
    return step


@inner_step.wrong
def outermost_loop(order, layout, sizes):
    """That is the jump of the outermost loop. The innermost loop is the last in `order`."""
    return inner_step.reference_function(order[0], layout, sizes)


@inner_step.wrong
def always_1(order, layout, sizes):
    """That is right only for the last axis of the layout. Along other axes the jump is larger."""
    return 1


@inner_step.wrong
def own_size_counted(order, layout, sizes):
    """You included the size of the axis itself. Multiply only the sizes of the axes after it in the layout."""
    return inner_step.reference_function(order, layout, sizes) * sizes[order[-1]]


@inner_step.wrong
def axes_before_not_after(order, layout, sizes):
    """You multiplied the sizes of the axes before the loop's axis in the layout. Multiply those after it."""
    return int(np.prod([sizes[axis] for axis in layout[: layout.index(order[-1])]]))


@inner_step.wrong
def position_in_the_layout(order, layout, sizes):
    """That is the position of the axis in the layout. Return a distance in elements of the array."""
    return len(layout) - layout.index(order[-1])


@inner_step.wrong
def only_the_next_axis(order, layout, sizes):
    """You used the size of the next axis only. Multiply the sizes of all axes after it in the layout."""
    after = layout[layout.index(order[-1]) + 1 :]
    return sizes[after[0]] if after else 1
