"""How this package compiles: serial Numba without the interpreter lock, cached on disk where a place is found."""

import numba


def compiled(function):
    """Compile `function` on its first call, without threads of its own: the engine's threads run it side by side."""
    try:
        return numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:
        # No folder to cache in can be written: compile anew in every process.
        return numba.njit(nogil=True, error_model="numpy")(function)
