"""`minigooglenet exam DIR --key DIR`: an exam on paper in several versions, each with its key."""

import argparse

from minigooglenet.cli.arguments import add_exercises, add_lessons, seed, use_exercises, whole
from minigooglenet.console import printable
from minigooglenet.course import exam, handout
from minigooglenet.course.release import apart

HELP = "write exam questions with numbers drawn from a seed, and the key"


def versions(text: str) -> int:
    """Return a number of versions, of which each has a letter."""
    count = whole(text)
    if count > 26:
        raise argparse.ArgumentTypeError(f"at most 26 versions, A to Z, got {count}")
    return count


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}. The same seed gives the same exam."
    )
    parser.add_argument("dir", metavar="DIR", help="folder for the papers (Markdown)")
    parser.add_argument("--key", metavar="DIR", required=True, help="folder for the keys, outside of the first")
    parser.add_argument("--seed", type=seed, required=True, metavar="N", help="seed, which you keep to yourself")
    parser.add_argument("--versions", type=versions, default=2, metavar="N", help="versions (default: %(default)s)")
    add_lessons(parser)
    parser.add_argument(
        "--numbers", type=whole, default=6, metavar="N", help="numbers to work out (default: %(default)s)"
    )
    parser.add_argument("--words", type=whole, default=4, metavar="N", help="open questions (default: %(default)s)")
    add_exercises(parser)


def run(options):
    """Write papers and keys."""
    use_exercises(options.exercises)
    apart(options.dir, options.key)
    lessons = [lesson.zfill(2) for lesson in options.lesson or [path.stem[:2] for path in handout.sources()]]
    made = exam.versions(options.seed, options.versions, lessons, options.numbers, options.words)
    for path in exam.write(options.dir, options.key, made):
        print(f"written: {printable(path)}")
