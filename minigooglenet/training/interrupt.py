"""Ctrl-C that takes effect at the end of a step, so that the saved state is consistent."""

import signal
import threading
from contextlib import contextmanager


@contextmanager
def ctrl_c_waits():
    """Yield a list to which the first Ctrl-C appends a value; a second Ctrl-C raises KeyboardInterrupt immediately.

    Python delivers Ctrl-C only to the main thread, so in other threads the list stays empty.
    """
    interrupts = list[int]()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield interrupts
        return

    def on_interrupt(number, frame):
        if interrupts:
            raise KeyboardInterrupt
        interrupts.append(number)

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
