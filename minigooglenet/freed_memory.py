"""Freed memory stays in the process, so that the arrays of a step reuse the memory of the step before.

glibc, the C library of most Linux systems, returns large freed arrays to the system. The next step asks for the same
memory again, and the system fills it with zeros, page by page. Without this a training step of GoogLeNet on 16 images
causes 14,000 page faults and takes up to 1.2 times as long.

The price: the process keeps the memory of its largest step until it ends, or until the system needs it for something
else and swaps it out. Switch it off with MINIGOOGLENET_KEEP_MEMORY=0. Other C libraries do not have this setting.
"""

import ctypes
import functools
import os

# Parameters of mallopt, from glibc's malloc.h.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
# Larger arrays are mapped one by one and returned when they are freed: their pages cost no memory before their first
# use, on which `np.zeros` of a huge array relies. Older versions of glibc reject more than MOST_IN_ALL.
MOST, MOST_IN_ALL = 128 << 20, 32 << 20
UNLIMITED = -1
OWN_SETTINGS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")  # variables that glibc reads


@functools.cache
def keep_if_wanted() -> None:
    """Keep freed memory from now on, unless MINIGOOGLENET_KEEP_MEMORY is 0."""
    if wanted():
        keep(True)


def wanted() -> bool:
    """Return whether freed memory is to be kept: the value of MINIGOOGLENET_KEEP_MEMORY.

    By default it is kept, unless the user has set glibc's own variables.
    """
    given = os.environ.get("MINIGOOGLENET_KEEP_MEMORY", "").strip()
    if given not in ("", "0", "1"):
        raise ValueError(f"MINIGOOGLENET_KEEP_MEMORY must be 0 or 1, got {given!r}")
    return given == "1" or not (given or any(name in os.environ for name in OWN_SETTINGS))


def keep(enabled: bool) -> bool:
    """Keep freed memory, or return it to the system as glibc does; return whether the C library can.

    Examples
    --------
    >>> from minigooglenet import freed_memory
    >>> freed_memory.keep(True) in (True, False)
    True
    """
    set_option = _function("mallopt")
    if set_option is None:
        return False
    # Without keeping, the values that glibc reaches by itself after a few large arrays.
    able = set_option(TRIM_THRESHOLD, UNLIMITED if enabled else 2 * MOST_IN_ALL)
    able &= set_option(MMAP_THRESHOLD, MOST_IN_ALL)
    if enabled:
        set_option(MMAP_THRESHOLD, MOST)
    return bool(able)


def release() -> None:
    """Return the memory that is free now to the system, if the C library can."""
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)


@functools.cache
def _function(name):
    try:
        return getattr(ctypes.CDLL(None), name)
    except (OSError, TypeError, AttributeError):  # Windows; other C libraries
        return None
