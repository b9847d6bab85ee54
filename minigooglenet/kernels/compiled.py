"""The only entry to compiled code, which is optional: not every machine has Numba."""

import functools
import os
import sys

JIT_DISABLED = "NUMBA_DISABLE_JIT is set"
INSTEAD = "Everything runs in NumPy instead, two to five times slower."
WITHOUT_NUMBA = f"minigooglenet: {{reason}}. {INSTEAD}"


@functools.cache
def fast():
    """Return the package `kernels.fast`, or None if Numba cannot be imported."""
    if reason := why_not_fast():
        print(WITHOUT_NUMBA.format(reason=reason), file=sys.stderr, flush=True)
        return None
    from minigooglenet.kernels import fast as package

    return package


@functools.cache
def why_not_fast() -> str:
    """Return why compiled code cannot run here, or an empty string."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return JIT_DISABLED
    try:
        import numba  # noqa: F401
    except Exception as error:  # a Python that is too new for it, a system without its library
        first_line = (str(error) or repr(error)).splitlines()[0]
        return f"Numba cannot be imported ({type(error).__name__}: {first_line})"
    return ""
