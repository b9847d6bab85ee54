"""Pictures in folders, one folder for each class: the form in which ImageNet and most own collections lie."""

import hashlib
import os
from pathlib import Path

import numpy as np

from minigooglenet.data import transforms
from minigooglenet.data.dataset import BadImageError, Dataset, Split
from minigooglenet.data.photos import decode
from minigooglenet.data.pixels import Pixels
from minigooglenet.shapes import integer

MOST_PIXELS = 50_000_000  # 200 MB once decoded, twice that if it is not in RGB, and each worker may hold one
TEST_SHARE = 0.2
HELD_OUT = ("val", "validation", "test")
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2"}


class ImageFolder(Dataset):
    """Pictures that are decoded when they are asked for.

    Attributes
    ----------
    folder : Path
    files : list of M names, "class/picture.jpg"
    most_pixels : a picture that declares more is not decoded
    and those of Dataset; `skipped` holds what was no picture when the folder was listed, too
    """

    def __init__(self, folder, classes, listed, *, size, augment=None, most_pixels=MOST_PIXELS):
        """Take {class: names of its files} as `listed`; the place of a class in `classes` is its label."""
        self.folder, self.classes, self.augment, self.most_pixels = folder, classes, augment, most_pixels
        self.pixels = Pixels()
        self.shape = (3, size, size)
        self.files = [f"{name}/{file}" for name in classes for file in listed.get(name, ())]
        self.labels = np.repeat(np.arange(len(classes)), [len(listed.get(name, ())) for name in classes])

    def name(self, index):
        return self.files[index]

    def picture(self, index):
        path = self.folder / self.files[index]
        try:
            # The largest of the 144 crops' scales is 352/224 of the size, so nothing needs more than twice the size.
            image = decode(path, self.most_pixels, least_side=2 * self.shape[-1])
        except BadImageError as error:
            error.add_note(str(path))
            raise
        return np.asarray(image).transpose(2, 0, 1)

    def _content(self):
        return "\n".join(self.files).encode(errors="surrogateescape")

    def fitted(self, picture):
        return transforms.middle(picture, self.shape[-1])


def image_folder(folder, size=224, *, augment=None, most_pixels=MOST_PIXELS) -> Split:
    """Return the pictures of a folder; its subfolders, sorted, are the classes. Nothing is decoded yet.

    If there is a folder `train`, the classes lie inside it, and what is held out may lie in `val`, `validation` or
    `test`. Otherwise a fifth of each class is held out, always the same for the same names.

    Parameters
    ----------
    folder : path
    size : S, pictures become (3, S, S), mean colour subtracted
    augment : function (picture, rng) -> picture (3, S, S) for training, or None
    most_pixels : pictures that declare more are skipped

    Raises
    ------
    ValueError
        Without two classes, or if a class has no pictures.
    OSError
        If a folder cannot be listed.
    """
    folder = Path(folder)
    size, most_pixels = integer(size, "size", 1), integer(most_pixels, "most_pixels", 1)
    home, held_out = folder, None
    if (folder / "train").is_dir() and _folders(folder / "train"):  # else it is a class: pictures of trains
        home = folder / "train"
        held_out = next((folder / name for name in HELD_OUT if (folder / name).is_dir()), None)
    classes, train, skipped = _listed(home)
    _check(home, classes, train)
    if held_out is None:
        train, test = _split(home, classes, train)
        test_home, test_skipped = home, {}
    else:
        test_home = held_out
        test_classes, test, test_skipped = _listed(held_out)
        unknown = sorted(set(test_classes) - set(classes))
        if unknown:
            raise ValueError(f"{held_out} has classes that {home} lacks: {', '.join(unknown[:5])}")
        if not any(test.values()):
            raise ValueError(f"{held_out} has no pictures")
    sets = Split(
        ImageFolder(home, classes, train, size=size, augment=augment, most_pixels=most_pixels),
        ImageFolder(test_home, classes, test, size=size, most_pixels=most_pixels),
    )
    sets.train.skipped.update(skipped)
    sets.test.skipped.update(test_skipped)
    return sets


def _folders(folder):
    with os.scandir(folder) as entries:
        return tuple(sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")))


def _listed(folder):
    """Return (classes, {class: sorted names of its files}, {what was left out: reason})."""
    classes, listed, skipped = _folders(folder), {}, {}
    for name in classes:
        listed[name] = []
        with os.scandir(folder / name) as entries:
            for entry in entries:
                if entry.name.startswith("."):  # what systems put beside pictures
                    continue
                if not entry.is_file():
                    skipped[f"{name}/{entry.name}"] = "it is no file"
                elif os.path.splitext(entry.name)[1].lower() not in SUFFIXES:  # noqa: PTH122 (a million times)
                    skipped[f"{name}/{entry.name}"] = "its name does not end as a picture's does"
                else:
                    listed[name].append(entry.name)
        listed[name].sort()
    return classes, listed, skipped


def _check(folder, classes, listed):
    if not classes:
        raise ValueError(f"{folder} has no folders inside; pictures belong in one folder for each class")
    strange = [name for name in classes if not name.isprintable()]
    if strange:
        raise ValueError(f"{folder} has a class whose name is no printable text: {strange[0]!r}; rename its folder")
    if len(classes) == 1:
        raise ValueError(f"{folder} has one class only, {classes[0]!r}; a classifier needs two to tell apart")
    empty = [name for name in classes if not listed[name]]
    if empty:
        more = f" and {len(empty) - 5} more" if len(empty) > 5 else ""
        raise ValueError(f"{folder} has classes without pictures: {', '.join(empty[:5])}{more}")


def _split(folder, classes, listed):
    """Return ({class: names}, {class: names}): of each class a fifth, at least one picture, is held out.

    The names decide, in an order without meaning, so that neighbours in a series do not stay together.
    """
    train, test = {}, {}
    for name in classes:
        if len(listed[name]) < 2:
            raise ValueError(
                f"class {name!r} of {folder} has one picture; one to learn from and one to test are needed"
            )
        mixed = sorted(listed[name], key=lambda file: hashlib.sha256(os.fsencode(file)).digest())
        count = max(1, round(TEST_SHARE * len(mixed)))
        test[name], train[name] = sorted(mixed[:count]), sorted(mixed[count:])
    return train, test
