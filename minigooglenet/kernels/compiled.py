"""How this package compiles: serial Numba that lets go of the interpreter lock, cached on disk where a place is found."""

import numba


def compiled(function):
    """Compile `function` on its first call, without threads of its own, so that the engine's threads can run it at once."""
    try:
        return numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except (
        RuntimeError
    ):  # neither the package's folder nor the user's cache folder can be written: compile in every process
        return numba.njit(nogil=True, error_model="numpy")(function)
