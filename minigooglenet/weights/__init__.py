"""Weights of a network: read from files of many kinds, checked, and written so that damage is noticed."""

from minigooglenet.weights import architecture, onnx
from minigooglenet.weights.assign import fill
from minigooglenet.weights.contents import Contents, UnknownPixelsWarning, WeightsError
from minigooglenet.weights.detect import read
from minigooglenet.weights.network import Loaded, load, load_into, save, training_images
from minigooglenet.weights.published import fetch

__all__ = [
    "Contents",
    "Loaded",
    "UnknownPixelsWarning",
    "WeightsError",
    "architecture",
    "fetch",
    "fill",
    "load",
    "load_into",
    "onnx",
    "read",
    "save",
    "training_images",
]
