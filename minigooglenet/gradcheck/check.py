"""Is this backward right? For a layer of this package or of a student's, and for any pair of functions."""

import numpy as np

from minigooglenet import checks
from minigooglenet.gradcheck.ladder import climb
from minigooglenet.gradcheck.report import FAIL, Finding, Report
from minigooglenet.gradcheck.subject import from_functions, from_layer
from minigooglenet.shapes import shape

# Small shapes that reveal: unequal sides, a stride with a remainder behind, enough channels for a window across them.
REVEALING = {
    "Linear": lambda layer: (layer.in_features,),
    "Softmax": lambda layer: (5,),
    "LocalResponseNorm": lambda layer: (layer.size + 2, 3, 2),
    "BatchNorm2d": lambda layer: (layer.num_features, 3, 4),
    "Conv2d": lambda layer: (layer.in_channels, layer.kernel_size[0] + 2, layer.kernel_size[1] + 4),
}


def check_layer(layer, *input_shapes, rng=0) -> Report:
    """Check the backward of a layer at a float64 copy, in training mode, through its own (perhaps overridden) methods.

    Parameters
    ----------
    layer : Layer; it is left as it is. Dropout draws the same mask each time.
    input_shapes : (C, H, W) of each input, without the batch axis; small and revealing ones unless given
    rng : Generator, int or None, for the values

    Returns
    -------
    Report
        `.verdict` "PASS", "FAIL" or "INCONCLUSIVE", `.findings`, `.suspects`, and the ladder as text.
    """
    if isinstance(layer, type) or not all(hasattr(layer, name) for name in ("forward", "backward", "params")):
        raise TypeError(f"check_layer takes a layer with forward, backward and params, got {layer!r}")
    shapes = _shapes(layer, input_shapes)
    try:
        subject = from_layer(layer, shapes, np.random.default_rng(rng))
    except (ValueError, TypeError, AttributeError) as error:
        return Report(repr(layer), [Finding(FAIL, f"the layer cannot be prepared: {error}")])
    return climb(subject, np.random.default_rng(rng))


def check_function(forward, backward, *inputs, rng=0, force=False) -> Report:
    """Check a pair of functions: forward(*inputs) -> y, backward(grad_y, *inputs) -> tuple of gradients.

    Parameters
    ----------
    forward, backward : the pair; a backward may leave out the gradients of integer inputs
    inputs : float64 arrays, and integers such as labels
    rng : Generator, int or None, for the upstream gradient and the directions
    force : check float32 inputs all the same

    Returns
    -------
    Report

    Raises
    ------
    TypeError
        For float32 inputs without `force`: half their digits are lost to the difference of two forwards.
    """
    if not inputs:
        raise TypeError("check_function needs the inputs at which to check: check_function(forward, backward, x, ...)")
    for i, array in enumerate(inputs):
        checks.unmasked(array, f"input {i}")
    low = [i for i, array in enumerate(inputs) if np.asarray(array).dtype in (np.float16, np.float32)]
    if low and not force:
        raise TypeError(
            f"input {low[0]} is {np.asarray(inputs[low[0]]).dtype}: with 7 digits the best step of a difference leaves "
            "an error near 1e-3, which hides real mistakes; give x.astype(np.float64), or force=True"
        )
    if low:
        inputs = [np.asarray(a, np.float64) if i in low else a for i, a in enumerate(inputs)]
    subject = from_functions(forward, backward, inputs)
    if not subject.floats:
        raise TypeError("none of the inputs is a float array, so there is no gradient to check")
    return climb(subject, np.random.default_rng(rng))


def subject_of(layer, input_shapes, rng):
    """Return (Subject, upstream gradient) of a layer as `check_layer` would see it."""
    rng = np.random.default_rng(rng)
    subject = from_layer(layer, _shapes(layer, input_shapes), rng)
    return subject, rng.standard_normal(np.shape(subject.forward(*subject.arrays)))


def _shapes(layer, input_shapes):
    """Return the shapes that were given, or small and revealing ones."""
    if input_shapes:
        return [shape(given, "an input shape") for given in input_shapes]
    kind = getattr(layer, "kind", type(layer).__name__)
    if kind in REVEALING:
        return [REVEALING[kind](layer)]
    return [(3, 5, 7)] * (1 if getattr(layer, "inputs_taken", 1) else 2)
