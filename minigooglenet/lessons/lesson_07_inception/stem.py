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
    "[(kind, ...), ...], layers from (3, 224, 224) to (192, 28, 28)",
    minutes=15,
    difficulty=2,
    core=False,
    hints=(
        "Count your list, and find the layer with the most MACs.",
        "Halve height and width before you add channels: at half the side, a filter costs a quarter.",
        'start with `("conv", 64, 7, 2)` and a pool, and end with 192 filters on a feature map of side ____',
    ),
)


def built_stem(layers) -> Graph:
    """Return the graph of a list of ("conv", filters, kernel, stride) and ("pool", kernel, stride)."""
    g = Graph(image=(3, 224, 224))
    if len(layers) > MOST_LAYERS or any(isinstance(size, int) and size > LARGEST for layer in layers for size in layer):
        raise ValueError(f"a stem may have at most {MOST_LAYERS} layers, and every value must be at most {LARGEST:,}")
    for number, (kind, *settings) in enumerate(layers, 1):
        before = list(g.shapes)[-1]
        if kind == "conv":
            filters, kernel, stride = settings
            layer = Conv2d(g.shapes[before][0], filters, kernel, stride, kernel // 2, init="zeros")
        elif kind == "pool":
            layer = MaxPool2d(*settings, ceil_mode=True)
        else:
            message = f'a layer must be ("conv", filters, kernel, stride) or ("pool", kernel, stride), got {kind!r}'
            raise ValueError(message)
        g.add(f"{number}_{kind}", layer, before)
    return g


@stem.judge
def stem_judge(layers):
    layers = [tuple(layer) for layer in layers]
    g = built_stem(layers)
    counted, size = count(g), 4 * sum(int(np.prod(g.shapes[name])) for name in g.nodes)
    costs = f"{counted.macs:,} MACs, {counted.params:,} parameters, {size / 2**20:.2f} MiB"
    for name in _patterns(layers) + _budgets(g.shapes[list(g.nodes)[-1]], counted, size):
        message = next(wrong.message for wrong in stem.wrongs if wrong.name == name)
        return Verdict(False, name, f"{message} ({costs})")
    return Verdict(True, None, f"within the budget: {costs}. Now write down what you gave up for it")


def _patterns(layers):
    mistakes = []
    convs = [layer for layer in layers if layer[0] == "conv"]
    if layers[0][0] == "pool":
        mistakes.append("pool first")
    if any(stride > kernel for _, _, kernel, stride in convs):
        mistakes.append("pixels skipped")
    if any(stride >= 4 and 2 * stride > kernel for _, _, kernel, stride in convs):
        mistakes.append("windows hardly overlap")
    return mistakes


def _budgets(shape, counted, size):
    checks = {
        "wrong output shape": shape != GOAL,
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
    """A pool comes first. That is cheap, but it discards fine detail before any convolution has read it."""
    return [("pool", 8, 8), ("conv", 192, 3, 1)]


@stem.wrong
def pixels_skipped():
    """A kernel is smaller than its stride, so no window reads the pixels between."""
    return [("conv", 64, 1, 2), ("pool", 3, 2), ("conv", 64, 1, 1), ("conv", 192, 3, 2)]


@stem.wrong
def windows_hardly_overlap():
    """A layer has a stride of 4 or more, larger than half its kernel, so neighbouring windows hardly overlap."""
    return [("conv", 64, 11, 8), ("conv", 192, 3, 1)]


@stem.wrong
def wrong_output_shape():
    """The last layer must return 192 channels of 28 x 28."""
    return [("conv", 64, 7, 2), ("pool", 3, 2), ("conv", 192, 3, 1)]


@stem.wrong
def too_many_MACs():
    """The stem has more than 500 million MACs. Shrink height and width before you add channels."""
    return [("conv", 32, 3, 1), ("pool", 2, 2), ("conv", 64, 3, 1), ("pool", 2, 2), ("conv", 192, 3, 1), ("pool", 2, 2)]


@stem.wrong
def too_many_parameters():
    """The stem has more than 130,000 parameters. A 1x1 before the layer with the most filters saves some."""
    return [("conv", 96, 7, 2), ("pool", 3, 2), ("conv", 192, 3, 2)]


@stem.wrong
def too_much_memory():
    """The outputs take more than 8 MiB. A single feature map of 112 x 112 with many channels is enough for that."""
    return [("conv", 160, 3, 2), ("pool", 3, 2), ("conv", 48, 1, 1), ("conv", 192, 3, 2)]
