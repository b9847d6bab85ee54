"""`minigooglenet tour`: the whole thing once, in about a minute."""

from minigooglenet import console
from minigooglenet.cli.arguments import seed
from minigooglenet.tour import tour

HELP = "build, count, run, check and train, on real input"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    parser.add_argument(
        "--image", metavar="FILE", help="your own photograph, instead of the one that ships with matplotlib"
    )
    parser.add_argument(
        "--out", metavar="DIR", default="minigooglenet-tour", help="where results go (default: %(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="train for one epoch only")
    parser.add_argument("--seed", type=seed, default=0, help="of weights, dropout and the order of images (default: 0)")


def run(options):
    """Take the tour."""
    tour(console.stdout(), image=options.image, out=options.out, quick=options.quick, seed=options.seed)
