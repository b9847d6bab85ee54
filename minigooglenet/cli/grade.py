"""`minigooglenet grade FOLDER --csv OUT`: grade the notebooks of a class, each in an isolated process."""

import time
from pathlib import Path

from minigooglenet import console, files
from minigooglenet.cli.arguments import (
    add_exercises,
    output,
    positive,
    report_written,
    seconds,
    use_course,
)
from minigooglenet.course.grading import feedback, formats, gradebook, report, sandbox
from minigooglenet.course.grading.grader import GradingOptions, grade
from minigooglenet.course.grading.sandbox import probe

HELP = "grade the notebooks of a class"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name,
        help=HELP,
        description=f"{HELP[0].upper()}{HELP[1:]}. Each notebook runs in its own process with time and memory limits. "
        "Progress is saved next to the CSV file: if you interrupt the command, run it again to continue.",
    )
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        help="folder with one notebook, or one subfolder of notebooks, per student; or its archive (.zip, .tar.gz)",
    )
    parser.add_argument(
        "--csv",
        metavar="OUT",
        required=True,
        help="output file with one row per student and exercise (- for standard output)",
    )
    parser.add_argument(
        "--jobs", type=positive, default=1, metavar="N", help="number of notebooks to run in parallel (default: 1)"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=120.0,
        metavar="S",
        help="CPU time limit per notebook, in seconds (default: 120)",
    )
    parser.add_argument(
        "--wall",
        type=seconds,
        metavar="S",
        help="wall-clock time limit per notebook, in seconds (default: 3 x the timeout + 30)",
    )
    parser.add_argument(
        "--memory", type=positive, default=2048, metavar="MB", help="memory limit per notebook, in MB (default: 2048)"
    )
    parser.add_argument("--lesson", metavar="NN", help="lesson to grade (default: all lessons that students handed in)")
    parser.add_argument(
        "--handout",
        metavar="DIR",
        help="folder that `minigooglenet release` wrote for this class (default: the lessons of the package)",
    )
    parser.add_argument(
        "--solutions",
        metavar="DIR",
        help="folder of solutions that `minigooglenet release` wrote, to find answers copied from them",
    )
    parser.add_argument(
        "--course",
        metavar="FILE",
        help="course file with exercises, points, dates and roster (default: all exercises, one point per star)",
    )
    parser.add_argument("--student", metavar="NAME", help="student to grade again; the results of all others are kept")
    parser.add_argument(
        "--format",
        action="append",
        choices=formats.FORMATS,
        default=[],
        help="additional output format, written next to OUT; can be repeated. "
        "For gradescope and classroom50, FOLDER is that of one student",
    )
    parser.add_argument("--feedback", metavar="DIR", help="folder for one HTML page of feedback per student")
    parser.add_argument("--report", metavar="FILE", help="HTML report on the class, with figures")
    parser.add_argument("--whole", action="store_true", help="run every cell, not only the cells that the answers need")
    parser.add_argument("--fresh", action="store_true", help="discard saved progress and start from scratch")
    add_exercises(parser)


def run(options):
    """Grade the notebooks and print a summary of the class."""
    course = use_course(options)
    grading = GradingOptions(
        *(options.timeout, options.memory << 20, options.whole, options.lesson), options.wall, options.handout
    )
    if options.handout and not any(Path(options.handout).glob("*.ipynb")):
        raise FileNotFoundError(
            f"{options.handout} contains no notebooks. Pass the folder that `minigooglenet release` wrote."
        )
    if options.solutions and not any(Path(options.solutions).glob("*.ipynb")):
        raise FileNotFoundError(
            f"{options.solutions} contains no notebooks. Pass the DIR of `release --solutions DIR`."
        )
    grading.solutions = options.solutions
    grading.plan, grading.student = course, options.student
    _check_forms(options)
    one = [form for form in options.format if form in formats.ONE]
    if one:
        grading.owner = formats.owner(one[0], options.folder)
    sentences: list[str] = []
    out, begun = output(options.csv), time.monotonic()
    held = probe.held()
    for line in held.missing():
        out.print(f"Not enforced on this system: {line}.", markup=False, soft_wrap=True)
    if held.missing():
        out.print('See "The sandbox" in docs/grading.md for advice.', markup=False, soft_wrap=True)
    with console.progress(out) as bar:
        task = bar.add_task("grading", total=None, status="")

        def tell(done, count, name):
            bar.update(task, completed=done, total=count, status=gradebook.safe(name))

        rows, protections, _ = grade(
            options.folder, options.csv, grading, options.jobs, options.fresh, tell, sentences.append
        )
    for line in gradebook.summary(rows) + gradebook.arrived(rows):
        out.print(line, markup=False, soft_wrap=True)
    for sentence in sentences:
        out.print(gradebook.safe(sentence), markup=False, soft_wrap=True)
    for form in options.format:
        path, remarks = formats.write(form, rows, options.csv, grading.plan)
        report_written(out, path)
        for sentence in remarks:
            out.print(gradebook.safe(sentence), markup=False, soft_wrap=True)
    if options.feedback:
        pages = feedback.write(options.feedback, rows, grading.plan, grading.student)
        out.print(
            f"written: {options.feedback}, {len(pages)} feedback page{'s'[: len(pages) != 1]}",
            markup=False,
            soft_wrap=True,
        )
    if options.report:
        report_written(out, report.write(options.report, rows, grading.plan, sentences))
    missing = [name for name in sandbox.PROTECTIONS if name not in protections]
    students = len({row["student"] for row in rows})
    out.print(
        f"{students} student{'s' * (students != 1)}, {len(rows)} rows, {time.monotonic() - begun:.0f} s: {options.csv}",
        markup=False,
    )
    if missing:
        names = ", ".join(missing)
        out.print(f"Not isolated or limited on this system: {names}. See lessons/README.md.", markup=False)


def _check_forms(options):
    """Raise an error if options contradict one another, before any work."""
    if options.format and options.csv == files.STDOUT:
        raise ValueError("--format writes next to the CSV file. Pass a file, such as --csv grades.csv.")
    one = [form for form in options.format if form in formats.ONE]
    if one and (options.student or len(set(options.format)) > 1):
        raise ValueError(f"--format {one[0]} is for the folder of one student. Leave out --student and other formats.")
    if options.report:
        files.check_writable(options.report)
    if options.feedback and Path(options.feedback).is_file():
        raise NotADirectoryError(f"{options.feedback} is a file. Pass a folder for the feedback pages.")
