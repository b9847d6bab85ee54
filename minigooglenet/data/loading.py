"""Data by name, ready to train on."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from minigooglenet.data import transforms
from minigooglenet.data.cifar import SHAPE as CIFAR10_SHAPE
from minigooglenet.data.cifar import cifar10
from minigooglenet.data.dataset import Images, Split
from minigooglenet.data.folders import image_folder
from minigooglenet.data.handwritten import digits
from minigooglenet.data.pixels import GREY_UNIT, UNIT
from minigooglenet.data.scenes import shapes
from minigooglenet.shapes import integer

NAMES = ("digits", "shapes", "cifar10")
SCENES = (4000, 1000)  # to learn from, held out


def load(name_or_folder, size=None, *, augment=False, on_bytes=None, held_out=None) -> Split:
    """Return labelled images, those to learn from and those held out, always split the same way.

    Parameters
    ----------
    name_or_folder : "digits", "shapes", "cifar10", or the path of a folder with one folder for each class
    size : height and width, 32 for the named ones by default and 224 for a folder; CIFAR-10 has 32 only
    augment : whether training sees an image differently each time: digits shifted; shapes and CIFAR-10 shifted and
        mirrored; photographs cropped as in the paper, mirrored and distorted
    on_bytes : called with (bytes so far, bytes in all) while CIFAR-10 is downloaded
    held_out : name of the held-out folder next to `train`, for a folder that has several
    """
    if held_out is not None and name_or_folder in NAMES:
        raise ValueError(f"held_out={held_out!r} is for a folder; {name_or_folder} has one test set")
    if name_or_folder == "digits":
        split, change = _digits(32 if size is None else size), partial(transforms.shift, most=2)
    elif name_or_folder == "shapes":
        split, change = _shapes(32 if size is None else size), transforms.small_augmentation
    elif name_or_folder == "cifar10":
        if size not in (None, CIFAR10_SHAPE[-1]):
            raise ValueError(f"the images of CIFAR-10 are 32 x 32, size {size!r} cannot be had")
        split, change = cifar10(on_bytes=on_bytes), transforms.small_augmentation
    else:
        folder = Path(name_or_folder)
        if not folder.is_dir():
            raise ValueError(
                f"data is 'digits', 'shapes', 'cifar10' or a folder; {os.fspath(folder)!r} is none of them"
            )
        size = integer(224 if size is None else size, "size", 1)
        split, change = image_folder(folder, size, held_out=held_out), partial(transforms.photo_augmentation, size=size)
    if augment:
        split.train.augment = change
    return split


def _digits(size):
    images, labels, test_images, test_labels = digits(size)
    classes = tuple("0123456789")
    train, test = (np.rint((x + 1) * 127.5).astype(np.uint8) for x in (images, test_images))
    return Split(Images(train, labels, classes, GREY_UNIT), Images(test, test_labels, classes, GREY_UNIT))


def _shapes(size):
    scenes = (shapes(count, size, seed=seed) for seed, count in enumerate(SCENES))
    return Split(*(Images(one.images, one.labels, one.classes, UNIT) for one in scenes))
