"""`minigooglenet count NAME`: parameters and operations of a network."""

import difflib
import os
import warnings

from minigooglenet import console, models, weights
from minigooglenet.cli.arguments import output, written
from minigooglenet.counting import CONVENTIONS, count

HELP = "count a network's parameters and operations"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}, exactly, from shapes alone."
    )
    parser.add_argument(
        "name",
        metavar="NAME",
        help=f"one of {', '.join(models.names())} (mini for short), or a file of weights or a run's folder",
    )
    parser.add_argument("--no-heads", action="store_true", help="leave GoogLeNet's auxiliary heads out")
    parser.add_argument("--by", choices=("module", "layer"), help="a line per module or per layer")
    parser.add_argument("--wide", action="store_true", help="also show the operations beside multiply-adds, and memory")
    parser.add_argument("--convention", choices=CONVENTIONS, help="also give the total as that tool counts it")
    parser.add_argument(
        "--explain", metavar="NODE", help="show how one node's numbers come about, instead of the table"
    )
    parser.add_argument("--csv", metavar="FILE", help="write a line per layer")
    parser.add_argument("--json", metavar="FILE", help="write totals and layers")


def run(options):
    """Print the count, and write the files that were asked for."""
    out = output(options.csv, options.json)
    graph = _graph(options.name)
    counted = count(graph, outputs=[graph.main] if options.no_heads else None)
    if options.explain:
        if options.explain not in [row.name for row in counted.rows]:
            close = difflib.get_close_matches(options.explain, [row.name for row in counted.rows], n=2, cutoff=0.5)
            hint = f"perhaps {' or '.join(close)}? " if close else ""
            raise ValueError(f"no node {options.explain!r} was counted in {options.name}; {hint}--by layer lists them")
        out.print(counted.explain(options.explain), markup=False)
    else:
        console.show(out, counted.table(options.by, wide=options.wide))
    if options.convention:
        out.print(str(counted.as_convention(options.convention)), markup=False)
    for path, write in ((options.csv, counted.to_csv), (options.json, counted.to_json)):
        if path:
            write(path)
            written(out, path)


def _graph(name):
    """Return the graph of a model, or of a file or folder of that name."""
    if name.lower() in (*models.names(), "mini") or not os.path.lexists(name):
        return models.build(name, init="zeros")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", weights.UnknownPixelsWarning)  # a count needs no pixels
        return weights.load(name).graph
