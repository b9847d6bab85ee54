"""`minigooglenet grade FOLDER --csv OUT`: a class's notebooks graded, each where it can harm nobody."""

import time

from minigooglenet import console
from minigooglenet.cli.arguments import seconds, whole
from minigooglenet.course import gradebook, sandbox
from minigooglenet.course.grading import Asked, grade

HELP = "grade a class's notebooks"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name,
        help=HELP,
        description=f"{HELP[0].upper()}{HELP[1:]}, a file or a folder for each student, each in a process of its own "
        "with limits. What is done is kept beside the CSV: ended at any moment, the same command goes on.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="of notebooks, or of a folder for each student")
    parser.add_argument("--csv", metavar="OUT", required=True, help="a row for each student and exercise")
    parser.add_argument("--jobs", type=whole, default=1, metavar="N", help="notebooks at once (default: 1)")
    parser.add_argument("--timeout", type=seconds, default=120.0, metavar="S", help="for each (default: 120)")
    parser.add_argument("--memory", type=whole, default=2048, metavar="MB", help="for each (default: 2048)")
    parser.add_argument("--lesson", metavar="NN", help="only this one (default: all, by name or by what they check)")
    parser.add_argument("--whole", action="store_true", help="run every cell, not only those that the answers need")
    parser.add_argument("--fresh", action="store_true", help="begin anew instead of going on")


def run(options):
    """Grade, and tell about the class."""
    asked = Asked(options.timeout, options.memory << 20, options.whole, options.lesson)
    out, begun = console.stdout(), time.monotonic()
    with console.progress(out) as bar:
        task = bar.add_task("grading", total=None, status="")

        def tell(done, count, name):
            bar.update(task, completed=done, total=count, status=gradebook.safe(name))

        rows, walls, _ = grade(options.folder, options.csv, asked, options.jobs, options.fresh, tell)
    for line in gradebook.summary(rows):
        out.print(line, markup=False, soft_wrap=True)
    missing = [wall for wall in sandbox.WALLS if wall not in walls]
    students = len({row["student"] for row in rows})
    out.print(f"{students} students, {len(rows)} rows, {time.monotonic() - begun:.0f} s: {options.csv}", markup=False)
    if missing:
        told = ", ".join(missing)
        out.print(f"On this system nothing kept the notebooks from: {told}. See the lessons' README.", markup=False)
