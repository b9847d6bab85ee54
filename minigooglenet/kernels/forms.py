"""Which form computes an operation: one of three storeys, or a pair of functions that you wrote.

- `loops` is the definition, in `kernels/loops/`: slow, obvious, and the standard for all others.
- `numpy` is readable NumPy, in `kernels/numpy/`.
- `fast` is the optimised machinery, in `kernels/fast/`. An operation has a file there only if it pays; otherwise
  "fast" means its NumPy file. Complex arrays never use it.

The files of one operation take the same positional arguments (`SIGNATURES`), unchecked, and what a forward saves means
the same in all of them: the forward of one works with the backward of another.
"""

import contextlib
import functools
import inspect
import os
import sys
from collections import namedtuple

import numpy as np

from minigooglenet import checks, console
from minigooglenet.kernels import loops
from minigooglenet.kernels import numpy as readable
from minigooglenet.names import closest
from minigooglenet.parallel import inherited

STOREYS = ("loops", "numpy", "fast")
VARIABLE = "MINIGOOGLENET_FORM"
_POOL = "kernel_size, stride, padding"
# For each operation: the arguments and results of its forward, and those of its backward. docs/forms.md has the shapes.
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
    "local_response_norm": (
        ("x, size, alpha, beta, k", "y, scale"),
        ("grad_y, x, scale, size, alpha, beta", "grad_x"),
    ),
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
}


Pair = namedtuple("Pair", "forward backward")  # your own functions for one operation


class use:  # noqa: N801 (a function to its users, and a context manager)
    """Choose which form computes: from now on in this thread, or until the end of a `with` block.

        mg.use("numpy")                                # every operation in readable NumPy
        with mg.use(max_pool2d=(my_forward, my_backward)):
            g(x)                                       # your own max pooling, everything else as before
        print(mg.use())                                # which file computes what

    The engine's own threads follow the thread that they work for. A thread that you start begins with the storey that
    the environment variable MINIGOOGLENET_FORM names, or "fast".

    Parameters
    ----------
    storey : "loops", "numpy" or "fast", for every operation; it replaces earlier choices
    operations : {operation: storey or pair (forward, backward)}, for single operations. A pair takes and returns what
        `kernels.forms.SIGNATURES` states.

    Raises
    ------
    ValueError, TypeError
        If a storey or an operation is unknown, or a pair cannot be called with the operation's arguments.
    """

    def __init__(self, storey=None, /, **operations):
        self._before = _choice.get()  # {"": storey, operation: storey or Pair}
        changed = dict(self._before) if storey is None else {"": _known(storey)}
        self._now = changed | {name: _checked(name, form) for name, form in operations.items()}
        _choice.set(self._now)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _choice.set(self._before)

    def __repr__(self):
        rows = [(name, *_described(name, self._now)) for name in SIGNATURES]
        return str(console.Table("Which form computes what", ("operation", "form", "computed by"), rows))


def chosen() -> dict:
    """Return the choice of this thread: {"": storey, operation: storey or Pair}."""
    return _choice.get()


@contextlib.contextmanager
def using(choice):
    """Compute with a choice that `chosen` returned until the end of a `with` block."""
    before = _choice.get()
    _choice.set(choice)
    try:
        yield
    finally:
        _choice.set(before)


def form_of(operation, dtype):
    """Return the object whose `forward` and `backward` compute an operation: a storey's module or a Pair."""
    choice = _choice.get()
    form = choice.get(operation) or choice[""]
    if isinstance(form, Pair):
        return form
    return module_of(operation, form if dtype.kind == "f" or form == "loops" else "numpy")


def storey_of(operation) -> str:
    """Return "loops", "numpy" or "fast", or "yours" for a pair: what computes an operation in this thread."""
    form = _choice.get().get(operation) or _choice.get()[""]
    if isinstance(form, Pair):
        return "yours"
    return "numpy" if form == "fast" and fast() is None else form


def module_of(operation, storey):
    """Return the module that computes an operation on a storey."""
    if storey == "loops":
        return getattr(loops, operation)
    module = getattr(fast(), operation, None) if storey == "fast" else None
    return module or getattr(readable, operation)


@functools.cache
def fast():
    """Return the package `kernels.fast`, or None where Numba cannot be imported: the only way to compiled code."""
    if reason := why_not_fast():
        print(WITHOUT_NUMBA.format(reason=reason), file=sys.stderr, flush=True)
        return None
    from minigooglenet.kernels import fast as package

    return package


