"""Channels that follow each other, taken out of a feature map: half of a split (ShuffleNet V2, Ma et al. 2018)."""

from minigooglenet import checks, shapes
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array

__all__ = ["backward", "forward"]


@flushed
def forward(x: Array, start: int, stop: int) -> Array:
    """Return the channels from `start` to `stop`, without `stop`, of x (N, C, ...).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.channel_slice.forward(np.arange(6.0)[None], 2, 4)
    array([[2., 3.]])
    """
    checks.with_classes(x)
    start, stop = checked_range(start, stop, x.shape[1])
    y = form_of("channel_slice", x.dtype).forward(x, start, stop)
    return returned("channel_slice", "forward", y, ((len(x), stop - start, *x.shape[2:]), x.dtype))


@flushed
def backward(grad_y: Array, start: int, channels: int) -> Array:
    """Return grad_x (N, channels, ...): grad_y at the channels that it belongs to, and 0 elsewhere.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.channel_slice.backward(np.array([[1.0, 2.0]]), 2, 6)
    array([[0., 0., 1., 2., 0., 0.]])
    """
    checks.with_classes(grad_y)
    channels = shapes.integer(channels, "channels", 1)
    start, _ = checked_range(start, start + grad_y.shape[1], channels)
    grad_x = form_of("channel_slice", grad_y.dtype).backward(grad_y, start, channels)
    return returned("channel_slice", "backward", grad_x, ((len(grad_y), channels, *grad_y.shape[2:]), grad_y.dtype))


def checked_range(start: int, stop: int, channels: int | None = None) -> tuple[int, int]:
    """Return start and stop, or raise an error unless they are a range of the channels that is not empty."""
    start, stop = shapes.integer(start, "start", 0), shapes.integer(stop, "stop", 1)
    if start >= stop:
        raise ValueError(f"start must be below stop, got {start} and {stop}")
    if channels is not None and stop > channels:
        raise ValueError(f"stop must be at most the number of channels, got {stop} and {channels} channels")
    return start, stop
