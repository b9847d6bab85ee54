"""Concatenation along axis 1: where the branches of an Inception module meet."""

import itertools

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels.fast.threads import spread


def forward(*xs):
    """Return y (N, C1 + C2 + ..., ...) of arrays of any rank >= 2 that agree in every other axis."""
    checks.of_one_dtype(xs)
    for i, x in enumerate(xs):
        if x.shape[0] != xs[0].shape[0]:
            raise ValueError(
                f"concat joins equal batches: input 0 has {xs[0].shape[0]} images, input {i} has {x.shape[0]}"
            )
    shape = output_shape(*(x.shape[1:] for x in xs))
    y = np.empty((len(xs[0]), *shape), xs[0].dtype)
    _copy_all(zip(xs, _parts(y, [x.shape[1] for x in xs]), strict=True), y)
    return y


def backward(grad_y, channels, *, copy=True):
    """Return one gradient per input: grad_y (N, sum of channels, ...) cut after each of the numbers in `channels`.

    Without `copy` they are views of grad_y: free, and good for a reader that changes none of them.
    """
    checks.floating(grad_y, "grad_y")
    checks.has_shape(grad_y, "grad_y", (grad_y.shape[0], sum(channels), *grad_y.shape[2:]))
    parts = _parts(grad_y, channels)
    if not copy:
        return parts
    grads = tuple(np.empty(part.shape, part.dtype) for part in parts)
    _copy_all(zip(parts, grads, strict=True), grad_y)
    return grads


def _parts(whole, channels):
    ends = list(itertools.accumulate(channels))
    return tuple(whole[:, end - count : end] for count, end in zip(channels, ends, strict=True))


def _copy_all(pairs, whole):
    """Copy source to target for every pair, image by image where that gives each thread some."""
    pairs = list(pairs)

    def task(start, stop):
        for source, target in pairs:
            np.copyto(target[start:stop], source[start:stop])

    spread(task, len(whole), whole.size, few=1 << 21)


def output_shape(*x_shapes):
    """Return the joint shape of x_shapes (C, ...), or name the input that does not fit.

    The odd one out is the input that disagrees with most of the others.
    """
    if not x_shapes:
        raise ValueError("concat needs at least one input, got none")
    if any(len(shape) == 0 for shape in x_shapes):
        raise ValueError("concat joins axis 1, so each input needs at least two axes, (N, C)")
    rests = [tuple(shape[1:]) for shape in x_shapes]
    common = max(rests, key=rests.count)
    for i, rest in enumerate(rests):
        if rest != common:
            other = rests.index(common)
            raise ValueError(
                f"concat needs equal sizes behind the channels: input {i} is {_size(rest)}, "
                f"input {other} is {_size(common)}{_hint(rest, common)}"
            )
    return (sum(shape[0] for shape in x_shapes), *common)


def _size(rest):
    return " x ".join(map(str, rest)) or "a vector"


def _hint(rest, common):
    apart = {abs(a - b) for a, b in zip(rest, common, strict=True)} if len(rest) == len(common) else {0}
    if apart <= {0, 1}:
        return (
            "; one apart is often a pool that rounds down where another rounds up: perhaps ceil_mode=True, or padding?"
        )
    if len(apart) == 1 and apart <= {2, 4, 6}:
        (lost,) = apart
        return (
            f"; {lost} apart is what a {lost + 1}x{lost + 1} kernel without padding loses: perhaps padding={lost // 2}?"
        )
    return ""
