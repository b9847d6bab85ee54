"""A job's process, seen from its parent: start it, ask it to stop, and receive what became of it."""

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable

from minigooglenet import children, starting
from minigooglenet.jobs.job import CRASHED, Event, Job
from minigooglenet.jobs.worker import HEADER, STOP

PROGRAM = "from minigooglenet.jobs import worker; worker.main()"


class Process:
    """A running job.

    Parameters
    ----------
    job : Job
    threads : number of threads that it uses
    tell : called with (this Process, the Event with which it ended), from another thread
    """

    def __init__(self, job: Job, threads: int, tell: Callable[["Process", Event], object]) -> None:
        self.job, self._tell, self._lock = job, tell, threading.Lock()
        message = job.pickled(threads, os.getpid())
        # A terminal sends Ctrl-C to its group of processes, but only the parent decides what stops.
        group = (
            {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP} if os.name == "nt" else {"start_new_session": True}
        )
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        # The package's folder contains no settings of other people, and nothing is left behind after a kill.
        place = {"folder": children.PACKAGE, "variables": _variables()}
        self._process = children.start("job", program=PROGRAM, **place, **pipes, **group)
        threading.Thread(target=self._wait, args=(message,), daemon=True).start()

    @property
    def pid(self) -> int:
        """Process ID."""
        return self._process.pid

    def stop(self) -> None:
        """Interrupt the job as Ctrl-C does, so that it ends after the current step."""
        self._send(STOP)

    def kill(self) -> None:
        """End the process immediately."""
        self._process.kill()

    def _send(self, data):
        with self._lock, contextlib.suppress(OSError, ValueError):  # it has already ended
            self._process.stdin.write(data)
            self._process.stdin.flush()

    def _wait(self, message):
        self._send(len(message).to_bytes(HEADER) + message)
        answer = self._process.stdout.read()
        code = self._process.wait()
        for pipe in (self._process.stdout, self._process.stdin):
            with contextlib.suppress(OSError):
                pipe.close()
        try:
            event = Event(self.job, **json.loads(answer))
        except ValueError:
            event = Event(self.job, CRASHED, error=f"its process {reason(code)}")
        self._tell(self, event)


def reason(code: int) -> str:
    """Return how a process ended that has sent no answer.

    Examples
    --------
    >>> from minigooglenet.jobs.process import reason
    >>> reason(3)
    'ended with exit code 3'
    """
    if code >= 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-code).name
        return f"was killed by {name}{'; memory may have run out' * (name == 'SIGKILL')}"
    return f"was killed by signal {-code}"


def _variables():
    """Return all variables of this process, those of `children` without entries that mean the current folder."""
    mark = {starting.MARK: "1"} if starting.FORGOTTEN else {}
    return {**os.environ, **children.environment(**mark)}
