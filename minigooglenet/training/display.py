"""Progress output: a bar on a terminal, one changing line in a notebook, plain lines in a log.

A log contains no carriage returns and no control codes: its status is written as a line, at growing intervals.
"""

import os
import sys
import time

from minigooglenet import console

FIRST, LONGEST = 10.0, 60.0  # seconds before the first status line of a log, and the longest interval
REWRITE = 0.3  # seconds between two updates of the line in a notebook


def kind(file) -> str:
    """Return "terminal", "notebook" (this process is a notebook's kernel) or "log".

    A command that a notebook starts with `!` writes to a log, although its output looks like a terminal.
    """
    if file is sys.stdout and _shell() is not None:
        return "notebook"
    dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
    return "terminal" if file.isatty() and not dumb and not _started_by_notebook() else "log"


class Display:
    """Permanent lines and a status that is replaced; a context manager.

    Parameters
    ----------
    out : rich console, standard output by default
    clock : function that returns seconds
    """

    def __init__(self, out=None, clock=time.monotonic):
        self.out = console.stdout() if out is None else out
        self.kind = kind(self.out.file)
        self._clock = clock
        self._bar = self._task = self._handle = None
        self._next, self._interval = None, FIRST
        self._text = ""

    def __enter__(self):
        if self.kind == "terminal":
            self._bar = console.progress(self.out)
            self._bar.start()
        return self

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.stop()
        if self._handle is not None:
            self._rewrite(self._text)
        self._bar = self._task = self._handle = None

    def line(self, text: str, whole: bool = False) -> None:
        """Write a permanent line immediately. A terminal wraps it between words, unless it is `whole`, like a path."""
        text = console.printable(text)  # names of files and classes can contain control characters
        if self.kind == "terminal":
            out = self.out if self._bar is None else self._bar.console
            out.print(text, markup=False, highlight=False, soft_wrap=whole)
        else:
            print(text, file=self.out.file, flush=True)

    def status(self, name: str, done: int, total: int | None, text: str = "") -> None:
        """Show the progress. In a log this writes a line only if the last one was written long enough ago."""
        whole = "" if total is None else f" of {total:,}"
        text = console.printable(text)
        self._text = f"{name} {done:,}{whole}{': ' * bool(text)}{text}"
        now = self._clock()
        if self._bar is not None:
            if self._task is None:
                self._task = self._bar.add_task(name, total=total, status=text)
            self._bar.update(self._task, description=name, total=total, completed=done, status=text)
        elif self.kind == "notebook":
            if self._next is None or now >= self._next:
                self._rewrite(self._text)
                self._next = now + REWRITE
        elif self._next is None:
            self._next = now + self._interval
        elif now >= self._next:
            self.line(self._text)
            self._interval = min(2 * self._interval, LONGEST)
            self._next = now + self._interval

    def _rewrite(self, text):
        from IPython.display import display

        data = {"text/plain": text}
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


def _started_by_notebook():
    """Return whether a notebook kernel started this process, from the variables that Jupyter or the kernel sets."""
    kernels = {"TERM": "xterm-color", "GIT_PAGER": "cat", "CLICOLOR": "1"}
    return "JPY_PARENT_PID" in os.environ or all(os.environ.get(name) == value for name, value in kernels.items())


def _shell():
    """Return the IPython shell if this process is a notebook kernel."""
    if "IPython" not in sys.modules:
        return None
    shell = sys.modules["IPython"].get_ipython()
    return shell if getattr(shell, "kernel", None) is not None else None
