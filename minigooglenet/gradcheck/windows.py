"""Suspects of sliding windows: positions computed with the wrong stride, padding, dilation or kernel position.

A convolution or a pool connects position p of the output with position h = p * stride - padding + r * dilation of the
input. A faulty backward uses that rule with a wrong stride, padding or dilation; this module computes what it would
return.
"""

from itertools import product

import numpy as np

from minigooglenet import shapes
from minigooglenet.kernels import avg_pool2d, conv2d, max_pool2d


def recognise(subject):
    """Return (kind, hyperparameters) if a function is a convolution or a pool, else (None, {})."""
    x = np.asarray(subject.arrays[0])
    y = np.asarray(subject.forward(*subject.arrays))
    if x.ndim != 4 or y.ndim != 4 or len(x) != len(y):
        return None, {}
    rest = [np.asarray(a) for a in subject.arrays[1:]]
    if rest and rest[0].ndim == 4 and rest[0].shape[0] == y.shape[1] and x.shape[1] % rest[0].shape[1] == 0:
        bias = rest[1] if len(rest) > 1 and rest[1].shape == (y.shape[1],) else None
        groups = x.shape[1] // rest[0].shape[1]
        for dilation in sorted(product(range(1, 4), repeat=2), key=lambda d: (d[0] != d[1], d)):
            for stride, padding in _fits(x, y, shapes.dilated(rest[0].shape[2:], dilation), ceil_modes=(False,)):
                same = conv2d.forward(x, rest[0], bias, stride, padding, groups, "im2col", dilation=dilation)
                if np.allclose(y, same):
                    return "Conv2d", {"stride": stride, "padding": padding, "groups": groups, "dilation": dilation}
        for stride, padding in _corners(x, y, rest[0].shape[2:]):
            full = conv2d.forward(x, rest[0], bias, stride, padding, groups, "im2col")
            if np.allclose(y, full[:, :, : y.shape[2], : y.shape[3]]):
                return "Conv2d", {"stride": stride, "padding": padding, "groups": groups}
    if not rest and x.shape[1] == y.shape[1]:
        return _recognise_pool(x, y)
    return None, {}


