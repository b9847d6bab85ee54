"""The arguments and results of every operation's forms: one table, and the checks of users' pairs against it."""

import inspect
from collections import namedtuple

import numpy as np

from minigooglenet import checks

_POOL = "kernel_size, stride, padding"
# {operation: ((arguments of forward, results), (arguments of backward, results))}. docs/forms.md has the shapes.
SIGNATURES = {
    "conv2d": (
        ("x, weight, bias, stride, padding, groups", "y"),
        ("grad_y, x, weight, bias, stride, padding, groups", "grad_x, grad_weight, grad_bias"),
    ),
    "linear": (("x, weight, bias", "y"), ("grad_y, x, weight, bias", "grad_x, grad_weight, grad_bias")),
    "max_pool2d": ((f"x, {_POOL}, ceil_mode", "y, argmax"), (f"grad_y, argmax, input_size, {_POOL}", "grad_x")),
    "avg_pool2d": (
        (f"x, {_POOL}, ceil_mode, count_include_pad", "y"),
        (f"grad_y, input_size, {_POOL}, count_include_pad", "grad_x"),
    ),
    "adaptive_avg_pool2d": (("x, output_size", "y"), ("grad_y, input_size", "grad_x")),
    "global_avg_pool2d": (("x", "y"), ("grad_y, input_size", "grad_x")),
    "local_response_norm": (("x, size, alpha, beta, k", "y, scale"), ("grad_y, x, scale, size, alpha, beta", "grad_x")),
    "batch_norm2d": (
        ("x, weight, bias, mean, var, eps", "y, mean, var"),
        ("grad_y, x, weight, mean, var, eps, batch_statistics", "grad_x, grad_weight, grad_bias"),
    ),
    "relu": (("x", "y, mask"), ("grad_y, mask", "grad_x")),
    "dropout": (("x, mask, p", "y"), ("grad_y, mask, p", "grad_x")),
    "softmax": (("x", "y"), ("grad_y, y", "grad_x")),
    "log_softmax": (("x", "y"), ("grad_y, y", "grad_x")),
    "softmax_cross_entropy": (
        ("logits, labels", "loss, log_probabilities"),
        ("log_probabilities, labels", "grad_logits"),
    ),
    "concat": (("*xs", "y"), ("grad_y, channels", "grads")),
    "add": (("*xs", "y"), ("grad_y, count", "grads")),
    # of later networks
    "elementwise": (("x, function, parameters", "y"), ("grad_y, x, function, parameters", "grad_x")),
    "scale": (("x, weight, bias", "y"), ("grad_y, x, weight, bias", "grad_x, grad_weight, grad_bias")),
    "multiply": (("*xs", "y"), ("grad_y, *xs", "grads")),
    "global_max_pool2d": (("x", "y, argmax"), ("grad_y, argmax, input_size", "grad_x")),
    "pad": (("x, padding, value", "y"), ("grad_y, padding", "grad_x")),
    "channel_shuffle": (("x, groups", "y"), ("grad_y, groups", "grad_x")),
    "channel_slice": (("x, start, stop", "y"), ("grad_y, start, channels", "grad_x")),
}

Pair = namedtuple("Pair", "forward backward")  # your own functions for one operation


def pair(operation, forward, backward, **keywords) -> Pair:
    """Return your functions as a Pair if they accept the operation's arguments and `keywords`; else raise an error."""
    for function, (arguments, _) in zip((forward, backward), SIGNATURES[operation], strict=True):
        names = arguments.replace("*xs", "x0, x1").split(", ")
        try:
            inspect.signature(function).bind(*names, **keywords)
        except TypeError as error:
            name = getattr(function, "__name__", "the function")
            call = ", ".join([*names, *(f"{key}={value}" for key, value in keywords.items())])
            raise TypeError(f"{operation}: {name} is called as {name}({call}): {error}") from error
        except ValueError:
            pass  # some compiled functions have no signature
    return Pair(forward, backward)


def returned(operation, direction, values, *expected):
    """Return the results of a form if every array has its expected (shape, dtype); dtype None accepts any.

    A shape of None marks a result that is not needed; it becomes None. Your own pairs need this check: their mistakes
    get the same messages as everything else. The three storeys pass it too.
    """
    results = values if len(expected) > 1 else (values,)
    if type(results) is tuple and len(results) == len(expected) and all(map(_fits, results, expected)):
        return values
    names = SIGNATURES[operation][direction == "backward"][1].split(", ")
    if not isinstance(results, (tuple, list)) or len(results) != len(names):
        got = f"{len(results)} values" if isinstance(results, (tuple, list)) else _type(results)
        raise ValueError(f"{operation}: {direction} must return ({', '.join(names)}), got {got}")
    results = [
        None if shape is None else _array(value, f"{operation}: {name} from {direction}", shape, dtype)
        for name, value, (shape, dtype) in zip(names, results, expected, strict=True)
    ]
    return tuple(results) if len(names) > 1 else results[0]


def _fits(value, expected):
    shape, dtype = expected
    if shape is None:
        return value is None
    return type(value) is np.ndarray and value.shape == shape and (dtype is None or value.dtype == dtype)


def returned_tuple(operation, grads, shapes, dtype):
    """Return the gradients of an operation with any number of inputs if each has its expected shape."""
    if not isinstance(grads, (tuple, list)) or len(grads) != len(shapes):
        got = f"{len(grads)} values" if isinstance(grads, (tuple, list)) else _type(grads)
        raise ValueError(f"{operation}: backward must return {len(shapes)} gradients, got {got}")
    return tuple(
        _array(grad, f"{operation}: gradient {i} from backward", shape, dtype)
        for i, (grad, shape) in enumerate(zip(grads, shapes, strict=True))
    )


def _array(value, name, shape, dtype):
    if not isinstance(value, (np.ndarray, np.generic)):
        raise TypeError(f"{name} must be a NumPy array, got {_type(value)}")
    checks.has_shape(value, name, shape)
    if dtype is None or value.dtype == dtype:
        return value
    if value.dtype.kind not in "biufc" or (value.dtype.kind == "c" and dtype.kind != "c"):
        raise TypeError(f"{name} must be {dtype}, got {value.dtype}")
    return value.astype(dtype)


def _type(value):
    return "None. Is a return missing?" if value is None else type(value).__name__
