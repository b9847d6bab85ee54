"""Addition of arrays of one shape."""

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned, returned_tuple
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array, Shape

__all__ = ["backward", "forward"]


@flushed
def forward(*xs: Array) -> Array:
    """Return the sum of arrays of one shape, in their dtype.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.add.forward(np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]]))
    array([[11., 22.]])
    """
    checks.of_one_dtype(xs)
    shape = output_shape(*(x.shape for x in xs))
    return returned("add", "forward", form_of("add", xs[0].dtype).forward(*xs), (shape, xs[0].dtype))


@flushed
def backward(grad_y: Array, count: int) -> tuple[Array, ...]:
    """Return `count` gradients, one per input: each equals grad_y, and may be the same array.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.add.backward(np.array([[1.0, 2.0]]), 2)
    (array([[1., 2.]]), array([[1., 2.]]))
    """
    checks.floating(grad_y, "grad_y")
    grads = form_of("add", grad_y.dtype).backward(grad_y, count)
    return returned_tuple("add", grads, [grad_y.shape] * count, grad_y.dtype)


def output_shape(*x_shapes: Shape) -> Shape:
    """Return the common shape of all inputs, or raise an error that names the input that differs."""
    if not x_shapes:
        raise ValueError("add needs at least one input, got none")
    common = max(x_shapes, key=x_shapes.count)
    for i, shape in enumerate(x_shapes):
        if tuple(shape) != tuple(common):
            other = x_shapes.index(common)
            raise ValueError(f"add needs equal shapes: input {i} is {tuple(shape)}, input {other} is {tuple(common)}")
    return tuple(common)
