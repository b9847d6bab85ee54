"""EfficientNet-Lite0: the smallest network of the EfficientNet-Lite release (Google 2020).

The table is that of EfficientNet-B0 ("EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", Tan
and Le 2019, table 1). Lite0 leaves out squeeze-and-excitation, and its activation is ReLU6 instead of SiLU. The blocks
are MobileNet-v2's inverted residuals with TensorFlow's SAME padding.
"""

from minigooglenet.graph import Graph
from minigooglenet.models.blocks import Style
from minigooglenet.models.factory import recorded
from minigooglenet.models.later.blocks import SAME, Blocks, images
from minigooglenet.models.later.mobilenet_v2 import Stage, inverted_residuals
from minigooglenet.typing import Rng

STEM = 32
TABLE = (
    Stage(t=1, c=16, n=1, s=1, kernel=3),
    Stage(t=6, c=24, n=2, s=2, kernel=3),
    Stage(t=6, c=40, n=2, s=2, kernel=5),
    Stage(t=6, c=80, n=3, s=2, kernel=3),
    Stage(t=6, c=112, n=3, s=1, kernel=5),
    Stage(t=6, c=192, n=4, s=2, kernel=5),
    Stage(t=6, c=320, n=1, s=1, kernel=3),
)
HEAD = 1280


@recorded
def efficientnet_lite0(
    num_classes: int = 1000,
    *,
    dropout: bool = True,
    size: int = 224,
    width: float = 1.0,
    init: str = "he",
    rng: Rng = None,
) -> Graph:
    """Return EfficientNet-Lite0 for images (3, size, size).

    Parameters
    ----------
    num_classes : number of classes
    dropout : whether to add the dropout node, 0.2
    size : height and width of the images
    width : factor on every channel count
    init : a rule of `initializers`
    rng : Generator, int or None, for weights and dropout

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.efficientnet_lite0(init="zeros")
    >>> g.shapes["block16/3_1x1"], mg.count(g).params
    ((320, 7, 7), 4652008)
    """
    g = Blocks(images(size), Style(norm="batch", eps=1e-3, init=init, dropout=dropout, width=width, rng=rng))
    wire = inverted_residuals(g, "image", STEM, TABLE, HEAD, SAME)
    g.classifier(wire, num_classes, 0.2)
    return g.graph
