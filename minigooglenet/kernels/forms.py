"""Which form computes an operation: one of three *storeys* (loops, numpy, fast), or a pair of functions that you wrote.

- `loops` is the definition, in `kernels/loops/`: slow, obvious, and the reference for the others.
- `numpy` is readable NumPy, in `kernels/numpy/`.
- `fast` is optimised compiled code, in `kernels/fast/`. An operation has a file there only if it pays; otherwise
  "fast" means its NumPy file. Complex arrays never use it.

All forms of an operation take the same positional arguments (`kernels/signatures.py`), unchecked, and save the same
values for `backward`: `forward` of one form works with `backward` of another.
"""

import functools
import os
from typing import Any, Self

from minigooglenet import console
from minigooglenet.kernels import compiled, loops
from minigooglenet.kernels import numpy as readable
from minigooglenet.kernels.signatures import SIGNATURES, Pair, pair
from minigooglenet.names import hint
from minigooglenet.parallel import inherited
from minigooglenet.typing import FormName
from minigooglenet.typing import Pair as Functions

STOREYS = ("loops", "numpy", "fast")
VARIABLE = "MINIGOOGLENET_FORM"


def _known(storey, where=""):
    if isinstance(storey, str) and storey in STOREYS:
        return storey
    raise ValueError(f"unknown form {storey!r}{where}. Choose {', '.join(map(repr, STOREYS[:-1]))} or {STOREYS[-1]!r}.")


# The choice of this thread: {"": the storey of all other operations, operation: storey or Pair}
choice = inherited.Inherited(lambda: {"": _known(os.environ.get(VARIABLE, "").strip() or "fast", f" in {VARIABLE}")})


class use:  # noqa: N801 (a function to its users, and a context manager)
    """Choose which form computes the operations: from now on in this thread, or until the end of a `with` block::

        mg.use("numpy")                                # every operation in readable NumPy
        with mg.use(max_pool2d=(my_forward, my_backward)):
            g(x)                                       # your own max pooling, everything else as before
        print(mg.use())                                # which file computes which operation

    Worker threads follow the thread that they work for. A thread that you start begins with the storey in the
    environment variable MINIGOOGLENET_FORM, or with "fast".

    Parameters
    ----------
    storey : "loops", "numpy" or "fast", for every operation; it replaces earlier choices
    operations : {operation: storey, or a pair (forward, backward) as listed in `kernels.signatures.SIGNATURES`}

    Raises
    ------
    ValueError, TypeError
        If a storey or an operation is unknown, or a pair cannot be called with the operation's arguments.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> def my_forward(x):
    ...     return np.abs(x), x > 0
    >>> with mg.use("numpy", relu=(my_forward, lambda grad_y, mask: grad_y * mask)):
    ...     mg.kernels.relu.forward(np.array([-2.0, 3.0]))[0]
    array([2., 3.])
    """

    def __init__(self, storey: FormName | None = None, /, **operations: FormName | Functions) -> None:
        self._before = choice.get()
        changed = dict(self._before) if storey is None else {"": _known(storey)}
        self._now = changed | {name: _checked(name, form) for name, form in operations.items()}
        choice.set(self._now)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        choice.set(self._before)

    def __repr__(self) -> str:
        rows = [(name, *_described(name, self._now)) for name in SIGNATURES]
        return str(console.Table("Which form computes what", ("operation", "form", "computed by"), rows))


def _chosen(operation, choices):
    return choices.get(operation) or choices[""]


def form_of(operation: str, dtype: Any) -> Any:
    """Return the object whose `forward` and `backward` compute an operation: a module of a storey, or a Pair."""
    form = _chosen(operation, choice.get())
    if isinstance(form, Pair):
        return form
    return module_of(operation, form if dtype.kind == "f" or form == "loops" else "numpy")


def storey_of(operation) -> str:
    """Return what computes an operation in this thread: "loops", "numpy", "fast", or "yours" for a pair."""
    form = _chosen(operation, choice.get())
    if isinstance(form, Pair):
        return "yours"
    return "numpy" if form == "fast" and compiled.fast() is None else form


@functools.cache
def module_of(operation, storey):
    """Return the module that computes an operation in this storey."""
    if storey == "loops":
        return getattr(loops, operation)
    return (storey == "fast" and getattr(compiled.fast(), operation, None)) or getattr(readable, operation)


def _checked(operation, form):
    """Return a storey or a Pair for one operation, or raise an error."""
    if operation not in SIGNATURES:
        advice = hint(operation, SIGNATURES, f"Choose from {', '.join(SIGNATURES)}.")
        raise ValueError(f"unknown operation {operation!r}{advice}")
    if isinstance(form, str):
        return _known(form, f" for {operation}")
    if not isinstance(form, (tuple, list)) or len(form) != 2 or not all(map(callable, form)):
        raise TypeError(f"{operation} must be the name of a form or a pair (forward, backward), got {form!r}")
    return pair(operation, *form)


def _described(operation, choices):
    form = _chosen(operation, choices)
    if isinstance(form, Pair):
        return "yours", ", ".join(getattr(function, "__qualname__", repr(function)) for function in form)
    module = module_of(operation, form).__name__.removeprefix("minigooglenet.")
    return form, module.replace(".", "/") + ".py"
