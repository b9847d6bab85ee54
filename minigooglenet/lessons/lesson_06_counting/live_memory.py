"""Exercise: the peak of live memory."""

from minigooglenet.counting import memory
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.graph import Graph
from minigooglenet.layers.base import Layer


class _Sized(Layer):
    """A layer that has only an output size."""

    inputs_taken = None

    def __init__(self, size):
        super().__init__()
        self.size = size

    def output_shape(self, *input_shapes):
        return (self.size,)


live = Exercise(
    "06.5",
    "the peak of live memory",
    "peak_live(nodes) -> the largest sum of the sizes of live arrays",
    minutes=12,
    difficulty=3,
    hints=(
        "After which node can you free an array?",
        "image 5 -> a 4 -> b 3, and b also reads image: while b is computed, image, a and b are live: 12. Then only b.",
        "after each node, for every wire that it reads: `if last_consumer[wire] == ____: live -= size[wire]`",
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
    g = Graph(**{name: (size,) for name, size, wires in nodes if not wires})
    for name, size, wires in nodes:
        if wires:
            g.add(name, _Sized(size), *wires)
    return memory.peak_wire_bytes(g, g.schedule(), itemsize=1)


@live.right
def live_by_last_use(nodes):
    size = {name: count for name, count, _ in nodes}
    last = {wire: index for index, (*_, wires) in enumerate(nodes) for wire in wires}
    return max(
        sum(size[name] for name in list(size)[: index + 1] if last.get(name, len(nodes)) >= index)
        for index in range(len(nodes))
    )


@live.right
def live_by_simulation(nodes):
    kept, peak = {}, 0
    for index, (name, size, _) in enumerate(nodes):
        kept[name] = size
        peak = max(peak, sum(kept.values()))
        later = {wire for *_, wires in nodes[index + 1 :] for wire in wires} | {nodes[-1][0]}
        kept = {wire: count for wire, count in kept.items() if wire in later}
    return peak


@live.wrong
def never_frees(nodes):
    """You kept every array, as a training step does. Inference frees an array after its last consumer."""
    return sum(size for _, size, _ in nodes)


@live.wrong
def frees_at_the_first_use(nodes):
    """You freed an array that a later node still reads. Free it after its last consumer."""
    kept, peak = {}, 0
    for name, size, wires in nodes:
        kept[name] = size
        peak = max(peak, sum(kept.values()))
        for wire in wires:
            kept.pop(wire, None)
    return peak


@live.wrong
def frees_before_computing(nodes):
    """You freed an input before its output was computed. Both are live at that moment."""
    kept, peak = {}, 0
    for index, (name, size, _) in enumerate(nodes):
        later = {wire for *_, wires in nodes[index + 1 :] for wire in wires}
        kept = {wire: count for wire, count in kept.items() if wire in later} | {name: size}
        peak = max(peak, sum(kept.values()))
    return peak


@live.wrong
def largest_single_array(nodes):
    """That is the largest array. Its inputs are live too while it is computed."""
    return max(size for _, size, _ in nodes)


@live.wrong
def largest_input_and_output(nodes):
    """You counted only the inputs and the output of a node. An array that a later node reads is live too."""
    size = {name: count for name, count, _ in nodes}
    return max(count + sum(size[wire] for wire in set(wires)) for _, count, wires in nodes)
