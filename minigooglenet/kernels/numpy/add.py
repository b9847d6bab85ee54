"""Addition of arrays of one shape."""


def forward(*xs):
    """Return the sum of all inputs."""
    y = xs[0].copy()
    for x in xs[1:]:
        y += x
    return y


def backward(grad_y, count):
    """Return `count` gradients, each of which is grad_y itself."""
    return (grad_y,) * count
