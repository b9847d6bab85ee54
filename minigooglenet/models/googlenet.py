"""GoogLeNet: the network of "Going deeper with convolutions" (Szegedy et al. 2014).

Where the paper gives no details (the positions of the normalisations, the rounding of the pools, the initialisation),
this network follows BVLC's Caffe replication, whose node names it uses too. The network that torchvision publishes as
GoogLeNet differs in a few hyperparameters (`TORCHVISION`).
"""

from typing import NamedTuple

from minigooglenet.graph import Graph
from minigooglenet.layers import AvgPool2d, Flatten
from minigooglenet.models.blocks import Builder, Style
from minigooglenet.models.factory import recorded
from minigooglenet.typing import Rng


class Module(NamedTuple):
    """A row of the paper's Table 1: an Inception module, its auxiliary head if any, and the pool after it if any."""

    filters: tuple[int, ...]  # #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj
    head: str | None = None
    pool: str | None = None


TABLE = {
    "3a": Module((64, 96, 128, 16, 32, 32)),
    "3b": Module((128, 128, 192, 32, 96, 64), pool="pool3/3x3_s2"),
    "4a": Module((192, 96, 208, 16, 48, 64), head="loss1"),
    "4b": Module((160, 112, 224, 24, 64, 64)),
    "4c": Module((128, 128, 256, 24, 64, 64)),
    "4d": Module((112, 144, 288, 32, 64, 64), head="loss2"),
    "4e": Module((256, 160, 320, 32, 128, 128), pool="pool4/3x3_s2"),
    "5a": Module((256, 160, 320, 32, 128, 128)),
    "5b": Module((384, 192, 384, 48, 128, 128)),
}
MODULES = {name: module.filters for name, module in TABLE.items()}


class Variant(NamedTuple):
    """The hyperparameters in which the published versions of this network differ."""

    large: int  # kernel size of the convolutions called 5x5
    pool4: int  # window size of the pool called pool4/3x3_s2
    adaptive_heads: bool  # the heads' average pool is adaptive, to 4 x 4; at 224 its windows are 4 x 4
    dropout: float  # before the last layer
    eps: float  # in batch norm


PAPER = Variant(large=5, pool4=3, adaptive_heads=False, dropout=0.4, eps=1e-5)
TORCHVISION = Variant(large=3, pool4=2, adaptive_heads=True, dropout=0.2, eps=1e-3)
VARIANTS = {"paper": PAPER, "torchvision": TORCHVISION}


@recorded
def googlenet(
    num_classes: int = 1000,
    *,
    aux: bool = True,
    norm: str | None = "lrn",
    dropout: bool = True,
    size: int = 224,
    width: float = 1.0,
    init: str = "caffe",
    variant: str = "paper",
    rng: Rng = None,
) -> Graph:
    """Return the graph of GoogLeNet for images (3, size, size).

    Parameters
    ----------
    num_classes : number of classes of each classifier
    aux : whether to add the auxiliary heads on 4a and 4d (wires loss1/classifier and loss2/classifier)
    norm : "lrn" as in the paper; "batch" for batch norm after each convolution instead; None for neither
    dropout : whether to add the dropout nodes
    size : height and width of the images; the last average pool covers the whole feature map (7 x 7 at 224)
    width : factor on every channel count
    init : "caffe" (uniform by fan-in, ReLU biases 0.2), "he" or "gaussian" (standard deviation 0.01), biases 0
    variant : "paper", or "torchvision" for the network of torchvision.models.googlenet, which always has batch norm
        instead of LRN. Its nodes have the paper's names, so that the two can be compared, although its convolutions
        called 5x5 are 3x3 (a mistake that its trained weights depend on) and pool4/3x3_s2 is 2x2. Its pixels are in
        -1 .. 1, `data.UNIT`.
    rng : Generator, int or None, for weights and dropout

    Returns
    -------
    Graph
        Its main output, added last, is loss3/classifier.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.googlenet(init="zeros")
    >>> g.shapes["inception_3a/output"], g.outputs
    ((256, 28, 28), ('loss1/classifier', 'loss2/classifier', 'loss3/classifier'))
    >>> mg.count(g, outputs=["loss3/classifier"]).params
    6998552
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(map(repr, VARIANTS))}, got {variant!r}")
    version = VARIANTS[variant]
    if version is TORCHVISION:
        norm = "batch"
    style = Style(norm=norm, eps=version.eps, init=init, dropout=dropout, width=width, rng=rng)
    g = Builder(Graph(image=(3, size, size)), style)
    wire = g.conv_relu("image", "conv1", "7x7_s2", 64, 7, stride=2, padding=3, relu_name="7x7")
    wire = g.max_pool(wire, "pool1/3x3_s2")
    wire = g.lrn(wire, "pool1/norm1")
    wire = g.conv_relu(wire, "conv2", "3x3_reduce", 64, 1)
    wire = g.conv_relu(wire, "conv2", "3x3", 192, 3, padding=1)
    wire = g.lrn(wire, "conv2/norm2")
    wire = g.max_pool(wire, "pool2/3x3_s2")
    for name, module in TABLE.items():
        wire = g.inception(wire, f"inception_{name}", *module.filters, large=version.large)
        if module.head and aux:
            g.auxiliary_head(wire, module.head, num_classes, adaptive=version.adaptive_heads)
        if module.pool:
            wire = g.max_pool(wire, module.pool, version.pool4 if name == "4e" else 3)
    _, height, columns = g.graph.shapes[wire]
    wire = g.add("pool5/7x7_s1", AvgPool2d((height, columns), stride=1), wire)
    wire = g.dropout(wire, "pool5/drop_7x7_s1", version.dropout)
    wire = g.add("pool5/flatten", Flatten(), wire)
    g.linear(wire, "loss3/classifier", num_classes)
    return g.graph
