"""Whole networks, each a function that returns its graph."""

from minigooglenet.models.blocks import Style, inception, inception_naive
from minigooglenet.models.catalogue import build, builder, names
from minigooglenet.models.classic import alexnet, nin, vgg16
from minigooglenet.models.googlenet import googlenet, mini_googlenet
from minigooglenet.models.reclassed import classifiers, with_class_order, with_classes

__all__ = [
    "Style",
    "alexnet",
    "build",
    "builder",
    "classifiers",
    "googlenet",
    "inception",
    "inception_naive",
    "mini_googlenet",
    "names",
    "nin",
    "vgg16",
    "with_class_order",
    "with_classes",
]
