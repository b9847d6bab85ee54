"""What a Trainer accepts as data: a Split, or arrays of images and labels."""

import numpy as np

from minigooglenet import checks
from minigooglenet.data.arrays import default_pixels
from minigooglenet.data.dataset import Dataset, Images, Split

FORMS = (
    "a data.Split of two data sets, such as data.load('digits'), or (train_images, train_labels, test_images, "
    "test_labels), such as data.digits()"
)


def as_split(value, classes: int) -> Split:
    """Return training and test data as a Split.

    Parameters
    ----------
    value : Split, a pair of data sets, or four arrays: images and labels to train on, images and labels to test on.
        uint8 images become inputs in -1 .. 1. Floats are used as they are; to record what they mean with the weights,
        pass a Split of `Images(images, labels, classes, pixels)`.
    classes : how many classes the network has; those of arrays are named "0", "1", ...
    """
    if isinstance(value, Split):
        return value
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"data must be {FORMS}; got {type(value).__name__}")
    if len(value) == 2 and all(isinstance(part, Dataset) for part in value):
        return Split(*value)
    if len(value) != 4:
        raise TypeError(f"data must be {FORMS}; got {len(value)} values")
    names = tuple(map(str, range(classes)))
    parts = []
    for what, images, labels in (("train", *value[:2]), ("test", *value[2:])):
        try:
            images = np.asarray(images)
            if len(images) != np.size(labels):
                raise ValueError(f"{len(images)} images and {np.size(labels)} labels; every image needs its label")
            parts.append(Images(images, checks.labels(labels, len(images), classes), names, default_pixels(images)))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{what}: {error}") from error
    return Split(*parts)
