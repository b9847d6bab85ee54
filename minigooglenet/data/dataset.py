"""The interface of data sets for training and evaluation, and the data set whose images are in memory."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigooglenet import checks, console, renamed
from minigooglenet.data import arrays
from minigooglenet.data.pixels import Pixels
from minigooglenet.typing import Array, FloatArray, IntArray, UInt8Array

if TYPE_CHECKING:
    from minigooglenet.data.seen import Overlap, SeenImages


class BadImageError(ValueError):
    """An image that cannot be used, with the reason. The other images of its data set still can.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> try:
    ...     raise mg.data.BadImageError("the file is empty")
    ... except ValueError as error:
    ...     print(error)
    the file is empty
    """


class Dataset:
    """Labelled images, the base class of all data sets. A subclass defines `image` and the first four attributes.

    Attributes
    ----------
    classes : names of the classes
    labels : (M,) integers
    shape : (C, H, W) of the arrays that `load` returns
    pixels : Pixels, how an image becomes such an array
    augment : function (image, rng) -> image (C, H, W) for training, or None
    skipped : {name: reason} of the images that could not be used so far
    shrink : whether large images are decoded at a smaller size, which is faster; False keeps every pixel
    notes : sentences about the data that a user should read, such as a folder that is not used
    seen_before : record of the images that the initial weights were trained on, see `seen`, or None

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> class Flat(mg.data.Dataset):
    ...     classes, labels, shape, pixels = ("dark", "light"), np.array([0, 1]), (1, 4, 4), mg.data.GREY_UNIT
    ...     def image(self, index):
    ...         return np.full((1, 4, 4), 255 * index, np.uint8)
    >>> Flat()
    Flat(2 images, 2 classes, 1x4x4)
    >>> float(Flat().load(1).mean())
    1.0
    """

    classes: tuple[str, ...]
    labels: IntArray
    shape: tuple[int, int, int]
    pixels: Pixels
    augment: Callable[[Array, np.random.Generator], Array] | None = None
    shrink = True
    notes: tuple[str, ...] = ()
    seen_before: SeenImages | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        """Keep the old name of `image`, `picture`, in both directions until 0.3: defined by a subclass, and called."""
        super().__init_subclass__(**options)
        if "image" in vars(cls):
            setattr(cls, "picture", _old_method(vars(cls)["image"]))  # noqa: B010 (no attribute for type checkers)
        elif "picture" in vars(cls):
            renamed.warn(f"{cls.__name__}.picture", "image", stacklevel=3)
            setattr(cls, "image", vars(cls)["picture"])  # noqa: B010

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        size = console.text(tuple(self.shape))
        return f"{type(self).__name__}({len(self)} images, {len(self.classes)} classes, {size})"

    @cached_property
    def skipped(self) -> dict[str, str]:
        return {}

    def name(self, index: int) -> str:
        """Return the name of image `index`, for messages."""
        return f"image {index}"

    def image(self, index: int) -> UInt8Array:
        """Return image `index` unchanged, uint8 (C, height, width) of any size.

        Raises
        ------
        BadImageError
            If the image cannot be used.
        """
        raise NotImplementedError

    def fitted(self, image: Array) -> Array:
        """Return an image at the size of `shape`, as evaluation uses it."""
        return image

    def digest(self) -> str:
        """Return a SHA-256 that distinguishes this data set from others; a subclass adds the content of its images."""
        return hashlib.sha256(np.asarray(self.labels, np.int64).tobytes() + self._content()).hexdigest()

    def _content(self) -> bytes:
        return b""

    def seen(self) -> SeenImages | None:
        """Return the record of these images for later comparison, or None if the images have no file names."""
        return None

    def overlap(self, records: Iterable[SeenImages | None], indices: Iterable[int]) -> Overlap | None:
        """Return how many of the images at `indices` are in the `seen` records, or None if unknown."""
        return None

    @property
    def whole(self) -> bool:
        """Whether evaluation uses whole images: no subclass overrides `fitted`."""
        return type(self).fitted is Dataset.fitted

    def load(self, index: int, rng: np.random.Generator | None = None) -> FloatArray:
        """Return image `index` as input, float32 of `shape`: augmented if there is an `rng`, otherwise `fitted`."""
        image = self.image(index)
        return self.pixels.to_input(self._varied(image, rng))

    def _varied(self, image: Array, rng: np.random.Generator | None) -> Array:
        return self.fitted(image) if self.augment is None or rng is None else self.augment(image, rng)


def _old_method(image):
    """Return the method `picture` of the class that defines `image`."""

    @functools.wraps(image)
    def picture(self, index):
        renamed.warn("picture", "image", stacklevel=2)
        return image(self, index)

    return picture


def _old_keyword(init):
    """Return the constructor of Images that also accepts images= by its old name, pictures=."""

    @functools.wraps(init)
    def accept(self, *args, **arguments):
        if "pictures" in arguments:
            renamed.warn("pictures=", "images=", stacklevel=2)
            arguments["images"] = arguments.pop("pictures")
        init(self, *args, **arguments)

    return accept


@dataclass(repr=False)
class Images(Dataset):
    """Images of one size in memory.

    Parameters
    ----------
    images : (M, C, H, W). uint8 are pixels in 0 .. 255, red first. float32 and float64 are network inputs, computed as
        (pixel - mean) / std; they are used unchanged, as float32.
    labels : (M,) integers
    classes : names of the classes
    pixels : Pixels, the mean and std; None only for floats whose mean and std are unknown. Then weights that are
        trained on them do not record how images become inputs.
    augment : as in Dataset; it gets floats if `images` are floats

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> dataset = mg.data.Images(images, [0, 1], ("dark", "light"), mg.data.GREY_UNIT)
    >>> dataset
    Images(2 images, 2 classes, 1x1x1)
    >>> dataset.inputs([0, 1]).ravel().tolist()
    [-1.0, 1.0]
    """

    images: Array
    labels: IntArray
    classes: tuple[str, ...]
    pixels: Pixels | None  # type: ignore[assignment]
    augment: Callable[[Array, np.random.Generator], Array] | None = None

    def __post_init__(self) -> None:
        self.images = arrays.checked(self.images, self.pixels)
        self.labels = checks.labels(self.labels, len(self.images), len(self.classes)).astype(np.int64)

    @property
    def pictures(self) -> Array:
        """Old name of `images`, until 0.3."""
        return renamed.attribute(self, "pictures", "images")

    @property
    def shape(self) -> tuple[int, int, int]:  # type: ignore[override]
        """Return (C, H, W) of the images."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def image(self, index: int) -> UInt8Array:
        """Return image `index` as uint8; floats become the nearest pixel values."""
        image = self.images[index]
        if image.dtype == np.uint8:
            return image
        if self.pixels is None:
            raise ValueError(
                "these images are floats without pixels=, so they cannot be converted back to pixels in 0 .. 255. "
                "Pass pixels= to Images."
            )
        return self.pixels.to_pixels(image)

    def inputs(self, indices: Any) -> FloatArray:
        """Return the images at `indices` as a batch of inputs, float32, not augmented."""
        return self._to_input(self.images[indices])

    def load(self, index: int, rng: np.random.Generator | None = None) -> FloatArray:
        """Return image `index` as input, float32 of `shape`: augmented if there is an `rng`, otherwise `fitted`."""
        if self.images.dtype == np.uint8:
            return super().load(index, rng)
        return self._to_input(self._varied(self.images[index], rng))

    def _to_input(self, images: Array) -> FloatArray:
        if images.dtype == np.uint8:
            assert self.pixels is not None  # `arrays.checked` rejects uint8 without pixels
            return self.pixels.to_input(images)
        return np.array(images, np.float32, order="C")

    def _content(self):
        return hashlib.sha256(np.ascontiguousarray(self.images).data).digest()


Images.__init__ = _old_keyword(Images.__init__)  # type: ignore[method-assign]


class Split(NamedTuple):
    """A training set, and a held-out set for validation or testing.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> train, test = (mg.data.shapes(count, seed=seed) for seed, count in enumerate((8, 2)))
    >>> mg.data.Split(*(mg.data.Images(*part[:2], part.classes, mg.data.UNIT) for part in (train, test)))
    Split(8 train, 2 test, 10 classes, 3x32x32)
    """

    train: Dataset
    test: Dataset

    def __repr__(self) -> str:
        train, test = self
        size = console.text(tuple(train.shape))
        return f"Split({len(train)} train, {len(test)} test, {len(train.classes)} classes, {size})"
