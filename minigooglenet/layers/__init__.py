"""Layers: thin objects over the kernels, each an operation with its hyperparameters and parameters."""

from minigooglenet.layers import later
from minigooglenet.layers.activation import Dropout, ReLU, Softmax
from minigooglenet.layers.base import Layer
from minigooglenet.layers.conv import Conv2d
from minigooglenet.layers.later import *  # noqa: F403 (listed there)
from minigooglenet.layers.linear import Flatten, Linear
from minigooglenet.layers.merge import Add, Concat
from minigooglenet.layers.norm import BatchNorm2d, LocalResponseNorm
from minigooglenet.layers.pooling import AdaptiveAvgPool2d, AvgPool2d, GlobalAvgPool2d, MaxPool2d
from minigooglenet.layers.registry import register

__all__ = ["AdaptiveAvgPool2d", "Add", "AvgPool2d", "BatchNorm2d", "Concat", "Conv2d", "Dropout", "Flatten"]
__all__ += ["GlobalAvgPool2d", "Layer", "Linear", "LocalResponseNorm", "MaxPool2d", "ReLU", "Softmax", "register"]
__all__ += later.__all__
