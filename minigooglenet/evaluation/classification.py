"""One image and a trained network: the likeliest classes."""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from minigooglenet import checks
from minigooglenet.data import modes, photos
from minigooglenet.evaluation.prediction import planned, probabilities
from minigooglenet.shapes import integer

TOP = 5
BAR = 20  # characters of a probability of 1


class Guess(NamedTuple):
    """A class and its probability; `index` is the position in the network's output."""

    name: str
    probability: float
    index: int


class Answer(tuple):
    """The likeliest classes of an image as `Guess`es, the likeliest first; printed, a line with a bar for each."""

    __slots__ = ()

    def __repr__(self):
        return "\n".join(f"  {p:7.2%}  {'#' * round(BAR * p):{BAR}}  {name}" for name, p, _ in self)


def classify(graph, image, *, pixels, classes=None, crops=1, rule="box", top=TOP) -> Answer:
    """Return the likeliest classes of an image.

    Parameters
    ----------
    graph : Graph or plan of one input (C, size, size) that gives a value for each class
    image : file, PIL image, or uint8 array (C, H, W)
    pixels : Pixels, how images become inputs
    classes : names of the outputs; "class 0", "class 1", ... by default
    crops : 1, 10 or 144; 0 for the whole image
    rule : "box", or "torchvision" for the weights that torchvision publishes, as in `evaluation.crops`
    top : how many classes to return

    Raises
    ------
    BadImageError
        If the file cannot be read as an image.
    """
    top = integer(top, "top", 1)
    (run,) = planned(graph)
    size = None if rule == "torchvision" else run.shapes[run.inputs[0]][1]  # None keeps every pixel
    found = probabilities(run, [_pixels_of(image, pixels.channels, size)], pixels, crops, rule=rule)[0]
    return likeliest(found, classes, top)


def likeliest(found, classes=None, top=TOP) -> Answer:
    """Return the `top` largest of the probabilities of the classes."""
    order = np.argsort(-found, kind="stable")[:top]
    return Answer(
        Guess(f"class {i}" if classes is None else classes[i], float(found[i]), int(i)) for i in map(int, order)
    )


def read_image(path, channels: int, size: int | None) -> np.ndarray:
    """Return uint8 (channels, H, W) of an image file, no larger than crops for a network of `size` need."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit has better words
        return photos.read(path, channels, size=size)


def _pixels_of(image, channels, size):
    if isinstance(image, (str, Path)):
        return read_image(image, channels, size)
    if isinstance(image, Image.Image):
        return photos.as_array(modes.to_rgb(image), channels)
    image = np.asarray(checks.unmasked(image, "the image"))
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[0] != channels:
        raise ValueError(
            f"an image must be a file, a PIL image or a uint8 array ({channels}, H, W), got {image.dtype} {image.shape}"
        )
    return image
