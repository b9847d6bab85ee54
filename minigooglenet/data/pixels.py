"""Normalisation: how the pixels of an image become the input of a network. Every weights file records it."""

from dataclasses import dataclass

import numpy as np

from minigooglenet import checks
from minigooglenet.typing import ArrayLike, FloatArray, UInt8Array

COLOURS = ("RGB", "BGR", "L")
RGB_MEAN = (123, 117, 104)  # BVLC's means, which its replication lists in the order blue, green, red


@dataclass(frozen=True)
class Pixels:
    """Normalisation (pixel - mean) / std, channel by channel, for pixels in 0 .. 255.

    Parameters
    ----------
    mean, std : one number per channel, in the order of `colours`
    colours : "RGB", "BGR" (Caffe's networks) or "L" (grey)

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> pixels = mg.data.Pixels(mean=(127.5,), std=(127.5,), colours="L")
    >>> pixels.to_input(np.array([[[0, 255]]], np.uint8)).tolist()
    [[[-1.0, 1.0]]]
    """

    mean: tuple[float, ...] = tuple(map(float, RGB_MEAN))
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    colours: str = "RGB"

    def __post_init__(self) -> None:
        if self.colours not in COLOURS:
            raise ValueError(f"colours must be one of {', '.join(COLOURS)}, got {self.colours!r}")
        for name in ("mean", "std"):
            given = getattr(self, name)
            values = tuple(map(float, given)) if np.ndim(given) == 1 else ()
            if len(values) != self.channels:
                raise ValueError(f"{name} needs {self.channels} numbers for {self.colours}, got {given!r}")
            if not all(np.isfinite(values)) or (name == "std" and min(values) <= 0):
                raise ValueError(f"{name} must be finite{' and above 0' * (name == 'std')}, got {values}")
            object.__setattr__(self, name, values)

    @property
    def channels(self) -> int:
        """Return the number of channels, 3 or 1."""
        return 1 if self.colours == "L" else 3

    def to_input(self, pixels: ArrayLike) -> FloatArray:
        """Return inputs, float32 (..., C, H, W), for pixels (..., C, H, W) in 0 .. 255, red first or grey."""
        pixels = np.asarray(checks.unmasked(pixels, "pixels"))
        if pixels.ndim < 3 or pixels.shape[-3] != self.channels:
            raise ValueError(f"pixels must be (..., {self.channels}, H, W) for {self.colours}, got {pixels.shape}")
        if self.colours == "BGR":
            pixels = pixels[..., ::-1, :, :]
        mean, std = (np.array(values, np.float32)[:, None, None] for values in (self.mean, self.std))
        return np.ascontiguousarray((pixels.astype(np.float32) - mean) / std)

    def to_pixels(self, x: ArrayLike) -> UInt8Array:
        """Return pixels, uint8 (..., C, H, W) red first or grey, for inputs: the inverse of `to_input`, rounded."""
        mean, std = (np.array(values, np.float32)[:, None, None] for values in (self.mean, self.std))
        pixels = np.clip(np.rint(np.asarray(checks.unmasked(x, "x")) * std + mean), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(pixels[..., ::-1, :, :]) if self.colours == "BGR" else pixels


UNIT = Pixels((127.5,) * 3, (127.5,) * 3)  # -1 .. 1, in colour
GREY_UNIT = Pixels((127.5,), (127.5,), "L")  # -1 .. 1, grey
