"""Image folders: data sets with one folder of image files per class, as for ImageNet."""

from __future__ import annotations

import errno
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from minigooglenet import console
from minigooglenet.data import layout, listing, names, transforms
from minigooglenet.data import seen as records_of
from minigooglenet.data.dataset import BadImageError, Dataset, Split
from minigooglenet.data.photos import read
from minigooglenet.data.pixels import Pixels
from minigooglenet.data.seen import Overlap, SeenImages
from minigooglenet.shapes import integer
from minigooglenet.typing import Array, PathLike, UInt8Array

MOST_PIXELS = 50_000_000  # 200 MB when decoded, twice that if the image is not RGB; each worker may hold one such image
FEW = 5  # names in a message


class FolderWarning(UserWarning):
    """A folder that seems to be meant for testing cannot be used, so a fraction of the training images is held out.

    Examples
    --------
    >>> import warnings
    >>> import minigooglenet as mg
    >>> warnings.simplefilter("error", mg.data.FolderWarning)  # stop instead
    >>> warnings.resetwarnings()
    """


class ImageFolder(Dataset):
    """Image files, decoded on demand.

    Parameters
    ----------
    folder : path of the folder that contains the class folders
    classes : names of the classes; the index of a class is its label
    listed : {class: "folder/file" of its images}
    size : S, images become (3, S, S), mean colour subtracted
    augment : function (image, rng) -> image (3, S, S) for training, or None
    most_pixels : images that declare more pixels are not decoded

    Attributes
    ----------
    files : list of M names, "class/image.jpg", as they are on disk
    skipped : as in Dataset; also the files that were not images when the folder was listed

    Examples
    --------
    >>> import pathlib
    >>> import minigooglenet as mg
    >>> files = {"cat": ["cat/1.jpg"], "dog": ["dog/1.jpg", "dog/2.jpg"]}
    >>> dataset = mg.data.ImageFolder(pathlib.Path("photos"), ("cat", "dog"), files, size=224)
    >>> dataset
    ImageFolder(3 images, 2 classes, 3x224x224)
    >>> dataset.name(2), int(dataset.labels[2])
    ('dog/2.jpg', 1)
    """

    def __init__(
        self,
        folder: Path,
        classes: tuple[str, ...],
        listed: Mapping[str, Sequence[str]],
        *,
        size: int,
        augment: Callable[[Array, np.random.Generator], Array] | None = None,
        most_pixels: int = MOST_PIXELS,
    ) -> None:
        self.folder, self.classes, self.augment, self.most_pixels = folder, classes, augment, most_pixels
        self.pixels = Pixels()
        self.shape = (3, size, size)
        self.files = [file for name in classes for file in listed.get(name, ())]
        self.labels = np.repeat(np.arange(len(classes)), [len(listed.get(name, ())) for name in classes])

    def name(self, index: int) -> str:
        """Return "class/file" of image `index`."""
        return self.files[index]

    def image(self, index: int) -> UInt8Array:
        """Return image `index` as uint8 (3, height, width).

        Raises
        ------
        BadImageError
            If the file is not a usable image.
        FileNotFoundError
            If its folder has disappeared: this affects all images, so none is skipped.
        """
        path = self.folder / self.files[index]
        try:
            return read(path, size=self.shape[-1] if self.shrink else None, most_pixels=self.most_pixels)
        except BadImageError as error:
            if not path.parent.is_dir():
                advice = "the folder of the images has disappeared. Put it back"
                raise FileNotFoundError(errno.ENOENT, advice, str(path.parent)) from error
            error.add_note(str(path))
            raise

    def _content(self):
        return "\n".join(map(names.same, self.files)).encode(errors="surrogateescape")

    def seen(self) -> SeenImages | None:
        """Return the record of these images, with which other images can be compared later."""
        return records_of.record(self.folder, self.files)

    def overlap(self, records: Iterable[SeenImages | None], indices: Iterable[int]) -> Overlap | None:
        """Return how many of these images are in at least one of the records, or None without a record."""
        return records_of.overlap(records, self.folder, [self.files[index] for index in indices])

    def fitted(self, image: Array) -> Array:
        """Return the central square of 224/256 of the shorter side, resized to `shape`."""
        return transforms.middle(image, self.shape[-1])


