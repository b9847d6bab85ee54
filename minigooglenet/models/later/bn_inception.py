"""BN-Inception, also called Inception-v2: the network of "Batch Normalization" (Ioffe and Szegedy 2015).

The table is the paper's figure 5. It differs from GoogLeNet in five ways: batch norm after every convolution instead of
LRN and heads, two 3x3 convolutions instead of a 5x5, average pools in most modules, modules with stride 2 instead of
pools between stages, and other numbers of filters. On maps of even size, as at 224, the pools with stride 2 are
GoogLeNet's. The first convolution is dense, as in GoogLeNet; the paper's is separable.
"""

from minigooglenet import layers
from minigooglenet.graph import Graph
from minigooglenet.models.blocks import Style
from minigooglenet.models.factory import recorded
from minigooglenet.models.later.blocks import SAME, Blocks, Branch, Conv, Module, Pool, images
from minigooglenet.typing import Rng

REDUCED = Pool(padding=SAME)


def module(n1x1: int, reduce: int, n3x3: int, double_reduce: int, double: int, pool: Pool, projection: int) -> Module:
    """Return a row of the paper's figure 5 whose modules keep height and width."""
    return (
        [Conv(n1x1, 1)],
        [Conv(reduce, 1), Conv(n3x3, 3)],
        [Conv(double_reduce, 1), Conv(double, 3), Conv(double, 3)],
        [pool, Conv(projection, 1)],
    )


def reduction(reduce: int, n3x3: int, double_reduce: int, double: int) -> Module:
    """Return a row of the paper's figure 5 with stride 2: no 1x1 branch, and the pool is not projected."""
    return (
        [Conv(reduce, 1), Conv(n3x3, 3, 2)],
        [Conv(double_reduce, 1), Conv(double, 3), Conv(double, 3, 2)],
        [REDUCED],
    )


AVG = Pool(layers.AvgPool2d, 3, 1, 1)
MAX = Pool(layers.MaxPool2d, 3, 1, 1)
STEM: Branch = [Conv(64, 7, 2), REDUCED, Conv(64, 1), Conv(192, 3), REDUCED]
TABLE: dict[str, Module] = {
    "stem": (STEM,),
    "inception_3a": module(64, 64, 64, 64, 96, AVG, 32),
    "inception_3b": module(64, 64, 96, 64, 96, AVG, 64),
    "inception_3c": reduction(128, 160, 64, 96),
    "inception_4a": module(224, 64, 96, 96, 128, AVG, 128),
    "inception_4b": module(192, 96, 128, 96, 128, AVG, 128),
    "inception_4c": module(160, 128, 160, 128, 160, AVG, 96),
    "inception_4d": module(96, 128, 192, 160, 192, AVG, 96),
    "inception_4e": reduction(128, 192, 192, 256),
    "inception_5a": module(352, 192, 320, 160, 224, AVG, 128),
    "inception_5b": module(352, 192, 320, 192, 224, MAX, 128),
}


@recorded
def bn_inception(
    num_classes: int = 1000, *, size: int = 224, width: float = 1.0, init: str = "he", rng: Rng = None
) -> Graph:
    """Return BN-Inception (Inception-v2) for images (3, size, size).

    Parameters
    ----------
    num_classes : number of classes
    size : height and width of the images
    width : factor on every channel count
    init : a rule of `initializers`
    rng : Generator, int or None for the weights

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.bn_inception(init="zeros")
    >>> g.shapes["inception_5b/output"], mg.count(g).params
    ((1024, 7, 7), 11194984)
    """
    g = Blocks(images(size), Style(norm="batch", init=init, width=width, rng=rng))
    wire = "image"
    for name, branches in TABLE.items():
        wire = g.branches(wire, name, branches)
    g.classifier(wire, num_classes)
    return g.graph
