"""Local response normalisation as shifted sums: the squares are added `size` times, each time shifted by one channel.

A cumulative sum would need fewer additions, but it subtracts large values from each other, and a NaN would spread to
every channel after it.
"""


def forward(x, size, alpha, beta, k):
    """Return (y, scale), both (N, C, H, W)."""
    scale = k + alpha / size * _window_sums(x * x, size // 2, (size - 1) // 2)
    scale = scale.astype(x.dtype, copy=False)
    return x * scale**-beta, scale


def backward(grad_y, x, scale, size, alpha, beta):
    """Return grad_x (N, C, H, W).

    x[c] is in y[c], and in the scale of every channel whose window contains c. So the windows of this sum are those of
    the forward pass, mirrored.
    """
    direct = grad_y * scale**-beta
    sums = _window_sums(direct * x / scale, (size - 1) // 2, size // 2)
    return direct - x.dtype.type(2 * beta * alpha / size) * x * sums


def _window_sums(values, before, after):
    """Return the sum of the channels c - before .. c + after that exist, per channel c."""
    total = values.copy()
    channels = values.shape[1]
    for shift in range(1, min(before, channels - 1) + 1):
        total[:, shift:] += values[:, :-shift]
    for shift in range(1, min(after, channels - 1) + 1):
        total[:, :-shift] += values[:, shift:]
    return total
