"""Where GoogLeNet saves: the stem, the 1x1 reductions, the average pooling. Every number is counted from layers."""

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
    """The cost of reducing 224 x 224 to 28 x 28, for one image.

    `bytes` is the size of the float32 outputs of convolutions and pools. `params` includes biases. `window_ops` is
    `macs` plus kernel * kernel values for every output of a pool.
    """

    network: str
    bytes: int
    params: int
    macs: int
    window_ops: int


def stems() -> tuple[Stem, Stem]:
    """Return the stems of GoogLeNet and VGG-16, each up to its first 28 x 28 output."""
    return _stem("GoogLeNet", googlenet(aux=False, init="zeros")), _stem("VGG-16", vgg16(init="zeros"))


def stem_table() -> Table:
    """Return a table that compares the two stems."""
    google, vgg = stems()
    lines = [
        ("memory of conv and pool outputs, KiB", google.bytes / 1024, vgg.bytes / 1024, vgg.bytes / google.bytes),
        ("parameters", google.params, vgg.params, vgg.params / google.params),
        ("MAC", google.macs, vgg.macs, vgg.macs / google.macs),
        ("MAC and pool windows", google.window_ops, vgg.window_ops, vgg.window_ops / google.window_ops),
    ]
    columns = ("from 224 x 224 to 28 x 28", ">GoogLeNet", ">VGG-16", ">ratio")
    return Table("The stem: reduce the resolution before most of the computation", columns, lines)


def avoided_linear_weights(num_outputs: int = 1024) -> int:
    """Return the number of weights of a linear layer that reads the last 7 x 7 output without average pooling."""
    net = googlenet(aux=False, init="zeros")
    features = math.prod(net.shapes["inception_5b/output"])
    return count(Linear(features, num_outputs, init="zeros"), (features,)).weights


@dataclass(frozen=True)
class Bottleneck:
    """A 5x5 branch with and without its 1x1 reduction, in MACs (without bias) for one image."""

    module: str
    direct: int
    reduction: int
    convolution: int

    @property
    def reduced(self) -> int:
        """The MACs of the 1x1 reduction and the 5x5 convolution after it."""
        return self.reduction + self.convolution

    @property
    def ratio(self) -> float:
        """The factor by which the reduction lowers the MACs."""
        return self.direct / self.reduced


def bottleneck(module: str = "4a") -> Bottleneck:
    """Return the MACs of a module's 5x5 branch: directly, and with its 1x1 reduction."""
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
    """Return {module: (MACs without reductions, MACs with them)}: the paper's figures 2a and 2b on the same inputs."""
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
    """Return a table of what the 1x1 reductions save: in the 5x5 branch of 4a, and in every module."""
    branch = bottleneck()
    costs = naive_modules()
    naive, reduced = (sum(pair[i] for pair in costs.values()) for i in range(2))
    lines = [(f"5x5 branch of {branch.module}", branch.direct, branch.reduced, branch.ratio)]
    lines += [(f"module {name}", a, b, a / b) for name, (a, b) in costs.items()]
    return Table(
        "The 1x1 reductions: fewer channels before the large kernels",
        ("", ">MAC without", ">MAC with", ">ratio"),
        lines,
        total=("all nine modules", naive, reduced, naive / reduced),
    )


def module_input_shapes() -> dict[str, tuple[int, int, int]]:
    """Return {module: (C, H, W) of its input} for GoogLeNet at 224 x 224."""
    net = googlenet(aux=False, init="zeros")
    shapes = {}
    for module in MODULES:
        channels, height, width = net.shapes[net.nodes[f"inception_{module}/1x1"].wires[0]]
        shapes[module] = channels, height, width
    return shapes


def _stem(name, net) -> Stem:
    rows = count(net).rows
    end = next(i for i, row in enumerate(rows) if row.output_shape[1] == 28)  # the first pool with a 28 x 28 output
    stem = rows[: end + 1]
    blobs = [row for row in stem if row.kind in ("Conv2d", "MaxPool2d")]
    windows = sum(math.prod(row.settings["kernel_size"]) * row.activations for row in stem if row.kind == "MaxPool2d")
    macs = sum(row.macs for row in stem)
    return Stem(name, 4 * sum(row.activations for row in blobs), sum(row.params for row in stem), macs, macs + windows)
