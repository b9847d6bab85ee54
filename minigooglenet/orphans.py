"""End a child process when its parent has ended, even by `kill -9`."""

import _thread
import os
import signal
import sys
import threading
import time

SECONDS = 0.5  # between two checks of the parent
GRACE = 30.0  # seconds in which work may reach a point from which it can be resumed
_SIGKILL, _SET_DEATH_SIGNAL = 9, 1
_SYNCHRONIZE, _WAIT_TIMEOUT = 0x00100000, 0x102


def watch(parent=None, stop=None, working=None, seconds=SECONDS, grace=GRACE):
    """End this process when its parent has ended, from a thread that checks every half second.

    Parameters
    ----------
    parent : process ID of the parent, by default the current parent; pass it if the parent may already have ended
    stop : function that makes this process end at a point from which it can be resumed; by default it ends immediately
    working : function that returns whether such work is still running; the process ends anyway after `grace` seconds

    Returns
    -------
    function that returns whether the parent still runs; call it before starting new work
    """
    alive = _alive(os.getppid() if parent is None else parent)

    def check():
        while alive():
            time.sleep(seconds)
        if stop is not None and working is not None and working():
            stop()
            deadline = time.monotonic() + grace
            while working() and time.monotonic() < deadline:
                time.sleep(min(seconds, 0.1))
        os._exit(1)

    threading.Thread(target=check, name="parent", daemon=True).start()
    return alive


def interrupt() -> None:
    """Interrupt the main thread of this process as Ctrl-C does, from another thread."""
    if os.name == "nt":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # also wakes the thread


def end_with_parent(parent=None) -> None:
    """End this process when its parent ends; on Linux immediately, even while C code holds the GIL.

    On Linux the kernel ends it when the thread that started it ends.

    parent : process ID of the parent, by default the current parent; pass it if the parent may already have ended
    """
    parent = os.getppid() if parent is None else parent
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
