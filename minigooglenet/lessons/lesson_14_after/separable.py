"""A depthwise separable convolution."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.kernels.numpy import conv2d

separable = Exercise(
    "14.5",
    "a separable convolution",
    "separable(x, depthwise, pointwise) -> (N, K, H, W)",
    minutes=10,
    difficulty=2,
    core=False,
    hints=(
        "Which channels does one filter of the first step read, and which does one of the second?",
        (
            "The first step keeps C channels: channel c is convolved with depthwise[c, 0] only, and nothing is added "
            "over the channels. For a 3x3 kernel, pad x by 1. The second step is a matrix product of (K, C) with the C "
            "values of each pixel."
        ),
        "`y += depthwise[:, 0, r, s][:, None, None] * ____` for every kernel position (r, s)",
    ),
)


@separable.cases
def separable_cases(rng):
    yield integers(rng, (2, 3, 4, 5)), integers(rng, (3, 1, 3, 3)), integers(rng, (4, 3, 1, 1))
    yield integers(rng, (1, 4, 6, 5)) / 4, integers(rng, (4, 1, 5, 3)) / 8, integers(rng, (4, 4, 1, 1))  # K = C
    yield integers(rng, (2, 2, 3, 4)), integers(rng, (2, 1, 1, 3)), integers(rng, (3, 2, 1, 1))


@separable.reference
def separable_reference(x, depthwise, pointwise):
    return _pointwise(_depthwise(x, depthwise), pointwise)


def _conv(x, w, groups=1):
    padding = tuple((size // 2, size // 2) for size in w.shape[2:])
    return conv2d.forward(x, w, None, (1, 1), padding, groups)


def _depthwise(x, w):
    return _conv(x, w, groups=x.shape[1])


def _pointwise(x, w):
    return np.einsum("kc,nchw->nkhw", w[:, :, 0, 0], x)


@separable.right
def separable_by_slices(x, depthwise, pointwise):
    R, S = depthwise.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (R // 2, R // 2), (S // 2, S // 2)))
    y = np.zeros(x.shape)
    for r, s in np.ndindex(R, S):
        y += depthwise[:, 0, r, s][:, None, None] * padded[:, :, r : r + x.shape[2], s : s + x.shape[3]]
    return _conv(y, pointwise)


@separable.right
def separable_as_one_convolution(x, depthwise, pointwise):
    return _conv(x, pointwise * depthwise[:, 0])


@separable.wrong
def pointwise_forgotten(x, depthwise, pointwise):
    """That is the first step only. The 1x1 convolution that mixes the channels is missing."""
    return _depthwise(x, depthwise)


@separable.wrong
def channels_added_in_the_first_step(x, depthwise, pointwise):
    """Your first step adds its channels. Each channel stays on its own until the 1x1 convolution."""
    total = _depthwise(x, depthwise).sum(axis=1, keepdims=True)
    return _pointwise(np.repeat(total, x.shape[1], axis=1), pointwise)


@separable.wrong
def one_kernel_for_all_channels(x, depthwise, pointwise):
    """You used the kernel of channel 0 for every channel. Each channel has its own."""
    return _pointwise(_depthwise(x, np.repeat(depthwise[:1], len(depthwise), axis=0)), pointwise)


@separable.wrong
def kernels_rotated(x, depthwise, pointwise):
    """Your kernels are rotated by 180 degrees. A convolution here is a correlation, so nothing is rotated."""
    return _pointwise(_depthwise(x, depthwise[:, :, ::-1, ::-1]), pointwise)


@separable.wrong
def relu_in_between(x, depthwise, pointwise):
    """You put a ReLU between the two steps. Xception has none there: it trained better without."""
    return _pointwise(np.maximum(_depthwise(x, depthwise), 0), pointwise)


@separable.wrong
def border_left_at_zero(x, depthwise, pointwise):
    """Your outputs at the border are zero. Pad x by half the kernel; then every pixel has an output."""
    R, S = depthwise.shape[2:]
    y, inner = np.zeros((len(x), len(pointwise), *x.shape[2:])), separable_reference(x, depthwise, pointwise)
    part = slice(R // 2, x.shape[2] - R // 2), slice(S // 2, x.shape[3] - S // 2)
    y[:, :, *part] = inner[:, :, *part]
    return y


@separable.wrong
def border_repeated(x, depthwise, pointwise):
    """You padded with the values of the border. The padding is zeros."""
    R, S = depthwise.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (R // 2, R // 2), (S // 2, S // 2)), mode="edge")
    y = conv2d.forward(padded, depthwise, None, (1, 1), ((0, 0), (0, 0)), x.shape[1])
    return _pointwise(y, pointwise)


@separable.wrong
def ordinary_convolution(x, depthwise, pointwise):
    """You added the 1x1 weights over the outputs. Each of the K filters weights the channels in its own way."""
    return _pointwise(_depthwise(x, depthwise), np.repeat(pointwise.mean(axis=0, keepdims=True), len(pointwise), 0))
