"""Output sizes of convolutions and pools, and their hyperparameters in full, computed from integers only.

No function here touches an array. Layers, kernels and counting all call this file, so each rule is written once.
"""

import contextlib
import operator

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]


def integer(value, name: str, least: int) -> int:
    """Return `value` as an int of at least `least`, or raise an error that shows what it is."""
    if type(value) is int and value >= least:  # most calls; the rest costs ten times as much
        return value
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        same = isinstance(value, str) and value == "same"
        hint = ". To keep the size at stride 1, pad (kernel - 1) / 2." if same else ""
        raise TypeError(f"{name} must be an integer, got {described(value)}{hint}")
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return number


def described(value) -> str:
    """Return `value` as text for an error message: the shape of an array, the repr of anything else."""
    array_shape = getattr(value, "shape", None)
    return f"an array of shape {array_shape}" if isinstance(array_shape, tuple) and array_shape else repr(value)


def shape(value, name: str) -> tuple[int, ...]:
    """Return a shape without the batch axis as a tuple of integers of at least 1; `name` is for errors.

    Raises
    ------
    TypeError
        If `value` is an array instead of its shape, or anything else that is not a tuple or list.
    """
    if isinstance(getattr(value, "shape", None), tuple):
        sizes = tuple(value.shape[1:])
        fix = f" Pass x.shape[1:], which is {sizes}." if sizes else ""
        raise TypeError(f"{name} must be a tuple such as (3, 224, 224), got {described(value)}.{fix}")
    if isinstance(value, (str, bytes, dict, int)) or not hasattr(value, "__iter__"):
        raise TypeError(f"{name} must be a tuple such as (3, 224, 224), without the batch axis, got {value!r}")
    return tuple(integer(size, f"each size in {name}", 1) for size in value)


def pair(value, name: str, least: int = 1) -> Pair:
    """Return `value`, an integer or (height, width), as (height, width)."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(values) != 2:
        raise ValueError(f"{name} must be an integer or (height, width), got {described(value)}")
    height, width = values
    return integer(height, name, least), integer(width, name, least)


def four_sided(padding) -> Padding:
    """Return `padding`, an integer, (h, w) or ((top, bottom), (left, right)), as ((top, bottom), (left, right))."""
    if isinstance(padding, (tuple, list)) and any(isinstance(side, (tuple, list)) for side in padding):
        if len(padding) != 2 or not all(isinstance(side, (tuple, list)) for side in padding):
            raise ValueError(f"padding must be an integer, (h, w) or ((top, bottom), (left, right)), got {padding!r}")
        return pair(padding[0], "padding", 0), pair(padding[1], "padding", 0)
    height, width = pair(padding, "padding", 0)
    return (height, height), (width, width)


def pool_settings(kernel_size, stride, padding) -> tuple[Pair, Pair, Padding]:
    """Return a pool's hyperparameters in full: kernel (R, S), stride (h, w), four-sided padding."""
    kernel_size = pair(kernel_size, "kernel_size")
    stride = kernel_size if stride is None else pair(stride, "stride")
    return kernel_size, stride, pool_padding(padding, kernel_size)


def pool_padding(padding, kernel_size: Pair) -> Padding:
    """Return a pool's padding as ((top, bottom), (left, right)), each side at most kernel - 1."""
    padding = four_sided(padding)
    for axis, sides, kernel in zip(("height", "width"), padding, kernel_size, strict=True):
        if max(sides) >= kernel:
            raise ValueError(
                f"a pool's padding must be at most kernel - 1 on each side so that every window covers part of the "
                f"image: {axis} has padding {max(sides)} and kernel {kernel}"
            )
    return padding


def window_count(size: int, kernel: int, stride: int, padding: Pair, *, ceil_mode: bool = False) -> int:
    """Return how many windows fit along one axis.

    Floor mode: floor((size + before + after - kernel) / stride) + 1. Ceil mode rounds up, so the last window may extend
    past the edge. It is dropped if it would start at or beyond size + before (the rule of PyTorch and ONNX).
    """
    before, after = padding
    room = size + before + after - kernel
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + before else count


