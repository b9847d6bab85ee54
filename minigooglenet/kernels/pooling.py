"""What max and average pooling share: their settings in full form, and which windows an output can have."""

import contextlib

from minigooglenet import shapes


def settings(kernel_size, stride, padding):
    """Return a pool's settings in their full form: kernel (R, S), stride (h, w), four-sided padding."""
    kernel_size = shapes.pair(kernel_size, "kernel_size")
    stride = kernel_size if stride is None else shapes.pair(stride, "stride")
    return kernel_size, stride, shapes.pool_padding(padding, kernel_size)


def check_windows(name, size, input_size, kernel_size, stride, padding) -> None:
    """Raise a ValueError unless `size` (P, Q) is what the input size gives, rounded down or up."""
    input_size = shapes.pair(input_size, "input_size")
    possible = [shapes.output_size(input_size, kernel_size, stride, padding, ceil_mode=True)]
    with contextlib.suppress(ValueError):  # a window larger than the input exists in ceil mode alone
        possible.insert(0, shapes.output_size(input_size, kernel_size, stride, padding))
    if tuple(size) not in possible:
        expected = " or ".join(f"{p} x {q}" for p, q in dict.fromkeys(possible))
        raise ValueError(
            f"{name} has {' x '.join(map(str, size))} windows, but an input of {' x '.join(map(str, input_size))} with "
            f"kernel {kernel_size}, stride {stride}, padding {padding} has {expected}"
        )
