"""Exercise: the input gradient as one forward convolution."""

import functools

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.operands import counted, operands, values
from minigooglenet.exercises.outputs import same
from minigooglenet.kernels import conv2d
from minigooglenet.lessons.lesson_03_gradients.three_gradients import dx_cases

conv_dx_by_conv = Exercise(
    "03.4",
    "the input gradient as a forward convolution",
    "conv_dx_by_conv(dout, w, x_shape, stride, pad) -> (N, C, H, W)",
    minutes=20,
    difficulty=3,
    hints=(
        "On paper, in one dimension: k = 3, s = 2, n = 6, no padding. Which outputs read each pixel?",
        (
            "Put s - 1 zeros between the elements of dout. Pad with k - 1 - p zeros before, and with k - 1 - p plus "
            "the remainder (n + 2p - k) % s after. Flip both spatial axes of the kernel and exchange its first two "
            "axes."
        ),
        "`return conv(padded, w[:, :, ::-1, ::-1].swapaxes(0, ____))`",
    ),
    core=False,
)

conv_dx_by_conv.cases(dx_cases)


@conv_dx_by_conv.reference
def conv_dx_by_conv_reference(dout, w, x_shape, stride, pad):
    return _by_conv(dout, w, x_shape, stride, pad)


@conv_dx_by_conv.right
def conv_dx_by_conv_cropped_from_the_full_one(dout, w, x_shape, stride, pad):
    rows, columns = w.shape[2:]
    wide = np.zeros((dout.shape[0], dout.shape[1], x_shape[2] + 2 * pad + rows - 1, x_shape[3] + 2 * pad + columns - 1))
    (high, across) = dout.shape[2:]
    wide[
        :, :, rows - 1 : rows + stride * (high - 1) : stride, columns - 1 : columns + stride * (across - 1) : stride
    ] = dout
    full = conv(wide, np.rot90(w, 2, axes=(2, 3)).transpose(1, 0, 2, 3))
    return full[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


@conv_dx_by_conv.wrong
def no_zeros_inserted(dout, w, x_shape, stride, pad):
    """Your result is too small. Neighbouring windows are s pixels apart: put s - 1 zeros between the gradients."""
    return _by_conv(dout, w, x_shape, 1, pad, remainder=(0, 0))


@conv_dx_by_conv.wrong
def remainder_forgotten(dout, w, x_shape, stride, pad):
    """The last rows and columns, which no window reads, are missing. Pad the remainder with zeros at the end."""
    return _by_conv(dout, w, x_shape, stride, pad, remainder=(0, 0))


@conv_dx_by_conv.wrong
def kernel_not_flipped(dout, w, x_shape, stride, pad):
    """The contribution of each output is rotated by 180 degrees: flip the kernel along both axes."""
    return _by_conv(dout, w[:, :, ::-1, ::-1], x_shape, stride, pad)


@conv_dx_by_conv.wrong
def filters_and_channels_not_exchanged(dout, w, x_shape, stride, pad):
    """This convolution has K input channels and C output channels: its weights have the shape (C, K, R, S)."""
    return _by_conv(dout, w.swapaxes(0, 1), x_shape, stride, pad)


@conv_dx_by_conv.wrong
def padding_p(dout, w, x_shape, stride, pad):
    """Right only if k = 2p + 1: pad with k - 1 - p. Test it with k = 1."""
    return _by_conv(dout, w, x_shape, stride, pad, before=(pad, pad))


@conv_dx_by_conv.wrong
def padding_k_minus_1(dout, w, x_shape, stride, pad):
    """You padded p rows and columns too many at the start: pad with k - 1 - p."""
    return _by_conv(dout, w, x_shape, stride, pad, before=(w.shape[2] - 1, w.shape[3] - 1))


def conv(x, w):
    """Return the convolution with stride 1, as in the lesson."""
    return conv2d.forward(x, np.ascontiguousarray(w), algorithm="im2col")


def _by_conv(dout, w, x_shape, stride, pad, before=None, remainder=None):
    """Return the input gradient as one convolution with stride 1 of `dout` with zeros inserted."""
    sizes, kernel, out = x_shape[2:], w.shape[2:], dout.shape[2:]
    before = before or tuple(k - 1 - pad for k in kernel)
    if remainder is None:
        remainder = tuple((n + 2 * pad - k) % stride for n, k in zip(sizes, kernel, strict=True))
    with_zeros = np.zeros((*dout.shape[:2], *(stride * (n - 1) + 1 for n in out)))
    with_zeros[:, :, ::stride, ::stride] = dout
    padded = np.pad(with_zeros, ((0, 0), (0, 0), *((b, b + r) for b, r in zip(before, remainder, strict=True))))
    return conv(padded, w[:, :, ::-1, ::-1].swapaxes(0, 1))


@conv_dx_by_conv.demand
def conv_dx_by_conv_demand(function):
    """Require exactly one call of `conv`, and no sums outside it."""
    for arguments in conv_dx_by_conv.arguments:
        calls = []
        count = counted(function, arguments, {"conv": functools.partial(_noted, calls)})
        if why := _objection(count, calls, conv_dx_by_conv.reference_function(*arguments)):
            return Verdict(False, None, f"the values are right, but {why}")
    return Verdict(True, None, "one call of conv computes all sums")


def _noted(calls, count):
    """Return a `conv` that records its calls and computes with operands."""

    def conv(x, w, stride=1, pad=0):
        calls.append((stride, pad))
        y = conv2d.forward(values(x), np.ascontiguousarray(values(w)), None, stride, pad, algorithm="im2col")
        return operands(y, "y", count, multiplied=True)

    return conv


def _objection(count, calls, right):
    if len(calls) != 1:
        return f"conv is called {len(calls)} times. Call it once, for all images, filters and channels"
    stride, pad = calls[0]
    if (stride, pad) != (1, 0):
        return f"conv is called with stride {stride!r} and padding {pad!r}. Pad first, then call conv(x, w)"
    if count.why:
        return f"the check cannot see how they were computed. {count.why}"
    if count.products:
        return f"{count.products} products are computed outside conv. Compute all of them in the one call of conv"
    if not same(count.output, right):
        return "they do not come from the lesson's conv(x, w). Leave that function unchanged"
    return ""
