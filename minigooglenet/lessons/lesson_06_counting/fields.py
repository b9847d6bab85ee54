"""Receptive fields, measured with the gradient of one value of a feature map."""

import numpy as np

ROUND_OFF = 1e-10  # fraction of the largest value; smaller values are round-off errors of the fast 3x3 convolutions


def squared_gradient(net, wire, images):
    """Return the squared input gradient (H, W) of the value in the middle of `wire`, summed over random images."""
    size = net.shapes["image"][1:]
    x = np.random.default_rng(1).normal(size=(images, 3, *size)).astype(np.float32)
    outputs, tape = net.forward({"image": x}, outputs=[wire])
    grad = np.zeros_like(outputs[wire])
    middle = grad.shape[-1] // 2
    grad[:, :, middle, middle] = 1
    grads, _ = net.backward({wire: grad}, tape)
    return (grads["image"].astype(np.float64) ** 2).sum(axis=(0, 1))


def side(gradient) -> int:
    """Return the number of rows of pixels from the first to the last with a gradient."""
    by_row = gradient.sum(axis=1)
    rows = np.flatnonzero(by_row > ROUND_OFF * by_row.max())
    return int(rows[-1] - rows[0] + 1)


def inside(gradient, sides):
    """Return the fraction of the gradient within the centred square of each side."""
    middle, total = len(gradient) // 2, gradient.sum()
    squares = (slice(middle - side // 2, middle + side // 2 + 1) for side in sides)
    return np.array([gradient[square, square].sum() / total for square in squares])
