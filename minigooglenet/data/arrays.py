"""Arrays of images as training takes them: what their values mean, and that they are what they claim to be."""

import numpy as np

from minigooglenet import checks
from minigooglenet.data.pixels import GREY_UNIT, UNIT

FLOATS = (np.float32, np.float64)
SLACK = 1e-3  # of the range, for round-off


def checked(images, pixels) -> np.ndarray:
    """Return images (M, C, H, W), uint8 or float32, once their shape and their values fit `pixels`.

    float64 becomes float32. Floats outside the range of all inputs, (0 - mean) / std to (255 - mean) / std, were not
    computed with this mean and std. Without pixels the values only need to be finite.

    Raises
    ------
    TypeError, ValueError
        If the dtype, the shape or a value does not fit, with the likely fix.
    """
    images = np.asarray(checks.unmasked(images, "images"))
    if images.dtype != np.uint8 and images.dtype not in FLOATS:
        raise TypeError(
            "images must be uint8, pixels of 0 .. 255, or float32 or float64, inputs of a network; got "
            f"{images.dtype}{_hint(images)}"
        )
    if images.ndim != 4:
        hint = ". A single image needs its batch axis: images[None]" if images.ndim == 3 else ""
        raise TypeError(f"images must be (M, C, H, W), got {images.shape}{hint}")
    if pixels is not None and images.shape[1] != pixels.channels:
        last = ". The channels seem to come last: images.transpose(0, 3, 1, 2)" * (images.shape[3] == pixels.channels)
        raise ValueError(f"{pixels.colours} has {pixels.channels} channels, got {images.shape}{last}")
    if images.dtype == np.uint8:
        if pixels is None:
            raise ValueError("uint8 images need pixels=, the mean and std by which they become inputs")
        return images
    _check_values(images, pixels)
    return images.astype(np.float32, copy=False)


def default_pixels(images):
    """Return the Pixels of arrays that come without: -1 .. 1 for uint8; None for floats, which are used as they are."""
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
        raise ValueError(f"images hold {count:,} of {images.size:,} values that are not finite")
    if pixels is None:
        return
    ends = [(value - np.array(pixels.mean)) / np.array(pixels.std) for value in (0, 255)]
    least, most = ends[0].min(), ends[1].max()
    slack = SLACK * (most - least)
    if low < least - slack or high > most + slack:
        advice = (
            " They look like pixels of 0 .. 255: pass them as uint8."
            if low >= 0 and high <= 255 and high > most
            else ""
        )
        raise ValueError(
            f"floats must be inputs, (pixel - mean) / std, which are in {least:g} .. {most:g} for mean {pixels.mean} "
            f"and std {pixels.std}; got {low:g} .. {high:g}.{advice}"
        )
