"""Real images as arrays."""

from minigooglenet.data.digits import digits
from minigooglenet.data.photos import RGB_MEAN, photograph, prepare

__all__ = ["RGB_MEAN", "digits", "photograph", "prepare"]
