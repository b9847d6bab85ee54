"""A substitute for IPython's shell: it runs the magics that may affect a student's answers and ignores all others.

Commands (`!ls`) run in the folder of the cells, with a time limit. Commands that install or download do nothing,
because the sandbox has no network and everything that a lesson needs is installed.
"""

import re
import subprocess
import time
from pathlib import Path

SECONDS = 10.0  # time limit of a command
MOST_CHARACTERS = 1 << 20  # in its output
SKIPPED = re.compile(
    r"^\s*(?:sudo\s+)?(?:\S*python\S*\s+-m\s+)?(?:pip|conda|mamba|uv|apt|apt-get|brew|wget|curl|git)\d?\b"
)
_OPTIONS = re.compile(r"^(?:-(?:[nrp]\s*\d+|[tcqov]+)\s+)*")


class Lines(list):
    """The lines that a command printed, in the class that IPython returns."""

    @property
    def n(self):
        """The lines, joined by newlines."""
        return "\n".join(self)

    @property
    def s(self):
        """The lines, joined by spaces."""
        return " ".join(self)

    @property
    def l(self):  # noqa: E743
        """The lines as a list."""
        return list(self)


class Timing:
    """The result of `%timeit -o`: one run."""

    def __init__(self, seconds):
        self.average = self.best = self.worst = seconds
        self.stdev, self.compile_time, self.loops, self.repeat = 0.0, 0.0, 1, 1
        self.timings, self.all_runs = [seconds], [seconds]


class Captured:
    """The variable of `%%capture`, always empty, because the output of cells is discarded."""

    stdout = stderr = ""
    outputs = ()

    def show(self):
        """Show nothing."""

    __call__ = show


class Shell:
    """The `get_ipython()` of one namespace."""

    def __init__(self, namespace):
        self.user_ns = namespace

    def run_line_magic(self, name, line="", *_more):
        """Run line magics that an answer may depend on (%timeit -o, %run, %time), and ignore all others."""
        if name == "timeit":
            return self._timeit(line)
        if name in ("run", "load"):
            path = Path(line.split()[0] if line.split() else "")
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), self.user_ns)
        if name in ("sx", "system"):
            return self.getoutput(line)
        if name in ("time", "prun"):
            exec(line, self.user_ns)
        return None

    def _timeit(self, line):
        code = line[_OPTIONS.match(line).end() :]
        if "o" not in "".join(re.findall(r"-([tcqov]+)", line[: len(line) - len(code)])):
            return None  # without -o, it only prints
        begun = time.perf_counter()
        exec(code, dict(self.user_ns))
        return Timing(time.perf_counter() - begun)

    def magic(self, line):
        """Run a line magic, given as one string."""
        name, _, rest = line.lstrip("%").partition(" ")
        return self.run_line_magic(name, rest)

    def run_cell_magic(self, name, line, cell):
        """Write the file of %%writefile; ignore every other cell magic."""
        if name in ("writefile", "file"):
            path = Path(line.replace("-a ", "").strip(" \"'"))
            with path.open("a" if "-a " in f"{line} " else "w", encoding="utf-8") as file:
                file.write(cell)

    def getoutput(self, command, *_more, **_options):
        """Return the lines that a command prints."""
        if SKIPPED.match(command):
            return Lines()
        command = re.sub(r"\{([^{}]+)\}", lambda match: self._value(match[1], match[0]), command)
        try:
            done = subprocess.run(
                command, shell=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
            )
        except (OSError, subprocess.SubprocessError):
            return Lines()
        return Lines(done.stdout.decode(errors="replace")[:MOST_CHARACTERS].splitlines())

    def _value(self, code, otherwise):
        try:
            return str(eval(code, self.user_ns))
        except Exception:
            return otherwise

    def system(self, command, *_more):
        """Run a command."""
        self.getoutput(command)

    def captured(self):
        """Return the object that `%%capture` binds."""
        return Captured()

    def run_cell(self, source, *_more, **_options):
        """Run code in the namespace."""
        exec(source, self.user_ns)

    ex = run_cell

    def ev(self, source):
        """Return the value of an expression."""
        return eval(source, self.user_ns)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing()


class Nothing:
    """A placeholder for events, configuration and other parts of the shell: its calls and attributes do nothing."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_given, **_more):
        """Do nothing."""
        return self
