"""`minigooglenet release SRC DST`: student notebooks from lesson sources, which a course may edit first."""

from minigooglenet import files
from minigooglenet.cli.arguments import add_exercises, use_course
from minigooglenet.console import printable
from minigooglenet.course import autograder, own_exercises
from minigooglenet.course.release import apart, release, release_for_nbgrader

HELP = "make student notebooks and flashcards from lesson sources"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}. Changed files are never replaced."
    )
    parser.add_argument(
        "source",
        metavar="SRC",
        help="folder of lesson sources, such as SOURCES of `minigooglenet lessons DIR --solutions SOURCES`",
    )
    parser.add_argument("target", metavar="DST", help="folder for the student notebooks, created if needed")
    parser.add_argument("--solutions", metavar="DIR", help="second folder, outside DST, for notebooks with solutions")
    parser.add_argument(
        "--course", metavar="FILE", help="course file with the lessons to release and the rules to state in them"
    )
    parser.add_argument(
        "--nbgrader",
        action="store_true",
        help="write a course folder for nbgrader instead, with solutions (see docs/course/nbgrader.md)",
    )
    parser.add_argument(
        "--autograder", metavar="ZIP", help="archive for a Gradescope autograder, such as gradescope.zip, outside DST"
    )
    parser.add_argument("--lesson", metavar="NN", help="lesson that the autograder grades (default: any)")
    add_exercises(parser)


def run(options):
    """Write the notebooks and print which files were kept."""
    course = use_course(options)
    if options.autograder:
        files.check_writable(options.autograder)
        apart(options.target, options.autograder)
    if options.nbgrader:
        done = release_for_nbgrader(options.source, options.target, course, options.exercises)
    else:
        done = release(options.source, options.target, options.solutions, course, options.exercises)
    print(f"{printable(options.target)}: {len(done.written)} files written, {len(done.same)} already present.")
    if options.autograder:
        more = (options.lesson, options.course, options.exercises)
        print(f"written: {printable(autograder.write(options.autograder, options.target, *more))}")
    for path in done.kept:
        print(f"kept, because it was changed: {printable(path)}")
    if options.exercises:
        lint = f"minigooglenet exercise lint {printable(options.exercises)}"
        for name in [name for name, missing in own_exercises.findings(options.exercises) if missing]:
            print(f"{name} is not ready for students. Run `{lint}` to see why.")
