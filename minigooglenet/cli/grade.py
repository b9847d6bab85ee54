"""`minigooglenet grade FOLDER --csv OUT`: a class's notebooks graded, each where it can harm nobody."""

import time
from pathlib import Path

from minigooglenet import console, files
from minigooglenet.cli.arguments import add_exercises, check_folder, output, seconds, use_course, whole, written
from minigooglenet.course.grading import feedback, formats, gradebook, report, sandbox
from minigooglenet.course.grading.grader import GradingOptions, grade
from minigooglenet.course.grading.sandbox import probe

HELP = "grade a class's notebooks"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name,
        help=HELP,
        description=f"{HELP[0].upper()}{HELP[1:]}, a file or a folder for each student, each in a process of its own "
        "with limits. Finished notebooks are kept next to the CSV: the same command resumes an interrupted run.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="class folder, or an archive of it (.zip, .tar.gz)")
    parser.add_argument(
        "--csv",
        metavar="OUT",
        required=True,
        help="output file, a row for each student and exercise (- for standard output)",
    )
    parser.add_argument("--jobs", type=whole, default=1, metavar="N", help="notebooks at once (default: 1)")
    parser.add_argument(
        "--timeout", type=seconds, default=120.0, metavar="S", help="seconds of CPU time for each (default: 120)"
    )
    parser.add_argument(
        "--wall", type=seconds, metavar="S", help="seconds by the clock for each (default: 3 x the timeout + 30)"
    )
    parser.add_argument("--memory", type=whole, default=2048, metavar="MB", help="memory for each (default: 2048)")
    parser.add_argument("--lesson", metavar="NN", help="only this lesson (default: all that students handed in)")
    parser.add_argument(
        "--handout",
        metavar="DIR",
        help="what `minigooglenet release` wrote for this class (default: the lessons of the package)",
    )
    parser.add_argument(
        "--solutions", metavar="DIR", help="solutions that `minigooglenet release` wrote, to compare answers with, too"
    )
    parser.add_argument(
        "--course", metavar="FILE", help="course file: what counts, points, dates, roster (default: all, by stars)"
    )
    parser.add_argument("--student", metavar="NAME", help="grade this student again and keep all others' results")
    parser.add_argument(
        "--format",
        action="append",
        choices=formats.FORMATS,
        default=[],
        help="also write this form next to OUT; can be repeated. gradescope and classroom50: FOLDER is one student's",
    )
    parser.add_argument("--feedback", metavar="DIR", help="folder for a page of feedback for each student (HTML)")
    parser.add_argument("--report", metavar="FILE", help="report on the class, with figures (HTML)")
    parser.add_argument("--whole", action="store_true", help="run every cell, not only those that the answers need")
    parser.add_argument("--fresh", action="store_true", help="grade from scratch instead of resuming")
    add_exercises(parser)


def run(options):
    """Grade, and tell about the class."""
    course = use_course(options)
    asked = GradingOptions(
        *(options.timeout, options.memory << 20, options.whole, options.lesson), options.wall, options.handout
    )
    if options.handout and not any(Path(options.handout).glob("*.ipynb")):
        raise FileNotFoundError(
            f"{options.handout} has no notebooks; name the folder that `minigooglenet release` wrote"
        )
    if options.solutions and not any(Path(options.solutions).glob("*.ipynb")):
        raise FileNotFoundError(f"{options.solutions} has no notebooks; name the DIR of `release --solutions DIR`")
    asked.solutions = options.solutions
    asked.plan, asked.student = course, options.student
    _check_forms(options)
    one = [form for form in options.format if form in formats.ONE]
    if one:
        asked.owner = formats.owner(one[0], options.folder)
    sentences: list[str] = []
    out, begun = output(options.csv), time.monotonic()
    held = probe.held()
    for line in held.missing():
        out.print(f"Not held on this system: {line}.", markup=False, soft_wrap=True)
    if held.missing():
        out.print("See Walls in docs/grading.md for what to do about it.", markup=False, soft_wrap=True)
    with console.progress(out) as bar:
        task = bar.add_task("grading", total=None, status="")

        def tell(done, count, name):
            bar.update(task, completed=done, total=count, status=gradebook.safe(name))

        rows, protections, _ = grade(options.folder, options.csv, asked, options.jobs, options.fresh, tell, sentences.append)
    for line in gradebook.summary(rows) + gradebook.arrived(rows):
        out.print(line, markup=False, soft_wrap=True)
    for sentence in sentences:
        out.print(gradebook.safe(sentence), markup=False, soft_wrap=True)
    for form in options.format:
        path, told = formats.write(form, rows, options.csv, asked.plan)
        written(out, path)
        for sentence in told:
            out.print(gradebook.safe(sentence), markup=False, soft_wrap=True)
    if options.feedback:
        pages = feedback.write(options.feedback, rows, asked.plan, asked.student)
        out.print(
            f"{len(pages)} page{'s'[: len(pages) != 1]} of feedback: {options.feedback}", markup=False, soft_wrap=True
        )
    if options.report:
        written(out, report.write(options.report, rows, asked.plan, sentences))
    missing = [name for name in sandbox.PROTECTIONS if name not in protections]
    students = len({row["student"] for row in rows})
    out.print(
        f"{students} student{'s' * (students != 1)}, {len(rows)} rows, {time.monotonic() - begun:.0f} s: {options.csv}",
        markup=False,
    )
    if missing:
        told = ", ".join(missing)
        out.print(f"On this system nothing kept the notebooks from: {told}. See the lessons' README.", markup=False)


def _check_forms(options):
    """Raise an error about options that do not fit together, before any work."""
    if options.format and options.csv == files.STDOUT:
        raise ValueError("--format writes next to the CSV: name a file, such as --csv grades.csv")
    one = [form for form in options.format if form in formats.ONE]
    if one and (options.student or len(set(options.format)) > 1):
        raise ValueError(f"--format {one[0]} is for the folder of one student, without --student and other forms")
    if options.report:
        check_folder(options.report)
    if options.feedback and Path(options.feedback).is_file():
        raise NotADirectoryError(f"{options.feedback} is a file; name a folder for the pages of feedback")
