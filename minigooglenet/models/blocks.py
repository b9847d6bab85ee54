"""What the networks are built of: a convolution with its ReLU, an Inception module, an auxiliary head."""

from dataclasses import dataclass, field

import numpy as np

from minigooglenet import shapes
from minigooglenet.layers import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
)

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


def conv_relu(g, wire, module, name, channels, kernel_size, stride=1, padding=0, *, groups=1, relu_name=None, style):
    """Add node `module/name`, a batch norm where the style has it, and a ReLU; return the ReLU's wire.

    `relu_name` is what the nodes behind the convolution are called after, its name unless given.
    """
    relu_name = relu_name or name
    batch_norm = style.norm == "batch"
    filters = style.channels(channels)
    conv = Conv2d(
        g.shape(wire)[0],
        filters,
        kernel_size,
        stride,
        padding,
        groups=groups,
        bias=not batch_norm,
        init=style.init,
        bias_init=style.bias_init,
        rng=style.rng,
    )
    wire = g.add(f"{module}/{name}", conv, wire)
    if batch_norm:
        wire = g.add(f"{module}/bn_{relu_name}", BatchNorm2d(filters, style.eps), wire)
    return g.add(f"{module}/relu_{relu_name}", ReLU(), wire)


def add_lrn(g, wire, name, style):
    """Add a local response normalisation where the style has them; return the wire."""
    return g.add(name, LocalResponseNorm(), wire) if style.norm == "lrn" else wire


def add_dropout(g, wire, name, p, style):
    """Add a dropout node, with random numbers of its own, where the style has them; return the wire."""
    return g.add(name, Dropout(p, rng=int(style.rng.integers(2**63))), wire) if style.dropout else wire


def add_linear(g, wire, name, features, style, bias_init=0.0):
    """Add a linear layer; return its wire."""
    layer = Linear(g.shape(wire)[0], features, init=style.init, bias_init=bias_init, rng=style.rng)
    return g.add(name, layer, wire)


def inception(g, wire, name, n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_proj, *, large=5, style=None):
    """Add one Inception module with dimension reduction (paper, figure 2b); return its output wire.

    The integers are a row of the paper's Table 1: filters of the 1x1 branch, of the reduction before the 3x3 and of the
    3x3, of the reduction before the 5x5 and of the 5x5, and of the projection behind the pool. Every convolution keeps
    the size of the map and is followed by ReLU. `large` is the kernel of the branch that is called 5x5.
    """
    style = style or Style()
    branch_1x1 = conv_relu(g, wire, name, "1x1", n1x1, 1, style=style)
    reduced = conv_relu(g, wire, name, "3x3_reduce", n3x3red, 1, style=style)
    branch_3x3 = conv_relu(g, reduced, name, "3x3", n3x3, 3, padding=1, style=style)
    reduced = conv_relu(g, wire, name, "5x5_reduce", n5x5red, 1, style=style)
    branch_5x5 = conv_relu(g, reduced, name, "5x5", n5x5, large, padding=large // 2, style=style)
    pooled = g.add(f"{name}/pool", MaxPool2d(3, stride=1, padding=1), wire)
    projected = conv_relu(g, pooled, name, "pool_proj", pool_proj, 1, style=style)
    return g.add(f"{name}/output", Concat(), branch_1x1, branch_3x3, branch_5x5, projected)


def inception_naive(g, wire, name, n1x1, n3x3, n5x5, *, style=None):
    """Add one Inception module without reductions (paper, figure 2a); return its output wire.

    The pooled input joins the concat whole, so the width can only grow from module to module.
    """
    style = style or Style()
    branches = [
        conv_relu(g, wire, name, f"{k}x{k}", count, k, padding=k // 2, style=style)
        for k, count in ((1, n1x1), (3, n3x3), (5, n5x5))
    ]
    pooled = g.add(f"{name}/pool", MaxPool2d(3, stride=1, padding=1), wire)
    return g.add(f"{name}/output", Concat(), *branches, pooled)


def auxiliary_head(g, wire, name, num_classes, *, adaptive=False, conv_channels=128, features=1024, style):
    """Add an auxiliary classifier (paper, section 5); return the wire of its logits.

    Average pool 5x5 stride 3, 1x1 convolution, ReLU, linear, ReLU, dropout 0.7, linear. On a map smaller than 5 x 5 the
    pool shrinks to the map. `adaptive`: an average pool that makes 4 x 4 of any map instead.
    """
    window = tuple(min(5, size) for size in g.shape(wire)[1:])
    wire = g.add(f"{name}/ave_pool", AdaptiveAvgPool2d(4) if adaptive else AvgPool2d(window, stride=3), wire)
    wire = conv_relu(g, wire, name, "conv", conv_channels, 1, style=style)
    wire = g.add(f"{name}/flatten", Flatten(), wire)
    wire = add_linear(g, wire, f"{name}/fc", style.channels(features), style, style.bias_init)
    wire = g.add(f"{name}/relu_fc", ReLU(), wire)
    wire = add_dropout(g, wire, f"{name}/drop_fc", 0.7, style)
    return add_linear(g, wire, f"{name}/classifier", num_classes, style)
