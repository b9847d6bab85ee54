"""`minigooglenet hint 03.4`: three hints for an exercise, one at a time."""

import shlex

from minigooglenet import console
from minigooglenet.cli.arguments import add_exercises, use_exercises
from minigooglenet.exercises.find import find
from minigooglenet.exercises.listing import listing

HELP = "show the hints of an exercise, one at a time"


def add_parser(commands, name):
    """Add this command to the command line."""
    description = f"{HELP[0].upper()}{HELP[1:]}. Without an ID, list the exercises."
    parser = commands.add_parser(name, help=HELP, description=description)
    parser.add_argument(
        "number", metavar="ID", nargs="?", help="exercise ID, such as 03.4 (default: list all exercises)"
    )
    parser.add_argument(
        "--step",
        type=int,
        choices=(1, 2, 3),
        default=1,
        help="hint to show: 1 is where to look, 2 the idea, 3 a line to complete (default: 1)",
    )
    add_exercises(parser)


def run(options):
    """Print one hint."""
    use_exercises(options.exercises)
    out = console.stdout()
    if options.number is None:
        out.print(listing(), markup=False)
        return
    exercise = find(options.number)
    out.print(f"Hint {options.step} of 3: {exercise.hints[options.step - 1]}", markup=False)
    if options.step < 3:
        folder = f" --exercises {shlex.quote(options.exercises)}" if options.exercises else ""
        out.print(f"More: minigooglenet hint {exercise.number}{folder} --step {options.step + 1}", markup=False)
