"""A small relative of GoogLeNet that a laptop trains in a minute."""

import string

from minigooglenet import shapes
from minigooglenet.graph import Graph
from minigooglenet.layers import GlobalAvgPool2d
from minigooglenet.models.blocks import Builder, Style
from minigooglenet.models.factory import recorded
from minigooglenet.typing import Rng

# {stage: (filters of its first module, filters of the others)}
MINI_STAGES = {
    "3": ((16, 16, 24, 4, 8, 8), (24, 24, 36, 6, 12, 12)),
    "4": ((32, 24, 48, 8, 16, 16), (40, 32, 56, 8, 16, 16)),
}
LETTERS = string.ascii_lowercase


@recorded
def mini_googlenet(
    num_classes: int = 10,
    *,
    in_channels: int = 3,
    size: int = 32,
    depth: int = 4,
    aux: bool = False,
    norm: str | None = "batch",
    dropout: bool = True,
    width: float = 1.0,
    init: str = "he",
    rng: Rng = None,
) -> Graph:
    """Return a small GoogLeNet for images (in_channels, size, size), 32 x 32 or 64 x 64, that a laptop can train.

    It has a 3x3 stem, `depth` Inception modules in two stages, global average pooling and one linear layer. `aux` adds
    an auxiliary head after the first stage (on 3b for depth 4). The other parameters are those of `googlenet`.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> g = mg.models.mini_googlenet(num_classes=5, rng=0)
    >>> g(np.zeros((2, 3, 32, 32), np.float32)).shape
    (2, 5)
    """
    depth = shapes.integer(depth, "depth", 2)
    if depth > 2 * len(LETTERS):
        raise ValueError(
            f"depth must be at most {2 * len(LETTERS)} modules, because their names end with a letter, got {depth}"
        )
    style = Style(norm=norm, init=init, dropout=dropout, width=width, rng=rng)
    g = Builder(Graph(image=(in_channels, size, size)), style)
    wire = g.conv_relu("image", "conv1", "3x3", 32, 3, padding=1)
    wire = g.lrn(wire, "conv1/norm1")
    wire = g.max_pool(wire, "pool1/3x3_s2")
    for stage, modules in (("3", -(-depth // 2)), ("4", depth // 2)):
        for index, letter in enumerate(LETTERS[:modules]):
            wire = g.inception(wire, f"inception_{stage}{letter}", *MINI_STAGES[stage][min(index, 1)])
        if stage == "3":
            if aux:
                g.auxiliary_head(wire, "loss1", num_classes, conv_channels=32, features=128)
            wire = g.max_pool(wire, "pool3/3x3_s2")
    wire = g.add("pool5/global", GlobalAvgPool2d(), wire)
    wire = g.dropout(wire, "pool5/drop", 0.4)
    g.linear(wire, "loss3/classifier", num_classes)
    return g.graph
