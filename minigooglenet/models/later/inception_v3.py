"""Inception-v3: the network of "Rethinking the Inception Architecture for Computer Vision" (Szegedy et al. 2015).

Its modules are the paper's figures 5, 6, 7 and 10. Where the released network differs from the paper's table 1 (the
stem has a 1x1 convolution and pools twice), this network follows the released one, which torchvision and Keras have.
"""

from minigooglenet import layers
from minigooglenet.graph import Graph
from minigooglenet.models.blocks import Style
from minigooglenet.models.factory import recorded
from minigooglenet.models.later.blocks import Blocks, Branch, Conv, Module, Pool, fork, images
from minigooglenet.typing import Rng

AVG = Pool(layers.AvgPool2d, 3, 1, 1)
MAX = Pool()
STEM: Branch = [Conv(32, 3, 2, 0), Conv(32, 3, 1, 0), Conv(64, 3), MAX, Conv(80, 1), Conv(192, 3, 1, 0), MAX]


def figure_5(projection: int) -> Module:
    """Return a module for 35 x 35: a 5x5 convolution next to two 3x3, which cover the same window."""
    return (
        [Conv(64, 1)],
        [Conv(48, 1), Conv(64, 5)],
        [Conv(64, 1), Conv(96, 3), Conv(96, 3)],
        [AVG, Conv(projection, 1)],
    )


def figure_6(n: int) -> Module:
    """Return a module for 17 x 17: each 7x7 is a 1x7 and a 7x1; `n` is the number of filters inside the branches."""
    return (
        [Conv(192, 1)],
        [Conv(n, 1), Conv(n, (1, 7)), Conv(192, (7, 1))],
        [Conv(n, 1), Conv(n, (7, 1)), Conv(n, (1, 7)), Conv(n, (7, 1)), Conv(192, (1, 7))],
        [AVG, Conv(192, 1)],
    )


def figure_7() -> Module:
    """Return a module for 8 x 8, wider instead of deeper: the 1x3 and the 3x1 read the same wire."""
    sides = fork(Conv(384, (1, 3)), Conv(384, (3, 1)))
    return [Conv(320, 1)], [Conv(384, 1), sides], [Conv(448, 1), Conv(384, 3), sides], [AVG, Conv(192, 1)]


# Figure 10: convolutions and the pool have stride 2 side by side, so that no layer is a bottleneck.
TO_17: Module = [Conv(384, 3, 2, 0)], [Conv(64, 1), Conv(96, 3), Conv(96, 3, 2, 0)], [MAX]
TO_8: Module = (
    [Conv(192, 1), Conv(320, 3, 2, 0)],
    [Conv(192, 1), Conv(192, (1, 7)), Conv(192, (7, 1)), Conv(192, 3, 2, 0)],
    [MAX],
)
TABLE: dict[str, Module] = {
    "stem": (STEM,),
    "mixed_5b": figure_5(32),
    "mixed_5c": figure_5(64),
    "mixed_5d": figure_5(64),
    "mixed_6a": TO_17,
    "mixed_6b": figure_6(128),
    "mixed_6c": figure_6(160),
    "mixed_6d": figure_6(160),
    "mixed_6e": figure_6(192),
    "mixed_7a": TO_8,
    "mixed_7b": figure_7(),
    "mixed_7c": figure_7(),
}
LEAST, WHY = 75, "mixed_7a needs a map of at least 3 x 3"


@recorded
def inception_v3(
    num_classes: int = 1000,
    *,
    aux: bool = True,
    dropout: bool = True,
    size: int = 299,
    width: float = 1.0,
    init: str = "he",
    rng: Rng = None,
) -> Graph:
    """Return Inception-v3 for images (3, size, size).

    Parameters
    ----------
    num_classes : number of classes
    aux : whether to add the auxiliary head on mixed_6e (wire aux/classifier)
    dropout : whether to add the dropout node, 0.5
    size : height and width of the images, at least 75
    width : factor on every channel count
    init : a rule of `initializers`
    rng : Generator, int or None, for weights and dropout

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.inception_v3(init="zeros")
    >>> g.shapes["mixed_7c/output"], g.outputs
    ((2048, 8, 8), ('aux/classifier', 'classifier'))
    >>> mg.count(g).params, mg.count(g, outputs=["classifier"]).params
    (27161264, 23834568)
    """
    style = Style(norm="batch", eps=1e-3, init=init, dropout=dropout, width=width, rng=rng)
    g = Blocks(images(size, "inception_v3", LEAST, WHY), style)
    wire = "image"
    for name, branches in TABLE.items():
        wire = g.branches(wire, name, branches)
        if name == "mixed_6e" and aux:
            _head(g, wire, num_classes)
    g.classifier(wire, num_classes, 0.5)
    return g.graph


def _head(g: Blocks, wire: str, num_classes: int) -> None:
    """Add the auxiliary head: average pool 5x5 stride 3, 1x1 and 5x5 convolutions, global average pool, linear.

    On maps smaller than 17 x 17, its windows are smaller.
    """
    window = min(5, g.graph.shape(wire)[1])
    (wire,) = g.branch(wire, "aux", [Pool(layers.AvgPool2d, window, 3), Conv(128, 1)])
    wire = g.conv_relu(wire, "aux", "3_5x5", 768, min(5, g.graph.shape(wire)[1]))
    wire = g.add("aux/global", layers.GlobalAvgPool2d(), wire)
    g.linear(wire, "aux/classifier", num_classes)
