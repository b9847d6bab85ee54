"""The command line: one file per command, each with `add_parser` and `run`."""

import argparse
import errno
import os
import re
import sys
from importlib.metadata import version

from minigooglenet import parallel
from minigooglenet.cli import (
    bench,
    cards,
    check,
    classify,
    count,
    detect,
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
    sweep,
    tour,
    train,
    view,
    warmup,
    weights,
)
from minigooglenet.console import printable

COMMANDS = {
    "tour": tour,
    "count": count,
    "view": view,
    "gradcheck": gradcheck,
    "train": train,
    "sweep": sweep,
    "evaluate": evaluate,
    "classify": classify,
    "detect": detect,
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

# The most common system errors, with advice. All other errors keep the text of the operating system.
REASONS = {
    errno.ENOENT: "no such file or folder",
    errno.EACCES: "permission denied; choose another path, or ask the owner for access",
    errno.EPERM: "operation not permitted; choose another path",
    errno.ENOSPC: "the disk is full; free some space and run the command again",
    errno.EDQUOT: "your quota on this disk is used up; free some space and run the command again",
    errno.EROFS: "the disk is read-only; choose another path",
    errno.EISDIR: "this is a folder; give the path of a file",
    errno.ENOTDIR: "part of this path is a file, not a folder",
    errno.EEXIST: "already exists; choose another path",
    errno.ENAMETOOLONG: "this name is too long for the file system",
    errno.EMFILE: "too many files are open; close some programs, or raise the limit (ulimit -n)",
    errno.ENOMEM: "not enough memory",
}


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors print no control characters: a pattern such as * can pass any file name."""

    def error(self, message):
        """Print an error and exit with code 2."""
        super().error(printable(message, keep=LINE))


def sentence(error: OSError) -> str:
    """Return a system error as one sentence: the path, the reason and what to do about it."""
    if error.errno is None or error.strerror is None:
        return str(error)  # raised by this package, with a complete message
    path = "" if error.filename is None else f"{os.fspath(error.filename)}: "
    worker = "".join(re.findall(r"^worker \d+: ", error.strerror))  # by distributed.errors
    return f"{worker}{path}{REASONS.get(error.errno, error.strerror.removeprefix(worker).lower())}"


def main(arguments=None) -> int:
    """Run one command and return its exit code: 0 for success, 1 if the work failed, 2 for wrong arguments."""
    parser = Parser(prog="minigooglenet", description="GoogLeNet from scratch in NumPy and Numba.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('minigooglenet')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        command.add_parser(commands, name)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # the console may be unable to show a file name
    options = parser.parse_args(arguments)
    try:
        parallel.get_num_threads()  # report an invalid setting before any work
        return COMMANDS[options.command].run(options) or 0
    except BrokenPipeError:  # the reader has closed the pipe: `minigooglenet count googlenet | head`
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
