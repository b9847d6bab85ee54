"""Figures of lesson 07: the cost of a bottleneck, and the correlation between channels."""

import numpy as np

from minigooglenet import figures, viz


def bottleneck_costs(channels, filters, kernel, positions, chosen):
    """Draw the MACs of a convolution with a 1x1 reduction to r channels, for every r, and the MACs without it.

    Returns
    -------
    figure, text, r : r is the float where both costs are equal
    """
    r = np.arange(1, channels + 1)
    direct = channels * filters * kernel**2 * positions / 1e6
    reduced = (channels * r + r * filters * kernel**2) * positions / 1e6
    lines = {"with a 1x1 to r channels": (r, reduced), "without": (r, np.full(len(r), direct))}
    figure, text = viz.line_chart(lines, "r", "million MACs")
    axis = figure.axes[0]
    axis.plot(chosen, reduced[chosen - 1], "k*", markersize=13, label=f"the paper's choice, r = {chosen}")
    axis.legend(fontsize=9, frameon=False)
    meet = channels * filters * kernel**2 / (channels + filters * kernel**2)
    star = f"the paper's r = {chosen}: {reduced[chosen - 1]:.2f}"
    return (*figures.described(figure, f"{text}\n{star}", alt=f"{figure.alt_text}; {star}"), meet)


def correlations(values):
    """Draw the correlation matrix of the channels (C, M), without channels that never vary.

    Returns
    -------
    figure, text
    """
    active = values[values.std(axis=1) > 0]
    table = np.corrcoef(active)
    figure, axis = figures.new(4.6, 3.8)
    image = axis.imshow(table, cmap=figures.DIVERGING, vmin=-1, vmax=1)
    figure.colorbar(image, ax=axis, label="correlation")
    axis.set(xlabel="channel", ylabel="channel")
    pairs = table[~np.eye(len(table), dtype=bool)]
    text = (
        f"correlations of {len(active)} of {len(values)} channels (the others never vary), from {pairs.min():.2f} to "
        f"{pairs.max():.2f}; {(pairs > 0.5).mean():.0%} of the pairs are above 0.5"
    )
    return figures.described(figure, text)
