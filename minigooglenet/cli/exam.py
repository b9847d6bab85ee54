"""`minigooglenet exam DIR --key DIR`: a written exam in several versions, each with its key."""

import argparse

from minigooglenet.cli.arguments import add_exercises, add_lessons, positive, seed, use_exercises
from minigooglenet.console import printable
from minigooglenet.course import exam, handout
from minigooglenet.course.release import apart

HELP = "write exam papers with random numbers, drawn from a seed, and their answer keys"


def versions(text: str) -> int:
    """Return a number of versions; each version has a letter as its name."""
    count = positive(text)
    if count > 26:
        raise argparse.ArgumentTypeError(f"must be at most 26 (versions A to Z), got {count}")
    return count


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}. The same seed gives the same exam."
    )
    parser.add_argument("dir", metavar="DIR", help="folder for the papers (Markdown)")
    parser.add_argument("--key", metavar="DIR", required=True, help="folder for the keys, outside the first folder")
    parser.add_argument("--seed", type=seed, required=True, metavar="N", help="random seed; keep it secret")
    parser.add_argument(
        "--versions", type=versions, default=2, metavar="N", help="number of versions (default: %(default)s)"
    )
    add_lessons(parser)
    parser.add_argument(
        "--numbers",
        type=positive,
        default=6,
        metavar="N",
        help="number of calculation questions (default: %(default)s)",
    )
    parser.add_argument(
        "--words", type=positive, default=4, metavar="N", help="number of open questions (default: %(default)s)"
    )
    add_exercises(parser)


def run(options):
    """Write the papers and their keys."""
    use_exercises(options.exercises)
    apart(options.dir, options.key)
    lessons = [lesson.zfill(2) for lesson in options.lesson or [path.stem[:2] for path in handout.sources()]]
    papers = exam.versions(options.seed, options.versions, lessons, options.numbers, options.words)
    for path in exam.write(options.dir, options.key, papers):
        print(f"written: {printable(path)}")
