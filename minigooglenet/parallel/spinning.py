"""Spinning: a thread that will soon be needed keeps its processor for a short time instead of sleeping.

Waking a sleeping thread takes 50 to 100 microseconds in a virtual machine, as long as a small layer. So a worker that
has finished a job waits for the next one in compiled code, without the GIL, and the calling thread waits like that for
the workers. After 0.6 ms without work both sleep. Gain: one image takes `graph(x)` 34.9 ms instead of 38.5.

Threads spin only while pinning keeps them on different processors, and only if other programs leave these free: on a
busy machine a loop takes time from others. Switch spinning off with MINIGOOGLENET_SPIN=0 or `set_spinning(False)`.
"""

import contextlib
import os
import time

import numpy as np

from minigooglenet.parallel import switches
from minigooglenet.parallel.state import POOL

SECONDS = 5  # between two looks at the load of the machine
SPINS = 2_000_000  # iterations before a thread sleeps: 0.6 ms
# Iterations (6 microseconds) between the calling thread's signal and the moment at which a worker asks for the GIL.
# Meanwhile the calling thread enters its own kernel, which releases the GIL. A thread that finds the GIL taken sleeps.
DELAY = 60_000


def get_spinning() -> bool:
    """Return whether threads spin: the value of `set_spinning`, else of MINIGOOGLENET_SPIN, else True."""
    if POOL.spinning is None:
        POOL.spinning = switches.from_environment("MINIGOOGLENET_SPIN")
    return bool(POOL.spinning)


def set_spinning(enabled: bool) -> None:
    """Switch spinning on or off. Results are bit-identical either way; only the time changes."""
    POOL.spinning = switches.checked(enabled, "set_spinning")


def spin_with(wait) -> None:
    """Set the compiled function with which threads spin (`kernels/fast/waiting.py`), which may never be loaded."""
    POOL.wait = wait


class Signals:
    """Two numbers that threads wait for: jobs begun by calling threads, and jobs ended by workers.

    A signal may get lost if two threads give it at once. Then a thread sleeps a little later than it could, and is
    woken as without spinning.
    """

    def __init__(self):
        self.begun, self.ended, self._nothing = (np.zeros(8, np.int64) for _ in range(3))  # a cache line each

    def wait_for_job(self, seen: int, rank: int) -> bool:
        """Signal that this worker's job has ended; return whether a job has begun since `begun[0]` was `seen`."""
        return _may_spin() and POOL.wait(self.ended, self.begun, seen, SPINS, (rank + 1) * DELAY)

    def wait_for_end(self, seen: int) -> bool:
        """Return whether a job has ended since `ended[0]` was `seen`."""
        return _may_spin() and POOL.wait(self._nothing, self.ended, seen, SPINS, 0)


def _may_spin():
    """Return whether pinning has put this process's threads on different processors, and others leave these free."""
    reserved = POOL.reserved
    ready = POOL.wait is not None and reserved is not None and POOL.num_threads <= len(reserved[1])
    return ready and get_spinning() and not _is_busy()


def _is_busy():
    """Return whether more threads wanted to run in the last minute than there are processors, and one more."""
    now = time.monotonic()
    if now >= POOL.next_look:
        POOL.next_look = now + SECONDS
        with contextlib.suppress(OSError):
            POOL.busy = os.getloadavg()[0] > (os.cpu_count() or 1) + 1
    return POOL.busy
