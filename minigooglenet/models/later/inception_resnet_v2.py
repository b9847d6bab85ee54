"""Inception-ResNet-v2: modules whose output is added to their input (Szegedy et al. 2016, "Inception-v4 ...").

The table is the network that the authors released, which Keras has too. It differs from the paper's figures: its stem
is that of Inception-v3 followed by one module, and it has twice as many residual modules (10, 20, 10).
"""

from typing import NamedTuple

from minigooglenet import layers
from minigooglenet.graph import Graph
from minigooglenet.models.blocks import Style
from minigooglenet.models.factory import recorded
from minigooglenet.models.later.blocks import Blocks, Conv, Module, Pool, images
from minigooglenet.models.later.inception_v3 import MAX, STEM
from minigooglenet.typing import Rng


class Residual(NamedTuple):
    """A residual module: its branches, the factor on their sum, and whether a ReLU follows the addition."""

    branches: Module
    scale: float
    relu: bool = True


AVG = Pool(layers.AvgPool2d, 3, 1, 1, {"count_include_pad": False})
BLOCK_35: Module = (
    [Conv(32, 1)],
    [Conv(32, 1), Conv(32, 3)],
    [Conv(32, 1), Conv(48, 3), Conv(64, 3)],
)
BLOCK_17: Module = [Conv(192, 1)], [Conv(128, 1), Conv(160, (1, 7)), Conv(192, (7, 1))]
BLOCK_8: Module = [Conv(192, 1)], [Conv(192, 1), Conv(224, (1, 3)), Conv(256, (3, 1))]
TABLE: dict[str, Module | Residual] = {
    "stem": (STEM,),
    "mixed_5b": (
        [Conv(96, 1)],
        [Conv(48, 1), Conv(64, 5)],
        [Conv(64, 1), Conv(96, 3), Conv(96, 3)],
        [AVG, Conv(64, 1)],
    ),
    **{f"block35_{number}": Residual(BLOCK_35, 0.17) for number in range(1, 11)},
    "mixed_6a": ([Conv(384, 3, 2, 0)], [Conv(256, 1), Conv(256, 3), Conv(384, 3, 2, 0)], [MAX]),
    **{f"block17_{number}": Residual(BLOCK_17, 0.1) for number in range(1, 21)},
    "mixed_7a": (
        [Conv(256, 1), Conv(384, 3, 2, 0)],
        [Conv(256, 1), Conv(288, 3, 2, 0)],
        [Conv(256, 1), Conv(288, 3), Conv(320, 3, 2, 0)],
        [MAX],
    ),
    **{f"block8_{number}": Residual(BLOCK_8, 0.2) for number in range(1, 10)},
    "block8_10": Residual(BLOCK_8, 1.0, relu=False),
    "conv_7b": ([Conv(1536, 1)],),
}
LEAST, WHY = 75, "mixed_7a needs a map of at least 3 x 3"


@recorded
def inception_resnet_v2(
    num_classes: int = 1000,
    *,
    dropout: bool = True,
    size: int = 299,
    width: float = 1.0,
    init: str = "he",
    rng: Rng = None,
) -> Graph:
    """Return Inception-ResNet-v2 for images (3, size, size).

    Parameters
    ----------
    num_classes : number of classes
    dropout : whether to add the dropout node, 0.2
    size : height and width of the images, at least 75
    width : factor on every channel count
    init : a rule of `initializers`
    rng : Generator, int or None, for weights and dropout

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.inception_resnet_v2(init="zeros")
    >>> g.shapes["block8_10/sum"], mg.count(g).params
    ((2080, 8, 8), 55843464)
    """
    style = Style(norm="batch", eps=1e-3, init=init, dropout=dropout, width=width, rng=rng)
    g = Blocks(images(size, "inception_resnet_v2", LEAST, WHY), style)
    wire = "image"
    for name, row in TABLE.items():
        if isinstance(row, Residual):
            activation = layers.ReLU if row.relu else None
            wire = g.residual(wire, name, row.branches, scale=row.scale, activation=activation)
        else:
            wire = g.branches(wire, name, row)
    g.classifier(wire, num_classes, 0.2)
    return g.graph
