"""Xception: the network of "Xception: Deep Learning with Depthwise Separable Convolutions" (Chollet 2016), figure 5.

An Inception module with one branch per channel is a separable convolution: a depthwise one and a 1x1. Xception is a
stack of these with residual connections, and nothing is between the two convolutions of a pair.
"""

from typing import NamedTuple

from minigooglenet import layers
from minigooglenet.graph import Graph
from minigooglenet.models.blocks import Style
from minigooglenet.models.factory import recorded
from minigooglenet.models.later.blocks import SAME, Blocks, Branch, Conv, Depthwise, Plain, Pool, images
from minigooglenet.typing import Rng


class Residual(NamedTuple):
    """A residual module: its steps and those of its shortcut."""

    steps: Branch
    shortcut: Branch = ()


RELU = Plain(layers.ReLU)
MAX = Pool(padding=SAME)


def separable(filters: int) -> Branch:
    """Return a 3x3 separable convolution and its batch norm."""
    return [Depthwise(3), Conv(filters, 1, activation=None)]


def halving(first: int, filters: int, *, relu: bool = True) -> Residual:
    """Return a module of the entry or exit flow, which halves height and width; its shortcut is a 1x1 convolution."""
    steps = [*separable(first), RELU, *separable(filters), MAX]
    return Residual([RELU, *steps] if relu else steps, [Conv(filters, 1, 2, activation=None)])


MIDDLE = Residual([RELU, *separable(728)] * 3)
TABLE: dict[str, Branch | Residual] = {
    "block1": [Conv(32, 3, 2, 0), Conv(64, 3, 1, 0)],  # entry flow
    "block2": halving(128, 128, relu=False),
    "block3": halving(256, 256),
    "block4": halving(728, 728),
    **{f"block{number}": MIDDLE for number in range(5, 13)},  # middle flow
    "block13": halving(728, 1024),  # exit flow
    "block14": [*separable(1536), RELU, *separable(2048), RELU],
}
LEAST, WHY = 7, "block1 needs an image of at least 7 x 7"


@recorded
def xception(
    num_classes: int = 1000,
    *,
    dropout: bool = True,
    size: int = 299,
    width: float = 1.0,
    init: str = "he",
    rng: Rng = None,
) -> Graph:
    """Return Xception for images (3, size, size).

    Parameters
    ----------
    num_classes : number of classes
    dropout : whether to add the dropout node, 0.5
    size : height and width of the images, at least 7
    width : factor on every channel count
    init : a rule of `initializers`
    rng : Generator, int or None, for weights and dropout

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.xception(init="zeros")
    >>> g.shapes["block13/sum"], mg.count(g).params
    ((1024, 10, 10), 22855952)
    """
    style = Style(norm="batch", eps=1e-3, init=init, dropout=dropout, width=width, rng=rng)
    g = Blocks(images(size, "xception", LEAST, WHY), style)
    wire = "image"
    for name, row in TABLE.items():
        if isinstance(row, Residual):
            wire = g.residual(wire, name, (row.steps,), shortcut=row.shortcut, activation=None)
        else:
            (wire,) = g.branch(wire, name, row)
    g.classifier(wire, num_classes, 0.5)
    return g.graph
