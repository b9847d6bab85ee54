"""How this package compiles: serial Numba without the interpreter lock, kept on disk by `compile_cache`."""

import hashlib
import os
from pathlib import Path

import numba
from numba.core import event

from minigooglenet import starting
from minigooglenet.kernels.fast import compile_cache

if starting.FORGOTTEN:  # Numba reads a file of settings in the current folder again before each compilation
    numba.core.config._config_fname = os.devnull


def compiled(function):
    """Compile `function` on its first call, without threads of its own: the engine's threads run it side by side."""
    return _compile(function)


def compiled_sum(function):
    """Compile a function whose sums may be taken in any order, which lets LLVM keep a vector of partial sums.

    NaN and infinity stay what they are.
    """
    return _compile(function, fastmath={"reassoc", "contract", "nsz"})


def is_kernel(dispatcher) -> bool:
    """Tell whether a compiled function is one of this package's kernels, which are kept on disk."""
    return getattr(dispatcher.py_func, "is_kernel", False)


class Counter(event.Listener):
    """Counts the kernels that are compiled inside a `with` block."""

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
        """Nothing to count."""


def _compile(function, **options):
    function.is_kernel = True
    options |= {"nogil": True, "error_model": "numpy"}
    dispatcher = numba.njit(**options)(function)
    if not numba.config.DISABLE_JIT:
        # A kernel holds the code of the functions that it calls, and those are in other files.
        compile_cache.attach(dispatcher, SOURCES)
    return dispatcher


def _digest_of_sources():
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


SOURCES = _digest_of_sources()


class _Announcement(event.Listener):
    """Says once in a process that kernels are being compiled, so that nobody takes the first call for the usual one."""

    def __init__(self):
        self.said = False

    def on_start(self, event):
        if not self.said and is_kernel(event.data["dispatcher"]):
            self.said = True
            compile_cache.say(MESSAGE)

    def on_end(self, event):
        """Nothing to say."""


MESSAGE = (
    "minigooglenet: compiling kernels for this CPU (first use only, the result is cached). "
    "`minigooglenet warmup` compiles all of them in advance."
)
event.register("numba:compile", _Announcement())
