"""The command line: one file per command, each with `add_parser` and `run`."""

import argparse
import sys
from importlib.metadata import version

from minigooglenet import parallel
from minigooglenet.cli import (
    bench,
    check,
    classify,
    count,
    doctor,
    evaluate,
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
    "doctor": doctor,
    "release": release,
    "grade": grade,
}


def main(arguments=None) -> int:
    """Run one command and return the exit code: 0, 1 for what went wrong in the work, 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="minigooglenet", description="GoogLeNet from scratch in NumPy and Numba.")
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
    except (OSError, ValueError, TypeError, ArithmeticError, ModuleNotFoundError, MemoryError) as error:
        print(f"minigooglenet {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
