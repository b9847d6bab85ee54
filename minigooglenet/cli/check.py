"""`minigooglenet check 03.4 FILE`: check an exercise in a Python file or a notebook."""

import os
from pathlib import Path

from minigooglenet import console, files
from minigooglenet.cli.arguments import add_exercises, seconds, use_exercises
from minigooglenet.course import check_runner
from minigooglenet.exercises.find import find
from minigooglenet.exercises.listing import listing

HELP = "check an exercise in a Python file or a notebook, as its lesson does"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name,
        help=HELP,
        description=f"{HELP[0].upper()}{HELP[1:]}. Without an ID, list the exercises. "
        "Exit code 0: passed, 1: wrong, 2: not yet.",
    )
    parser.add_argument(
        "number", metavar="ID", nargs="?", help="exercise ID, such as 03.4 (default: list all exercises)"
    )
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help="Python file or notebook; only the cells that the answer needs are run"
    )
    parser.add_argument("--function", metavar="NAME", help="name of your function (default: its name in the exercise)")
    parser.add_argument(
        "--timeout", metavar="S", type=seconds, default=120.0, help="time limit, in seconds (default: 120)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_exercises(parser)


def run(options):
    """Run the check in a separate process and return its exit code."""
    use_exercises(options.exercises)
    if options.number is None:
        console.stdout().print(listing(), markup=False)
        return 0
    exercise = find(options.number)  # a wrong ID or file is reported before any work
    if options.file is None:
        raise ValueError(f"no file given. Pass the file with your answer: minigooglenet check {exercise.number} FILE")
    if Path(options.file).is_dir():
        raise IsADirectoryError(f"{options.file} is a folder. Pass a .py file or a notebook in it.")
    if not os.path.lexists(options.file):
        raise FileNotFoundError(f"file {options.file} does not exist")
    files.check_regular(options.file)
    return check_runner.in_a_process(exercise.number, options.file, options.function, options.timeout, options.json)
