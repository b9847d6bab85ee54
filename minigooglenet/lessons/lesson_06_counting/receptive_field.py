"""What one output sees."""

import functools

import numpy as np

from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.questions import Question
from minigooglenet.graph import Graph
from minigooglenet.layers import AvgPool2d

field = Exercise(
    "06.3",
    "the receptive field",
    "receptive_field(layers) -> (size, jump)",
    minutes=12,
    difficulty=2,
    hints=(
        "Two 3 x 3 convolutions of stride 1: draw them. One output sees 5 pixels in a row, not 6.",
        (
            "Carry two numbers: how many pixels one value sees, and how many pixels apart two neighbours look. Both "
            "are 1 at first. A kernel of k adds k - 1 steps of that length; a stride lengthens the steps after it."
        ),
        "for each layer: `size += (k - 1) * jump`, and then `jump *= ____`",
    ),
)


@field.cases
def field_cases(rng):
    yield ((("conv", 3, 1), ("conv", 3, 1)),)
    yield ((("conv", 7, 2), ("pool", 3, 2), ("conv", 1, 1), ("conv", 3, 1), ("pool", 3, 2)),)
    yield ((("conv", 5, 3), ("conv", 1, 2), ("pool", 4, 4), ("conv", 3, 1)),)


@field.reference
def field_reference(layers):
    """Back-propagate from two neighbouring outputs through a net of averages, and measure."""
    needed = 2
    for _, kernel, stride in reversed(layers):
        needed = (needed - 1) * stride + kernel
    g = Graph(image=(1, needed, 1))
    for number, (kind, kernel, stride) in enumerate(layers):
        g.add(f"{kind}{number}", AvgPool2d((kernel, 1), (stride, 1)), list(g.shapes)[-1])
    seen = []
    for place in range(2):
        _, tape = g.forward({"image": np.zeros((1, 1, needed, 1))})
        grad = np.zeros((1, 1, 2, 1))
        grad[0, 0, place] = 1
        grads, _ = g.backward({g.main: grad}, tape)
        seen.append(np.flatnonzero(grads["image"]))
    return int(seen[0][-1] - seen[0][0] + 1), int(seen[1][0] - seen[0][0])


@field.right
def field_from_the_image(layers):
    size, jump = 1, 1
    for _, kernel, stride in layers:
        size += (kernel - 1) * jump
        jump *= stride
    return size, jump


@field.right
def field_from_the_output(layers):
    size, jump = 1, 1
    for _, kernel, stride in layers[::-1]:
        size = (size - 1) * stride + kernel
        jump *= stride
    return [size, jump]


def _walk(layers, before=False, more=1, keep=True):
    size, jump = 1, 1
    for _, kernel, stride in layers:
        new = jump * stride if keep else stride
        size += (kernel - more) * (new if before else jump)
        jump = new
    return size, jump


your_field = Question(
    "06.3b",
    "the field of your stack",
    "Layers as (kind, kernel, stride), the first reads the image: {layers}. How many pixels in a row does one output "
    "of the last layer see?",
    minutes=4,
    difficulty=2,
    hints=(
        "Start at the image with size 1 and jump 1.",
        "A pool widens the field as a convolution does. The first layer's jump is 1, whatever its stride.",
        "size grows by (k - 1) * ____ at each layer",
    ),
    core=False,
)


@your_field.draw
def your_field_draw(rng):
    layers = [("conv", int(rng.choice([3, 5, 7])), 2)]
    layers += [
        (str(rng.choice(["conv", "pool"])), int(rng.choice([2, 3, 5])), int(rng.integers(1, 4)))
        for _ in range(int(rng.integers(3, 5)))
    ]
    return {"layers": tuple(layers)}


@your_field.solution
def your_field_solution(layers):
    return _walk(layers)[0]


def _for_both(function):
    """Register a wrong answer for the field, and its size for the question."""

    @your_field.wrong
    @functools.wraps(function)
    def size(layers):
        return function(layers)[0]

    return field.wrong(function)


@_for_both
def strides_ignored(layers):
    """You added k - 1 in this layer's own pixels, not in pixels of the image."""
    return 1 + sum(k - 1 for _, k, _ in layers), int(np.prod([s for *_, s in layers]))


@_for_both
def own_stride_first(layers):
    """A layer's stride acts on the layers after it: add first, then lengthen the step."""
    return _walk(layers, before=True)


@_for_both
def kernels_added_whole(layers):
    """Too large: a kernel of k adds k - 1 steps, not k."""
    return _walk(layers, more=0)


@_for_both
def kernels_multiplied(layers):
    """Fields add, they do not multiply."""
    return int(np.prod([k for _, k, _ in layers])), int(np.prod([s for *_, s in layers]))


@_for_both
def pools_forgotten(layers):
    """Pools look at windows too, and step."""
    return _walk([layer for layer in layers if layer[0] != "pool"])


@_for_both
def only_the_last_stride(layers):
    """Strides multiply: after two layers of stride 2 neighbours are 4 pixels apart."""
    return _walk(layers, keep=False)
