"""Worker threads, and tasks of which every outcome is known: done, failed, or lost with its thread.

Between any two steps of Python a thread may get an exception that nobody expects: Ctrl-C in the main thread, and
`PyThreadState_SetAsyncExc` in every other. So nothing here waits for a sign that a dead thread would have to give.
"""

import collections
import contextvars
import queue
import threading
import time

from minigooglenet.parallel import inherited

PATIENCE = 0.02  # seconds between looks at whether the threads that somebody waits for are alive
SECONDS_TO_START = 2  # after which a thread that has not begun counts as ended
REVIVALS = 3  # how often a team that waits gets threads for those that have ended


class AbandonedError(RuntimeError):
    """What a member of a team raises because another has failed, whose error is the one to tell."""


class Shared:
    """Tasks that several threads take one after the other.

    All that threads share here is made in C and atomic, so that Ctrl-C at any moment leaves no lock behind.

    tasks : functions without arguments
    abandon : called when a task will not end as others expect
    inside : the flags of the threads; `.task` is true in one that works
    """

    def __init__(self, tasks, abandon, inside):
        self.abandon, self.inside, self.count = abandon, inside, len(tasks)
        self.waiting, self.done, self.errors = collections.deque(enumerate(tasks)), collections.deque(), []
        self.helping, self.ended = set(), queue.SimpleQueue()
        self.inherited = inherited.snapshot()
        self.pool, self.next_look, self.revivals = None, 0.0, 0

    def work(self):
        """Take tasks until none waits."""
        try:
            self.inside.task = True  # a task that spreads work itself must not wait for the threads that it occupies
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
            self.inside.task = False

    def help(self):
        """Work on one of the pool's threads."""
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
        """Return when no helper works any more; one that comes later finds nothing to do."""
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
            cause = self.pool.dead[-1] if self.pool is not None and self.pool.dead else None
            missing = self.count - len(self.done)
            raise RuntimeError(
                f"{missing} of {self.count} tasks did not finish, because a worker thread ended. The result is "
                "incomplete. Call again: new threads take the place of those that ended."
            ) from cause

    def look_after(self):
        """Replace threads that have ended before they took a task; call `abandon` if one ended with its task."""
        now = time.monotonic()
        if now < self.next_look or self.pool is None:
            return
        self.next_look = now + PATIENCE
        # In this order, because a thread counts as helping before it takes a task, and until the task is done.
        taken, at_work = self.count - len(self.waiting), len(self.helping) + 1
        if self._forget_the_dead() or self.errors or taken > at_work + len(self.done):
            self.stop()
        elif any(not thread.is_alive() for thread in self.pool.threads):
            self.revivals += 1
            if self.revivals > REVIVALS or not self.pool.fill():
                self.stop()
        elif self.waiting and self.pool.jobs.empty():  # a thread ended with its job: one too many does no harm
            self.pool.jobs.put((contextvars.copy_context(), self))

    def _forget_the_dead(self):
        dead = [thread for thread in list(self.helping) if not thread.is_alive()]
        self.helping.difference_update(dead)
        return dead


def _rank(error):
    # Ctrl-C comes before an error of a task, and what follows from another error comes last.
    return 2 if isinstance(error, AbandonedError) else int(isinstance(error, Exception))


class _Started(threading.Event):
    """What `Thread.start` waits for: not for ever, if a thread is ended before it begins."""

    def wait(self, timeout=None):
        return super().wait(SECONDS_TO_START if timeout is None else timeout)


class Pool:
    """Threads that wait for jobs (context, shared) until they are told to go.

    size : how many threads
    begin : what each of them calls first
    """

    def __init__(self, size, begin):
        self.size, self.begin = size, begin
        self.jobs, self.threads, self.dead = queue.SimpleQueue(), [], collections.deque()
        self.started = 0

    def fill(self) -> bool:
        """Start threads until there are `size`, or as many as the system gives; return whether all are there."""
        self.dead.clear()
        self.threads = [thread for thread in self.threads if thread.is_alive()]
        while len(self.threads) < self.size:
            thread = threading.Thread(target=self._serve, name=f"minigooglenet_{self.started}", daemon=True)
            thread._started = _Started()
            self.started += 1
            try:
                thread.start()
            except (RuntimeError, MemoryError):
                return False  # fewer do the work
            self.threads.append(thread)
        return True

    def _serve(self):
        try:
            self.begin()
            while (job := self.jobs.get()) is not None:
                context, shared = job
                context.run(shared.help)
                del job, context, shared  # what they hold is freed while this thread waits
            self.jobs.put(None)  # for the next thread
        except BaseException as error:
            self.dead.append(error)
            raise

    def close(self):
        """Let all threads end, also one that nobody knows of because its start was interrupted."""
        self.jobs.put(None)
