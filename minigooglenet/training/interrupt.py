"""Ctrl-C that waits for the end of a step, so that what is saved is whole."""

import signal
import threading
from contextlib import contextmanager


@contextmanager
def ctrl_c_waits():
    """Yield a list that the first Ctrl-C puts something in; a second one stops at once.

    Outside of the main thread, where Python delivers no Ctrl-C, the list stays empty.
    """
    asked = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield asked
        return

    def ask(number, frame):
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
