"""Products of arrays, value by value: the gates of squeeze-and-excitation (Hu et al. 2018) multiply whole channels."""

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned, returned_tuple
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array, Shape

__all__ = ["backward", "forward"]


@flushed
def forward(*xs: Array) -> Array:
    """Return the product of two or more arrays.

    An axis of length 1 is repeated, and axes that an input lacks at its end count as 1: gates (N, C) or (N, C, 1, 1)
    multiply the channels of (N, C, H, W).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> maps, gates = np.ones((1, 2, 1, 3)), np.array([[0.5, 2.0]])
    >>> mg.kernels.multiply.forward(maps, gates)
    array([[[[0.5, 0.5, 0.5]],
    <BLANKLINE>
            [[2. , 2. , 2. ]]]])
    """
    shape = _checked(xs)
    y = form_of("multiply", xs[0].dtype).forward(*xs)
    return returned("multiply", "forward", y, (shape, xs[0].dtype))


@flushed
def backward(grad_y: Array, *xs: Array) -> tuple[Array, ...]:
    """Return one gradient per input: grad_y times the other inputs, summed over the axes along which it was repeated.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.multiply.backward(np.ones((1, 1, 2)), np.array([[[3.0, 4.0]]]), np.array([[5.0]]))
    (array([[[5., 5.]]]), array([[7.]]))
    """
    shape = _checked(xs)
    grad_y = checks.gradient(grad_y, shape, xs[0].dtype)
    grads = form_of("multiply", grad_y.dtype).backward(grad_y, *xs)
    return returned_tuple("multiply", grads, [x.shape for x in xs], grad_y.dtype)


def output_shape(*x_shapes: Shape) -> Shape:
    """Return the shape of the product of inputs (C, ...), or raise an error that names the input that does not fit."""
    if len(x_shapes) < 2:
        raise ValueError(f"multiply needs at least two inputs, got {len(x_shapes)}")
    rank = max(map(len, x_shapes))
    padded = [(*shape, *[1] * (rank - len(shape))) for shape in x_shapes]
    largest = tuple(map(max, zip(*padded, strict=True)))
    for axis, most in enumerate(largest):
        for i, shape in enumerate(padded):
            if shape[axis] not in (1, most):
                other = next(k for k in range(len(padded)) if padded[k][axis] == most)
                raise ValueError(
                    "multiply needs equal shapes, or gates (C,) or (C, 1, 1) for (C, H, W): "
                    f"input {i} is {tuple(x_shapes[i])}, input {other} is {tuple(x_shapes[other])}"
                )
    return largest


def _checked(xs):
    checks.of_one_dtype(xs)
    for i, x in enumerate(xs):
        if x.ndim == 0 or len(x) != len(xs[0]):
            raise ValueError(
                f"multiply needs equal batch sizes: input 0 has the shape {xs[0].shape}, input {i} {x.shape}"
            )
    return (*xs[0].shape[:1], *output_shape(*(x.shape[1:] for x in xs)))