def dilated(kernel_size: Pair, dilation: Pair) -> Pair:
    """Return the size of a dilated kernel: dilation * (kernel - 1) + 1 along each axis."""
    return dilation[0] * (kernel_size[0] - 1) + 1, dilation[1] * (kernel_size[1] - 1) + 1


def output_size(
    input_size: Pair, kernel_size: Pair, stride: Pair, padding: Padding, dilation: Pair = (1, 1), *, ceil_mode=False
) -> Pair:
    """Return (P, Q), the output size of a convolution or pooling over an H x W input.

    Raises
    ------
    ValueError
        If no window fits, with the arithmetic of the axis that fails.
    """
    sizes, lengths = [], dilated(kernel_size, dilation)
    for i, axis in enumerate(("height", "width")):
        size, (before, after) = input_size[i], padding[i]
        count = window_count(size, lengths[i], stride[i], padding[i], ceil_mode=ceil_mode)
        if count < 1:
            rule = f" = dilation {dilation[i]} * ({kernel_size[i]} - 1) + 1" if dilation[i] > 1 else ""
            raise ValueError(
                f"the kernel is larger than the padded input: {axis} {size} + padding {before} + {after} = "
                f"{size + before + after} < kernel {lengths[i]}{rule}. "
                "Try a larger input, a smaller kernel or more padding."
            )
        sizes.append(count)
    return sizes[0], sizes[1]


def check_pool_windows(
    name: str, size: Pair, input_size: Pair, kernel_size: Pair, stride: Pair, padding: Padding
) -> None:
    """Raise a ValueError unless `size` (P, Q) is the output size of the pool, in floor or in ceil mode."""
    input_size = pair(input_size, "input_size")
    possible = [output_size(input_size, kernel_size, stride, padding, ceil_mode=True)]
    with contextlib.suppress(ValueError):  # a window larger than the input exists only in ceil mode
        possible.insert(0, output_size(input_size, kernel_size, stride, padding))
    if tuple(size) not in possible:
        expected = " or ".join(f"{p} x {q}" for p, q in dict.fromkeys(possible))
        raise ValueError(
            f"{name} has {' x '.join(map(str, size))} windows, but an input of {' x '.join(map(str, input_size))} with "
            f"kernel {kernel_size}, stride {stride}, padding {padding} has {expected}"
        )


def winograd_applies(kernel_size: Pair, stride: Pair, padding: Padding, dilation: Pair = (1, 1)) -> bool:
    """Return whether Winograd's algorithm applies: 3x3 kernel, stride and dilation 1, padding of at most 2."""
    return tuple(kernel_size) == (3, 3) and stride == dilation == (1, 1) and max(map(max, padding)) <= 2


def winograd_grid(size: Pair) -> Pair:
    """Return how many Winograd tiles of 4 x 4 outputs cover an output of size (P, Q), down and across."""
    return -(-size[0] // 4), -(-size[1] // 4)


def real_window(index: int, size: int, kernel: int, stride: int, before: int) -> Pair:
    """Return the half-open range of real (unpadded) positions that window `index` covers along one axis."""
    start = index * stride - before
    return max(start, 0), min(start + kernel, size)


def padded_window_length(index: int, size: int, kernel: int, stride: int, padding: Pair) -> int:
    """Return how many real or padded positions window `index` covers, without its out-of-bounds part (ceil mode)."""
    before, after = padding
    start = index * stride - before
    return min(start + kernel, size + after) - start


def adaptive_window(index: int, size: int, count: int) -> Pair:
    """Return the half-open range of the `size` positions that window `index` of `count` covers, as in PyTorch.

    Window i covers the axis from i / count to (i + 1) / count; its start is rounded down and its end up.
    """
    return index * size // count, -(-(index + 1) * size // count)
