"""Concatenation along axis 1: where the branches of an Inception module meet."""

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned, returned_tuple
from minigooglenet.parallel import flushed


@flushed
def forward(*xs):
    """Return y (N, C1 + C2 + ..., ...) of arrays of any rank >= 2 that agree in every other axis."""
    checks.of_one_dtype(xs)
    for i, x in enumerate(xs):
        if x.shape[0] != xs[0].shape[0]:
            raise ValueError(
                f"concat joins equal batches: input 0 has {xs[0].shape[0]} images, input {i} has {x.shape[0]}"
            )
    shape = output_shape(*(x.shape[1:] for x in xs))
    y = form_of("concat", xs[0].dtype).forward(*xs)
    return returned("concat", "forward", y, ((len(xs[0]), *shape), xs[0].dtype))


@flushed
def backward(grad_y, channels):
    """Return one gradient per input: grad_y (N, sum of channels, ...) split after each of the numbers in `channels`.

    They may be views of grad_y.
    """
    checks.floating(grad_y, "grad_y")
    images, _, *rest = grad_y.shape
    checks.has_shape(grad_y, "grad_y", (images, sum(channels), *rest))
    grads = form_of("concat", grad_y.dtype).backward(grad_y, channels)
    return returned_tuple("concat", grads, [(images, count, *rest) for count in channels], grad_y.dtype)


def output_shape(*x_shapes):
    """Return the joint shape of x_shapes (C, ...), or name the input that does not fit.

    The odd one out is the input that disagrees with most of the others.
    """
    if not x_shapes:
        raise ValueError("concat needs at least one input, got none")
    if any(len(shape) == 0 for shape in x_shapes):
        raise ValueError("concat joins axis 1, so each input needs at least two axes, (N, C)")
    rests = [tuple(shape[1:]) for shape in x_shapes]
    common = max(rests, key=rests.count)
    for i, rest in enumerate(rests):
        if rest != common:
            other = rests.index(common)
            raise ValueError(
                f"concat needs equal sizes behind the channels: input {i} is {_size(rest)}, "
                f"input {other} is {_size(common)}{_hint(rest, common)}"
            )
    return (sum(shape[0] for shape in x_shapes), *common)


def _size(rest):
    return " x ".join(map(str, rest)) or "a vector"


def _hint(rest, common):
    apart = {abs(a - b) for a, b in zip(rest, common, strict=True)} if len(rest) == len(common) else {0}
    if apart <= {0, 1}:
        return (
            "; one apart is often a pool that rounds down where another rounds up: perhaps ceil_mode=True, or padding?"
        )
    if len(apart) == 1 and apart <= {2, 4, 6}:
        (lost,) = apart
        return (
            f"; {lost} apart is what a {lost + 1}x{lost + 1} kernel without padding loses: perhaps padding={lost // 2}?"
        )
    return ""
