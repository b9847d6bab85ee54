"""`minigooglenet exercise new 02.9` and `exercise lint DIR`: write and check your own exercises."""

from minigooglenet.console import printable
from minigooglenet.course import own_exercises

HELP = "create your own exercises, and report what they lack"
FOLDER = "my_exercises"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name,
        help=HELP,
        description=f"{HELP[0].upper()}{HELP[1:]}. "
        "See docs/course/your-own-exercise.md for a guide that takes twenty minutes.",
    )
    kinds = parser.add_subparsers(dest="kind", metavar="new|lint", required=True)
    new = _add_kind(kinds, "new", "create the file of a new exercise for you to complete")
    new.add_argument("number", metavar="ID", help="exercise ID, such as 02.9: lesson 02 and an unused number")
    new.add_argument(
        "--exercises", metavar="DIR", default=FOLDER, help="folder of your exercises (default: %(default)s)"
    )
    new.add_argument(
        "--question", action="store_true", help="create a question about a number that is drawn for each student"
    )
    check = _add_kind(kinds, "lint", "report what each exercise in a folder lacks (exit code 1 if any lacks something)")
    check.add_argument(
        "dir", metavar="DIR", nargs="?", default=FOLDER, help="folder of your exercises (default: %(default)s)"
    )


def _add_kind(kinds, name, text):
    return kinds.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")


def run(options):
    """Create an exercise, or print what the exercises lack."""
    if options.kind == "new":
        path = printable(own_exercises.new(options.number, options.exercises, options.question))
        folder = printable(options.exercises)
        print(f"{path} contains a small working exercise. Replace it with yours, then run:")
        print(f"  minigooglenet exercise lint {folder}")
        return 0
    wrong = count = 0
    for name, missing in own_exercises.findings(options.dir):
        count, wrong = count + 1, wrong + bool(missing)
        print(f"{name}: {'ready' if not missing else ''}".rstrip())
        for sentence in missing:
            print(printable(f"  - {sentence}"))
    print(
        f"{wrong} of {count} exercises {'needs' if wrong == 1 else 'need'} attention."
        if wrong
        else "Every exercise is ready for students."
    )
    return 1 if wrong else 0
