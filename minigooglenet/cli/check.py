"""`minigooglenet check 03.4 FILE`: the check of an exercise, on a Python file or a notebook."""

from pathlib import Path

from minigooglenet.cli.arguments import seconds
from minigooglenet.course import checked
from minigooglenet.exercises.find import find

HELP = "check an exercise in a Python file or a notebook, as its lesson does"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}. Exit code 0: passed, 1: wrong, 2: not yet."
    )
    parser.add_argument("number", metavar="NUMBER", help="of the exercise, such as 03.4")
    parser.add_argument("file", metavar="FILE", help="a .py file or a notebook; what the answer needs of it is run")
    parser.add_argument("--function", metavar="NAME", help="your function, if it is not called as the exercise says")
    parser.add_argument(
        "--timeout", metavar="S", type=seconds, default=120.0, help="seconds that it may take (default: 120)"
    )


def run(options):
    """Check in a process of its own, and pass its exit code on."""
    find(options.number)  # a wrong number or file is said before any work
    if not Path(options.file).is_file():
        raise FileNotFoundError(f"there is no file {options.file}")
    return checked.in_a_process(options.number, options.file, options.function, options.timeout)
