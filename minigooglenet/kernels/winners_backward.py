"""The backward of max pooling: every window's gradient goes to its winner.

What makes it fast: tables tell where each window starts and how far behind that each of its places lies, one loop over
a plane's windows without a division; and only windows at the border are tested for winners outside the image.
"""

import functools

import numpy as np

from minigooglenet.kernels.fast.jit import compiled


@functools.lru_cache(maxsize=32)
def places(input_size, size, kernel_size, stride, before):
    """Return what `give_to_winners` asks for a pool of H x W to P x Q."""
    along = [np.arange(size[axis]) * stride[axis] - before[axis] for axis in range(2)]
    starts = np.add.outer(along[0] * input_size[1], along[1]).ravel()
    offsets = np.add.outer(np.arange(kernel_size[0]) * input_size[1], np.arange(kernel_size[1])).ravel()
    rows, columns = (
        _real(size[axis], input_size[axis], kernel_size[axis], stride[axis], before[axis]) for axis in range(2)
    )
    inside = np.einsum("rp,sq->pqrs", rows, columns).reshape(len(starts), len(offsets))
    return input_size[0] * input_size[1], starts, offsets, inside, np.flatnonzero(~inside.all(axis=1))


def _real(windows, size, kernel, stride, before):
    """Return (kernel, windows): whether each place of each window along one axis lies in the image."""
    positions = np.arange(windows) * stride + np.arange(kernel)[:, None] - before
    return (positions >= 0) & (positions < size)


@compiled
def give_to_winners(grad_y, winners, grad_x, size, starts, offsets, inside, border):
    """Write grad_x, and return how many winners lie outside their window or the image; all arrays are flat.

    `size` is H * W. `starts` (P * Q) tells where in a plane each window starts, `offsets` (R * S) how far behind that
    each of its places lies: one loop over a plane's windows, without a division. `inside` (P * Q, R * S) tells which
    places lie in the image. Only windows of `border` have others: the rest need no test, which costs more than a sum.
    """
    windows, strays = len(starts), 0
    for i in range(len(grad_x) // size):
        corner, window = i * size, i * windows
        for j in range(size):  # here, so that the plane is in the cache when its gradients arrive
            grad_x[np.uintp(corner + j)] = 0
        outside = _count_outside(winners, window, inside, border)
        if outside == 0:
            for j in range(windows):
                place = np.uintp(winners[np.uintp(window + j)])
                grad_x[np.uintp(corner + starts[j] + offsets[place])] += grad_y[np.uintp(window + j)]
        strays += outside
    return strays


@compiled
def _count_outside(winners, window, inside, border):
    windows, places = inside.shape
    largest = winners[window]
    for j in range(windows):
        largest = max(largest, winners[np.uintp(window + j)])
    outside = 0
    if largest < places:
        for j in border:
            outside += not inside[np.uintp(j), np.uintp(winners[np.uintp(window + j)])]
    else:
        for j in range(windows):
            place = winners[np.uintp(window + j)]
            outside += place >= places or not inside[j, place]
    return outside
