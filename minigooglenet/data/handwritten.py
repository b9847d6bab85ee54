"""The 1,797 handwritten digits that come with scikit-learn: real data without a download."""

import numpy as np
from PIL import Image

from minigooglenet import extras
from minigooglenet.shapes import integer
from minigooglenet.typing import FloatArray, IntArray

TEST_FRACTION = 0.2


def digits(size: int = 32) -> tuple[FloatArray, IntArray, FloatArray, IntArray]:
    """Return (train_images, train_labels, test_images, test_labels), always split the same way.

    Images are (N, 1, size, size) float32 in -1 .. 1, resized from 8 x 8 (bilinear). Labels are N integers in 0 .. 9.

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is not installed, with the command that installs it.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> images, labels, test_images, test_labels = mg.data.digits(16)
    >>> images.shape, test_images.shape
    ((1438, 1, 16, 16), (359, 1, 16, 16))
    """
    size = integer(size, "size", 1)
    with extras.needed("course", "mg.data.digits()"):
        from sklearn.datasets import load_digits
    raw = load_digits()
    small = [Image.fromarray(image.astype(np.float32)) for image in raw.images]
    resized = [image.resize((size, size), Image.Resampling.BILINEAR) for image in small]
    images = np.stack([np.asarray(image) for image in resized])[:, None] / np.float32(8) - 1  # pixels are in 0 .. 16
    labels = raw.target.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(labels))  # the file is sorted by writer
    test, train = np.split(order, [round(TEST_FRACTION * len(order))])
    return images[train], labels[train], images[test], labels[test]
