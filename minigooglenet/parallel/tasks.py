"""Tasks that several threads run, each with a known outcome: done, failed, or lost with its thread.

An unexpected exception may arrive between any two bytecode instructions: Ctrl-C in the main thread, and
`PyThreadState_SetAsyncExc` in every other. So no code here waits for a signal that a dead thread would have to send.
"""

import collections
import contextvars
import queue
import threading
import time

from minigooglenet.parallel import inherited
from minigooglenet.parallel.state import THREAD

CHECK_SECONDS = 0.02  # interval at which a waiting thread checks that the others are alive
MOST_RESTARTS = 3  # how often a waiting team replaces threads that have ended


class AbandonedError(RuntimeError):
    """Raised by a thread of a team because another thread failed; the other thread's error is the one to report."""


class Tasks:
    """Functions without arguments that several threads take one by one.

    All shared objects are implemented in C and atomic, so that Ctrl-C at any moment leaves no lock held.

    abandon : called if a task will not end as others expect
    """

    def __init__(self, functions, abandon):
        self.abandon, self.count = abandon, len(functions)
        self.waiting, self.done, self.errors = collections.deque(enumerate(functions)), collections.deque(), []
        self.active, self.ended = set(), queue.SimpleQueue()  # the threads that are working, a signal when one is done
        self.inherited = inherited.snapshot()
        self.workers, self.next_check, self.restarts = None, 0.0, 0

    def work(self):
        """Run tasks until none is waiting."""
        try:
            THREAD.task = True  # a task that calls parallel_for must not wait for the threads that are busy here
            while self.waiting:
                number, task = self.waiting.popleft()
                try:
                    task()
                    self.done.append(number)
                except Exception as error:
                    self.errors.append((number, error))
                except BaseException as error:  # Ctrl-C, an exit: the call is over
                    self.errors.append((number, error))
                    self.stop()
        except IndexError:
            pass  # another thread took the last task
        finally:
            THREAD.task = False

    def run_in_worker(self):
        """Run tasks in a worker thread."""
        thread = threading.current_thread()
        self.active.add(thread)
        try:
            inherited.adopt(self.inherited)
            self.work()
        except BaseException as error:
            self.errors.append((self.count, error))
            self.stop()
        finally:
            self.active.discard(thread)
            self.ended.put(None)

    def stop(self):
        """Start no more tasks, and stop all waiting for tasks that have begun."""
        self.waiting.clear()
        self.abandon()

    def end(self):
        """Return when no other thread is working. A thread that arrives later finds no tasks."""
        self.waiting.clear()
        while self.active:
            seen = int(self.workers.signals.ended[0])
            if self.active and not self.workers.signals.wait_for_end(seen):
                try:
                    self.ended.get(timeout=CHECK_SECONDS)
                except queue.Empty:
                    self._discard_dead()

    def raise_errors(self):
        """Raise the most informative error, or one that reports how many tasks have no outcome."""
        errors = sorted(self.errors, key=lambda entry: (_rank(entry[1]), entry[0]))
        self.errors.clear()  # an error's traceback refers to this object, and so to everything that the tasks hold
        if errors and not isinstance(errors[0][1], AbandonedError):
            raise errors[0][1]
        if errors or len(self.done) != self.count:
            cause = self.workers.dead[-1] if self.workers is not None and self.workers.dead else None
            missing = self.count - len(self.done)
            raise RuntimeError(
                f"{missing} of {self.count} tasks did not finish, because a worker thread ended. The result is "
                "incomplete. Call again: new threads replace those that ended."
            ) from cause

    def check_workers(self):
        """Replace threads that ended before they took a task; call `abandon` if a thread ended during its task."""
        now = time.monotonic()
        if now < self.next_check or self.workers is None:
            return
        self.next_check = now + CHECK_SECONDS
        # In this order, because a thread counts as active before it takes a task, and until the task is done.
        taken, at_work = self.count - len(self.waiting), len(self.active) + 1
        if self._discard_dead() or self.errors or taken > at_work + len(self.done):
            self.stop()
        elif not all(map(is_running, self.workers.threads)):
            self.restarts += 1
            if self.restarts > MOST_RESTARTS or not self.workers.fill():
                self.stop()
        elif self.waiting and self.workers.jobs.empty():  # a thread ended with its job; an extra job is harmless
            self.workers.jobs.put((contextvars.copy_context(), self))

    def _discard_dead(self):
        dead = [thread for thread in list(self.active) if not is_running(thread)]
        self.active.difference_update(dead)
        return dead


def is_running(thread) -> bool:
    """Return whether a thread runs. Before Python 3.13, `is_alive` returns False forever after an interrupt in it."""
    lock = getattr(thread, "_tstate_lock", None)  # released in C when the thread ends
    return thread.is_alive() if lock is None else lock.locked()


def _rank(error):
    # Ctrl-C comes first, then errors of tasks, then errors that follow from other errors.
    return 2 if isinstance(error, AbandonedError) else int(isinstance(error, Exception))
