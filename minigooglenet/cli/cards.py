"""`minigooglenet cards`: the lessons as flashcards, in a text file for Anki."""

from minigooglenet import files
from minigooglenet.cli.arguments import add_lessons
from minigooglenet.console import printable
from minigooglenet.course import handout
from minigooglenet.course.release import DECK, deck, quizzes

HELP = "write the lessons as flashcards for Anki"


def add_parser(commands, name):
    """Add this command to the command line."""
    description = f"{HELP[0].upper()}{HELP[1:]}. Each card has a question, an answer and its lesson. "
    description += "The engine computes the numbers."
    parser = commands.add_parser(name, help=HELP, description=description)
    parser.add_argument("out", metavar="OUT", nargs="?", default=DECK, help="text file to write (default: %(default)s)")
    add_lessons(parser)


def run(options):
    """Write the deck."""
    known = [path.stem[:2] for path in handout.sources()]
    chosen = [lesson.zfill(2) for lesson in options.lesson or known]
    if unknown := [lesson for lesson in chosen if lesson not in known]:
        raise ValueError(f"unknown lesson {unknown[0]!r}; choose from {', '.join(known)}")
    files.check_writable(options.out)
    text = deck({lesson: quizzes(lesson) for lesson in chosen})
    files.write_text(options.out, text)
    count = sum(not line.startswith("#") for line in text.splitlines())
    print(f"written: {printable(options.out)}, {count} cards. In Anki, choose File, Import.")
