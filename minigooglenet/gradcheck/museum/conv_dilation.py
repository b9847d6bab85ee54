"""Broken dilated convolutions: kernel positions two rows and three columns apart."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room, windows
from minigooglenet.kernels import conv2d

DILATION = (2, 3)
ONE = ((1, 1), (1, 1))


def _forward(x, weight, bias):
    pixels = windows(x, (3, 3), (1, 1), ONE, dilation=DILATION)
    return np.einsum("ncpqrs,kcrs->nkpq", pixels, weight) + bias[:, None, None]


def _correct(grad_y, x, weight, bias):
    return conv2d.backward(grad_y, x, weight, bias, padding=1, algorithm="im2col", dilation=DILATION)


def _inputs(rng):
    return rng.standard_normal((2, 3, 6, 9)), rng.standard_normal((2, 3, 3, 3)), rng.standard_normal(2)


DILATED = Room("conv2d dilation=(2, 3)", _forward, _correct, _inputs)
ROOMS = (DILATED,)


@DILATED.backward("dilation ignored")
def kernel_positions_next_to_each_other(grad_y, x, weight, bias):
    """Dilation was added to the forward pass, but the backward pass still reads and writes neighbouring pixels."""
    padded = np.pad(x, ((0, 0), (0, 0), *ONE))
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros_like(weight)
    height, width = grad_y.shape[2:]
    for r, s in np.ndindex(3, 3):
        window = np.s_[:, :, r : r + height, s : s + width]
        grad_padded[window] += np.einsum("nkpq,kc->ncpq", grad_y, weight[:, :, r, s])
        grad_weight[:, :, r, s] = np.einsum("nkpq,ncpq->kc", grad_y, padded[window])
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_y.sum(axis=(0, 2, 3))


@DILATED.backward("axes swapped")
def dilations_of_height_and_width_exchanged(grad_y, x, weight, bias):
    """The dilation is unpacked as (x, y), which equal dilations do not reveal; positions past the edge are skipped."""
    dilation_w, dilation_h = DILATION
    grad_x, grad_weight = np.zeros_like(x), np.zeros_like(weight)
    for n, k, p, q in np.ndindex(grad_y.shape):
        for c, r, s in np.ndindex(weight.shape[1:]):
            h, w = p - 1 + r * dilation_h, q - 1 + s * dilation_w
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                grad_x[n, c, h, w] += grad_y[n, k, p, q] * weight[k, c, r, s]
                grad_weight[k, c, r, s] += grad_y[n, k, p, q] * x[n, c, h, w]
    return grad_x, grad_weight, grad_y.sum(axis=(0, 2, 3))
