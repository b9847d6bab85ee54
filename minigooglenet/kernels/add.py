"""Addition of arrays of one shape."""

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned, returned_tuple
from minigooglenet.parallel import flushed


@flushed
def forward(*xs):
    """Return the sum of arrays of one shape, in their dtype."""
    checks.of_one_dtype(xs)
    shape = output_shape(*(x.shape for x in xs))
    return returned("add", "forward", form_of("add", xs[0].dtype).forward(*xs), (shape, xs[0].dtype))


@flushed
def backward(grad_y, count):
    """Return `count` gradients: every term of a sum gets the whole gradient. They may be grad_y itself."""
    checks.floating(grad_y, "grad_y")
    grads = form_of("add", grad_y.dtype).backward(grad_y, count)
    return returned_tuple("add", grads, [grad_y.shape] * count, grad_y.dtype)


def output_shape(*x_shapes):
    """Return the one shape of all inputs, or name the input that differs."""
    if not x_shapes:
        raise ValueError("add needs at least one input, got none")
    common = max(x_shapes, key=x_shapes.count)
    for i, shape in enumerate(x_shapes):
        if tuple(shape) != tuple(common):
            other = x_shapes.index(common)
            raise ValueError(f"add needs equal shapes: input {i} is {tuple(shape)}, input {other} is {tuple(common)}")
    return tuple(common)
