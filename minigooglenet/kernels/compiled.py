"""How this package compiles: serial Numba without the interpreter lock, kept on disk by `compile_cache`."""

import hashlib
import os
from pathlib import Path

import numba
from numba.core import event

from minigooglenet import starting
from minigooglenet.kernels import compile_cache

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


def _compile(function, **options):
    function.is_kernel = True
    options |= {"nogil": True, "error_model": "numpy"}
    with _jit_enabled:
        dispatcher = numba.njit(**options)(function)
    # A kernel holds the code of the functions that it calls, and those are in other files.
    compile_cache.attach(dispatcher, SOURCES)
    return dispatcher


class _JitEnabled:
    """Let Numba compile these kernels whatever NUMBA_DISABLE_JIT says; other functions stay as it says.

    The kernels consist of instructions that only a compiler understands (`vector`, `tile`).
    """

    def __init__(self):
        self.disabled, self.depth = numba.config.DISABLE_JIT, 0
        if self.disabled:
            compile_cache.say(JIT_DISABLED)

    def __enter__(self):
        self.depth += 1
        if self.disabled:
            numba.config.DISABLE_JIT = 0

    def __exit__(self, *_):
        self.depth -= 1
        if self.disabled and not self.depth:
            numba.config.DISABLE_JIT = self.disabled


JIT_DISABLED = (
    "minigooglenet: NUMBA_DISABLE_JIT does not apply to minigooglenet's own kernels, which only run compiled; it does "
    "apply to your Numba functions"
)
_jit_enabled = _JitEnabled()


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
        _jit_enabled.__enter__()
        if not self.said and is_kernel(event.data["dispatcher"]):
            self.said = True
            compile_cache.say(MESSAGE)

    def on_end(self, event):
        _jit_enabled.__exit__()


MESSAGE = (
    "minigooglenet: compiling kernels for this processor, once; they are kept for the next time "
    "(`minigooglenet warmup` compiles them all ahead)"
)
event.register("numba:compile", _Announcement())
