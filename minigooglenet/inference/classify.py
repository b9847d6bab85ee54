"""One image and a trained network: the likeliest classes."""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from minigooglenet.data.photos import MOST_PIXELS, decode
from minigooglenet.inference.predict import probabilities
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


def classify(graph, image, *, pixels, classes=None, crops=1, top=TOP) -> Answer:
    """Return the likeliest classes of an image.

    Parameters
    ----------
    graph : Graph or plan of one input (C, size, size) that gives a value for each class
    image : file, PIL image, or uint8 array (C, H, W)
    pixels : Pixels, how images become inputs
    classes : names of the outputs; "class 0", "class 1", ... by default
    crops : 1, 10 or 144; 0 for the whole image
    top : how many classes to return

    Raises
    ------
    BadImageError
        If the file cannot be read as an image.
    """
    top = integer(top, "top", 1)
    found = probabilities(graph, [_pixels_of(image, graph, pixels.channels)], pixels, crops)[0]
    return likeliest(found, classes, top)


def likeliest(found, classes=None, top=TOP) -> Answer:
    """Return the `top` largest of the probabilities of the classes."""
    order = np.argsort(-found, kind="stable")[:top]
    return Answer(
        Guess(f"class {i}" if classes is None else classes[i], float(found[i]), int(i)) for i in map(int, order)
    )


def read_image(path, channels: int, size: int) -> np.ndarray:
    """Return uint8 (channels, H, W) of an image file, no larger than crops for a network of `size` need."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit has better words
        image = decode(path, MOST_PIXELS, least_side=2 * size)  # no crop is of a scale above 352 to 224
    return _array(image, channels)


def _pixels_of(image, graph, channels):
    if isinstance(image, (str, Path)):
        _, size, _ = graph.shapes[next(iter(graph.inputs))]
        return read_image(image, channels, size)
    if isinstance(image, Image.Image):
        return _array(image, channels)
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[0] != channels:
        raise ValueError(
            f"an image must be a file, a PIL image or a uint8 array ({channels}, H, W), got {image.dtype} {image.shape}"
        )
    return image


def _array(image, channels):
    values = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return values[None] if channels == 1 else values.transpose(2, 0, 1)
