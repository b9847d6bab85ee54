"""`minigooglenet tour`: the main features once, in about half a minute, or more if kernels must be compiled."""

from minigooglenet import console
from minigooglenet.cli.arguments import seed
from minigooglenet.tour import tour

HELP = "build, count, run, check and train networks on real images, in about half a minute"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    parser.add_argument(
        "--image", metavar="FILE", help="photograph to use (default: the one that ships with matplotlib)"
    )
    parser.add_argument(
        "--out", metavar="DIR", default="minigooglenet-tour", help="folder for the results (default: %(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="train for one epoch only")
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="random seed for weights, dropout and shuffling (default: 0)"
    )


def run(options):
    """Run the tour."""
    tour(console.stdout(), image=options.image, out=options.out, quick=options.quick, seed=options.seed)
