"""Broken padding as a layer of its own, unequal on all four sides."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room
from minigooglenet.kernels import pad

(TOP, BOTTOM), (LEFT, RIGHT) = PADDING = ((0, 2), (3, 1))


def _forward(x):
    return np.pad(x, ((0, 0), (0, 0), *PADDING))


def _correct(grad_y, x):
    return (pad.backward(grad_y, PADDING),)


def _inputs(rng):
    return (rng.standard_normal((3, 2, 4, 5)),)


PAD = Room("pad", _forward, _correct, _inputs)
ROOMS = (PAD,)


@PAD.backward("padding ignored")
def crop_begins_at_zero(grad_y, x):
    """The gradient gets the right size by cutting the end off, but the padding at the beginning moved every value."""
    return (grad_y[:, :, : x.shape[2], : x.shape[3]].copy(),)


@PAD.backward("padding ignored")
def crop_is_symmetric(grad_y, x):
    """The crop takes the same from both sides, as for the usual padding, but this padding has unequal sides."""
    top, left = (TOP + BOTTOM) // 2, (LEFT + RIGHT) // 2
    return (grad_y[:, :, top : top + x.shape[2], left : left + x.shape[3]].copy(),)


@PAD.backward("padding ignored")
def top_and_bottom_exchanged(grad_y, x):
    """Libraries list the sides in different orders, so the crop takes the bottom for the top."""
    return (grad_y[:, :, BOTTOM : BOTTOM + x.shape[2], LEFT : LEFT + x.shape[3]].copy(),)
