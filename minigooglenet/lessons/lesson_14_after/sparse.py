"""Networks with most of their weights at zero: the masks that prune them, and the MACs by the other weights."""

import numpy as np

from minigooglenet.counting import count
from minigooglenet.layers import Conv2d


def masks(g, fraction) -> dict[str, np.ndarray]:
    """Return {key of a convolution's weight: True for the `fraction` of its weights with the largest magnitudes}."""
    result = {}
    for name, node in g.nodes.items():
        if isinstance(node.layer, Conv2d):
            magnitudes = abs(g.params[f"{name}/weight"])
            kept = max(1, int(fraction * magnitudes.size))
            result[f"{name}/weight"] = magnitudes >= np.sort(magnitudes, axis=None)[-kept]
    return result


def apply(g, masks) -> None:
    """Set every weight to zero that its mask removes."""
    for key, mask in masks.items():
        g.params[key] *= mask


def useful_macs(g) -> int:
    """Return the MACs of one image by weights that are not zero; the other MACs add zero."""
    total = 0
    for row in count(g).rows:
        weight = g.params.get(f"{row.name}/weight")
        if row.macs and weight is not None:
            total += row.macs * np.count_nonzero(weight) // weight.size
    return int(total)
