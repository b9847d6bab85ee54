"""What the first layer looks for."""

import math

import numpy as np

from minigooglenet import figures


def first_filters(weight, title="First filters"):
    """Draw the filters (K, C, R, S) of a first convolution: in colour for C = 3, around zero for C = 1.

    Each filter is scaled by its own largest weight; in colour, mid-grey is zero.
    """
    filters, channels, height, width = weight.shape
    if channels not in (1, 3):
        raise ValueError(f"filters are shown for 1 or 3 input channels, got weight {weight.shape}")
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
        f"{title}: {filters} filters of {channels} x {height} x {width}, each scaled to its own largest weight. "
        f"Norms {norms.min():.3g} to {norms.max():.3g}.\n\n"
        + figures.bars({f"filter {i}": float(norm) for i, norm in enumerate(norms)})
    )
    return figures.described(figure, text)
