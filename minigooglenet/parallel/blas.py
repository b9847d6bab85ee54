"""BLAS limited to one thread while the engine's threads work, and restored when the last of them is done.

NumPy and SciPy may each contain a BLAS library, and one may be loaded at any time. So the libraries of this process are
listed again whenever modules were imported since the last call.
"""

import ctypes
import functools
import os
import sys
import weakref

import threadpoolctl

from minigooglenet.parallel.holds import held
from minigooglenet.parallel.state import POOL

# {threadpoolctl's name of a library: its functions that set the number of threads}; GETTERS: that return it.
SETTERS = {
    "openblas": tuple(f"{a}openblas_set_num_threads{b}" for a in ("", "scipy_") for b in ("", "64_", "_64")),
    "mkl": ("MKL_Set_Num_Threads_Local",),
    "blis": ("bli_thread_set_num_threads",),
    "flexiblas": ("flexiblas_set_num_threads",),
}
GETTERS = {name: tuple(f.replace("set_num", "get_num") for f in functions) for name, functions in SETTERS.items()}
GETTERS["mkl"] = ("MKL_Get_Max_Threads",)


class _Library:
    """One BLAS library: functions that return and set its number of threads, in C and without releasing the GIL."""

    def __init__(self, controller):
        self.controller, self.path = controller, controller.filepath
        openmp = getattr(controller, "threading_layer", None) == "openmp"
        self.per_caller = openmp or controller.internal_api == "mkl"  # each calling thread has its own thread count
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
    """Return every BLAS library of this process, including any that were loaded since the last call."""
    modules = len(sys.modules)
    count, known = POOL.libraries
    if count != modules:
        by_path = {library.path: library for library in known}
        controllers = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
        known = tuple(by_path.get(c.filepath) or _Library(c) for c in controllers)
        POOL.libraries = modules, known
    return known


def hold():
    """Limit BLAS to one thread; return a Hold that restores every library's number of threads when it is released."""
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
    """Return [(library, its number of threads)] of the libraries with several threads, per caller or not."""
    counts = [(library, library.get()) for library in libraries() if library.per_caller == per_caller]
    return [(library, count) for library, count in counts if count is not None and count > 1]


def correct(known, allowed) -> None:
    """Give libraries that are not in `known` as many threads as they would have chosen on `allowed` processors.

    A library that is loaded by a pinned thread takes that thread's one processor for the whole machine.
    """
    for library in libraries():
        if library not in known:
            threads = min(allowed, _configured() or allowed)
            if (library.get() or threads) < threads:
                library.set(threads)


def _configured():
    """Return the number of threads that the environment sets for BLAS, or None."""
    for name in ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "")
        if value.isascii() and value.isdigit() and int(value):
            return int(value)
    return None
