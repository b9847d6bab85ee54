"""What training and testing ask of a set of labelled images, and the set that lies in memory."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from minigooglenet import checks, console
from minigooglenet.data import arrays
from minigooglenet.data.pixels import Pixels


class BadImageError(ValueError):
    """An image that cannot be used, with the reason; the others of its set still can."""


class Dataset:
    """Labelled images. A subclass gives the attributes and `image`.

    Attributes
    ----------
    classes : names of the classes
    labels : (M,) integers
    shape : (C, H, W) of what `load` returns
    pixels : Pixels, how an image becomes that
    augment : function (image, rng) -> image (C, H, W) for training, or None
    skipped : {name: reason} of the images that could not be used so far
    shrink : whether large images are decoded at a smaller size, which is faster; False keeps every pixel
    notes : sentences about the data that a user should read, such as a folder that is not used
    seen_before : record of images that the first weights were trained on, see `seen`, or None
    """

    classes: tuple[str, ...]
    labels: np.ndarray
    shape: tuple[int, int, int]
    pixels: Pixels
    augment = None
    shrink = True
    notes: tuple[str, ...] = ()
    seen_before = None

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        size = console.text(tuple(self.shape))
        return f"{type(self).__name__}({len(self)} images, {len(self.classes)} classes, {size})"

    @cached_property
    def skipped(self) -> dict[str, str]:
        return {}

    def name(self, index: int) -> str:
        """Return what to call image `index` in a message."""
        return f"image {index}"

    def image(self, index: int) -> np.ndarray:
        """Return image `index` as it is, uint8 (C, height, width) of any size; raise a BadImageError if it is bad."""
        raise NotImplementedError

    def fitted(self, image: np.ndarray) -> np.ndarray:
        """Return an image at the size of `shape`, as testing takes it."""
        return image

    def digest(self) -> str:
        """Return a SHA-256 that tells this set from others; a subclass adds what its images are."""
        return hashlib.sha256(np.asarray(self.labels, np.int64).tobytes() + self._content()).hexdigest()

    def _content(self) -> bytes:
        return b""

    def seen(self):
        """Return a `seen.SeenImages` of these images, or None if they have no names of their own."""

    def overlap(self, records, indices):
        """Return how many of the images at `indices` are in `seen` records, a `seen.Overlap`; None if unknown."""

    @property
    def whole(self) -> bool:
        """Whether testing takes images as they are: `fitted` is not a subclass's own."""
        return type(self).fitted is Dataset.fitted

    def load(self, index: int, rng=None) -> np.ndarray:
        """Return image `index` as input, float32 of `shape`: augmented with `rng` for training, fitted without."""
        image = self.image(index)
        augment = self.augment is not None and rng is not None
        return self.pixels.to_input(self.augment(image, rng) if augment else self.fitted(image))


@dataclass(repr=False)
class Images(Dataset):
    """Images of one size in memory.

    images : (M, C, H, W). uint8 are pixels of 0 .. 255, red first. float32 and float64 are inputs of a network, which
        were computed as (pixel - mean) / std; they are used as they are, in float32.
    labels : (M,) integers
    classes : names of the classes
    pixels : Pixels, the mean and std; None only for floats for which they are unknown. Then weights that are trained on
        them do not state how images become inputs.
    augment : as in Dataset; it gets floats where `images` are floats
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    pixels: Pixels | None
    augment: object = None

    def __post_init__(self):
        self.images = arrays.checked(self.images, self.pixels)
        self.labels = checks.labels(self.labels, len(self.images), len(self.classes)).astype(np.int64)

    @property
    def shape(self):
        return self.images.shape[1:]

    def image(self, index):
        """Return image `index` as uint8; floats become the nearest pixels."""
        image = self.images[index]
        if image.dtype == np.uint8:
            return image
        if self.pixels is None:
            raise ValueError("images given as floats without pixels= cannot be turned back into pixels of 0 .. 255")
        return self.pixels.to_pixels(image)

    def inputs(self, indices) -> np.ndarray:
        """Return the images at `indices` as a batch of inputs, float32, not augmented."""
        return self._to_input(self.images[indices])

    def load(self, index, rng=None):
        if self.images.dtype == np.uint8:
            return super().load(index, rng)
        image = self.images[index]
        augment = self.augment is not None and rng is not None
        return self._to_input(self.augment(image, rng) if augment else self.fitted(image))

    def _to_input(self, images):
        if images.dtype == np.uint8:
            return self.pixels.to_input(images)
        return np.array(images, np.float32, order="C")

    def _content(self):
        return hashlib.sha256(np.ascontiguousarray(self.images)).digest()


class Split(NamedTuple):
    """What is learned from and what is held out."""

    train: Dataset
    test: Dataset

    def __repr__(self) -> str:
        train, test = self
        size = console.text(tuple(train.shape))
        return f"Split({len(train)} train, {len(test)} test, {len(train.classes)} classes, {size})"
