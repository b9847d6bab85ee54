"""Inception-v4: the network of "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning".

(Szegedy et al. 2016.) Its modules are the paper's figures 3 to 9, and the stem is built from modules too.
"""

from minigooglenet import layers
from minigooglenet.graph import Graph
from minigooglenet.models.blocks import Style
from minigooglenet.models.factory import recorded
from minigooglenet.models.later.blocks import Blocks, Conv, Module, Pool, fork, images
from minigooglenet.typing import Rng

AVG = Pool(layers.AvgPool2d, 3, 1, 1, {"count_include_pad": False})
MAX = Pool()

# Figure 3, the stem, from 299 x 299 to 35 x 35.
STEM: dict[str, Module] = {
    "stem": ([Conv(32, 3, 2, 0), Conv(32, 3, 1, 0), Conv(64, 3)],),
    "stem_73": ([MAX], [Conv(96, 3, 2, 0)]),
    "stem_71": (
        [Conv(64, 1), Conv(96, 3, 1, 0)],
        [Conv(64, 1), Conv(64, (7, 1)), Conv(64, (1, 7)), Conv(96, 3, 1, 0)],
    ),
    "stem_35": ([Conv(192, 3, 2, 0)], [MAX]),
}
INCEPTION_A: Module = (  # figure 4, 35 x 35
    [AVG, Conv(96, 1)],
    [Conv(96, 1)],
    [Conv(64, 1), Conv(96, 3)],
    [Conv(64, 1), Conv(96, 3), Conv(96, 3)],
)
INCEPTION_B: Module = (  # figure 5, 17 x 17
    [AVG, Conv(128, 1)],
    [Conv(384, 1)],
    [Conv(192, 1), Conv(224, (1, 7)), Conv(256, (7, 1))],
    [Conv(192, 1), Conv(192, (1, 7)), Conv(224, (7, 1)), Conv(224, (1, 7)), Conv(256, (7, 1))],
)
INCEPTION_C: Module = (  # figure 6, 8 x 8
    [AVG, Conv(256, 1)],
    [Conv(256, 1)],
    [Conv(384, 1), fork(Conv(256, (1, 3)), Conv(256, (3, 1)))],
    [Conv(384, 1), Conv(448, (1, 3)), Conv(512, (3, 1)), fork(Conv(256, (3, 1)), Conv(256, (1, 3)))],
)
REDUCTION_A: Module = [MAX], [Conv(384, 3, 2, 0)], [Conv(192, 1), Conv(224, 3), Conv(256, 3, 2, 0)]  # figure 7
REDUCTION_B: Module = (  # figure 8
    [MAX],
    [Conv(192, 1), Conv(192, 3, 2, 0)],
    [Conv(256, 1), Conv(256, (1, 7)), Conv(320, (7, 1)), Conv(320, 3, 2, 0)],
)
TABLE: dict[str, Module] = {
    **STEM,
    **{f"inception_a{number}": INCEPTION_A for number in range(1, 5)},
    "reduction_a": REDUCTION_A,
    **{f"inception_b{number}": INCEPTION_B for number in range(1, 8)},
    "reduction_b": REDUCTION_B,
    **{f"inception_c{number}": INCEPTION_C for number in range(1, 4)},
}
LEAST, WHY = 75, "reduction_b needs a map of at least 3 x 3"


@recorded
def inception_v4(
    num_classes: int = 1000,
    *,
    dropout: bool = True,
    size: int = 299,
    width: float = 1.0,
    init: str = "he",
    rng: Rng = None,
) -> Graph:
    """Return Inception-v4 for images (3, size, size).

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
    >>> g = mg.models.inception_v4(init="zeros")
    >>> g.shapes["inception_c3/output"], mg.count(g).params
    ((1536, 8, 8), 42679816)
    """
    style = Style(norm="batch", eps=1e-3, init=init, dropout=dropout, width=width, rng=rng)
    g = Blocks(images(size, "inception_v4", LEAST, WHY), style)
    wire = "image"
    for name, branches in TABLE.items():
        wire = g.branches(wire, name, branches)
    g.classifier(wire, num_classes, 0.2)
    return g.graph
