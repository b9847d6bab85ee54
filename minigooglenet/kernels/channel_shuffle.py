"""Channel shuffle (Zhang et al. 2018, "ShuffleNet", section 3.1): channels of different groups become neighbours."""

from minigooglenet import checks, shapes
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array

__all__ = ["backward", "forward"]


@flushed
def forward(x: Array, groups: int) -> Array:
    """Return x (N, C, ...) with its channels in another order: the first of each group, then the second of each, ...

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.channel_shuffle.forward(np.arange(6.0)[None], 2)  # (0, 1, 2) and (3, 4, 5)
    array([[0., 3., 1., 4., 2., 5.]])
    """
    checks.with_classes(x)
    groups = checked_groups(groups, x.shape[1])
    y = form_of("channel_shuffle", x.dtype).forward(x, groups)
    return returned("channel_shuffle", "forward", y, (x.shape, x.dtype))


@flushed
def backward(grad_y: Array, groups: int) -> Array:
    """Return grad_x: the gradients back in the order of the channels of x, by a shuffle with C / groups groups.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.channel_shuffle.backward(np.array([[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]]), 2)
    array([[0., 1., 2., 3., 4., 5.]])
    """
    checks.with_classes(grad_y)
    groups = checked_groups(groups, grad_y.shape[1])
    grad_x = form_of("channel_shuffle", grad_y.dtype).backward(grad_y, groups)
    return returned("channel_shuffle", "backward", grad_x, (grad_y.shape, grad_y.dtype))


def checked_groups(groups: int, channels: int) -> int:
    """Return the number of groups, or raise an error unless it divides the channels."""
    groups = shapes.integer(groups, "groups", 1)
    if channels % groups:
        raise ValueError(f"groups must divide the channels, got {groups} groups and {channels} channels")
    return groups
