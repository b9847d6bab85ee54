"""The memory that is alive at once."""

from minigooglenet.counting import memory
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.graph import Graph
from minigooglenet.layers.base import Layer


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
