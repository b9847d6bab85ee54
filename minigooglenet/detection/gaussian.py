"""Gaussian smoothing and Gaussian derivatives of images, by hand: one pass down the columns, one along the rows."""

import math

import numpy as np

from minigooglenet.typing import FloatArray

REACH = 4  # standard deviations from the centre of a kernel to its ends, where the Gaussian is 0.0003 of its maximum


def smoothed(image: FloatArray, sigma: float) -> FloatArray:
    """Return an image (C, H, W), smoothed with a Gaussian; the edge mirrors the image.

    Parameters
    ----------
    image : (C, H, W) float64
    sigma : standard deviation in pixels; below 1 / 8 the image does not change

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection.gaussian import smoothed
    >>> smoothed(np.array([[[0.0, 0, 0, 1, 1, 1]]]), 0.8).round(2)
    array([[[0.  , 0.02, 0.25, 0.75, 0.98, 1.  ]]])
    """
    if REACH * sigma < 0.5:  # the kernel would be a single 1
        return image
    kernel = _gaussian(sigma)
    return _correlated(_correlated(image, kernel, axis=1), kernel, axis=2)


def derivatives(image: FloatArray, sigma: float) -> tuple[FloatArray, FloatArray]:
    """Return the derivatives (C, H, W) to the right and downwards of the image smoothed with a Gaussian.

    A step of height 1 has the derivative 1 / (sigma sqrt(2 pi)) at the step.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection.gaussian import derivatives
    >>> right, down = derivatives(np.array([[[0.0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]]), 1)
    >>> right[0, 0, 4:6].round(2), abs(down).max().round(2)
    (array([1., 1.]), np.float64(0.0))
    """
    kernel = _gaussian(sigma)
    offsets = np.arange(len(kernel)) - len(kernel) // 2
    slope = offsets * kernel / (offsets**2 * kernel).sum()  # exact for an image whose values rise linearly
    right = _correlated(_correlated(image, kernel, axis=1), slope, axis=2)
    down = _correlated(_correlated(image, slope, axis=1), kernel, axis=2)
    return right, down


def _gaussian(sigma):
    radius = math.floor(REACH * sigma + 0.5)
    kernel = np.exp(-0.5 / sigma**2 * np.arange(-radius, radius + 1) ** 2)
    return kernel / kernel.sum()


def _correlated(image, kernel, axis):
    """Return the sum of shifted images, each multiplied by its value of the kernel."""
    radius = len(kernel) // 2
    size = image.shape[axis]
    padded = np.pad(image, [(radius, radius) if i == axis else (0, 0) for i in range(3)], "symmetric")
    shifted = np.moveaxis(padded, axis, 0)
    total = sum(value * shifted[i : i + size] for i, value in enumerate(kernel))
    return np.moveaxis(total, 0, axis)
