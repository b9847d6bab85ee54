"""Signals that take effect at the end of a step, so that the saved state is consistent.

Besides Ctrl-C these are the signals that ask a process to end: SIGTERM (`docker stop`, `kill`), SIGHUP (the terminal
was closed) and SIGUSR1 (SLURM's warning before the time limit, with `--signal=USR1@60`). Windows has some of them.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGBREAK")  # SIGBREAK is Ctrl-Break on Windows
SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))


@contextmanager
def signals_wait() -> Iterator[list[int]]:
    """Yield a list to which signals append their numbers; Ctrl-C after another signal raises KeyboardInterrupt.

    A signal that this process ignores is not changed, such as SIGHUP under nohup. Python delivers signals only to the
    main thread, so in other threads the list stays empty.
    """
    arrived = list[int]()
    if threading.current_thread() is not threading.main_thread():
        yield arrived
        return

    def on_signal(number, frame):
        if arrived and number == signal.SIGINT:
            raise KeyboardInterrupt
        arrived.append(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    caught = [number for number, handler in before.items() if handler not in (None, signal.SIG_IGN)]
    for number in caught:
        signal.signal(number, on_signal)
    try:
        yield arrived
    finally:
        for number in caught:
            signal.signal(number, before[number])


@contextmanager
def blocked() -> Iterator[None]:
    """Delay the signals until the end of the block; processes started in it delay them until they call `unblock`.

    Without this, Ctrl-C while a process imports its modules ends it with a traceback. Windows cannot block signals.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def unblock() -> None:
    """Receive the signals that `blocked` has delayed in this process."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
