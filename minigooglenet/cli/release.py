"""`minigooglenet release SRC DST`: notebooks for students from edited sources, so that a course can change lessons."""

from minigooglenet.cli.arguments import add_exercises, check_folder, use_course
from minigooglenet.console import printable
from minigooglenet.course import autograder, own_exercises
from minigooglenet.course.release import apart, release, release_for_nbgrader

HELP = "make students' notebooks and flashcards from lessons' sources"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}. A file that somebody changed is left as it is."
    )
    parser.add_argument(
        "source",
        metavar="SRC",
        help="folder of sources, such as SOURCES of `minigooglenet lessons DIR --solutions SOURCES`",
    )
    parser.add_argument("target", metavar="DST", help="folder for the notebooks, made if need be")
    parser.add_argument(
        "--solutions", metavar="DIR", help="also notebooks with solutions, in a second folder outside of DST"
    )
    parser.add_argument("--course", metavar="FILE", help="course file: which lessons, and the rules that they state")
    parser.add_argument(
        "--nbgrader",
        action="store_true",
        help="a course folder for nbgrader instead, with solutions: see docs/course/nbgrader.md",
    )
    parser.add_argument(
        "--autograder", metavar="ZIP", help="also an autograder for Gradescope, such as gradescope.zip, outside of DST"
    )
    parser.add_argument("--lesson", metavar="NN", help="the lesson that the autograder grades (default: any)")
    add_exercises(parser)


def run(options):
    """Write, and say what was left."""
    course = use_course(options)
    if options.autograder:
        check_folder(options.autograder)
        apart(options.target, options.autograder)
    if options.nbgrader:
        done = release_for_nbgrader(options.source, options.target, course, options.exercises)
    else:
        done = release(options.source, options.target, options.solutions, course, options.exercises)
    print(f"{printable(options.target)}: {len(done.written)} files written, {len(done.same)} were there already.")
    if options.autograder:
        more = (options.lesson, options.course, options.exercises)
        print(f"written: {printable(autograder.write(options.autograder, options.target, *more))}")
    for path in done.kept:
        print(f"left as it is, for somebody changed it: {printable(path)}")
    if options.exercises:
        lint = f"minigooglenet exercise lint {printable(options.exercises)}"
        for name in [name for name, missing in own_exercises.findings(options.exercises) if missing]:
            print(f"{name} is not ready for students: `{lint}` says why")
