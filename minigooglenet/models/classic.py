"""Networks to compare GoogLeNet with: AlexNet, VGG-16 and Network in Network."""

from minigooglenet.graph import Graph
from minigooglenet.layers import AvgPool2d, Flatten, MaxPool2d, ReLU
from minigooglenet.models.blocks import Style, add_dropout, add_linear, add_lrn, conv_relu
from minigooglenet.models.recorded import recorded


@recorded
def alexnet(groups=1, *, num_classes=1000, init="he", rng=None):
    """Return AlexNet (Krizhevsky et al. 2012), in one of its two usual forms, which differ in widths too.

    groups=1 is PyTorch's single tower: 64-192-384-256-256 filters, no normalisation, floor pools, for 224 x 224.
    groups=2 is Caffe's: 96-256-384-384-256 filters, the 2nd, 4th and 5th convolution in two groups, two LRN layers,
    ceil pools, for 227 x 227.
    """
    if groups not in (1, 2):
        raise ValueError(f"groups must be 1 (PyTorch's one tower) or 2 (Caffe's two), got {groups!r}")
    caffe = groups == 2
    filters = (96, 256, 384, 384, 256) if caffe else (64, 192, 384, 256, 256)
    style = Style(norm="lrn" if caffe else None, init=init, rng=rng)
    size = 227 if caffe else 224
    g = Graph(image=(3, size, size))
    wire = _conv(g, "image", 1, filters[0], 11, stride=4, padding=0 if caffe else 2, style=style)
    wire = g.add("pool1", MaxPool2d(3, stride=2, ceil_mode=caffe), add_lrn(g, wire, "norm1", style))
    wire = _conv(g, wire, 2, filters[1], 5, padding=2, groups=groups, style=style)
    wire = g.add("pool2", MaxPool2d(3, stride=2, ceil_mode=caffe), add_lrn(g, wire, "norm2", style))
    wire = _conv(g, wire, 3, filters[2], 3, padding=1, style=style)
    wire = _conv(g, wire, 4, filters[3], 3, padding=1, groups=groups, style=style)
    wire = _conv(g, wire, 5, filters[4], 3, padding=1, groups=groups, style=style)
    wire = g.add("pool5", MaxPool2d(3, stride=2, ceil_mode=caffe), wire)
    _classifier(g, wire, num_classes, style)
    return g


@recorded
def vgg16(*, num_classes=1000, init="he", rng=None):
    """Return VGG-16, configuration D (Simonyan and Zisserman 2014), for 224 x 224."""
    style = Style(init=init, rng=rng)
    g = Graph(image=(3, 224, 224))
    wire = "image"
    for block, (filters, layers) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), start=1):
        for layer in range(1, layers + 1):
            wire = _conv(g, wire, f"{block}_{layer}", filters, 3, padding=1, style=style)
        wire = g.add(f"pool{block}", MaxPool2d(2), wire)
    _classifier(g, wire, num_classes, style)
    return g


@recorded
def nin(*, num_classes=1000, init="he", rng=None):
    """Return Network in Network for ImageNet (Lin et al. 2013; its published Caffe model), for 224 x 224.

    Its 1x1 convolutions are where GoogLeNet's come from, and so is the average pooling in place of linear layers.
    """
    style = Style(init=init, rng=rng)
    g = Graph(image=(3, 224, 224))
    wire = "image"
    blocks = (
        ((96, 96, 96), 11, 4, 0),
        ((256, 256, 256), 5, 1, 2),
        ((384, 384, 384), 3, 1, 1),
        ((1024, 1024, num_classes), 3, 1, 1),
    )
    for block, (filters, kernel_size, stride, padding) in enumerate(blocks, start=1):
        wire = _conv(g, wire, block, filters[0], kernel_size, stride=stride, padding=padding, style=style)
        for layer, count in enumerate(filters[1:], start=1):
            wire = conv_relu(g, wire, f"conv{block}", f"1x1_{layer}", count, 1, style=style)
        if block < len(blocks):
            wire = g.add(f"pool{block}", MaxPool2d(3, stride=2, ceil_mode=True), wire)
        if block == len(blocks) - 1:
            wire = add_dropout(g, wire, "drop", 0.5, style)
    wire = g.add("pool4", AvgPool2d(g.shapes[wire][1:], stride=1), wire)
    g.add("classifier", Flatten(), wire)
    return g


def _conv(g, wire, block, filters, kernel_size, *, style, **settings):
    name = f"{kernel_size}x{kernel_size}"
    return conv_relu(g, wire, f"conv{block}", name, filters, kernel_size, style=style, **settings)


def _classifier(g, wire, num_classes, style):
    """Add the three linear layers of AlexNet and VGG: where most of their parameters are."""
    wire = g.add("flatten", Flatten(), wire)
    for name in ("fc6", "fc7"):
        wire = add_linear(g, wire, name, 4096, style)
        wire = g.add(f"{name}/relu", ReLU(), wire)
        wire = add_dropout(g, wire, f"{name}/drop", 0.5, style)
    add_linear(g, wire, "classifier", num_classes, style)
