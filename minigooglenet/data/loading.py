"""Data sets by name, ready for training."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minigooglenet.data import transforms
from minigooglenet.data.cifar import SHAPE as CIFAR10_SHAPE
from minigooglenet.data.cifar import cifar10
from minigooglenet.data.dataset import Images, Split
from minigooglenet.data.folders import image_folder
from minigooglenet.data.handwritten import digits
from minigooglenet.data.mnist_sets import FASHION, fashion_mnist, idx_folder, is_idx_folder, mnist
from minigooglenet.data.pixels import GREY_UNIT, UNIT
from minigooglenet.data.scenes import shapes
from minigooglenet.shapes import integer
from minigooglenet.typing import PathLike

NAMES = ("digits", "shapes", "cifar10", "mnist", "fashion-mnist")
SCENES = (4000, 1000)  # for training, held out


def load(
    name_or_folder: PathLike,
    size: int | None = None,
    *,
    augment: bool = False,
    on_bytes: Callable[[int, int], object] | None = None,
    held_out: str | None = None,
) -> Split:
    """Return labelled images as a training set and a held-out set, always split the same way.

    Parameters
    ----------
    name_or_folder : one of `NAMES`, or the path of a folder with one folder per class or with MNIST's four idx files
    size : height and width; by default 32 for a name or idx files, and 224 for photographs. CIFAR-10 is only available
        at 32, images of idx files only at their own size (28 for MNIST) or more
    augment : whether training images vary at random: digits and MNIST are shifted; shapes, CIFAR-10 and Fashion-MNIST
        are shifted and mirrored; photographs are cropped as in the paper, mirrored and distorted
    on_bytes : called with (bytes so far, total bytes) while a data set is downloaded
    held_out : name of the held-out folder next to `train` for a folder that has several

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.data.load("digits")
    Split(1438 train, 359 test, 10 classes, 1x32x32)
    """
    if held_out is not None and name_or_folder in NAMES:
        raise ValueError(f"held_out={held_out!r} is only for folders of images; {name_or_folder} has one test set")
    change: Callable[..., Any]
    if name_or_folder == "digits":
        split, change = _digits(32 if size is None else size), partial(transforms.shift, most=2)
    elif name_or_folder == "shapes":
        split, change = _shapes(32 if size is None else size), transforms.small_augmentation
    elif name_or_folder == "cifar10":
        if size not in (None, CIFAR10_SHAPE[-1]):
            raise ValueError(f"size must be 32 for CIFAR-10, whose images are 32 x 32, got {size!r}")
        split, change = cifar10(on_bytes=on_bytes), transforms.small_augmentation
    elif name_or_folder in ("mnist", "fashion-mnist"):
        split = (mnist if name_or_folder == "mnist" else fashion_mnist)(size, on_bytes=on_bytes)
        change = _idx_augmentation(split)
    else:
        folder = Path(name_or_folder)
        if not folder.is_dir():
            names = ", ".join(map(repr, NAMES))
            raise ValueError(f"data must be {names} or an existing folder, got {os.fspath(folder)!r}")
        if is_idx_folder(folder):
            if held_out is not None:
                raise ValueError(f"held_out={held_out!r} is only for folders of images; {folder} has one test set")
            split = idx_folder(folder, size)
            change = _idx_augmentation(split)
        else:
            size = integer(224 if size is None else size, "size", 1)
            split = image_folder(folder, size, held_out=held_out)
            change = partial(transforms.photo_augmentation, size=size)
    if augment:
        split.train.augment = change
    return split


def _idx_augmentation(split):
    """Return the augmentation of an idx data set: letters and digits must not be mirrored."""
    return transforms.small_augmentation if split.train.classes == FASHION else partial(transforms.shift, most=2)


def _digits(size):
    images, labels, test_images, test_labels = digits(size)
    classes = tuple("0123456789")
    train, test = (np.rint((x + 1) * 127.5).astype(np.uint8) for x in (images, test_images))
    return Split(Images(train, labels, classes, GREY_UNIT), Images(test, test_labels, classes, GREY_UNIT))


def _shapes(size):
    scenes = (shapes(count, size, seed=seed) for seed, count in enumerate(SCENES))
    return Split(*(Images(one.images, one.labels, one.classes, UNIT) for one in scenes))
