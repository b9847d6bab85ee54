"""The filters of the first layer as images."""

import math
from typing import TYPE_CHECKING

import numpy as np

from minigooglenet import figures
from minigooglenet.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def first_filters(weight: FloatArray, title: str = "First filters") -> tuple["Figure", str]:
    """Draw the filters of a first convolution: as colour images for 3 input channels, centred at zero for 1.

    Each filter is scaled by its largest weight. In a colour image, mid-grey is zero.

    Parameters
    ----------
    weight : (K, C, R, S) with C = 1 or 3
    title : of the figure

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import minigooglenet as mg
    >>> conv = mg.layers.Conv2d(3, 8, 5, rng=0)
    >>> figure, text = mg.viz.first_filters(conv.params["weight"])
    >>> print(text[:73])
    First filters: 8 filters of 3 x 5 x 5, each scaled by its largest weight.
    """
    filters, channels, height, width = weight.shape
    if channels not in (1, 3):
        raise ValueError(f"weight must have 1 or 3 input channels to be drawn, got shape {weight.shape}")
    columns = math.ceil(math.sqrt(filters * 2))
    rows = math.ceil(filters / columns)
    figure, axes = figures.new(max(6, 0.6 * columns), 0.6 * rows + 0.5, nrows=rows, ncols=columns, squeeze=False)
    scaled = weight / np.abs(weight).max(axis=(1, 2, 3), keepdims=True).clip(np.finfo(weight.dtype).tiny)
    for index, axis in enumerate(axes.flat):
        axis.axis("off")
        if index < filters:
            image = scaled[index].transpose(1, 2, 0)
            image = image / 2 + 0.5 if channels == 3 else image[:, :, 0]
            axis.imshow(image, cmap=figures.DIVERGING, vmin=-1, vmax=1)
    colours = "mid-grey is zero" if channels == 3 else "purple positive, white zero, orange negative"
    figure.suptitle(f"{title}: {filters} of {height} x {width} ({colours})", fontsize=9)
    norms = np.sqrt((weight * weight).sum(axis=(1, 2, 3)))
    text = (
        f"{title}: {filters} filters of {channels} x {height} x {width}, each scaled by its largest weight. "
        f"Norms {norms.min():.3g} to {norms.max():.3g}.\n\n"
        + figures.bars({f"filter {i}": float(norm) for i, norm in enumerate(norms)})
    )
    return figures.described(figure, text)
