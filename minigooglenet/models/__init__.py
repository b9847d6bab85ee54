"""Networks, each a function that returns a graph."""

from minigooglenet.models.blocks import Style
from minigooglenet.models.catalogue import build, builder, names
from minigooglenet.models.classic import alexnet, nin, vgg16
from minigooglenet.models.googlenet import MODULES, googlenet
from minigooglenet.models.later import (
    bn_inception,
    efficientnet_lite0,
    inception_resnet_v2,
    inception_v3,
    inception_v4,
    mobilenet_v2,
    resnet18,
    resnet50,
    resnext50_32x4d,
    squeezenet1_0,
    squeezenet1_1,
    xception,
)
from minigooglenet.models.mini_googlenet import mini_googlenet
from minigooglenet.models.modules import inception, inception_naive
from minigooglenet.models.replace_classifier import classifiers, with_class_order, with_classes

__all__ = [
    "MODULES",
    "Style",
    "alexnet",
    "bn_inception",
    "build",
    "builder",
    "classifiers",
    "efficientnet_lite0",
    "googlenet",
    "inception",
    "inception_naive",
    "inception_resnet_v2",
    "inception_v3",
    "inception_v4",
    "mini_googlenet",
    "mobilenet_v2",
    "names",
    "nin",
    "resnet18",
    "resnet50",
    "resnext50_32x4d",
    "squeezenet1_0",
    "squeezenet1_1",
    "vgg16",
    "with_class_order",
    "with_classes",
    "xception",
]
