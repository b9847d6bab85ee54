"""Conversion of the data that a Trainer accepts, a Split or arrays of images and labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigooglenet import checks
from minigooglenet.data.arrays import default_pixels
from minigooglenet.data.dataset import Dataset, Images, Split

FORMS = (
    "a data.Split of two data sets, such as data.load('digits'), or (train_images, train_labels, test_images, "
    "test_labels), such as data.digits()"
)


def as_split(value: Split | Sequence[Any], classes: int) -> Split:
    """Return training and held-out data as a Split.

    Parameters
    ----------
    value : Split, a pair of data sets, or four arrays: training images and labels, held-out images and labels. uint8
        images become inputs in -1 .. 1. Floats are used unchanged; to record their mean and std with the weights, pass
        a Split of `Images(images, labels, classes, pixels)`.
    classes : number of classes of the network; for arrays they are named "0", "1", ...

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.data.as_split(mg.data.digits(), classes=10)
    Split(1438 train, 359 test, 10 classes, 1x32x32)
    """
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"data must be {FORMS}; got {type(value).__name__}")
    if len(value) == 2 and all(isinstance(part, Dataset) for part in value):
        return value if isinstance(value, Split) else Split(*value)
    if len(value) != 4:
        kinds = ", ".join(type(part).__name__ for part in value)
        raise TypeError(f"data must be {FORMS}; got {len(value)} values ({kinds})")
    names = tuple(map(str, range(classes)))
    parts = []
    for part, images, labels in (("train", *value[:2]), ("test", *value[2:])):
        try:
            images = np.asarray(images)
            if len(images) != np.size(labels):
                raise ValueError(f"{len(images)} images and {np.size(labels)} labels; every image needs one label")
            parts.append(Images(images, checks.labels(labels, len(images), classes), names, default_pixels(images)))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{part}: {error}") from error
    return Split(*parts)
