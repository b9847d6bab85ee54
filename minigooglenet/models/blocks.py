"""What the networks are built of: a convolution with its ReLU, an Inception module, an auxiliary head."""

from dataclasses import dataclass, field

import numpy as np

from minigooglenet import layers, shapes

NORMS = ("lrn", "batch", None)


@dataclass
class Style:
    """What all blocks of one network share.

    norm : "lrn", "batch" (batch norm after each convolution, which then has no bias) or None
    eps : what batch norm adds to a variance
    init : rule of `initializers`; "caffe" starts the biases of ReLU layers at 0.2 as BVLC's replication does
    dropout : whether there are dropout nodes
    width : factor on every channel count
    rng : Generator, int or None
    """

    norm: str | None = None
    eps: float = 1e-5
    init: str = "caffe"
    dropout: bool = True
    width: float = 1.0
    rng: np.random.Generator = field(default_factory=np.random.default_rng)

    def __post_init__(self):
        if self.norm not in NORMS:
            raise ValueError(f"norm must be one of {', '.join(map(repr, NORMS))}, got {self.norm!r}")
        if not self.width > 0:
            raise ValueError(f"width must be above 0, got {self.width!r}")
        self.rng = np.random.default_rng(self.rng)

    @property
    def bias_init(self) -> float:
        return 0.2 if self.init == "caffe" else 0.0

    def channels(self, count) -> int:
        return max(1, round(shapes.integer(count, "a number of filters", 1) * self.width))


class Builder:
    """A graph that is being built, and the style of its blocks. Every method adds nodes and returns its output wire.

    Nodes get the names of BVLC's Caffe replication: `module/name`, `module/relu_name`.
    """

    def __init__(self, graph, style=None):
        self.graph, self.style = graph, style or Style()

    def add(self, name, layer, *wires):
        """Add one layer."""
        return self.graph.add(name, layer, *wires)

    def conv_relu(self, wire, module, name, channels, kernel_size, stride=1, padding=0, *, groups=1, relu_name=None):
        """Add node `module/name`, a batch norm if the style has it, and a ReLU.

        `relu_name` is what the nodes after the convolution are called after, `name` by default.
        """
        style, relu_name = self.style, relu_name or name
        batch_norm, filters = style.norm == "batch", style.channels(channels)
        rules = {"bias": not batch_norm, "init": style.init, "bias_init": style.bias_init, "rng": style.rng}
        conv = layers.Conv2d(self.graph.shape(wire)[0], filters, kernel_size, stride, padding, groups=groups, **rules)
        wire = self.add(f"{module}/{name}", conv, wire)
        if batch_norm:
            wire = self.add(f"{module}/bn_{relu_name}", layers.BatchNorm2d(filters, style.eps), wire)
        return self.add(f"{module}/relu_{relu_name}", layers.ReLU(), wire)

    def lrn(self, wire, name):
        """Add a local response normalisation if the style has them."""
        return self.add(name, layers.LocalResponseNorm(), wire) if self.style.norm == "lrn" else wire

    def max_pool(self, wire, name, window=3, stride=2, *, ceil_mode=True):
        """Add a max pool that halves the map, as between the stages of a network."""
        return self.add(name, layers.MaxPool2d(window, stride=stride, ceil_mode=ceil_mode), wire)

    def dropout(self, wire, name, p):
        """Add a dropout node, with random numbers of its own, if the style has them."""
        style = self.style
        return self.add(name, layers.Dropout(p, rng=int(style.rng.integers(2**63))), wire) if style.dropout else wire

    def linear(self, wire, name, features, bias_init=0.0):
        """Add a linear layer."""
        style = self.style
        layer = layers.Linear(self.graph.shape(wire)[0], features, init=style.init, bias_init=bias_init, rng=style.rng)
        return self.add(name, layer, wire)

    def inception(self, wire, name, n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_proj, *, large=5):
        """Add one Inception module with dimension reduction (paper, figure 2b).

        The integers are a row of the paper's Table 1: filters of the 1x1 branch, of the reduction before the 3x3 and of
        the 3x3, of the reduction before the 5x5 and of the 5x5, and of the projection after the pool. Every
        convolution keeps the size of the map and is followed by ReLU. `large` is the kernel of the branch called 5x5.
        """
        branch_1x1 = self.conv_relu(wire, name, "1x1", n1x1, 1)
        reduced = self.conv_relu(wire, name, "3x3_reduce", n3x3red, 1)
        branch_3x3 = self.conv_relu(reduced, name, "3x3", n3x3, 3, padding=1)
        reduced = self.conv_relu(wire, name, "5x5_reduce", n5x5red, 1)
        branch_5x5 = self.conv_relu(reduced, name, "5x5", n5x5, large, padding=large // 2)
        pooled = self.add(f"{name}/pool", layers.MaxPool2d(3, stride=1, padding=1), wire)
        projected = self.conv_relu(pooled, name, "pool_proj", pool_proj, 1)
        return self.add(f"{name}/output", layers.Concat(), branch_1x1, branch_3x3, branch_5x5, projected)

    def auxiliary_head(self, wire, name, num_classes, *, adaptive=False, conv_channels=128, features=1024):
        """Add an auxiliary classifier (paper, section 5); return the wire of its logits.

        Average pool 5x5 stride 3, 1x1 convolution, ReLU, linear, ReLU, dropout 0.7, linear. On a map smaller than 5 x 5
        the pool shrinks to the map. `adaptive`: an average pool that makes 4 x 4 of any map instead.
        """
        window = tuple(min(5, size) for size in self.graph.shape(wire)[1:])
        pool = layers.AdaptiveAvgPool2d(4) if adaptive else layers.AvgPool2d(window, stride=3)
        wire = self.add(f"{name}/ave_pool", pool, wire)
        wire = self.conv_relu(wire, name, "conv", conv_channels, 1)
        wire = self.add(f"{name}/flatten", layers.Flatten(), wire)
        wire = self.linear(wire, f"{name}/fc", self.style.channels(features), self.style.bias_init)
        wire = self.add(f"{name}/relu_fc", layers.ReLU(), wire)
        wire = self.dropout(wire, f"{name}/drop_fc", 0.7)
        return self.linear(wire, f"{name}/classifier", num_classes)
