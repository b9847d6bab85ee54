"""Which form computes an operation: one of three storeys, or a pair of functions that you wrote.

- `loops` is the definition, in `kernels/loops/`: slow, obvious, and the standard for all others.
- `numpy` is readable NumPy, in `kernels/numpy/`.
- `fast` is the optimised machinery, in `kernels/fast/`. An operation has a file there only if it pays; otherwise
  "fast" means its NumPy file. Complex arrays never use it.

The files of one operation take the same positional arguments (`kernels/signatures.py`), unchecked, and what a forward
saves means the same in all of them: the forward of one works with the backward of another.
"""

import functools
import os

from minigooglenet import console
from minigooglenet.kernels import compiled, loops
from minigooglenet.kernels import numpy as readable
from minigooglenet.kernels.signatures import SIGNATURES, Pair, pair
from minigooglenet.names import closest
from minigooglenet.parallel import inherited

STOREYS = ("loops", "numpy", "fast")
VARIABLE = "MINIGOOGLENET_FORM"


def _known(storey, of=""):
    if isinstance(storey, str) and storey in STOREYS:
        return storey
    raise ValueError(f"unknown form {storey!r}{of}. Choose {', '.join(map(repr, STOREYS[:-1]))} or {STOREYS[-1]!r}.")


# The choice of this thread: {"": storey, operation: storey or Pair}
choice = inherited.Inherited(lambda: {"": _known(os.environ.get(VARIABLE, "").strip() or "fast", f" in {VARIABLE}")})


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
    operations : {operation: storey, or a pair (forward, backward) as `kernels.signatures.SIGNATURES` states}

    Raises
    ------
    ValueError, TypeError
        If a storey or an operation is unknown, or a pair cannot be called with the operation's arguments.
    """

    def __init__(self, storey=None, /, **operations):
        self._before = choice.get()
        changed = dict(self._before) if storey is None else {"": _known(storey)}
        self._now = changed | {name: _checked(name, form) for name, form in operations.items()}
        choice.set(self._now)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        choice.set(self._before)

    def __repr__(self):
        rows = [(name, *_described(name, self._now)) for name in SIGNATURES]
        return str(console.Table("Which form computes what", ("operation", "form", "computed by"), rows))


def _chosen(operation, choices):
    return choices.get(operation) or choices[""]


def form_of(operation, dtype):
    """Return the object whose `forward` and `backward` compute an operation: a storey's module or a Pair."""
    form = _chosen(operation, choice.get())
    if isinstance(form, Pair):
        return form
    return module_of(operation, form if dtype.kind == "f" or form == "loops" else "numpy")


def storey_of(operation) -> str:
    """Return "loops", "numpy" or "fast", or "yours" for a pair: what computes an operation in this thread."""
    form = _chosen(operation, choice.get())
    if isinstance(form, Pair):
        return "yours"
    return "numpy" if form == "fast" and compiled.fast() is None else form


@functools.cache
def module_of(operation, storey):
    """Return the module that computes an operation on a storey."""
    if storey == "loops":
        return getattr(loops, operation)
    return (storey == "fast" and getattr(compiled.fast(), operation, None)) or getattr(readable, operation)


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


def _described(operation, choices):
    form = _chosen(operation, choices)
    if isinstance(form, Pair):
        return "yours", ", ".join(getattr(function, "__qualname__", repr(function)) for function in form)
    module = module_of(operation, form).__name__.removeprefix("minigooglenet.")
    return form, module.replace(".", "/") + ".py"
