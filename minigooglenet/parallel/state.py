"""All that the engine's threads remember: `THREAD` of the calling thread, `POOL` of all threads together."""

import contextlib
import os
import threading

from minigooglenet.parallel.holds import undo_now


class ThreadState(threading.local):
    """The state of one thread.

    task : whether it runs a task
    worker : whether it is one of the engine's own threads
    member : (its number, how many there are) in a team
    tasks : the `Tasks` that it shares
    computing, flushing, pin : weak references to the Holds that put back what it changed
    inherited : {Inherited: its value here}
    """

    def __init__(self):
        self.task = self.worker = False
        self.member = self.tasks = self.computing = self.flushing = self.pin = None
        self.inherited = {}


class Pool:
    """The state that all threads share; None stands for what nobody has asked for yet.

    num_threads : how many threads compute
    workers : the Workers, which are the engine's own threads
    lock : held while the workers change
    team : {"work": a weak reference to what the one team does}
    register : functions that read and write a thread's floating-point register, and the bits by which it flushes
    pinning : whether threads are pinned
    kept : (the processor that the workers keep away from, all that there are)
    worker_ids : the workers, as the system numbers them
    blas : a weak reference to the Hold that gives BLAS its threads back
    blas_lock : held while BLAS is about to be held to one thread
    libraries : (how many modules there were, the BLAS libraries then)
    """

    def __init__(self):
        self.num_threads = self.workers = self.pinning = self.kept = self.blas = None
        self.lock, self.blas_lock = threading.RLock(), threading.Lock()
        self.team, self.worker_ids, self.libraries = {}, set(), (0, ())
        self.register = (lambda: 0), (lambda state: None), 0  # until the kernels say how to read and write it

    def start_in_child(self) -> None:
        """Put back, in a forked child, what threads that do not exist there cannot; forget them and their locks."""
        self.workers, self.lock = None, threading.RLock()
        self.team.clear()
        undo_now(THREAD.computing)
        undo_now(THREAD.flushing)
        if THREAD.worker:  # one of the engine's threads has forked
            read, write, bits = self.register
            write(read() & ~bits)
        undo_now(THREAD.pin)
        if THREAD.worker and self.kept is not None:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, self.kept[1])
        self.kept = None
        self.worker_ids.clear()
        self.blas_lock = threading.Lock()
        undo_now(self.blas)
        self.blas = None


THREAD, POOL = ThreadState(), Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.start_in_child)
