"""Classification of one image with a trained network: the likeliest classes."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from minigooglenet import checks
from minigooglenet.data import Pixels, modes, photos
from minigooglenet.evaluation.prediction import planned, probabilities
from minigooglenet.graph import Graph
from minigooglenet.planning import Plan
from minigooglenet.shapes import integer
from minigooglenet.typing import FloatArray, PathLike, UInt8Array

TOP = 5
BAR = 20  # characters for a probability of 1


class Guess(NamedTuple):
    """A class and its probability; `index` is its index in the network's output.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.evaluation.Guess("cat", 0.75, 3)
    Guess(name='cat', probability=0.75, index=3)
    """

    name: str
    probability: float
    index: int  # type: ignore[assignment]


class Answer(tuple[Guess, ...]):
    """The likeliest classes of an image, a tuple of `Guess`; it prints as one line with a bar per class.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.evaluation.Answer([mg.evaluation.Guess("cat", 0.75, 3), mg.evaluation.Guess("dog", 0.25, 5)])
       75.00%  ###############       cat
       25.00%  #####                 dog
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(f"  {p:7.2%}  {'#' * round(BAR * p):{BAR}}  {name}" for name, p, _ in self)


def classify(
    graph: Graph | Plan,
    image: PathLike | Image.Image | UInt8Array,
    *,
    pixels: Pixels,
    classes: Sequence[str] | None = None,
    crops: int = 1,
    rule: str = "box",
    top: int = TOP,
) -> Answer:
    """Return the likeliest classes of an image.

    Parameters
    ----------
    graph : Graph or plan with one input (C, size, size) and one output, the logits
    image : file, PIL image, or uint8 array (C, H, W)
    pixels : Pixels, how images become inputs
    classes : names of the outputs; "class 0", "class 1", ... by default
    crops : number of crops, 1, 10 or 144; 0 for the whole image
    rule : "box", or "torchvision" for the weights that torchvision publishes, as in `evaluation.crops`
    top : number of classes to return

    Raises
    ------
    BadImageError
        If the file cannot be read as an image.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(10, rng=0)
    >>> answer = mg.evaluation.classify(g, mg.data.photograph(), pixels=mg.data.UNIT, top=3)
    >>> len(answer), answer[0].probability > answer[1].probability
    (3, True)
    """
    top = integer(top, "top", 1)
    (run,) = planned(graph)
    size = None if rule == "torchvision" else run.shapes[run.inputs[0]][1]  # None keeps every pixel
    likelihoods = probabilities(run, [_pixels_of(image, pixels.channels, size)], pixels, crops, rule=rule)[0]
    return likeliest(likelihoods, classes, top)


def likeliest(probabilities: FloatArray, classes: Sequence[str] | None = None, top: int = TOP) -> Answer:
    """Return the `top` likeliest classes for an array of class probabilities."""
    order = np.argsort(-probabilities, kind="stable")[:top]
    return Answer(
        Guess(f"class {i}" if classes is None else classes[i], float(probabilities[i]), int(i)) for i in map(int, order)
    )


def read_image(path: PathLike, channels: int, size: int | None) -> UInt8Array:
    """Return uint8 (channels, H, W) of an image file, no larger than the crops for a network of `size` require."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the error of the limit is clearer
        return photos.read(path, channels, size=size)


def _pixels_of(image: Any, channels: int, size: int | None) -> UInt8Array:
    if isinstance(image, (str, Path)):
        return read_image(image, channels, size)
    if isinstance(image, Image.Image):
        return photos.as_array(modes.to_rgb(image), channels)
    image = np.asarray(checks.unmasked(image, "image"))
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[0] != channels:
        raise ValueError(
            f"image must be a file, a PIL image or a uint8 array ({channels}, H, W), got {image.dtype} {image.shape}"
        )
    return image
