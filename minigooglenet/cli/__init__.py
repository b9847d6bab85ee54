"""The command line: one file per command, each with `add_parser` and `run`."""

import argparse
import errno
import os
import sys
from importlib.metadata import version

from minigooglenet import parallel
from minigooglenet.cli import (
    bench,
    cards,
    check,
    classify,
    count,
    docs,
    doctor,
    evaluate,
    exam,
    exercise,
    experiment,
    gradcheck,
    grade,
    hint,
    lessons,
    release,
    tour,
    train,
    warmup,
    weights,
)
from minigooglenet.console import printable

COMMANDS = {
    "tour": tour,
    "count": count,
    "gradcheck": gradcheck,
    "train": train,
    "evaluate": evaluate,
    "classify": classify,
    "experiment": experiment,
    "weights": weights,
    "bench": bench,
    "warmup": warmup,
    "lessons": lessons,
    "check": check,
    "hint": hint,
    "cards": cards,
    "docs": docs,
    "doctor": doctor,
    "exercise": exercise,
    "exam": exam,
    "release": release,
    "grade": grade,
}
LINE = "\n"  # some errors have several lines

# Reasons that people meet most, with what to do; the others are given in the system's own words.
REASONS = {
    errno.ENOENT: "no such file or folder",
    errno.EACCES: "no permission; choose another path, or ask the owner for access",
    errno.EPERM: "the system does not permit this; choose another path",
    errno.ENOSPC: "the disk is full; free some space and run the command again",
    errno.EDQUOT: "your quota on this disk is used up; free some space and run the command again",
    errno.EROFS: "the disk is read-only; choose another path",
    errno.EISDIR: "this is a folder; name a file",
    errno.ENOTDIR: "part of this path is a file, not a folder",
    errno.EEXIST: "this exists already; choose another path",
    errno.ENAMETOOLONG: "this name is too long for the disk",
    errno.EMFILE: "too many files are open; close some programs, or raise the limit (ulimit -n)",
    errno.ENOMEM: "not enough memory",
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors cannot steer the terminal: a pattern such as * passes on whatever files are called."""

    def error(self, message):
        """Print an error and end with code 2."""
        super().error(printable(message, keep=LINE))


def sentence(error: OSError) -> str:
    """Return what the operating system reported in words, with the path and what to do about it."""
    if error.errno is None or error.strerror is None:
        return str(error)  # one of this package's own
    path = "" if error.filename is None else f"{os.fspath(error.filename)}: "
    reason = REASONS.get(error.errno, error.strerror.lower())
    return f"{path}{reason}"


def main(arguments=None) -> int:
    """Run one command and return the exit code: 0, 1 for what went wrong in the work, 2 for a wrong call."""
    parser = Parser(prog="minigooglenet", description="GoogLeNet from scratch in NumPy and Numba.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('minigooglenet')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        command.add_parser(commands, name)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a file name that the console cannot show is no reason to stop
    options = parser.parse_args(arguments)
    try:
        parallel.get_num_threads()  # a wrong setting is said before any work
        return COMMANDS[options.command].run(options) or 0
    except BrokenPipeError:  # `minigooglenet count googlenet | head` has seen enough
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 (Python flushes it at exit)
        return 141
    except OSError as error:
        print(f"minigooglenet {options.command}: {printable(sentence(error), keep=LINE)}", file=sys.stderr)
        return 1
    except (ValueError, TypeError, ArithmeticError, ModuleNotFoundError, MemoryError) as error:
        print(f"minigooglenet {options.command}: {printable(error, keep=LINE)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
