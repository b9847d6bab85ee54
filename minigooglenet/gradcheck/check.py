"""The two entry points for a single operation: check a layer, or check any pair of functions."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from minigooglenet import checks
from minigooglenet.gradcheck.report import FAIL, Finding, Report
from minigooglenet.gradcheck.stages import run_stages
from minigooglenet.gradcheck.subject import from_functions, from_layer
from minigooglenet.shapes import dilated, shape
from minigooglenet.typing import Rng, Shape

if TYPE_CHECKING:
    from minigooglenet.layers import Layer

# Small shapes that reveal mistakes: unequal sides, a remainder after the last stride, enough channels for LRN's window.
REVEALING = {
    "Linear": lambda layer: (layer.in_features,),
    "Softmax": lambda layer: (5,),
    "LocalResponseNorm": lambda layer: (layer.size + 2, 3, 2),
    "BatchNorm2d": lambda layer: (layer.num_features, 3, 4),
    "Scale": lambda layer: (layer.channels, 3, 4),
    "ChannelShuffle": lambda layer: (3 * layer.groups, 2, 3),
    "ChannelSlice": lambda layer: (layer.stop + 1, 2, 3),
    "Conv2d": lambda layer: (
        layer.in_channels,
        *(length + more for length, more in zip(dilated(layer.kernel_size, layer.dilation), (2, 4), strict=True)),
    ),
}


def check_layer(layer: "Layer", *input_shapes: Shape, rng: Rng = 0) -> Report:
    """Check the `backward` of a layer: on a float64 copy, in training mode, through its own or overridden methods.

    Parameters
    ----------
    layer : Layer; it is not changed. Dropout draws the same mask every time.
    input_shapes : (C, H, W) of each input, without the batch axis (default: small shapes that reveal mistakes)
    rng : Generator, int or None for the values

    Returns
    -------
    Report
        `.verdict` "PASS", "FAIL" or "INCONCLUSIVE", `.findings`, `.suspects`, and a text with all stages.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.gradcheck.check_layer(mg.layers.ReLU()).verdict
    'PASS'
    >>> class Doubled(mg.layers.ReLU):
    ...     def backward(self, grad_output, cache):
    ...         (grad_x,), grad_params = super().backward(grad_output, cache)
    ...         return (2 * grad_x,), grad_params
    >>> mg.gradcheck.check_layer(Doubled()).suspects
    ['wrong by a constant factor: 2 times too large']
    """
    if isinstance(layer, type) or not all(hasattr(layer, name) for name in ("forward", "backward", "params")):
        raise TypeError(f"check_layer expects a layer with forward, backward and params, got {layer!r}")
    shapes = _shapes(layer, input_shapes)
    try:
        subject = from_layer(layer, shapes, np.random.default_rng(rng))
    except (ValueError, TypeError, AttributeError) as error:
        return Report(repr(layer), [Finding(FAIL, f"the layer cannot be checked with this input: {error}")])
    return run_stages(subject, np.random.default_rng(rng))


def check_function(
    forward: Callable[..., Any], backward: Callable[..., Any], *inputs: ArrayLike, rng: Rng = 0, force: bool = False
) -> Report:
    """Check a pair: `forward(*inputs) -> y` and `backward(grad_y, *inputs) -> tuple of gradients`.

    Parameters
    ----------
    forward, backward : the pair; `backward` may omit the gradients of integer inputs
    inputs : float64 arrays, and integers such as labels
    rng : Generator, int or None for the upstream gradient and the directions
    force : check float32 inputs anyway

    Returns
    -------
    Report

    Raises
    ------
    TypeError
        For float32 inputs without `force`: a finite difference loses half of their digits.

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> def square(x):
    ...     return x * x
    >>> def square_backward(grad_y, x):
    ...     return (grad_y * x,)  # the 2 is missing
    >>> report = mg.gradcheck.check_function(square, square_backward, np.array([1.0, -2.0, 3.0]))
    >>> report.verdict, report.suspects[0]
    ('FAIL', 'wrong derivative formula: the square: the 2 is missing')
    """
    if not inputs:
        raise TypeError("check_function needs at least one input: check_function(forward, backward, x, ...)")
    for i, array in enumerate(inputs):
        checks.unmasked(array, f"input {i}")
    low = [i for i, array in enumerate(inputs) if np.asarray(array).dtype in (np.float16, np.float32)]
    if low and not force:
        raise TypeError(
            f"input {low[0]} is {np.asarray(inputs[low[0]]).dtype}: float32 has about 7 digits, so even the best step "
            "size leaves an error near 1e-3, which hides real mistakes. Pass x.astype(np.float64), or force=True to "
            "check anyway."
        )
    if low:
        inputs = tuple(np.asarray(a, np.float64) if i in low else a for i, a in enumerate(inputs))
    subject = from_functions(forward, backward, inputs)
    if not subject.floats:
        raise TypeError("none of the inputs is a float array, so no gradient can be checked")
    return run_stages(subject, np.random.default_rng(rng))


def subject_of(layer, input_shapes, rng):
    """Return (Subject, upstream gradient) of a layer, as `check_layer` makes them."""
    rng = np.random.default_rng(rng)
    subject = from_layer(layer, _shapes(layer, input_shapes), rng)
    return subject, rng.standard_normal(np.shape(subject.forward(*subject.arrays)))


def _shapes(layer, input_shapes):
    """Return the given shapes, or by default small shapes that reveal mistakes."""
    if input_shapes:
        return [shape(given, "an input shape") for given in input_shapes]
    kind = getattr(layer, "kind", type(layer).__name__)
    if kind in REVEALING:
        return [REVEALING[kind](layer)]
    if kind == "Multiply":
        return [(3, 4, 5), (3,), (3, 4, 5), (3, 1, 1)]  # maps and both kinds of gates
    return [(3, 5, 7)] * (1 if getattr(layer, "inputs_taken", 1) else 2)
