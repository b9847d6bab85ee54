"""A process that another one started, and that ends once its parent has ended, even by `kill -9`."""

import _thread
import os
import signal
import sys
import threading
import time

SECONDS = 0.5  # between two looks at the parent
GRACE = 30.0  # seconds in which work may come to a point where it can be resumed
_SIGKILL, _SET_DEATH_SIGNAL = 9, 1
_SYNCHRONIZE, _WAIT_TIMEOUT = 0x00100000, 0x102


def watch(parent=None, stop=None, working=None, seconds=SECONDS, grace=GRACE):
    """End this process once its parent has ended, from a thread that looks every half second.

    Parameters
    ----------
    parent : process ID of the parent, by default that of now; pass it if the parent may have ended already
    stop : function that asks this process to end at a point where its work can be resumed; by default it ends at once
    working : function that returns whether there still is such work; after `grace` seconds the process ends anyway

    Returns
    -------
    function that returns whether the parent still runs: whoever begins new work asks it first
    """
    alive = _alive(os.getppid() if parent is None else parent)

    def look():
        while alive():
            time.sleep(seconds)
        if stop is not None and working is not None and working():
            stop()
            deadline = time.monotonic() + grace
            while working() and time.monotonic() < deadline:
                time.sleep(min(seconds, 0.1))
        os._exit(1)

    threading.Thread(target=look, name="parent", daemon=True).start()
    return alive


def interrupt() -> None:
    """Do what Ctrl-C does to the main thread of this process, from another thread."""
    if os.name == "nt":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # wakes it, too


def end_with_parent() -> None:
    """End this process at once when its parent ends, on Linux even while it runs code that keeps all threads waiting.

    There the system does it. It takes the end of the thread that started this process for the end of the parent.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, _SIGKILL, 0, 0, 0)
    watch(parent)


def _alive(parent):
    """Return a function that returns whether the parent still runs."""
    if os.name != "nt":
        return lambda: os.getppid() == parent  # the system gives an orphan another parent
    import ctypes

    kernel = ctypes.WinDLL("kernel32")
    kernel.OpenProcess.restype = ctypes.c_void_p
    kernel.WaitForSingleObject.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
    handle = kernel.OpenProcess(_SYNCHRONIZE, False, parent)
    return lambda: bool(handle) and kernel.WaitForSingleObject(handle, 0) == _WAIT_TIMEOUT
