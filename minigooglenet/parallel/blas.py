"""BLAS held to one thread while the engine's own threads work, and given back in the same instant as the last of them.

NumPy and SciPy may each bring a BLAS of their own, and one may be loaded at any time: whenever modules were imported
since the last look, the libraries of this process are listed again.
"""

import ctypes
import functools
import os
import sys
import weakref

import threadpoolctl

from minigooglenet.parallel.holds import held
from minigooglenet.parallel.state import POOL

# The functions that set and tell a library's number of threads, by threadpoolctl's name of the library.
SETTERS = {
    "openblas": tuple(f"{a}openblas_set_num_threads{b}" for a in ("", "scipy_") for b in ("", "64_", "_64")),
    "mkl": ("MKL_Set_Num_Threads_Local",),
    "blis": ("bli_thread_set_num_threads",),
    "flexiblas": ("flexiblas_set_num_threads",),
}
GETTERS = {name: tuple(f.replace("set_num", "get_num") for f in functions) for name, functions in SETTERS.items()}
GETTERS["mkl"] = ("MKL_Get_Max_Threads",)


class _Library:
    """One BLAS: how many threads it has, and a function of C that sets them without letting other threads run."""

    def __init__(self, controller):
        self.controller, self.path = controller, controller.filepath
        openmp = getattr(controller, "threading_layer", None) == "openmp"
        self.per_caller = openmp or controller.internal_api == "mkl"  # it counts threads for each of its callers
        setters, getters = SETTERS.get(controller.internal_api, ()), GETTERS.get(controller.internal_api, ())
        if openmp and controller.internal_api == "openblas":
            setters, getters = ("omp_set_num_threads",), ("omp_get_max_threads",)
        self.set = _function(controller.dynlib, setters, None, ctypes.c_int) or controller.set_num_threads
        self.get = _function(controller.dynlib, getters, ctypes.c_int) or controller.get_num_threads


def _function(library, names, result, *arguments):
    function = next((f for name in names if (f := getattr(library, name, None)) is not None), None)
    if function is None:
        return None
    return ctypes.PYFUNCTYPE(result, *arguments)(ctypes.cast(function, ctypes.c_void_p).value)


def libraries() -> tuple:
    """Return every BLAS of this process, also one that was loaded since the last call."""
    modules = len(sys.modules)
    count, known = POOL.libraries
    if count != modules:
        by_path = {library.path: library for library in known}
        controllers = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
        known = tuple(by_path.get(c.filepath) or _Library(c) for c in controllers)
        POOL.libraries = modules, known
    return known


def hold():
    """Hold BLAS to one thread; return the Hold, at whose end every library gets its number of threads back."""
    shared = None
    try:
        with POOL.blas_lock:
            shared = None if POOL.blas is None else POOL.blas()
            if shared is None:
                several = with_several_threads(per_caller=False)
                shared = held([functools.partial(library.set, count) for library, count in several])
                for library, _ in several:
                    library.set(1)
                POOL.blas = weakref.ref(shared)
        return shared
    except BaseException:
        del shared
        raise


def with_several_threads(per_caller: bool) -> list:
    """Return [(library, its number of threads)], of those that count threads for each of their callers or not."""
    own = [(library, library.get()) for library in libraries() if library.per_caller == per_caller]
    return [(library, count) for library, count in own if count is not None and count > 1]


def correct(known, allowed) -> None:
    """Give libraries that are not among `known` as many threads as they would have taken of `allowed` processors.

    A library that is loaded by a thread that keeps to one processor takes that for the whole machine.
    """
    for library in libraries():
        if library not in known:
            wanted = min(allowed, _told() or allowed)
            if (library.get() or wanted) < wanted:
                library.set(wanted)


def _told():
    for name in ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "OMP_NUM_THREADS"):
        told = os.environ.get(name, "")
        if told.isascii() and told.isdigit() and int(told):
            return int(told)
    return None
