"""ResNet-18 and ResNet-50 ("Deep Residual Learning for Image Recognition", He et al. 2015, table 1), and ResNeXt-50.

ResNeXt ("Aggregated Residual Transformations for Deep Neural Networks", Xie et al. 2016, table 1) replaces the 3x3
convolution of ResNet-50 by a grouped one that is twice as wide: 32 groups of 4 channels in the first stage.

Where a bottleneck halves height and width, its 3x3 convolution has stride 2, as in torchvision and in ResNeXt's paper.
In ResNet's paper, the 1x1 convolution before it has the stride and skips three of four inputs.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from minigooglenet import layers
from minigooglenet.graph import Graph
from minigooglenet.models.blocks import Style
from minigooglenet.models.factory import recorded
from minigooglenet.models.later.blocks import Blocks, Branch, Conv, Pool, images
from minigooglenet.typing import Rng


def basic(filters: int, stride: int) -> Branch:
    """Return the branch of ResNet-18: two 3x3 convolutions."""
    return [Conv(filters, 3, stride), Conv(filters, 3, activation=None)]


def bottleneck(filters: int, stride: int) -> Branch:
    """Return the branch of ResNet-50: the 3x3 convolution has a quarter of the channels around it."""
    return [Conv(filters // 4, 1), Conv(filters // 4, 3, stride), Conv(filters, 1, activation=None)]


def grouped(filters: int, stride: int) -> Branch:
    """Return the branch of ResNeXt-50: the 3x3 convolution has half of the channels around it, in 32 groups."""
    return [Conv(filters // 2, 1), Conv(filters // 2, 3, stride, groups=32), Conv(filters, 1, activation=None)]


class Stage(NamedTuple):
    """A row of table 1: residual modules with these filters at their ends; the first has the stride."""

    name: str
    filters: int
    modules: int
    stride: int


STEM: Branch = [Conv(64, 7, 2), Pool(layers.MaxPool2d, 3, 2, 1)]
RESNET_18 = (
    Stage("conv2", 64, modules=2, stride=1),
    Stage("conv3", 128, modules=2, stride=2),
    Stage("conv4", 256, modules=2, stride=2),
    Stage("conv5", 512, modules=2, stride=2),
)
RESNET_50 = (
    Stage("conv2", 256, modules=3, stride=1),
    Stage("conv3", 512, modules=4, stride=2),
    Stage("conv4", 1024, modules=6, stride=2),
    Stage("conv5", 2048, modules=3, stride=2),
)


@recorded
def resnet18(
    num_classes: int = 1000, *, size: int = 224, width: float = 1.0, init: str = "he", rng: Rng = None
) -> Graph:
    """Return ResNet-18 for images (3, size, size).

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
    >>> g = mg.models.resnet18(init="zeros")
    >>> g.shapes["conv5_2/sum"], mg.count(g).params
    ((512, 7, 7), 11689512)
    """
    return _built(RESNET_18, basic, num_classes, size, Style(norm="batch", init=init, width=width, rng=rng))


@recorded
def resnet50(
    num_classes: int = 1000, *, size: int = 224, width: float = 1.0, init: str = "he", rng: Rng = None
) -> Graph:
    """Return ResNet-50 for images (3, size, size).

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
    >>> g = mg.models.resnet50(init="zeros")
    >>> g.shapes["conv5_3/sum"], mg.count(g).params
    ((2048, 7, 7), 25557032)
    """
    return _built(RESNET_50, bottleneck, num_classes, size, Style(norm="batch", init=init, width=width, rng=rng))


@recorded
def resnext50_32x4d(
    num_classes: int = 1000, *, size: int = 224, width: float = 1.0, init: str = "he", rng: Rng = None
) -> Graph:
    """Return ResNeXt-50 with 32 groups of 4 channels, for images (3, size, size).

    Parameters
    ----------
    num_classes : number of classes
    size : height and width of the images
    width : factor on every channel count, a multiple of 1/4, so that the 32 groups are equally large
    init : a rule of `initializers`
    rng : Generator, int or None for the weights

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.resnext50_32x4d(init="zeros")
    >>> g.shapes["conv5_3/sum"], mg.count(g).params
    ((2048, 7, 7), 25028904)
    """
    return _built(RESNET_50, grouped, num_classes, size, Style(norm="batch", init=init, width=width, rng=rng))


def _built(
    table: Sequence[Stage], block: Callable[[int, int], Branch], num_classes: int, size: int, style: Style
) -> Graph:
    """Return the network of a table. A shortcut is a 1x1 convolution where the shape changes, otherwise the input."""
    g = Blocks(images(size), style)
    (wire,) = g.branch("image", "conv1", STEM)
    for row in table:
        for number in range(1, row.modules + 1):
            stride = row.stride if number == 1 else 1
            changes = stride > 1 or g.channels(wire) != style.channels(row.filters)
            shortcut = [Conv(row.filters, 1, stride, activation=None)] if changes else []
            wire = g.residual(wire, f"{row.name}_{number}", (block(row.filters, stride),), shortcut=shortcut)
    g.classifier(wire, num_classes)
    return g.graph