def image_folder(
    folder: PathLike,
    size: int = 224,
    *,
    augment: Callable[[Array, np.random.Generator], Array] | None = None,
    most_pixels: int = MOST_PIXELS,
    held_out: str | None = None,
) -> Split:
    """Return the images of a folder; its subfolders, sorted, are the classes. Nothing is decoded yet.

    If the folder contains a folder `train`, the class folders must be inside `train`. The held-out images are then
    taken from `val`, `valid`, `validation` or `dev`, or else from `test`, `testing`, `eval` or `evaluation`, in any
    capitalisation. Otherwise about a fifth of each class is held out. The name of an image decides, so an image stays
    in its set when others are added. `train.notes` lists the folders that are not used, and the classes that are too
    small for this rule.

    Parameters
    ----------
    folder : path
    size : S, images become (3, S, S), mean colour subtracted
    augment : function (image, rng) -> image (3, S, S) for training, or None
    most_pixels : images that declare more pixels are skipped
    held_out : name of the held-out folder next to `train`, for example "test" if there is a validation folder too

    Raises
    ------
    ValueError
        If there are fewer than two classes, a class has no images, or the purpose of a folder next to `train` is
        unclear.
    OSError
        If a folder cannot be listed.

    Warns
    -----
    FolderWarning
        If a folder for testing has no class folders, and a fraction of `train` is held out instead.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import minigooglenet as mg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat", "dog"):
    ...         pathlib.Path(folder, name).mkdir()
    ...         for i in range(5):
    ...             mg.data.photograph().resize((9, 9)).save(f"{folder}/{name}/{i}.png")
    ...     mg.data.image_folder(folder)
    Split(8 train, 2 test, 2 classes, 3x224x224)
    """
    size, most_pixels = integer(size, "size", 1), integer(most_pixels, "most_pixels", 1)
    home, test_home, notes, missed = layout.find(folder, held_out)
    if missed:
        warnings.warn(console.printable(notes[0]), FolderWarning, stacklevel=2)
    train, skipped = listing.listed(home)
    classes = tuple(train)
    _check(home, train)
    if test_home is None:
        train, test, small = _split(home, train)
        test_home, test_skipped, notes = home, {}, notes + small
    else:
        test, test_skipped = listing.listed(test_home)
        _check_held_out(home, classes, test_home, test)
    sets = Split(
        ImageFolder(home, classes, train, size=size, augment=augment, most_pixels=most_pixels),
        ImageFolder(test_home, classes, test, size=size, most_pixels=most_pixels),
    )
    sets.train.skipped.update(skipped)
    sets.test.skipped.update(test_skipped)
    sets.train.notes = sets.test.notes = notes
    return sets


def _check(folder, images):
    if not images:
        raise ValueError(f"{folder} has no subfolders. Put the images into one folder per class.")
    unprintable = [name for name in images if not name.isprintable()]
    if unprintable:
        raise ValueError(
            f"{folder} has a class name with unprintable characters: {unprintable[0]!r}. Rename its folder."
        )
    if len(images) == 1:
        raise ValueError(f"{folder} has only one class, {next(iter(images))!r}; a classifier needs at least two")
    empty = [name for name, files in images.items() if not files]
    if empty:
        raise ValueError(f"{folder} has classes without images: {_few(empty)}{_nested(folder, empty)}")


def _nested(folder, empty):
    """Return advice for classes without images whose folders have subfolders."""
    parts = [name for name in empty if name.casefold() in layout.TRAIN + layout.VALIDATION + layout.TEST]
    if parts:
        return f". If {parts[0]} is not a class but a part of the data set, name the folder of the training part train."
    for name in empty:
        inside = listing.subfolders(folder / name) if (folder / name).is_dir() else []
        if inside:
            return f". {name} has subfolders ({_few(inside)}). Put the images directly into the folder of their class."
    return ""


def _check_held_out(home, classes, held_out, test):
    unknown = [name for name in test if name not in classes]
    if unknown:
        alike = [name for name in classes if name.casefold() == unknown[0].casefold()]
        hint = f". Did you mean {alike[0]!r}?" if alike else ""
        raise ValueError(f"{held_out} has classes that {home} lacks: {_few(unknown)}{hint}")
    if not any(test.values()):
        raise ValueError(f"{held_out} has no images")


def _split(folder, images):
    """Return ({class: files to train on}, {class: files held out}, notes), as `names.held_out` decides."""
    train, test, small = {}, {}, []
    for name, files in images.items():
        if len(files) < 2:
            raise ValueError(
                f"class {name!r} of {folder} has 1 image, but needs at least 2: one for training, one held out"
            )
        held_out, by_rule = names.held_out([_name(file) for file in files])
        test[name] = [file for file in files if _name(file) in held_out]
        train[name] = [file for file in files if _name(file) not in held_out]
        if by_rule:
            small.append(name)
    note = (
        f"{_few(small)}: the names of the images put all of them on one side of the split, so one was moved to the "
        "other side. It may change sides when images are added."
    )
    return train, test, (note,) if small else ()


def _name(file):
    return file.partition("/")[2]


def _few(words):
    return ", ".join(words[:FEW]) + (f" and {len(words) - FEW} more" if len(words) > FEW else "")
