"""Building blocks of the networks: a convolution with its ReLU, an Inception module, an auxiliary head."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigooglenet import layers, shapes
from minigooglenet.graph import Graph
from minigooglenet.typing import Padding, Size

NORMS = ("lrn", "batch", None)


@dataclass
class Style:
    """The options that all blocks of a network have in common.

    Parameters
    ----------
    norm : "lrn", "batch" (batch norm after each convolution, which then has no bias) or None
    eps : added to the variance in batch norm
    init : a rule of `initializers`; with "caffe", the biases of ReLU layers are initially 0.2, as in BVLC's replication
    dropout : whether to add dropout nodes
    width : factor on every channel count
    rng : Generator, int or None

    Examples
    --------
    >>> import minigooglenet as mg
    >>> style = mg.models.Style(norm="batch", width=0.5, rng=0)
    >>> style.channels(64)
    32
    """

    norm: str | None = None
    eps: float = 1e-5
    init: str = "caffe"
    dropout: bool = True
    width: float = 1.0
    rng: Any = field(default_factory=np.random.default_rng)

    def __post_init__(self):
        if self.norm not in NORMS:
            raise ValueError(f"norm must be one of {', '.join(map(repr, NORMS))}, got {self.norm!r}")
        if not self.width > 0:
            raise ValueError(f"width must be above 0, got {self.width!r}")
        self.rng = np.random.default_rng(self.rng)

    @property
    def bias_init(self) -> float:
        return 0.2 if self.init == "caffe" else 0.0

    def channels(self, count: int) -> int:
        return max(1, round(shapes.integer(count, "a number of filters", 1) * self.width))


class Builder:
    """A graph under construction and the style of its blocks. Every method adds nodes and returns its output wire.

    Nodes are named as in BVLC's Caffe replication: `module/name`, `module/relu_name`.
    """

    def __init__(self, graph: Graph, style: Style | None = None) -> None:
        self.graph, self.style = graph, style or Style()

    def add(self, name: str, layer: Any, *wires: str) -> str:
        """Add one layer."""
        return self.graph.add(name, layer, *wires)

    def conv_relu(
        self,
        wire: str,
        module: str,
        name: str,
        channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Padding = 0,
        *,
        groups: int = 1,
        relu_name: str | None = None,
    ) -> str:
        """Add the convolution `module/name`, batch norm if the style has it, and a ReLU.

        `relu_name` is used in the names of the nodes after the convolution; by default it is `name`.
        """
        filters, window, relu_name = self.style.channels(channels), (kernel_size, stride, padding), relu_name or name
        wire = self.conv(wire, module, name, filters, *window, groups=groups, bn_name=f"bn_{relu_name}")
        return self.add(f"{module}/relu_{relu_name}", layers.ReLU(), wire)

    def conv(
        self, wire: str, module: str, name: str, filters: int, *window: Any, bn_name: str | None = None, **settings: Any
    ) -> str:
        """Add the convolution `module/name` and, if it gets a name and the style has it, batch norm.

        `filters` is the exact number, and `window` is the kernel size, stride and padding. `settings` are those of the
        layer; by default, it has a bias unless batch norm follows.
        """
        style, batch_norm = self.style, self.style.norm == "batch" and bn_name is not None
        rules = {"bias": not batch_norm, "init": style.init, "bias_init": style.bias_init, "rng": style.rng}
        conv = layers.Conv2d(self.graph.shape(wire)[0], filters, *window, **rules | settings)
        wire = self.add(f"{module}/{name}", conv, wire)
        return self.add(f"{module}/{bn_name}", layers.BatchNorm2d(filters, style.eps), wire) if batch_norm else wire

    def lrn(self, wire: str, name: str) -> str:
        """Add local response normalisation if the style has it."""
        return self.add(name, layers.LocalResponseNorm(), wire) if self.style.norm == "lrn" else wire

    def max_pool(self, wire: str, name: str, window: int = 3, stride: int = 2, *, ceil_mode: bool = True) -> str:
        """Add a max pool that halves height and width, as between the stages of a network."""
        return self.add(name, layers.MaxPool2d(window, stride=stride, ceil_mode=ceil_mode), wire)

    def dropout(self, wire: str, name: str, p: float) -> str:
        """Add a dropout node with its own random stream if the style has dropout."""
        style = self.style
        return self.add(name, layers.Dropout(p, rng=int(style.rng.integers(2**63))), wire) if style.dropout else wire

    def linear(self, wire: str, name: str, features: int, bias_init: float = 0.0) -> str:
        """Add a linear layer."""
        style = self.style
        layer = layers.Linear(self.graph.shape(wire)[0], features, init=style.init, bias_init=bias_init, rng=style.rng)
        return self.add(name, layer, wire)

    def inception(
        self,
        wire: str,
        name: str,
        n1x1: int,
        n3x3red: int,
        n3x3: int,
        n5x5red: int,
        n5x5: int,
        pool_proj: int,
        *,
        large: int = 5,
    ) -> str:
        """Add one Inception module with dimension reduction (paper, figure 2b).

        The integers are a row of the paper's Table 1, the numbers of filters: of the 1x1 branch; of the reduction
        before the 3x3 and of the 3x3; of the reduction before the 5x5 and of the 5x5; of the projection after the pool.
        Every convolution preserves height and width and is followed by a ReLU. `large` is the kernel size of the branch
        that is called 5x5.
        """
        branch_1x1 = self.conv_relu(wire, name, "1x1", n1x1, 1)
        reduced = self.conv_relu(wire, name, "3x3_reduce", n3x3red, 1)
        branch_3x3 = self.conv_relu(reduced, name, "3x3", n3x3, 3, padding=1)
        reduced = self.conv_relu(wire, name, "5x5_reduce", n5x5red, 1)
        branch_5x5 = self.conv_relu(reduced, name, "5x5", n5x5, large, padding=large // 2)
        pooled = self.add(f"{name}/pool", layers.MaxPool2d(3, stride=1, padding=1), wire)
        projected = self.conv_relu(pooled, name, "pool_proj", pool_proj, 1)
        return self.add(f"{name}/output", layers.Concat(), branch_1x1, branch_3x3, branch_5x5, projected)

    def auxiliary_head(
        self,
        wire: str,
        name: str,
        num_classes: int,
        *,
        adaptive: bool = False,
        conv_channels: int = 128,
        features: int = 1024,
    ) -> str:
        """Add an auxiliary classifier (paper, section 5); return the wire of its logits.

        Average pool 5x5 stride 3, 1x1 convolution, ReLU, linear, ReLU, dropout 0.7, linear. If the input is smaller
        than 5 x 5, the pool covers all of it. With `adaptive`, an adaptive average pool gives 4 x 4 for any input size.
        """
        window = tuple(min(5, size) for size in self.graph.shape(wire)[1:])
        pool = layers.AdaptiveAvgPool2d(4) if adaptive else layers.AvgPool2d((window[0], window[1]), stride=3)
        wire = self.add(f"{name}/ave_pool", pool, wire)
        wire = self.conv_relu(wire, name, "conv", conv_channels, 1)
        wire = self.add(f"{name}/flatten", layers.Flatten(), wire)
        wire = self.linear(wire, f"{name}/fc", self.style.channels(features), self.style.bias_init)
        wire = self.add(f"{name}/relu_fc", layers.ReLU(), wire)
        wire = self.dropout(wire, f"{name}/drop_fc", 0.7)
        return self.linear(wire, f"{name}/classifier", num_classes)
