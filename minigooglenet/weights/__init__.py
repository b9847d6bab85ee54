"""Weights files: reading several formats, checking them, and writing files with checksums."""

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
