"""MobileNet-v2: the network of "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (Sandler et al. 2018), table 2.

An inverted residual is narrow at its ends and wide inside: a 1x1 convolution multiplies the channels by t, a depthwise
convolution filters them, and a 1x1 convolution without an activation reduces them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from minigooglenet import layers
from minigooglenet.graph import Graph
from minigooglenet.models.blocks import Style
from minigooglenet.models.factory import recorded
from minigooglenet.models.later.blocks import Blocks, Branch, Conv, Depthwise, images
from minigooglenet.typing import Padding, Rng

RELU6 = layers.ReLU6


class Stage(NamedTuple):
    """A row of the paper's table 2: n inverted residuals, of which the first has stride s.

    t : expansion, the factor on the channels inside
    c : filters at the end of each
    n : how many
    s : stride
    kernel : of the depthwise convolution, 3 in the paper
    """

    t: int
    c: int
    n: int
    s: int
    kernel: int = 3


STEM = 32
TABLE = (
    Stage(t=1, c=16, n=1, s=1),
    Stage(t=6, c=24, n=2, s=2),
    Stage(t=6, c=32, n=3, s=2),
    Stage(t=6, c=64, n=4, s=2),
    Stage(t=6, c=96, n=3, s=1),
    Stage(t=6, c=160, n=3, s=2),
    Stage(t=6, c=320, n=1, s=1),
)
HEAD = 1280


@recorded
def mobilenet_v2(
    num_classes: int = 1000,
    *,
    dropout: bool = True,
    size: int = 224,
    width: float = 1.0,
    init: str = "he",
    rng: Rng = None,
) -> Graph:
    """Return MobileNet-v2 for images (3, size, size).

    Parameters
    ----------
    num_classes : number of classes
    dropout : whether to add the dropout node, 0.2
    size : height and width of the images
    width : factor on every channel count, without the paper's rounding to multiples of 8
    init : a rule of `initializers`
    rng : Generator, int or None, for weights and dropout

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.mobilenet_v2(init="zeros")
    >>> g.shapes["block17/3_1x1"], mg.count(g).params
    ((320, 7, 7), 3504872)
    """
    g = Blocks(images(size), Style(norm="batch", init=init, dropout=dropout, width=width, rng=rng))
    wire = inverted_residuals(g, "image", STEM, TABLE, HEAD)
    g.classifier(wire, num_classes, 0.2)
    return g.graph


def inverted_residuals(
    g: Blocks, wire: str, stem: int, table: Sequence[Stage], head: int, padding: Padding | str | None = None
) -> str:
    """Add the stem (3x3, stride 2), block1, block2, ... of the table, and the head (1x1); return its output wire.

    `padding` is that of `Conv`.
    """
    (wire,) = g.branch(wire, "stem", [Conv(stem, 3, 2, padding, activation=RELU6)])
    inputs, number = stem, 0
    for row in table:
        for stride in (row.s, *[1] * (row.n - 1)):
            number += 1
            steps = _inverted(inputs, row, stride, padding)
            if stride == 1 and inputs == row.c:
                wire = g.residual(wire, f"block{number}", (steps,), activation=None)
            else:
                (wire,) = g.branch(wire, f"block{number}", steps)
            inputs = row.c
    (wire,) = g.branch(wire, "head", [Conv(head, 1, activation=RELU6)])
    return wire


def _inverted(inputs: int, row: Stage, stride: int, padding: Padding | str | None) -> Branch:
    """Return the steps of one inverted residual. With t = 1, it has no 1x1 convolution before the depthwise one."""
    expand = [Conv(row.t * inputs, 1, activation=RELU6)] if row.t > 1 else []
    depthwise = Depthwise(row.kernel, stride, padding, activation=RELU6, norm=True)
    return [*expand, depthwise, Conv(row.c, 1, activation=None)]
