"""MNIST and Fashion-MNIST: 70,000 grey images of 28 x 28 pixels in ten classes, in idx files.

MNIST is LeCun's set of handwritten digits; Fashion-MNIST (Xiao, Rasul and Vollgraf 2017) has articles of clothing in
the same format. A folder with four files of these names is a data set too.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from minigooglenet.data import idx
from minigooglenet.data.dataset import Images, Split
from minigooglenet.data.download import Source, fetch
from minigooglenet.data.pixels import GREY_UNIT
from minigooglenet.shapes import integer
from minigooglenet.typing import PathLike

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
DIGITS = tuple("0123456789")
FASHION: tuple[str, ...] = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
# SHA-256 of the training labels, without header: class names are not in the files.
FASHION_LABELS = "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # of the package dataset-fashion-mnist
SMALLEST = 32  # default size: 28 pixels with a border of 2, as LeNet-5 used them


def _sources(folder, url, facts):
    """Return the Source of each of the FILES; facts : (size, SHA-256) of each."""
    return tuple(
        Source(f"{folder}/{name}.gz", size, digest, (f"{url}{name}.gz",))
        for name, (size, digest) in zip(FILES, facts, strict=True)
    )


MNIST_SOURCES = _sources(
    "mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    (
        (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
)
FASHION_SOURCES = _sources(
    "fashion-mnist",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    (
        (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ),
)


def mnist(size: int | None = None, *, on_bytes: Callable[[int, int], object] | None = None) -> Split:
    """Return MNIST with its official split: 60,000 training images and 10,000 test images.

    The four files are downloaded once into `mnist` in the data folder (MINIGOOGLENET_DATA). The URLs of folders in
    MINIGOOGLENET_MNIST_URLS, separated by spaces, are tried before the original one.

    Parameters
    ----------
    size : height and width, by default 32; black pixels are added around the 28 x 28 pixels of an image
    on_bytes : called with (bytes so far, total bytes) while downloading

    Raises
    ------
    OSError
        If a file cannot be downloaded, with instructions for a manual download.
    ValueError
        If a file is not the published one.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.data.mnist()  # doctest: +SKIP
    Split(60000 train, 10000 test, 10 classes, 1x32x32)
    """
    return _split(_fetched(MNIST_SOURCES, "MINIGOOGLENET_MNIST_URLS", on_bytes), size)


def fashion_mnist(size: int | None = None, *, on_bytes: Callable[[int, int], object] | None = None) -> Split:
    """Return Fashion-MNIST with its official split: 60,000 training images and 10,000 test images.

    The files are those of Debian's package dataset-fashion-mnist if it is installed. Otherwise they are downloaded
    once into `fashion-mnist` in the data folder (MINIGOOGLENET_DATA); MINIGOOGLENET_FASHION_MNIST_URLS has mirrors.

    Parameters
    ----------
    size : height and width, by default 32; black pixels are added around the 28 x 28 pixels of an image
    on_bytes : called with (bytes so far, total bytes) while downloading

    Raises
    ------
    OSError
        If a file cannot be downloaded, with instructions for a manual download.
    ValueError
        If a file is not the published one.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.data.fashion_mnist()  # doctest: +SKIP
    Split(60000 train, 10000 test, 10 classes, 1x32x32)
    """
    if not is_idx_folder(DEBIAN):
        return _split(_fetched(FASHION_SOURCES, "MINIGOOGLENET_FASHION_MNIST_URLS", on_bytes), size)
    split = idx_folder(DEBIAN, size)
    if split.train.classes != FASHION:
        raise ValueError(f"{DEBIAN} does not have the labels of Fashion-MNIST. Install dataset-fashion-mnist again.")
    return split


def is_idx_folder(folder: PathLike) -> bool:
    """Return whether a folder has at least one of the four idx files, plain or compressed."""
    return any(_found(Path(folder), name) for name in FILES)


def idx_folder(folder: PathLike, size: int | None = None) -> Split:
    """Return the data set in a folder with the four idx files of MNIST's names, plain or compressed by gzip.

    The classes are "0", "1", ... up to the largest label; if the labels are those of Fashion-MNIST, they have its
    names.

    Parameters
    ----------
    size : height and width, at least those of the images; by default 32, or the size of larger images

    Raises
    ------
    ValueError
        If a file is missing or is not valid, if the files do not fit one another, or if the images take more than
        1 GiB at the default size.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.data.idx_folder("/usr/share/datasets/fashion-mnist")  # doctest: +SKIP
    Split(60000 train, 10000 test, 10 classes, 1x32x32)
    """
    found = {name: _found(Path(folder), name) for name in FILES}
    if missing := [name for name, path in found.items() if path is None]:
        raise ValueError(f"{folder} lacks {', '.join(missing)} (or the same name with .gz)")
    return _split(found.values(), size)


def _found(folder, name):
    """Return the path of an idx file in a folder, or None; unpacked archives write a dot instead of the second dash."""
    dotted = name.replace("-idx", ".idx")
    return next((folder / one for one in (name, f"{name}.gz", dotted, f"{dotted}.gz") if (folder / one).exists()), None)


def _fetched(sources, variable, on_bytes):
    mirrors = os.environ.get(variable, "").split()
    for source in sources:
        urls = tuple(f"{mirror.rstrip('/')}/{Path(source.name).name}" for mirror in mirrors)
        yield fetch(source._replace(urls=urls + source.urls), on_bytes=on_bytes)


def _split(paths, size):
    """Return the Split of four idx files, in the order of FILES."""
    train_images, train_labels, test_images, test_labels = paths
    parts = [_part(train_images, train_labels), _part(test_images, test_labels)]
    if (train := parts[0][0].shape[1:]) != (test := parts[1][0].shape[1:]):
        raise ValueError(f"{train_images} has images of {train}, but {test_images} has images of {test}")
    labels = parts[0][1]
    if hashlib.sha256(labels).hexdigest() == FASHION_LABELS:
        classes = FASHION
    else:
        classes = tuple(map(str, range(int(max(part[1].max() for part in parts)) + 1)))
    if size is None:
        size = max(SMALLEST, *train)
        _check_squares(train_images, parts[0][0].shape, size)
        _check_squares(test_images, parts[1][0].shape, size)
    size = integer(size, "size", 1)
    return Split(*(Images(_padded(images, size), labels, classes, GREY_UNIT) for images, labels in parts))


def _part(images_path, labels_path):
    images, labels = idx.read(images_path, 3), idx.read(labels_path, 1)
    if len(images) != len(labels):
        raise ValueError(
            f"{images_path} has {len(images):,} images, but {labels_path} has {len(labels):,} labels. Use two files of "
            "one data set."
        )
    return images, labels


def _check_squares(path, shape, size):
    """Raise an error if images, padded to the default size, fill the memory: a small file can contain long rows."""
    if (padded := shape[0] * size * size) > idx.MOST_BYTES:
        sizes = " x ".join(f"{length:,}" for length in shape)
        raise ValueError(
            f"{path} has {sizes} values. As squares of {size:,} x {size:,}, its images take {padded:,} bytes, more "
            f"than the limit of {idx.MOST_BYTES:,}. Pass size={size} to read them nevertheless."
        )


def _padded(images, size):
    """Return images (M, H, W) as (M, 1, size, size), with black pixels around them."""
    if size < max(images.shape[1:]):
        height, width = images.shape[1:]
        raise ValueError(f"size must be at least {max(height, width)}, because these images are {height} x {width}")
    borders = [((size - length) // 2, size - length - (size - length) // 2) for length in images.shape[1:]]
    return np.pad(images, ((0, 0), *borders))[:, None]
