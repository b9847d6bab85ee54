"""Which pixels of the image can change one value of a feature map: a gradient sent back from it shows them."""

import numpy as np

ROUND_OFF = 1e-10  # fraction of the largest value; below it is round-off of the fast 3x3 convolutions


def squared_gradient(net, wire, images):
    """Send a 1 back from the middle of `wire`; return the squared image gradient (H, W), summed over images."""
    size = net.shapes["image"][1:]
    x = np.random.default_rng(1).normal(size=(images, 3, *size)).astype(np.float32)
    outputs, tape = net.forward({"image": x}, outputs=[wire])
    grad = np.zeros_like(outputs[wire])
    middle = grad.shape[-1] // 2
    grad[:, :, middle, middle] = 1
    grads, _ = net.backward({wire: grad}, tape)
    return (grads["image"].astype(np.float64) ** 2).sum(axis=(0, 1))


def side(gradient) -> int:
    """Return how many rows of pixels have a gradient."""
    by_row = gradient.sum(axis=1)
    rows = np.flatnonzero(by_row > ROUND_OFF * by_row.max())
    return int(rows[-1] - rows[0] + 1)


def inside(gradient, sides):
    """Return the fraction of the gradient within the centred square of each side."""
    middle, total = len(gradient) // 2, gradient.sum()
    squares = (slice(middle - side // 2, middle + side // 2 + 1) for side in sides)
    return np.array([gradient[square, square].sum() / total for square in squares])
