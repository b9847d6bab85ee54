"""The 1,797 handwritten digits that scikit-learn carries: real data without a download."""

import numpy as np
from PIL import Image

from minigooglenet.shapes import integer

TEST_SHARE = 0.2


def digits(size=32):
    """Return (train_images, train_labels, test_images, test_labels), a fixed split.

    Images are (N, 1, size, size) float32 in -1 .. 1, resized from 8 x 8 (bilinear); labels are N integers in 0 .. 9.

    Raises
    ------
    ModuleNotFoundError
        Without scikit-learn, with the command that installs it.
    """
    size = integer(size, "size", 1)
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        message = "the digits come with scikit-learn, which is not installed: pip install scikit-learn"
        raise ModuleNotFoundError(message, name="sklearn") from error
    raw = load_digits()
    resized = [Image.fromarray(image.astype(np.float32)).resize((size, size), Image.BILINEAR) for image in raw.images]
    images = np.stack([np.asarray(image) for image in resized])[:, None] / np.float32(8) - 1  # pixels are 0 .. 16
    labels = raw.target.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(labels))  # writers follow one another in the file
    test, train = np.split(order, [round(TEST_SHARE * len(order))])
    return images[train], labels[train], images[test], labels[test]
