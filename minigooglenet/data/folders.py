"""Images in folders, one folder for each class: the form in which ImageNet and most own collections lie."""

import warnings

import numpy as np

from minigooglenet import console
from minigooglenet.data import layout, listing, names, seen, transforms
from minigooglenet.data.dataset import BadImageError, Dataset, Split
from minigooglenet.data.photos import read
from minigooglenet.data.pixels import Pixels
from minigooglenet.shapes import integer

MOST_PIXELS = 50_000_000  # 200 MB once decoded, twice that if it is not in RGB, and each worker may hold one
FEW = 5  # names in a message


class FolderWarning(UserWarning):
    """A folder that seems to be meant for testing cannot be used, and a part of the training images is held out."""


class ImageFolder(Dataset):
    """Images that are decoded when they are asked for.

    Attributes
    ----------
    folder : Path
    files : list of M names, "class/image.jpg", as they are on the disk
    most_pixels : an image that declares more is not decoded
    and those of Dataset; `skipped` holds what was no image when the folder was listed, too
    """

    def __init__(self, folder, classes, listed, *, size, augment=None, most_pixels=MOST_PIXELS):
        """Take {class: "folder/file" of its images} as `listed`; the place of a class in `classes` is its label."""
        self.folder, self.classes, self.augment, self.most_pixels = folder, classes, augment, most_pixels
        self.pixels = Pixels()
        self.shape = (3, size, size)
        self.files = [file for name in classes for file in listed.get(name, ())]
        self.labels = np.repeat(np.arange(len(classes)), [len(listed.get(name, ())) for name in classes])

    def name(self, index):
        return self.files[index]

    def image(self, index):
        path = self.folder / self.files[index]
        try:
            return read(path, size=self.shape[-1] if self.shrink else None, most_pixels=self.most_pixels)
        except BadImageError as error:
            error.add_note(str(path))
            raise

    def _content(self):
        return "\n".join(map(names.same, self.files)).encode(errors="surrogateescape")

    def seen(self):
        """Return a record of these images, by which others can tell later whether they are among them."""
        return seen.record(self.folder, self.files)

    def overlap(self, records, indices):
        """Return how many of these images are in at least one of the records, or None without a record."""
        return seen.overlap(records, self.folder, [self.files[index] for index in indices])

    def fitted(self, image):
        return transforms.middle(image, self.shape[-1])


def image_folder(folder, size=224, *, augment=None, most_pixels=MOST_PIXELS, held_out=None) -> Split:
    """Return the images of a folder; its subfolders, sorted, are the classes. Nothing is decoded yet.

    If there is a folder `train`, the classes are inside it, and the held-out images may be in one called `val`,
    `valid`, `validation` or `dev`, else in `test`, `testing`, `eval` or `evaluation`, in any capitalisation. Otherwise
    about a fifth of each class is held out: the name of an image decides, so an image keeps its side when others are
    added. `train.notes` has sentences about folders that are not used and about classes that are too small for that.

    Parameters
    ----------
    folder : path
    size : S, images become (3, S, S), mean colour subtracted
    augment : function (image, rng) -> image (3, S, S) for training, or None
    most_pixels : images that declare more are skipped
    held_out : name of the held-out folder next to `train`, as "test" if there is a validation folder too

    Raises
    ------
    ValueError
        Without two classes, if a class has no images, or if it is not clear what a folder next to `train` is for.
    OSError
        If a folder cannot be listed.

    Warns
    -----
    FolderWarning
        If a folder for testing has no class folders, and a part of `train` is held out instead.
    """
    size, most_pixels = integer(size, "size", 1), integer(most_pixels, "most_pixels", 1)
    home, held_out, notes, missed = layout.find(folder, held_out)
    if missed:
        warnings.warn(console.printable(notes[0]), FolderWarning, stacklevel=2)
    train, skipped = listing.listed(home)
    classes = tuple(train)
    _check(home, train)
    if held_out is None:
        train, test, small = _split(home, train)
        test_home, test_skipped, notes = home, {}, notes + small
    else:
        test_home = held_out
        test, test_skipped = listing.listed(held_out)
        _check_held_out(home, classes, held_out, test)
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
        raise ValueError(f"{folder} has no folders inside; images belong in one folder for each class")
    strange = [name for name in images if not name.isprintable()]
    if strange:
        raise ValueError(f"{folder} has a class whose name is no printable text: {strange[0]!r}; rename its folder")
    if len(images) == 1:
        raise ValueError(f"{folder} has one class only, {next(iter(images))!r}; a classifier needs two to tell apart")
    empty = [name for name, files in images.items() if not files]
    if empty:
        raise ValueError(f"{folder} has classes without images: {_few(empty)}{_nested(folder, empty)}")


def _nested(folder, empty):
    """Return advice for classes without images of their own whose folders have folders inside."""
    parts = [name for name in empty if name.casefold() in layout.TRAIN + layout.VALIDATION + layout.TEST]
    if parts:
        return f". If {parts[0]} is a part of the data set and not a class, call the training part train"
    for name in empty:
        inside = listing.subfolders(folder / name) if (folder / name).is_dir() else []
        if inside:
            return f". {name} has folders inside ({_few(inside)}); images belong directly in the folder of their class"
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
            raise ValueError(f"class {name!r} of {folder} has one image; one to learn from and one to test are needed")
        held_out, by_rule = names.held_out([_name(file) for file in files])
        test[name] = [file for file in files if _name(file) in held_out]
        train[name] = [file for file in files if _name(file) not in held_out]
        if by_rule:
            small.append(name)
    note = (
        f"{_few(small)}: the names of all images are on one side of the split, so one is on the other side by rule. "
        "It may change sides when images are added."
    )
    return train, test, (note,) if small else ()


def _name(file):
    return file.partition("/")[2]


def _few(words):
    return ", ".join(words[:FEW]) + (f" and {len(words) - FEW} more" if len(words) > FEW else "")