def _recognise_pool(x, y):
    for kernel in product(range(1, 6), repeat=2):
        for stride, padding in _fits(x, y, kernel, ceil_modes=(False, True)):
            if any(max(sides) >= k for sides, k in zip(padding, kernel, strict=True)):
                continue
            for ceil_mode in (False, True):
                settings = {"kernel_size": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
                if shapes.output_size(x.shape[2:], kernel, stride, padding, ceil_mode=ceil_mode) != y.shape[2:]:
                    continue
                if np.array_equal(y, max_pool2d.forward(x, kernel, stride, padding, ceil_mode)[0]):
                    return "MaxPool2d", settings
                for counted in (True, False):
                    if np.allclose(y, avg_pool2d.forward(x, kernel, stride, padding, ceil_mode, counted)):
                        return "AvgPool2d", {**settings, "count_include_pad": counted}
    return None, {}


def _corners(x, y, kernel):
    """Yield (stride, padding) with an output larger than y for a `forward` that computes only the first positions."""
    for pad in range(4):
        padding = ((pad, pad), (pad, pad))
        counts = [shapes.window_count(x.shape[2 + a], kernel[a], 1, padding[a]) for a in range(2)]
        if all(count >= size for count, size in zip(counts, y.shape[2:], strict=True)):
            yield (1, 1), padding


def _fits(x, y, kernel, ceil_modes):
    strides = sorted(product(range(1, 5), repeat=2), key=lambda s: s[0] != s[1])
    for stride, pads in product(strides, product(range(4), repeat=2)):
        padding = tuple((pad, pad) for pad in pads)
        for ceil_mode in ceil_modes:
            counts = tuple(
                shapes.window_count(x.shape[2 + a], kernel[a], stride[a], padding[a], ceil_mode=ceil_mode)
                for a in range(2)
            )
            if counts == y.shape[2:]:
                yield stride, padding
                break


def convolution(e, settings):
    """A convolution whose backward uses a wrong stride, padding or dilation, or ignores the groups."""
    stride, padding, groups = settings["stride"], settings["padding"], settings["groups"]
    dilation = settings.get("dilation", (1, 1))
    x, weight = (np.asarray(a) for a in e.subject.arrays[:2])
    if e.position > 1:
        return
    for key, hint, rule in _convolution_rules(stride, padding, weight.shape[2:], dilation):
        if e.position == 0:
            predictions = [
                _conv_grad_x(e.grad_y, x.shape, w, groups, *rule) for w in (weight, weight[:, :, ::-1, ::-1])
            ]
        else:
            predictions = [_conv_grad_weight(e.grad_y, x, weight.shape, groups, *rule)]
        if any(e.explains(prediction) for prediction in predictions):
            yield key, hint
            return
    if groups > 1:
        rule = (stride, tuple(sides[0] for sides in padding), dilation)
        first = [x[:, : weight.shape[1]]] * groups  # every group reads the channels of the first group
        if e.position == 0:
            grad = _conv_grad_x(e.grad_y, (len(x), weight.shape[1], *x.shape[2:]), weight, 1, *rule)
            prediction = np.concatenate([grad, np.zeros_like(x[:, weight.shape[1] :])], axis=1)
        else:
            prediction = _conv_grad_weight(e.grad_y, np.concatenate(first, axis=1), weight.shape, groups, *rule)
        if e.explains(prediction):
            yield "gradient missing", "the groups are ignored: all of them read the channels of the first group"


def max_pooling(e, settings):
    """A max pool whose backward computes windows, or positions in the window, in a wrong way."""
    kernel, stride, padding = settings["kernel_size"], settings["stride"], settings["padding"]
    x = e.array
    _, argmax = max_pool2d.forward(x, kernel, stride, padding, settings["ceil_mode"])
    argmax = argmax.astype(int)
    for key, hint, rule in _rules(stride, padding, kernel):
        if e.explains(_scatter(e.grad_y, x.shape, argmax // kernel[1], argmax % kernel[1], *rule)):
            yield key, hint
            return
    fixed = {
        "the last": (kernel[0] - 1, kernel[1] - 1),
        "the first": (0, 0),
        "the middle": (kernel[0] // 2, kernel[1] // 2),
    }
    rule = (stride, tuple(sides[0] for sides in padding))
    for name, (r, s) in fixed.items():
        if e.explains(_scatter(e.grad_y, x.shape, np.full_like(argmax, r), np.full_like(argmax, s), *rule)):
            yield (
                "mask from the wrong array",
                f"the gradient goes to {name} position of each window instead of the argmax",
            )
            return
    everywhere = _scatter_windows(e.grad_y, x.shape, kernel, *rule)
    for prediction in (everywhere, everywhere / (kernel[0] * kernel[1])):
        if e.explains(prediction):
            yield "mask from the wrong array", "the gradient goes to the whole window instead of the argmax only"
            return
    exchanged = _scatter(e.grad_y, x.shape, argmax % kernel[1], argmax // kernel[1], *rule)
    if e.explains(exchanged):
        yield "axes swapped", "the row and the column of the argmax are exchanged"


def average_pooling(e, settings):
    """An average pool whose backward uses wrong positions or divisors."""
    kernel, stride, padding = settings["kernel_size"], settings["stride"], settings["padding"]
    size = e.grad_y.shape[2:]
    counts = {}
    for counted in (True, False):
        ones = np.ones((1, 1, *e.array.shape[2:]))
        sums = avg_pool2d.forward(ones, kernel, stride, padding, settings["ceil_mode"], False)
        means = avg_pool2d.forward(ones, kernel, stride, padding, settings["ceil_mode"], counted) / sums
        inside = _inside_counts(e.array.shape[2:], size, kernel, stride, padding)
        counts[counted] = inside / means[0, 0]
    divisors = {"right": counts[settings["count_include_pad"]], "other": counts[not settings["count_include_pad"]]}
    divisors |= {"kernel": np.full(size, float(kernel[0] * kernel[1])), "none": np.ones(size)}
    offset = tuple(sides[0] for sides in padding)
    for divisor in divisors.values():
        constant = np.ptp(divisor / divisors["right"]) < 1e-9  # `structure.factor` reports a constant factor
        if not constant and e.explains(_scatter_windows(e.grad_y / divisor, e.array.shape, kernel, stride, offset)):
            yield "divided by the wrong count", "divide each window by the same count as in forward"
            return
    for key, hint, rule in _rules(stride, padding, kernel):
        if any(
            e.explains(_scatter_windows(e.grad_y / divisor, e.array.shape, kernel, *rule))
            for divisor in divisors.values()
        ):
            yield key, hint
            return


def _inside_counts(input_size, size, kernel, stride, padding):
    lengths = []
    for a in range(2):
        ranges = [shapes.real_window(i, input_size[a], kernel[a], stride[a], padding[a][0]) for i in range(size[a])]
        lengths.append([end - start for start, end in ranges])
    return np.multiply.outer(*lengths).astype(float)


def _scatter_windows(grad_y, x_shape, kernel, stride, offset):
    return sum(
        _scatter(grad_y, x_shape, np.full(grad_y.shape, r), np.full(grad_y.shape, s), stride, offset)
        for r, s in product(range(kernel[0]), range(kernel[1]))
    )


def _rules(stride, padding, kernel):
    """Yield (key, hint, (stride, offset)) of wrong position rules, the simplest first."""
    offset = tuple(sides[0] for sides in padding)
    strides = {
        "": (1, 1),
        ", the kernel size": tuple(kernel),
        ", because height and width are exchanged": stride[::-1],
    }
    offsets = {
        "": (0, 0),
        ", because height and width are exchanged": offset[::-1],
        ", which is one too large": tuple(o + 1 for o in offset),
        ", which is one too small": tuple(o - 1 for o in offset),
        ", which subtracts the padding twice": tuple(2 * o for o in offset),
        ", which is kernel - 1 - padding": tuple(k - 1 - o for k, o in zip(kernel, offset, strict=True)),
        ", the bottom and right sides": tuple(sides[1] for sides in padding),
    }
    for name, other in strides.items():
        if other != stride:
            key = "axes swapped" if "exchanged" in name else "stride ignored"
            yield key, f"backward uses stride {other} instead of {stride}{name}", (other, offset)
    for step in range(2, 5):
        if (step, step) not in (stride, *strides.values()):
            yield (
                "stride ignored",
                f"forward has stride {stride}, backward {(step, step)}",
                ((step, step), offset),
            )
    for name, other in offsets.items():
        if other != offset:
            key = "axes swapped" if "exchanged" in name else "padding ignored"
            yield key, f"backward uses padding {other} instead of {offset}{name}", (stride, other)
    for other_stride, other in product(strides.values(), offsets.values()):
        if other_stride != stride and other != offset:
            yield (
                "stride ignored",
                f"backward uses stride {other_stride} and padding {other} instead of {stride} and {offset}",
                (other_stride, other),
            )


def _convolution_rules(stride, padding, kernel, dilation):
    """Yield (key, hint, (stride, offset, dilation)) of wrong position rules, those of the dilation first."""
    right = stride, tuple(sides[0] for sides in padding)
    others = {"": (1, 1), ", because height and width are exchanged": dilation[::-1], ", the stride": stride}
    for name, other in others.items():
        if other != dilation != (1, 1):
            key = "axes swapped" if "exchanged" in name else "dilation ignored"
            yield key, f"backward uses dilation {other} instead of {dilation}{name}", (*right, other)
    for key, hint, rule in _rules(stride, padding, kernel):
        yield key, hint, (*rule, dilation)


def _positions(count, step, offset, r, size):
    """Return (outputs, inputs): the outputs that read a real input r positions after the first, and these inputs."""
    inputs = np.arange(count) * step - offset + r
    real = (inputs >= 0) & (inputs < size)
    return np.flatnonzero(real), inputs[real]


def _windows(grad_y, x_shape, kernel, stride, offset, dilation):
    for r, s in product(range(kernel[0]), range(kernel[1])):
        p, h = _positions(grad_y.shape[2], stride[0], offset[0], r * dilation[0], x_shape[2])
        q, w = _positions(grad_y.shape[3], stride[1], offset[1], s * dilation[1], x_shape[3])
        yield r, s, np.ix_(p, q), np.ix_(h, w)


def _conv_grad_x(grad_y, x_shape, weight, groups, stride, offset, dilation):
    grad_x = np.zeros(x_shape)
    for r, s, (p, q), (h, w) in _windows(grad_y, x_shape, weight.shape[2:], stride, offset, dilation):
        for g in range(groups):
            filters, channels = (_group(g, count, groups) for count in (weight.shape[0], x_shape[1]))
            grad_x[:, channels, h, w] += np.einsum(
                "nkpq,kc->ncpq", grad_y[:, filters][:, :, p, q], weight[filters, :, r, s]
            )
    return grad_x


def _conv_grad_weight(grad_y, x, weight_shape, groups, stride, offset, dilation):
    grad_weight = np.zeros(weight_shape)
    for r, s, (p, q), (h, w) in _windows(grad_y, x.shape, weight_shape[2:], stride, offset, dilation):
        for g in range(groups):
            filters, channels = (_group(g, count, groups) for count in (weight_shape[0], x.shape[1]))
            pixels = x[:, channels][:, :, h, w]
            grad_weight[filters, :, r, s] += np.einsum("nkpq,ncpq->kc", grad_y[:, filters][:, :, p, q], pixels)
    return grad_weight


def _group(g, count, groups):
    return slice(g * count // groups, (g + 1) * count // groups)


def _scatter(grad_y, x_shape, rows, columns, stride, offset):
    grad_x = np.zeros(x_shape)
    n, c, p, q = np.indices(grad_y.shape)
    h, w = p * stride[0] - offset[0] + rows, q * stride[1] - offset[1] + columns
    real = (h >= 0) & (h < x_shape[2]) & (w >= 0) & (w < x_shape[3])
    np.add.at(grad_x, (n[real], c[real], h[real], w[real]), grad_y[real])
    return grad_x


KINDS = {"Conv2d": convolution, "MaxPool2d": max_pooling, "AvgPool2d": average_pooling}
