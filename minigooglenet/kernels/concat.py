"""Concatenation along axis 1, which joins the branches of an Inception module."""

from collections.abc import Sequence

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned, returned_tuple
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array, Shape

__all__ = ["backward", "forward"]


@flushed
def forward(*xs: Array) -> Array:
    """Return y (N, C1 + C2 + ..., ...) for arrays of any rank >= 2 that are equal in every other axis.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.concat.forward(np.zeros((1, 2)), np.ones((1, 3)))
    array([[0., 0., 1., 1., 1.]])
    """
    checks.of_one_dtype(xs)
    for i, x in enumerate(xs):
        if x.shape[0] != xs[0].shape[0]:
            raise ValueError(
                f"concat needs equal batch sizes: input 0 has {xs[0].shape[0]} images, input {i} has {x.shape[0]}"
            )
    shape = output_shape(*(x.shape[1:] for x in xs))
    y = form_of("concat", xs[0].dtype).forward(*xs)
    return returned("concat", "forward", y, ((len(xs[0]), *shape), xs[0].dtype))


@flushed
def backward(grad_y: Array, channels: Sequence[int]) -> tuple[Array, ...]:
    """Return one gradient per input: grad_y (N, sum of channels, ...), split into parts of so many `channels`.

    The parts may be views of grad_y.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.concat.backward(np.array([[0.0, 0.0, 1.0, 1.0, 1.0]]), (2, 3))
    (array([[0., 0.]]), array([[1., 1., 1.]]))
    """
    checks.floating(grad_y, "grad_y")
    images, _, *rest = grad_y.shape
    checks.has_shape(grad_y, "grad_y", (images, sum(channels), *rest))
    grads = form_of("concat", grad_y.dtype).backward(grad_y, channels)
    return returned_tuple("concat", grads, [(images, count, *rest) for count in channels], grad_y.dtype)


def output_shape(*x_shapes: Shape) -> Shape:
    """Return the shape of the concatenated x_shapes (C, ...), or raise an error that names the input that does not fit.

    That is an input whose height and width differ from those of most inputs.
    """
    if not x_shapes:
        raise ValueError("concat needs at least one input, got none")
    if any(len(shape) == 0 for shape in x_shapes):
        raise ValueError("concat joins along axis 1, so each input needs at least two axes, (N, C)")
    rests = [tuple(shape[1:]) for shape in x_shapes]
    common = max(rests, key=rests.count)
    for i, rest in enumerate(rests):
        if rest != common:
            other = rests.index(common)
            raise ValueError(
                f"concat needs inputs of equal height and width: input {i} is {_size(rest)}, "
                f"input {other} is {_size(common)}{_hint(rest, common)}"
            )
    return (sum(shape[0] for shape in x_shapes), *common)


def _size(rest):
    return " x ".join(map(str, rest)) or "a vector"


def _hint(rest, common):
    differences = {abs(a - b) for a, b in zip(rest, common, strict=True)} if len(rest) == len(common) else {0}
    if differences <= {0, 1}:
        return (
            ". A difference of 1 often means that one pool rounds its output size down and another rounds it up. "
            "Try ceil_mode=True or padding."
        )
    if len(differences) == 1 and differences <= {2, 4, 6}:
        (lost,) = differences
        return f". The smaller map lacks {lost} rows and columns: increase its convolution's padding by {lost // 2}."
    return ""
