"""`minigooglenet exercise new 02.9` and `exercise lint DIR`: exercises of your own, and what they lack."""

from minigooglenet.console import printable
from minigooglenet.course import own_exercises

HELP = "write your own exercises, and find what they lack"
FOLDER = "my_exercises"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name,
        help=HELP,
        description=f"{HELP[0].upper()}{HELP[1:]}. docs/course/your-own-exercise.md is a guide of twenty minutes.",
    )
    kinds = parser.add_subparsers(dest="kind", metavar="new|lint", required=True)
    new = kinds.add_parser("new", help="write the file of a new exercise, to be filled in")
    new.add_argument("number", metavar="ID", help="ID of the exercise, such as 02.9: lesson 02, and a free number")
    new.add_argument(
        "--exercises", metavar="DIR", default=FOLDER, help="folder of your exercises (default: %(default)s)"
    )
    new.add_argument("--question", action="store_true", help="ask for a number, drawn for each student")
    check = kinds.add_parser("lint", help="report what each exercise of a folder lacks; exit code 1 if anything")
    check.add_argument("dir", metavar="DIR", nargs="?", default=FOLDER, help="folder (default: %(default)s)")


def run(options):
    """Write a file, or print what is missing."""
    if options.kind == "new":
        path = printable(own_exercises.new(options.number, options.exercises, options.question))
        folder = printable(options.exercises)
        print(f"{path} is a small exercise that works. Put yours in its place, then run:")
        print(f"  minigooglenet exercise lint {folder}")
        return 0
    wrong = count = 0
    for name, missing in own_exercises.findings(options.dir):
        count, wrong = count + 1, wrong + bool(missing)
        print(f"{name}: {'ready' if not missing else ''}".rstrip())
        for sentence in missing:
            print(printable(f"  - {sentence}"))
    print(f"{wrong} of {count} exercises need something done." if wrong else "Every exercise is ready for students.")
    return 1 if wrong else 0
