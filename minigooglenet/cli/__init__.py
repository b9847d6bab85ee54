"""The command line: one file per command, each with `add_parser` and `run`."""

import argparse
import sys

from minigooglenet.cli import count, tour

COMMANDS = {"tour": tour, "count": count}


def main(arguments=None) -> int:
    """Run one command and return the exit code: 0, 1 for what went wrong in the work, 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="minigooglenet", description="GoogLeNet from scratch in NumPy and Numba.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        command.add_parser(commands, name)
    options = parser.parse_args(arguments)
    try:
        return COMMANDS[options.command].run(options) or 0
    except (OSError, ValueError, TypeError, ArithmeticError, ModuleNotFoundError) as error:
        print(f"minigooglenet {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
