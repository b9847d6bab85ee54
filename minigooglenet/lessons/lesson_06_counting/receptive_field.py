"""Exercises: the receptive field of one output."""

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
        "Draw two 3 x 3 convolutions with stride 1. Why is the receptive field of an output 5 pixels wide, not 6?",
        (
            "Start with size = 1 and jump = 1. A kernel of size k adds k - 1 jumps to the size. Its stride then "
            "multiplies the jump, for the layers after it."
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
    """Measure the gradients of two neighbouring outputs of a network of average pools."""
    needed = 2
    for _, kernel, stride in reversed(layers):
        needed = (needed - 1) * stride + kernel
    g = Graph(image=(1, needed, 1))
    for number, (kind, kernel, stride) in enumerate(layers):
        g.add(f"{kind}{number}", AvgPool2d((kernel, 1), (stride, 1)), list(g.shapes)[-1])
    fields = []
    for output in range(2):
        _, tape = g.forward({"image": np.zeros((1, 1, needed, 1))})
        grad = np.zeros((1, 1, 2, 1))
        grad[0, 0, output] = 1
        grads, _ = g.backward({g.main: grad}, tape)
        fields.append(np.flatnonzero(grads["image"]))
    return int(fields[0][-1] - fields[0][0] + 1), int(fields[1][0] - fields[0][0])


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
    "the receptive field of your layers",
    "Your layers, from the image to the output, as (kind, kernel, stride), are: {layers}. How many pixels wide is the "
    "receptive field of one output of the last layer?",
    minutes=4,
    difficulty=2,
    hints=(
        "Start at the image with size 1 and jump 1. What are they after the first layer?",
        "A pool widens the field as a convolution does. For the first layer the jump is 1, even if its stride is not.",
        "at each layer, the size grows by `(k - 1) * ____`",
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
    """Register a known mistake for the exercise, and its size for the question."""

    @your_field.wrong
    @functools.wraps(function)
    def size(layers):
        return function(layers)[0]

    return field.wrong(function)


@_for_both
def strides_ignored(layers):
    """You added k - 1 pixels of the layer's input. Multiply by the jump to get pixels of the image."""
    return 1 + sum(k - 1 for _, k, _ in layers), int(np.prod([s for *_, s in layers]))


@_for_both
def jump_updated_first(layers):
    """A layer's stride affects only the layers after it: update the size first, then the jump."""
    return _walk(layers, before=True)


@_for_both
def stride_used_as_jump(layers):
    """You multiplied k - 1 by the layer's own stride. The jump is the product of the strides of all earlier layers."""
    return 1 + sum((k - 1) * s for _, k, s in layers), int(np.prod([s for *_, s in layers]))


@_for_both
def k_instead_of_k_minus_1(layers):
    """Your field is too large: a kernel of size k adds k - 1 jumps, not k."""
    return _walk(layers, more=0)


@_for_both
def kernels_multiplied(layers):
    """You multiplied the kernel sizes. Each kernel adds k - 1 jumps."""
    return int(np.prod([k for _, k, _ in layers])), int(np.prod([s for *_, s in layers]))


@_for_both
def pools_forgotten(layers):
    """You left out the pools. They have a kernel size and a stride too."""
    return _walk([layer for layer in layers if layer[0] != "pool"])


@_for_both
def only_the_last_stride(layers):
    """Multiply the strides: after two layers with stride 2 the jump is 4 pixels."""
    return _walk(layers, keep=False)
