"""Real images as arrays."""

from minigooglenet.data.dataset import BadImageError, Dataset, Pictures, Split
from minigooglenet.data.digits import digits
from minigooglenet.data.photos import photograph, prepare
from minigooglenet.data.pixels import GREY_UNIT, RGB_MEAN, UNIT, Pixels

__all__ = [
    "GREY_UNIT",
    "RGB_MEAN",
    "UNIT",
    "BadImageError",
    "Dataset",
    "Pictures",
    "Pixels",
    "Split",
    "digits",
    "photograph",
    "prepare",
]
