"""Where GoogLeNet saves: its stem, its 1x1 reductions, its average pooling. Every number is counted from layers."""

import math
from dataclasses import dataclass

from minigooglenet.console import Table
from minigooglenet.counting.counts import count
from minigooglenet.graph import Graph
from minigooglenet.layers import Conv2d, Linear
from minigooglenet.models import Style, googlenet, inception, inception_naive, vgg16
from minigooglenet.models.googlenet import MODULES


@dataclass(frozen=True)
class Stem:
    """What it costs to bring 224 x 224 down to 28 x 28, for one image.

    `bytes` are the float32 outputs of convolutions and pools; `params` include biases; `window_ops` are `macs` and the
    values in all pooling windows, kernel * kernel per output.
    """

    network: str
    bytes: int
    params: int
    macs: int
    window_ops: int


def stems() -> tuple[Stem, Stem]:
    """Return the stems of GoogLeNet and VGG-16, each up to its first 28 x 28 map."""
    return _stem("GoogLeNet", googlenet(aux=False, init="zeros")), _stem("VGG-16", vgg16(init="zeros"))


def stem_table() -> Table:
    """Return the two stems side by side, with their ratio."""
    ours, theirs = stems()
    lines = [
        ("memory of conv and pool outputs, KiB", ours.bytes / 1024, theirs.bytes / 1024, theirs.bytes / ours.bytes),
        ("parameters", ours.params, theirs.params, theirs.params / ours.params),
        ("MAC", ours.macs, theirs.macs, theirs.macs / ours.macs),
        ("MAC and pool windows", ours.window_ops, theirs.window_ops, theirs.window_ops / ours.window_ops),
    ]
    columns = ("from 224 x 224 to 28 x 28", ">GoogLeNet", ">VGG-16", ">ratio")
    return Table("The stem: shrink the map before the work starts", columns, lines)


def avoided_linear_weights(num_outputs: int = 1024) -> int:
    """Return the weights of the linear layer that would read the last 7 x 7 map if no average pooling came first."""
    net = googlenet(aux=False, init="zeros")
    features = math.prod(net.shapes["inception_5b/output"])
    return count(Linear(features, num_outputs, init="zeros"), (features,)).weights


@dataclass(frozen=True)
class Bottleneck:
    """A 5x5 branch with and without its 1x1 reduction: multiplications (MAC, bias excluded) for one image."""

    module: str
    direct: int
    reduction: int
    convolution: int

    @property
    def reduced(self) -> int:
        """The 1x1 reduction and the 5x5 behind it."""
        return self.reduction + self.convolution

    @property
    def ratio(self) -> float:
        """How many times fewer multiplications the reduction leaves."""
        return self.direct / self.reduced


def bottleneck(module: str = "4a") -> Bottleneck:
    """Return the 5x5 branch of a module: direct, and through its 1x1 reduction."""
    _, _, _, reduced, filters, _ = MODULES[module]
    shape = module_input_shapes()[module]
    narrow = (reduced, *shape[1:])
    return Bottleneck(
        module,
        direct=count(Conv2d(shape[0], filters, 5, padding=2, init="zeros"), shape).macs,
        reduction=count(Conv2d(shape[0], reduced, 1, init="zeros"), shape).macs,
        convolution=count(Conv2d(reduced, filters, 5, padding=2, init="zeros"), narrow).macs,
    )


def naive_modules() -> dict[str, tuple[int, int]]:
    """Return {module: (MAC without reductions, MAC with them)}: figures 2a and 2b of the paper on the same inputs."""
    style, input_shapes = Style(init="zeros"), module_input_shapes()
    costs = {}
    for module, filters in MODULES.items():
        n1x1, _, n3x3, _, n5x5, _ = filters
        naive, reduced = (Graph(image=input_shapes[module]) for _ in range(2))
        inception_naive(naive, "image", "module", n1x1, n3x3, n5x5, style=style)
        inception(reduced, "image", "module", *filters, style=style)
        costs[module] = count(naive).macs, count(reduced).macs
    return costs


def bottleneck_table() -> Table:
    """Return what the 1x1 reductions save: the 5x5 branch of 4a, and whole modules."""
    branch = bottleneck()
    costs = naive_modules()
    naive, reduced = (sum(pair[i] for pair in costs.values()) for i in range(2))
    lines = [(f"5x5 branch of {branch.module}", branch.direct, branch.reduced, branch.ratio)]
    lines += [(f"module {name}", a, b, a / b) for name, (a, b) in costs.items()]
    return Table(
        "The 1x1 reductions: fewer channels before the wide kernels",
        ("", ">MAC without", ">MAC with", ">ratio"),
        lines,
        total=("all nine modules", naive, reduced, naive / reduced),
    )


def module_input_shapes() -> dict[str, tuple[int, int, int]]:
    """Return {module: (C, H, W) of its input} in GoogLeNet at 224."""
    net = googlenet(aux=False, init="zeros")
    return {module: net.shapes[net.nodes[f"inception_{module}/1x1"].wires[0]] for module in MODULES}


def _stem(name, net) -> Stem:
    rows = count(net).rows
    end = next(i for i, row in enumerate(rows) if row.output_shape[1] == 28)  # the pool that makes the first such map
    stem = rows[: end + 1]
    blobs = [row for row in stem if row.kind in ("Conv2d", "MaxPool2d")]
    windows = sum(math.prod(row.settings["kernel_size"]) * row.activations for row in stem if row.kind == "MaxPool2d")
    macs = sum(row.macs for row in stem)
    return Stem(name, 4 * sum(row.activations for row in blobs), sum(row.params for row in stem), macs, macs + windows)
