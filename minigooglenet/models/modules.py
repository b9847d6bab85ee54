"""Single modules for a graph of your own: each adds nodes to a graph and returns the name of their output wire."""

from minigooglenet.layers import Concat, MaxPool2d
from minigooglenet.models.blocks import Builder


def inception(g, wire, name, n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_proj, *, large=5, style=None):
    """Add one Inception module with dimension reduction: see `Builder.inception`."""
    return Builder(g, style).inception(wire, name, n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_proj, large=large)


def inception_naive(g, wire, name, n1x1, n3x3, n5x5, *, style=None):
    """Add one Inception module without reductions (paper, figure 2a).

    All channels of the pooled input join the concat, so the number of channels grows from module to module.
    """
    build = Builder(g, style)
    branches = [
        build.conv_relu(wire, name, f"{k}x{k}", count, k, padding=k // 2)
        for k, count in ((1, n1x1), (3, n3x3), (5, n5x5))
    ]
    pooled = build.add(f"{name}/pool", MaxPool2d(3, stride=1, padding=1), wire)
    return build.add(f"{name}/output", Concat(), *branches, pooled)


def auxiliary_head(g, wire, name, num_classes, *, style=None, **settings):
    """Add an auxiliary classifier; the wire returned holds its logits: see `Builder.auxiliary_head`."""
    return Builder(g, style).auxiliary_head(wire, name, num_classes, **settings)
