"""The image's gradient by one forward convolution."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise
from minigooglenet.kernels import conv2d
from minigooglenet.lessons.lesson_03_gradients.three_gradients import conv_dx, dx_cases

conv_dx_by_conv = Exercise(
    "03.4",
    "the image's gradient as a forward convolution",
    "conv_dx_by_conv(dout, w, x_shape, stride, pad) -> (N, C, H, W)",
    minutes=20,
    difficulty=3,
    hints=(
        "Do it in one dimension on paper: k = 3, s = 2, n = 6, no padding. Which outputs does each pixel get from?",
        (
            "Put s - 1 zeros between the gradients. Pad k - 1 - p before, and k - 1 - p plus the remainder after, "
            "where the remainder is (n + 2p - k) % s. Flip both axes of the kernel and exchange its first two."
        ),
        "`return conv(padded, w[:, :, ::-1, ::-1].swapaxes(0, ____))`",
    ),
    core=False,
)

conv_dx_by_conv.cases(dx_cases)
conv_dx_by_conv.reference(conv_dx.reference_function)


@conv_dx_by_conv.engine
def conv_dx_by_conv_engine(dout, w, x_shape, stride, pad):
    return _by_conv(dout, w, x_shape, stride, pad)


@conv_dx_by_conv.right
def conv_dx_by_conv_with_dout_spread_out(dout, w, x_shape, stride, pad):
    return _by_conv(dout, w, x_shape, stride, pad)


@conv_dx_by_conv.right
def conv_dx_by_conv_cropped_from_the_full_one(dout, w, x_shape, stride, pad):
    rows, columns = w.shape[2:]
    wide = np.zeros((dout.shape[0], dout.shape[1], x_shape[2] + 2 * pad + rows - 1, x_shape[3] + 2 * pad + columns - 1))
    (high, across) = dout.shape[2:]
    wide[
        :, :, rows - 1 : rows + stride * (high - 1) : stride, columns - 1 : columns + stride * (across - 1) : stride
    ] = dout
    full = _conv(wide, np.rot90(w, 2, axes=(2, 3)).transpose(1, 0, 2, 3))
    return full[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


@conv_dx_by_conv.wrong
def no_zeros_inserted(dout, w, x_shape, stride, pad):
    """Too small: gradients sit s apart in the input; put s - 1 zeros between."""
    return _by_conv(dout, w, x_shape, 1, pad, remainder=(0, 0))


@conv_dx_by_conv.wrong
def remainder_forgotten(dout, w, x_shape, stride, pad):
    """Right but for the rows and columns that no window read: pad zeros for them at the end."""
    return _by_conv(dout, w, x_shape, stride, pad, remainder=(0, 0))


@conv_dx_by_conv.wrong
def kernel_not_flipped(dout, w, x_shape, stride, pad):
    """Every patch is turned by 180 degrees: flip the kernel along both axes."""
    return _by_conv(dout, w[:, :, ::-1, ::-1], x_shape, stride, pad)


@conv_dx_by_conv.wrong
def filters_and_channels_not_exchanged(dout, w, x_shape, stride, pad):
    """Weights of shape (C, K, R, S) are expected: the K gradients come in now."""
    return _by_conv(dout, w.swapaxes(0, 1), x_shape, stride, pad)


@conv_dx_by_conv.wrong
def padding_p(dout, w, x_shape, stride, pad):
    """Right only when k = 2p + 1 and s = 1: pad k - 1 - p. Test it with k = 1."""
    return _by_conv(dout, w, x_shape, stride, pad, before=(pad, pad))


@conv_dx_by_conv.wrong
def padding_k_minus_1(dout, w, x_shape, stride, pad):
    """p rows and columns too many in front: pad k - 1 - p."""
    return _by_conv(dout, w, x_shape, stride, pad, before=(w.shape[2] - 1, w.shape[3] - 1))


def _conv(x, w):
    """Return the convolution with stride 1, as the lesson gives it."""
    return conv2d.forward(x, np.ascontiguousarray(w), algorithm="im2col")


def _by_conv(dout, w, x_shape, stride, pad, before=None, remainder=None):
    """Return the image's gradient as one convolution with stride 1 of the spread-out gradient."""
    sizes, kernel, out = x_shape[2:], w.shape[2:], dout.shape[2:]
    before = before or tuple(k - 1 - pad for k in kernel)
    if remainder is None:
        remainder = tuple((n + 2 * pad - k) % stride for n, k in zip(sizes, kernel, strict=True))
    spread = np.zeros((*dout.shape[:2], *(stride * (n - 1) + 1 for n in out)))
    spread[:, :, ::stride, ::stride] = dout
    padded = np.pad(spread, ((0, 0), (0, 0), *((b, b + r) for b, r in zip(before, remainder, strict=True))))
    return _conv(padded, w[:, :, ::-1, ::-1].swapaxes(0, 1))
