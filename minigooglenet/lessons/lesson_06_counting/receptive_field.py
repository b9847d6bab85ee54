"""Lesson 06, second part: what one output sees, and the memory that is alive."""

import functools

import numpy as np

from minigooglenet.counting import memory
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.questions import Question
from minigooglenet.graph import Graph
from minigooglenet.layers import AvgPool2d
from minigooglenet.layers.base import Layer

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
            "are 1 at first. A kernel of k adds k - 1 steps of that length; a stride lengthens the steps behind it."
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
    """Strides multiply: behind two layers of stride 2 neighbours are 4 pixels apart."""
    return _walk(layers, keep=False)


class _Sized(Layer):
    """A node that only has a size."""

    inputs_taken = None

    def __init__(self, size):
        super().__init__()
        self.size = size

    def output_shape(self, *input_shapes):
        return (self.size,)


live = Exercise(
    "06.5",
    "the peak of live memory",
    "peak_live(nodes) -> the most that is alive at once",
    minutes=12,
    difficulty=3,
    hints=(
        "Until when is an array needed? Until its last reader has run.",
        "image 5 -> a 4 -> b 3, and b also reads image: while b is made, image, a and b are alive, 12. Then only b.",
        "after each node, for every wire it reads: `if last_reader[wire] == ____: alive -= size[wire]`",
    ),
    core=False,
)


@live.cases
def live_cases(rng):
    yield ((("image", 6, ()), ("a", 5, ("image",)), ("b", 4, ("a",)), ("c", 3, ("b",))),)
    yield (
        (
            ("image", 2, ()),
            ("skip", 7, ("image",)),
            ("a", 3, ("skip",)),
            ("b", 9, ("a",)),
            ("c", 8, ("b",)),
            ("join", 4, ("c", "skip")),
            ("out", 1, ("join",)),
        ),
    )
    yield (
        (
            ("image", 4, ()),
            ("one", 6, ("image",)),
            ("two", 5, ("image",)),
            ("three", 7, ("image",)),
            ("cat", 18, ("one", "two", "three")),
            ("twice", 2, ("cat", "cat")),
        ),
    )
    yield ((("image", 3, ()), ("a", 2, ("image",)), ("b", 4, ("a",)), ("c", 9, ("b",))),)  # the peak is at the end


@live.reference
def live_reference(nodes):
    g = Graph(**{name: (size,) for name, size, readers in nodes if not readers})
    for name, size, wires in nodes:
        if wires:
            g.add(name, _Sized(size), *wires)
    return memory.peak_wire_bytes(g, g.schedule(), itemsize=1)


@live.right
def live_by_last_use(nodes):
    size = {name: count for name, count, _ in nodes}
    last = {wire: place for place, (*_, wires) in enumerate(nodes) for wire in wires}
    return max(
        sum(size[name] for name in list(size)[: place + 1] if last.get(name, len(nodes)) >= place)
        for place in range(len(nodes))
    )


@live.right
def live_by_simulation(nodes):
    alive, peak = {}, 0
    for place, (name, size, _) in enumerate(nodes):
        alive[name] = size
        peak = max(peak, sum(alive.values()))
        later = {wire for *_, wires in nodes[place + 1 :] for wire in wires} | {nodes[-1][0]}
        alive = {wire: count for wire, count in alive.items() if wire in later}
    return peak


@live.wrong
def never_frees(nodes):
    """That is the training tape: every array is kept. An inference frees what is read no more."""
    return sum(size for _, size, _ in nodes)


@live.wrong
def frees_at_the_first_use(nodes):
    """An array was dropped while a later node still needs it."""
    alive, peak = {}, 0
    for name, size, wires in nodes:
        alive[name] = size
        peak = max(peak, sum(alive.values()))
        for wire in wires:
            alive.pop(wire, None)
    return peak


@live.wrong
def frees_before_computing(nodes):
    """An input must live while its output is made."""
    alive, peak = {}, 0
    for place, (name, size, _) in enumerate(nodes):
        later = {wire for *_, wires in nodes[place + 1 :] for wire in wires}
        alive = {wire: count for wire, count in alive.items() if wire in later} | {name: size}
        peak = max(peak, sum(alive.values()))
    return peak


@live.wrong
def largest_single_array(nodes):
    """That array has inputs, which are alive while it is made."""
    return max(size for _, size, _ in nodes)


@live.wrong
def largest_input_and_output(nodes):
    """A third array was alive: one that is read again later."""
    size = {name: count for name, count, _ in nodes}
    return max(count + sum(size[wire] for wire in set(wires)) for _, count, wires in nodes)
