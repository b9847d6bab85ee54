"""Networks to compare GoogLeNet with: AlexNet, VGG-16 and Network in Network."""

from typing import Any

from minigooglenet.graph import Graph
from minigooglenet.layers import AvgPool2d, Flatten, ReLU
from minigooglenet.models.blocks import Builder, Style
from minigooglenet.models.factory import recorded
from minigooglenet.typing import Rng


@recorded
def alexnet(groups: int = 1, *, num_classes: int = 1000, init: str = "he", rng: Rng = None) -> Graph:
    """Return AlexNet (Krizhevsky et al. 2012), in one of its two common versions, which also differ in width.

    groups=1 is PyTorch's single tower: 64-192-384-256-256 filters, no normalisation, floor-mode pools, 224 x 224 input.
    groups=2 is Caffe's version: 96-256-384-384-256 filters, two groups in the 2nd, 4th and 5th convolution, two LRN
    layers, ceil-mode pools, 227 x 227 input.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.count(mg.models.alexnet(init="zeros")).params
    61100840
    """
    if groups not in (1, 2):
        raise ValueError(f"groups must be 1 (PyTorch's single tower) or 2 (Caffe's version), got {groups!r}")
    caffe = groups == 2
    filters = (96, 256, 384, 384, 256) if caffe else (64, 192, 384, 256, 256)
    style = Style(norm="lrn" if caffe else None, init=init, rng=rng)
    size = 227 if caffe else 224
    g = Builder(Graph(image=(3, size, size)), style)
    wire = _conv(g, "image", 1, filters[0], 11, stride=4, padding=0 if caffe else 2)
    wire = g.max_pool(g.lrn(wire, "norm1"), "pool1", ceil_mode=caffe)
    wire = _conv(g, wire, 2, filters[1], 5, padding=2, groups=groups)
    wire = g.max_pool(g.lrn(wire, "norm2"), "pool2", ceil_mode=caffe)
    wire = _conv(g, wire, 3, filters[2], 3, padding=1)
    wire = _conv(g, wire, 4, filters[3], 3, padding=1, groups=groups)
    wire = _conv(g, wire, 5, filters[4], 3, padding=1, groups=groups)
    wire = g.max_pool(wire, "pool5", ceil_mode=caffe)
    return _classified(g, wire, num_classes)


@recorded
def vgg16(*, num_classes: int = 1000, init: str = "he", rng: Rng = None) -> Graph:
    """Return VGG-16, configuration D (Simonyan and Zisserman 2014), for 224 x 224 input.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.count(mg.models.vgg16(init="zeros")).params
    138357544
    """
    g = Builder(Graph(image=(3, 224, 224)), Style(init=init, rng=rng))
    wire = "image"
    for block, (filters, layers) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), start=1):
        for layer in range(1, layers + 1):
            wire = _conv(g, wire, f"{block}_{layer}", filters, 3, padding=1)
        wire = g.max_pool(wire, f"pool{block}", 2, ceil_mode=False)
    return _classified(g, wire, num_classes)


@recorded
def nin(*, num_classes: int = 1000, init: str = "he", rng: Rng = None) -> Graph:
    """Return Network in Network for ImageNet (Lin et al. 2013; its published Caffe model), for 224 x 224 input.

    GoogLeNet took two ideas from it: 1x1 convolutions, and average pooling instead of linear layers.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.count(mg.models.nin(init="zeros")).params
    7595176
    """
    g = Builder(Graph(image=(3, 224, 224)), Style(init=init, rng=rng))
    wire = "image"
    blocks = (
        ((96, 96, 96), 11, 4, 0),
        ((256, 256, 256), 5, 1, 2),
        ((384, 384, 384), 3, 1, 1),
        ((1024, 1024, num_classes), 3, 1, 1),
    )
    for block, (filters, kernel_size, stride, padding) in enumerate(blocks, start=1):
        wire = _conv(g, wire, block, filters[0], kernel_size, stride=stride, padding=padding)
        for layer, count in enumerate(filters[1:], start=1):
            wire = g.conv_relu(wire, f"conv{block}", f"1x1_{layer}", count, 1)
        if block < len(blocks):
            wire = g.max_pool(wire, f"pool{block}")
        if block == len(blocks) - 1:
            wire = g.dropout(wire, "drop", 0.5)
    _, height, width = g.graph.shapes[wire]
    wire = g.add("pool4", AvgPool2d((height, width), stride=1), wire)
    g.add("classifier", Flatten(), wire)
    return g.graph


def _conv(g: Builder, wire: str, block: Any, filters: int, kernel_size: int, **settings: Any) -> str:
    return g.conv_relu(wire, f"conv{block}", f"{kernel_size}x{kernel_size}", filters, kernel_size, **settings)


def _classified(g: Builder, wire: str, num_classes: int) -> Graph:
    """Add the three linear layers of AlexNet and VGG, which have most of the parameters; return the graph."""
    wire = g.add("flatten", Flatten(), wire)
    for name in ("fc6", "fc7"):
        wire = g.linear(wire, name, 4096)
        wire = g.add(f"{name}/relu", ReLU(), wire)
        wire = g.dropout(wire, f"{name}/drop", 0.5)
    g.linear(wire, "classifier", num_classes)
    return g.graph
