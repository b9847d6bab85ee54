"""`minigooglenet hint 03.4`: help with an exercise, a step at a time."""

from minigooglenet import console
from minigooglenet.exercises.find import find

HELP = "help with an exercise, one step at a time"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    parser.add_argument("number", metavar="NUMBER", help="of the exercise, such as 03.4")
    parser.add_argument(
        "--step", type=int, choices=(1, 2, 3), default=1, help="1 where to look, 2 the idea, 3 the line with a hole"
    )


def run(options):
    """Print one hint."""
    exercise, out = find(options.number), console.stdout()
    out.print(f"Hint {options.step} of 3: {exercise.hints[options.step - 1]}", markup=False, soft_wrap=True)
    if options.step < 3:
        out.print(f"More: minigooglenet hint {exercise.number} --step {options.step + 1}", markup=False)
