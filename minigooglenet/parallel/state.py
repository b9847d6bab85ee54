"""The state of the engine's threads: `THREAD` for the calling thread, `POOL` for all threads."""

import contextlib
import os
import threading

from minigooglenet.parallel.holds import undo_now


class ThreadState(threading.local):
    """The state of one thread.

    task : whether it is running a task
    worker : whether it is a worker thread
    tasks : the `Tasks` that it is working on
    computing, flushing, pin : weak references to the Holds that restore what it changed
    inherited : {Inherited: its value in this thread}
    """

    def __init__(self):
        self.task = self.worker = False
        self.tasks = self.computing = self.flushing = self.pin = None
        self.inherited = {}


class Pool:
    """The state that all threads share; None means not yet determined.

    num_threads : number of threads that compute
    workers : the worker threads
    lock : held while the workers change
    team : {"work": a weak reference to the function that the only team runs}
    register : functions that read and write a thread's floating-point register, and the bits that make it flush
    pinning, spinning : whether threads are pinned, and whether they spin before they sleep
    wait : the compiled function with which they spin, or None if the kernels do not provide it
    busy, next_look : whether other programs use the processors, and when to find out again
    reserved : (the processor that the workers must not use, all allowed processors)
    worker_ids : the system's IDs of the workers
    blas : a weak reference to the Hold that restores BLAS's number of threads
    blas_lock : held while BLAS is being limited to one thread
    libraries : (number of loaded modules, the BLAS libraries at that time)
    """

    def __init__(self):
        self.num_threads = self.workers = self.pinning = self.spinning = self.reserved = self.blas = self.wait = None
        self.lock, self.blas_lock = threading.RLock(), threading.Lock()
        self.team, self.worker_ids, self.libraries = {}, set(), (0, ())
        self.busy, self.next_look = False, 0.0
        self.register = (lambda: 0), (lambda state: None), 0  # until the kernels provide functions for it

    def start_in_child(self) -> None:
        """In a forked child, restore the state of threads that do not exist there; discard them and their locks."""
        self.workers, self.lock = None, threading.RLock()
        self.team.clear()
        undo_now(THREAD.computing)
        undo_now(THREAD.flushing)
        if THREAD.worker:  # a worker thread has forked
            read, write, bits = self.register
            write(read() & ~bits)
        undo_now(THREAD.pin)
        if THREAD.worker and self.reserved is not None:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, self.reserved[1])
        self.reserved = None
        self.worker_ids.clear()
        self.blas_lock = threading.Lock()
        undo_now(self.blas)
        self.blas = None


THREAD, POOL = ThreadState(), Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.start_in_child)
