"""Tasks that several threads share, with every outcome known: done, failed, or lost with its thread.

Between any two steps of Python a thread may get an exception that nobody expects: Ctrl-C in the main thread, and
`PyThreadState_SetAsyncExc` in every other. So nothing here waits for a sign that a dead thread would have to give.
"""

import collections
import contextvars
import queue
import threading
import time

from minigooglenet.parallel import inherited
from minigooglenet.parallel.state import THREAD

PATIENCE = 0.02  # seconds between looks at whether the threads that somebody waits for are alive
REVIVALS = 3  # how often a team that waits gets threads for those that have ended


class AbandonedError(RuntimeError):
    """What a member of a team raises because another has failed, whose error is the one to tell."""


class Tasks:
    """Functions that several threads take one after the other.

    All that threads share here is made in C and atomic, so that Ctrl-C at any moment leaves no lock behind.

    functions : without arguments
    abandon : called when a task will not end as others expect
    """

    def __init__(self, functions, abandon):
        self.abandon, self.count = abandon, len(functions)
        self.waiting, self.done, self.errors = collections.deque(enumerate(functions)), collections.deque(), []
        self.helping, self.ended = set(), queue.SimpleQueue()
        self.inherited = inherited.snapshot()
        self.workers, self.next_look, self.revivals = None, 0.0, 0

    def work(self):
        """Take tasks until none waits."""
        try:
            THREAD.task = True  # a task that spreads work itself must not wait for the threads that it occupies
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
            pass  # another thread took the last one
        finally:
            THREAD.task = False

    def help(self):
        """Take tasks on one of the engine's own threads."""
        thread = threading.current_thread()
        self.helping.add(thread)
        try:
            inherited.adopt(self.inherited)
            self.work()
        except BaseException as error:
            self.errors.append((self.count, error))
            self.stop()
        finally:
            self.helping.discard(thread)
            self.ended.put(None)

    def stop(self):
        """Start no more tasks, and let nobody wait for those that have begun."""
        self.waiting.clear()
        self.abandon()

    def end(self):
        """Return when no other thread works any more; one that comes later finds nothing to do."""
        self.waiting.clear()
        while self.helping:
            try:
                self.ended.get(timeout=PATIENCE)
            except queue.Empty:
                self._forget_the_dead()

    def raise_errors(self):
        """Raise the error that tells most, or one that says how many tasks have no outcome."""
        errors = sorted(self.errors, key=lambda entry: (_rank(entry[1]), entry[0]))
        self.errors.clear()  # an error's traceback leads here, and back to all that the tasks hold
        if errors and not isinstance(errors[0][1], AbandonedError):
            raise errors[0][1]
        if errors or len(self.done) != self.count:
            cause = self.workers.dead[-1] if self.workers is not None and self.workers.dead else None
            missing = self.count - len(self.done)
            raise RuntimeError(
                f"{missing} of {self.count} tasks did not finish, because a worker thread ended. The result is "
                "incomplete. Call again: new threads take the place of those that ended."
            ) from cause

    def look_after(self):
        """Replace threads that have ended before they took a task; call `abandon` if one ended with its task."""
        now = time.monotonic()
        if now < self.next_look or self.workers is None:
            return
        self.next_look = now + PATIENCE
        # In this order, because a thread counts as helping before it takes a task, and until the task is done.
        taken, at_work = self.count - len(self.waiting), len(self.helping) + 1
        if self._forget_the_dead() or self.errors or taken > at_work + len(self.done):
            self.stop()
        elif not all(map(is_running, self.workers.threads)):
            self.revivals += 1
            if self.revivals > REVIVALS or not self.workers.fill():
                self.stop()
        elif self.waiting and self.workers.jobs.empty():  # a thread ended with its job: one too many does no harm
            self.workers.jobs.put((contextvars.copy_context(), self))

    def _forget_the_dead(self):
        dead = [thread for thread in list(self.helping) if not is_running(thread)]
        self.helping.difference_update(dead)
        return dead


def is_running(thread) -> bool:
    """Return whether a thread runs. Before Python 3.13, `is_alive` returns False for ever once an interrupt hits it."""
    lock = getattr(thread, "_tstate_lock", None)  # released in C when the thread ends
    return thread.is_alive() if lock is None else lock.locked()


def _rank(error):
    # Ctrl-C comes before an error of a task, and what follows from another error comes last.
    return 2 if isinstance(error, AbandonedError) else int(isinstance(error, Exception))
