"""Checks of image arrays for training: their shape, their dtype, and that their values fit the stated mean and std."""

import numpy as np

from minigooglenet import checks
from minigooglenet.data.pixels import GREY_UNIT, UNIT

FLOATS = (np.float32, np.float64)
SLACK = 1e-3  # tolerance for round-off, as a fraction of the range


def checked(images, pixels) -> np.ndarray:
    """Return images (M, C, H, W), uint8 or float32, after checking that their shape and values fit `pixels`.

    float64 becomes float32. Floats outside the range of possible inputs, (0 - mean) / std to (255 - mean) / std, were
    not computed with this mean and std. Without `pixels` the values only need to be finite.

    Raises
    ------
    TypeError, ValueError
        If the dtype, the shape or a value does not fit, with the likely fix.
    """
    images = np.asarray(checks.unmasked(images, "images"))
    if images.dtype != np.uint8 and images.dtype not in FLOATS:
        raise TypeError(
            f"images must be uint8 (pixels in 0 .. 255), or float32 or float64 (network inputs), got {images.dtype}"
            f"{_hint(images)}"
        )
    if images.ndim != 4:
        hint = (
            ". Add the missing axis: images[:, None] for grey images, images[None] for a single image."
            if images.ndim == 3
            else ""
        )
        raise TypeError(f"images must be (M, C, H, W), got {images.shape}{hint}")
    if pixels is not None and images.shape[1] != pixels.channels:
        last = ". The channels seem to come last: images.transpose(0, 3, 1, 2)" * (images.shape[3] == pixels.channels)
        raise ValueError(f"{pixels.colours} has {pixels.channels} channels, got {images.shape}{last}")
    if images.dtype == np.uint8:
        if pixels is None:
            raise ValueError("uint8 images need pixels=, the mean and std that convert them to inputs")
        return images
    _check_values(images, pixels)
    return images.astype(np.float32, copy=False)


def default_pixels(images):
    """Return the default Pixels of arrays: inputs in -1 .. 1 for uint8; None for floats, which are used unchanged."""
    if np.asarray(images).dtype != np.uint8:
        return None
    return GREY_UNIT if np.shape(images)[1:2] == (1,) else UNIT


def _hint(images):
    if images.dtype.kind in "iub" and images.size and images.min() >= 0 and images.max() <= 255:
        return ". Try images.astype(np.uint8)."
    return ""


def _check_values(images, pixels):
    if not images.size:
        return
    low, high = float(images.min()), float(images.max())  # NaN if there is one
    if not (np.isfinite(low) and np.isfinite(high)):
        count = images.size - np.count_nonzero(np.isfinite(images))
        raise ValueError(f"images must be finite: {count:,} of {images.size:,} values are NaN or infinite")
    if pixels is None:
        return
    ends = [(value - np.array(pixels.mean)) / np.array(pixels.std) for value in (0, 255)]
    least, most = ends[0].min(), ends[1].max()
    slack = SLACK * (most - least)
    if low < least - slack or high > most + slack:
        advice = (
            " They look like pixels in 0 .. 255: pass them as uint8."
            if low >= 0 and high <= 255 and high > most
            else ""
        )
        raise ValueError(
            f"float images must be inputs, (pixel - mean) / std, in {least:g} .. {most:g} for mean {pixels.mean} "
            f"and std {pixels.std}, got {low:g} .. {high:g}.{advice}"
        )
