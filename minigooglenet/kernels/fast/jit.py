"""The compiler of this package: serial Numba without the GIL, cached on disk by `compile_cache`."""

import hashlib
import os
from pathlib import Path

import numba
from numba.core import event

from minigooglenet import starting
from minigooglenet.kernels.fast import compile_cache, parts

if starting.FORGOTTEN:  # Numba reads a settings file in the current folder before every compilation
    numba.core.config._config_fname = os.devnull


def compiled(function):
    """Compile `function` on its first call, as serial code that the engine's threads run in parallel."""
    return _compile(function)


def compiled_sum(function):
    """Compile a function whose sums may be computed in any order, so that LLVM can use a vector of partial sums.

    NaN and infinity are handled correctly.
    """
    return _compile(function, fastmath={"reassoc", "contract", "nsz"})


def is_kernel(dispatcher) -> bool:
    """Return whether a compiled function is one of this package's kernels, which are cached on disk."""
    return getattr(dispatcher.py_func, "is_kernel", False)


class Counter(event.Listener):
    """Count the kernels that are compiled inside a `with` block."""

    def __init__(self):
        self.count = 0

    def __enter__(self):
        event.register("numba:compile", self)
        return self

    def __exit__(self, *_):
        event.unregister("numba:compile", self)

    def on_start(self, event):
        self.count += is_kernel(event.data["dispatcher"])

    def on_end(self, event):
        """Do nothing."""


def _compile(function, **options):
    function.is_kernel = True
    options |= {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
    dispatcher = numba.njit(**options)(function)
    if not numba.config.DISABLE_JIT:
        # A kernel contains the code of the functions that it calls, which may be in other files.
        compile_cache.attach(dispatcher, SOURCES)
        parts.attach(dispatcher, **options)
    return dispatcher


def _digest_of_sources():
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


SOURCES = _digest_of_sources()


class _Announcement(event.Listener):
    """Print once per process that kernels are being compiled, so that users do not expect every call to be slow."""

    def __init__(self):
        self.printed = False

    def on_start(self, event):
        if not self.printed and is_kernel(event.data["dispatcher"]):
            self.printed = True
            compile_cache.print_line(MESSAGE)

    def on_end(self, event):
        """Do nothing."""


MESSAGE = (
    "minigooglenet: compiling kernels for this CPU (first use only, the result is cached). "
    "`minigooglenet warmup` compiles all of them in advance."
)
event.register("numba:compile", _Announcement())
