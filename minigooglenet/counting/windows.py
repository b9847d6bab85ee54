"""The windows of convolutions and pools along one axis, and the recursion for receptive fields."""

from typing import NamedTuple

from minigooglenet.shapes import Pair, adaptive_window

WHOLE = "whole"  # instead of Windows: every output reads every position


class Windows(NamedTuple):
    """The windows along one axis: window i reads the positions starts[i] .. stops[i] - 1, padding included.

    `step` is the distance between neighbouring windows if it is constant, also past the edges; else 0.
    """

    starts: range | tuple[int, ...]
    stops: range | tuple[int, ...]
    step: int


def windows(count: int, kernel: int, stride: int, before: int) -> Windows:
    """Return the `count` windows of a convolution or pool along one axis, with `before` positions of padding."""
    end = count * stride - before
    return Windows(range(-before, end, stride), range(kernel - before, kernel + end, stride), stride)


def adaptive_windows(size: int, count: int) -> Windows:
    """Return the `count` windows of an adaptive pool along an axis of `size` positions."""
    starts, stops = zip(*(adaptive_window(i, size, count) for i in range(count)), strict=True)
    return Windows(starts, stops, 0)


def receptive_field(field: Pair, jump: Pair, kernel_size: Pair, stride: Pair) -> tuple[Pair, Pair]:
    """Return (field, jump) after windows of `kernel_size` and `stride`, each as (height, width) in input pixels.

    `field` is the receptive field of one value; `jump` is the distance between neighbouring values. This is the
    recursion for equally spaced windows on one path; `counting.paths` handles any graph.
    """
    return (
        (field[0] + (kernel_size[0] - 1) * jump[0], field[1] + (kernel_size[1] - 1) * jump[1]),
        (jump[0] * stride[0], jump[1] * stride[1]),
    )
