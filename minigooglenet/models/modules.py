"""Single modules for your own graph: each function adds nodes and returns the name of the output wire."""

from typing import Any

from minigooglenet.graph import Graph
from minigooglenet.layers import Concat, MaxPool2d
from minigooglenet.models.blocks import Builder, Style


def inception(
    g: Graph,
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
    style: Style | None = None,
) -> str:
    """Add one Inception module with dimension reduction (paper, figure 2b); return its output wire.

    The integers are a row of the paper's Table 1. `large` is the kernel size of the branch that is called 5x5.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.Graph(image=(192, 28, 28))
    >>> wire = mg.models.inception(g, "image", "inception_3a", 64, 96, 128, 16, 32, 32)
    >>> wire, g.shapes[wire]
    ('inception_3a/output', (256, 28, 28))
    """
    return Builder(g, style).inception(wire, name, n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_proj, large=large)


def inception_naive(
    g: Graph, wire: str, name: str, n1x1: int, n3x3: int, n5x5: int, *, style: Style | None = None
) -> str:
    """Add one Inception module without reductions (paper, figure 2a); return its output wire.

    The concat gets all channels of the pooled input, so the number of channels grows from module to module.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.Graph(image=(192, 28, 28))
    >>> g.shapes[mg.models.inception_naive(g, "image", "module", 64, 128, 32)]
    (416, 28, 28)
    """
    build = Builder(g, style)
    branches = [
        build.conv_relu(wire, name, f"{k}x{k}", count, k, padding=k // 2)
        for k, count in ((1, n1x1), (3, n3x3), (5, n5x5))
    ]
    pooled = build.add(f"{name}/pool", MaxPool2d(3, stride=1, padding=1), wire)
    return build.add(f"{name}/output", Concat(), *branches, pooled)


def auxiliary_head(
    g: Graph, wire: str, name: str, num_classes: int, *, style: Style | None = None, **settings: Any
) -> str:
    """Add an auxiliary classifier and return the wire of its logits; see `Builder.auxiliary_head`."""
    return Builder(g, style).auxiliary_head(wire, name, num_classes, **settings)
