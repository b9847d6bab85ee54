"""A stem within a budget."""

import numpy as np

from minigooglenet.counting import count
from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.graph import Graph
from minigooglenet.layers import Conv2d, MaxPool2d

MACS, PARAMS, BYTES, GOAL = 500_000_000, 130_000, 8 * 2**20, (192, 28, 28)
MOST_LAYERS, LARGEST = 50, 4096

stem = Exercise(
    "07.1",
    "design a stem",
    "[(kind, ...), ...], layers from 224 x 224 x 3 to 28 x 28 x 192",
    minutes=15,
    difficulty=2,
    core=False,
    hints=(
        "Build your list, and find the layer with the most MACs.",
        "Halve height and width before you widen: at half the side a channel costs a quarter.",
        'start from `("conv", 64, 7, 2)` and a pool, and end with 192 filters on a map of side ____',
    ),
)


def built_stem(layers) -> Graph:
    """Return the graph of a list of ("conv", filters, kernel, stride) and ("pool", kernel, stride)."""
    g = Graph(image=(3, 224, 224))
    if len(layers) > MOST_LAYERS or any(isinstance(size, int) and size > LARGEST for layer in layers for size in layer):
        raise ValueError(f"at most {MOST_LAYERS} layers, and no number above {LARGEST:,}")
    for number, (kind, *settings) in enumerate(layers, 1):
        before = list(g.shapes)[-1]
        if kind == "conv":
            filters, kernel, stride = settings
            layer = Conv2d(g.shapes[before][0], filters, kernel, stride, kernel // 2, init="zeros")
        elif kind == "pool":
            layer = MaxPool2d(*settings, ceil_mode=True)
        else:
            raise ValueError(f'a layer is ("conv", filters, kernel, stride) or ("pool", kernel, stride), got {kind!r}')
        g.add(f"{number}_{kind}", layer, before)
    return g


@stem.judge
def stem_judge(layers):
    layers = [tuple(layer) for layer in layers]
    g = built_stem(layers)
    counted, size = count(g), 4 * sum(int(np.prod(g.shapes[name])) for name in g.nodes)
    numbers = f"{counted.macs:,} MAC, {counted.params:,} parameters, {size / 2**20:.2f} MiB"
    for name in _patterns(layers) + _budgets(g.shapes[list(g.nodes)[-1]], counted, size):
        message = next(wrong.message for wrong in stem.wrongs if wrong.name == name)
        return Verdict(False, name, f"{message} ({numbers})")
    return Verdict(True, None, f"within the budget: {numbers}. Now say what you gave up for it")


def _patterns(layers):
    found = []
    convs = [layer for layer in layers if layer[0] == "conv"]
    if layers[0][0] == "pool":
        found.append("pool first")
    if any(stride > kernel for _, _, kernel, stride in convs):
        found.append("pixels skipped")
    if any(stride >= 4 and 2 * stride > kernel for _, _, kernel, stride in convs):
        found.append("one giant step")
    return found


def _budgets(shape, counted, size):
    checks = {
        "not 28 x 28 x 192": shape != GOAL,
        "too many MACs": counted.macs > MACS,
        "too many parameters": counted.params > PARAMS,
        "too much memory": size > BYTES,
    }
    return [name for name, wrong in checks.items() if wrong]


stem.reference([("conv", 64, 7, 2), ("pool", 3, 2), ("conv", 64, 1, 1), ("conv", 192, 3, 1), ("pool", 3, 2)])
stem.right([("conv", 32, 3, 2), ("conv", 60, 3, 2), ("conv", 192, 3, 2)])
stem.right((("conv", 48, 5, 2), ("pool", 2, 2), ("conv", 48, 1, 1), ("pool", 2, 2), ("conv", 192, 3, 1)))


@stem.wrong
def pool_first():
    """Cheap, but the pool throws edges away before any layer has learned to look at them."""
    return [("pool", 8, 8), ("conv", 192, 3, 1)]


@stem.wrong
def pixels_skipped():
    """A kernel smaller than its stride: most pixels are never read by anyone."""
    return [("conv", 64, 1, 2), ("pool", 3, 2), ("conv", 64, 1, 1), ("conv", 192, 3, 2)]


@stem.wrong
def one_giant_step():
    """The stride is more than half the kernel: neighbours hardly share a pixel any more."""
    return [("conv", 64, 11, 8), ("conv", 192, 3, 1)]


@stem.wrong
def not_28_x_28_x_192():
    """The last layer must give 192 maps of 28 x 28."""
    return [("conv", 64, 7, 2), ("pool", 3, 2), ("conv", 192, 3, 1)]


@stem.wrong
def too_many_MACs():
    """More than 500 million MACs: you widen before you shrink."""
    return [("conv", 32, 3, 1), ("pool", 2, 2), ("conv", 64, 3, 1), ("pool", 2, 2), ("conv", 192, 3, 1), ("pool", 2, 2)]


@stem.wrong
def too_many_parameters():
    """More than 130,000 parameters: a 1 x 1 in front of the widest layer saves some."""
    return [("conv", 96, 7, 2), ("pool", 3, 2), ("conv", 192, 3, 2)]


@stem.wrong
def too_much_memory():
    """More than 8 MiB of outputs: a map of 112 x 112 with many channels does it alone."""
    return [("conv", 160, 3, 2), ("pool", 3, 2), ("conv", 48, 1, 1), ("conv", 192, 3, 2)]