@functools.cache
def why_not_fast() -> str:
    """Return why compiled code cannot run here, or an empty string."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return JIT_DISABLED
    try:
        import numba  # noqa: F401
    except Exception as error:  # a Python that is too new for it, a system without its library
        first_line = (str(error) or repr(error)).splitlines()[0]
        return f"Numba cannot be imported ({type(error).__name__}: {first_line})"
    return ""


JIT_DISABLED = "NUMBA_DISABLE_JIT is set"
INSTEAD = "Everything runs on NumPy instead, about four times slower."
WITHOUT_NUMBA = f"minigooglenet: {{reason}}. {INSTEAD}"


def returned(operation, direction, values, **expected):
    """Return what a form returned, once every array has its expected (shape, dtype); dtype None accepts any.

    The three storeys pass this too; it is here for pairs, whose mistakes deserve the same sentences.
    """
    names = list(expected)
    of = f"the {direction} of {operation}"
    if len(names) > 1 and (not isinstance(values, (tuple, list)) or len(values) != len(names)):
        got = f"{len(values)} values" if isinstance(values, (tuple, list)) else _type(values)
        raise ValueError(f"{of} must return ({', '.join(names)}), got {got}")
    results = []
    for name, value in zip(names, values if len(names) > 1 else (values,), strict=True):
        shape, dtype = expected[name]
        results.append(None if shape is None else _array(value, f"{name} from {of}", shape, dtype))
    return tuple(results) if len(names) > 1 else results[0]


def returned_tuple(operation, grads, shapes, dtype):
    """Return the gradients of a backward with any number of inputs, once each has its shape."""
    if not isinstance(grads, (tuple, list)) or len(grads) != len(shapes):
        got = f"{len(grads)} values" if isinstance(grads, (tuple, list)) else _type(grads)
        raise ValueError(f"the backward of {operation} must return {len(shapes)} gradients, got {got}")
    of = f"from the backward of {operation}"
    return tuple(_array(g, f"gradient {i} {of}", s, dtype) for i, (g, s) in enumerate(zip(grads, shapes, strict=True)))


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


def _known(storey, of=""):
    if isinstance(storey, str) and storey in STOREYS:
        return storey
    raise ValueError(f"unknown form {storey!r}{of}. Choose {', '.join(map(repr, STOREYS[:-1]))} or {STOREYS[-1]!r}.")


def _from_environment():
    return {"": _known(os.environ.get(VARIABLE, "").strip() or "fast", f" in {VARIABLE}")}


def _checked(operation, form):
    """Return a storey or a Pair for one operation, or say what is wrong with it."""
    if operation not in SIGNATURES:
        close = closest(operation, SIGNATURES)
        hint = f" Did you mean {close}?" if close else f" Choose from {', '.join(SIGNATURES)}."
        raise ValueError(f"unknown operation {operation!r}.{hint}")
    if isinstance(form, str):
        return _known(form, f" for {operation}")
    if not isinstance(form, (tuple, list)) or len(form) != 2 or not all(map(callable, form)):
        raise TypeError(f"{operation} takes a form's name or a pair (forward, backward), got {form!r}")
    return pair(operation, *form)


def pair(operation, forward, backward) -> Pair:
    """Return your own functions as a Pair, once they are known to take the operation's arguments."""
    for function, (arguments, _) in zip((forward, backward), SIGNATURES[operation], strict=True):
        names = ["x0", "x1"] if arguments == "*xs" else arguments.split(", ")
        try:
            inspect.signature(function).bind(*names)
        except TypeError as error:
            name = getattr(function, "__name__", "the function")
            raise TypeError(f"{operation}: {name} is called as {name}({', '.join(names)}): {error}") from error
        except ValueError:
            pass  # some compiled functions do not state their arguments
    return Pair(forward, backward)


def _described(operation, choice):
    form = choice.get(operation) or choice[""]
    if isinstance(form, Pair):
        return "yours", ", ".join(getattr(function, "__qualname__", repr(function)) for function in form)
    module = module_of(operation, form).__name__.removeprefix("minigooglenet.")
    return form, module.replace(".", "/") + ".py"


_choice = inherited.Inherited(_from_environment)
