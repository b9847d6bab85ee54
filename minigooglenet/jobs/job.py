"""A job, and the events of its life."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

STARTED, DONE, FAILED, CRASHED, INTERRUPTED = "started", "done", "failed", "crashed", "interrupted"
WAITING = "waiting"  # not started, because the call was interrupted before


@dataclass(frozen=True)
class Job:
    """A function call for a process of its own.

    Attributes
    ----------
    name : unique name in its journal
    function : function of a module that can be imported; it returns None or a value that JSON can store. If it is
        interrupted (Ctrl-C), it saves its state and raises KeyboardInterrupt
    arguments : its arguments, which can be pickled
    output : file that exists after the job is done; if someone removes it, the job runs again. None for no file
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    output: Path | None = None

    def pickled(self, threads: int, parent: int) -> bytes:
        """Return the message that `worker` receives.

        Raises
        ------
        ValueError
            If another process could not import the function.
        """
        if self.function.__module__ == "__main__":
            raise ValueError(
                f"job {self.name!r}: its function {self.function.__name__!r} is in the main program, which other "
                "processes cannot import. Move it to a module."
            )
        return pickle.dumps((threads, parent, self.function, self.arguments))


class Event(NamedTuple):
    """A job's new state: `STARTED`, `DONE`, `FAILED` (an exception), `CRASHED` (it is restarted) or `INTERRUPTED`.

    value : what the function returned
    error : one sentence about the failure or the crash
    details : the traceback of an exception
    """

    job: Job
    state: str
    value: Any = None
    error: str = ""
    details: str = ""

    @property
    def last(self) -> bool:
        """Whether the job does not run any more."""
        return self.state not in (STARTED, CRASHED)
