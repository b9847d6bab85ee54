"""Layers of later networks, such as the later Inception versions, ResNeXt and MobileNet, and of ONNX files."""

from minigooglenet.layers.later.channel_shuffle import ChannelShuffle
from minigooglenet.layers.later.channel_slice import ChannelSlice
from minigooglenet.layers.later.elementwise import Clip, HardSwish, LeakyReLU, ReLU6, Sigmoid, SiLU, Tanh
from minigooglenet.layers.later.merge import Multiply
from minigooglenet.layers.later.pad import Pad
from minigooglenet.layers.later.pooling import GlobalMaxPool2d
from minigooglenet.layers.later.scale import Scale

__all__ = ["ChannelShuffle", "ChannelSlice", "Clip", "GlobalMaxPool2d", "HardSwish", "LeakyReLU", "Multiply", "Pad"]
__all__ += ["ReLU6", "Scale", "SiLU", "Sigmoid", "Tanh"]
