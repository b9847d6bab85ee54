"""SqueezeNet: the network of "SqueezeNet: AlexNet-Level Accuracy with 50x Fewer Parameters and <0.5MB Model Size".

(Iandola et al. 2016.) A fire module is a narrow 1x1 convolution (squeeze), then a 1x1 and a 3x3 convolution side by
side (expand). Version 1.0 is the paper's table 1. Version 1.1, which the authors released later, has a smaller first
convolution and pools earlier.
"""

from minigooglenet import layers
from minigooglenet.graph import Graph
from minigooglenet.models.blocks import Style
from minigooglenet.models.factory import recorded
from minigooglenet.models.later.blocks import Blocks, Conv, Module, Pool, fork, images
from minigooglenet.typing import Rng


def fire(squeeze: int, expand: int) -> Module:
    """Return a fire module with `squeeze` filters, then `expand` filters of each size."""
    return ([Conv(squeeze, 1), fork(Conv(expand, 1), Conv(expand, 3))],)


MAX = Pool(settings={"ceil_mode": True})
VERSION_1_0: dict[str, Module] = {
    "conv1": ([Conv(96, 7, 2, 0), MAX],),
    "fire2": fire(16, 64),
    "fire3": fire(16, 64),
    "fire4": fire(32, 128),
    "pool4": ([MAX],),
    "fire5": fire(32, 128),
    "fire6": fire(48, 192),
    "fire7": fire(48, 192),
    "fire8": fire(64, 256),
    "pool8": ([MAX],),
    "fire9": fire(64, 256),
}
VERSION_1_1: dict[str, Module] = {
    "conv1": ([Conv(64, 3, 2, 0), MAX],),
    "fire2": fire(16, 64),
    "fire3": fire(16, 64),
    "pool3": ([MAX],),
    "fire4": fire(32, 128),
    "fire5": fire(32, 128),
    "pool5": ([MAX],),
    "fire6": fire(48, 192),
    "fire7": fire(48, 192),
    "fire8": fire(64, 256),
    "fire9": fire(64, 256),
}


@recorded
def squeezenet1_0(
    num_classes: int = 1000,
    *,
    dropout: bool = True,
    size: int = 224,
    width: float = 1.0,
    init: str = "he",
    rng: Rng = None,
) -> Graph:
    """Return SqueezeNet 1.0 for images (3, size, size).

    Parameters
    ----------
    num_classes : number of classes
    dropout : whether to add the dropout node, 0.5
    size : height and width of the images, at least 21
    width : factor on every channel count
    init : a rule of `initializers`
    rng : Generator, int or None, for weights and dropout

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.squeezenet1_0(init="zeros")
    >>> g.shapes["fire9/output"], mg.count(g).params
    ((512, 13, 13), 1248424)
    """
    why = "pool8 needs a map of at least 3 x 3"
    g = Blocks(images(size, "squeezenet1_0", 21, why), Style(init=init, dropout=dropout, width=width, rng=rng))
    return _built(g, VERSION_1_0, num_classes)


@recorded
def squeezenet1_1(
    num_classes: int = 1000,
    *,
    dropout: bool = True,
    size: int = 224,
    width: float = 1.0,
    init: str = "he",
    rng: Rng = None,
) -> Graph:
    """Return SqueezeNet 1.1 for images (3, size, size).

    Parameters
    ----------
    num_classes : number of classes
    dropout : whether to add the dropout node, 0.5
    size : height and width of the images, at least 17
    width : factor on every channel count
    init : a rule of `initializers`
    rng : Generator, int or None, for weights and dropout

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.squeezenet1_1(init="zeros")
    >>> g.shapes["fire9/output"], mg.count(g).params
    ((512, 13, 13), 1235496)
    """
    why = "pool5 needs a map of at least 3 x 3"
    g = Blocks(images(size, "squeezenet1_1", 17, why), Style(init=init, dropout=dropout, width=width, rng=rng))
    return _built(g, VERSION_1_1, num_classes)


def _built(g: Blocks, table: dict[str, Module], num_classes: int) -> Graph:
    """Return the network of a table. Its classifier is a convolution, and the mean of each class follows."""
    wire = "image"
    for name, module in table.items():
        wire = g.branches(wire, name, module)
    wire = g.dropout(wire, "drop9", 0.5)
    wire = g.conv(wire, "conv10", "1x1", num_classes, 1)
    wire = g.activate(wire, "conv10", "1x1", layers.ReLU)
    g.add("classifier", layers.GlobalAvgPool2d(), wire)
    return g.graph
