"""Channel shuffle: the channels as a matrix with one row per group, transposed."""


def forward(x, groups):
    """Return x (N, C, ...) with its channels in another order."""
    matrix = x.reshape(len(x), groups, -1, *x.shape[2:])
    return matrix.swapaxes(1, 2).copy().reshape(x.shape)


def backward(grad_y, groups):
    """Return grad_x: the transposed matrix has C / groups rows, and transposing it again restores the order."""
    return forward(grad_y, grad_y.shape[1] // groups)
