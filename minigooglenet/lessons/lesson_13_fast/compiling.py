"""Numba for the loops of this lesson. Without Numba, functions stay plain Python and nothing is timed."""

import functools
from types import SimpleNamespace

from minigooglenet.exercises.rebinding import uncompiled
from minigooglenet.kernels.compiled import fast, why_not_fast

__all__ = ["compiled", "numba", "uncompiled"]


def _unchanged(function=None, **_):
    return function or _unchanged


def _prange(*arguments):
    return range(*arguments)


def _needs_compiled_code(function):
    @functools.wraps(function)
    def unavailable(*_):
        raise RuntimeError(f"{function.__name__} needs compiled code, but {why_not_fast()}.")

    return unavailable


try:
    import numba
except Exception:  # as in why_not_fast(), which gives the reason
    numba = SimpleNamespace(jit=_unchanged, njit=_unchanged, prange=_prange, get_num_threads=lambda: 1)
compiled = _needs_compiled_code if why_not_fast() else fast().jit.compiled
