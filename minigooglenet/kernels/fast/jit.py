"""How this package compiles: serial Numba without the interpreter lock, cached on disk where a place is found."""

import hashlib
import sys
from pathlib import Path

import numba
from numba.core import event


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


def folder_of(dispatcher):
    """Return the folder in which a kernel is kept, or None."""
    return getattr(getattr(dispatcher, "_cache", None), "cache_path", None)


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
    try:
        dispatcher = numba.njit(cache=True, **options)(function)
    except RuntimeError:
        # No folder to cache in can be written: compile again in every process.
        return numba.njit(**options)(function)
    _depend_on_all_kernels(dispatcher)
    return dispatcher


def _depend_on_all_kernels(dispatcher):
    # Numba takes a cached function as current while its own file is unchanged. But a kernel holds the code of the
    # functions that it calls, and those live in other files.
    cache_file = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if hasattr(cache_file, "_source_stamp"):
        cache_file._source_stamp = (cache_file._source_stamp, SOURCES)


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
            print(MESSAGE, file=sys.stderr, flush=True)

    def on_end(self, event):
        """Nothing to say."""


MESSAGE = (
    "minigooglenet: compiling kernels for this CPU (first use only, the result is cached). "
    "`minigooglenet warmup` compiles all of them in advance."
)
event.register("numba:compile", _Announcement())
