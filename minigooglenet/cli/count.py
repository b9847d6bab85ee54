"""`minigooglenet count NAME`: the parameters and operations of a network."""

from minigooglenet import console, models
from minigooglenet.cli.arguments import output, report_written
from minigooglenet.counting import CONVENTIONS, count
from minigooglenet.graph import Graph
from minigooglenet.names import hint
from minigooglenet.weights import by_name

HELP = "count the parameters and operations of a network"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]} exactly, from shapes only.")
    parser.add_argument(
        "name",
        metavar="NAME",
        help=f"network: {', '.join(models.names())} or mini (short for mini_googlenet); or {by_name.FILES}",
    )
    parser.add_argument(
        "--beside", metavar="OTHER", help="second network; show where the two differ, instead of the table"
    )
    parser.add_argument("--no-heads", action="store_true", help="exclude the auxiliary heads of GoogLeNet")
    parser.add_argument(
        "--by",
        choices=("module", "layer"),
        help="one row per module or per layer (default: module if there are more than 40 layers)",
    )
    parser.add_argument("--wide", action="store_true", help="show memory and operations other than MACs, too")
    parser.add_argument("--convention", choices=CONVENTIONS, help="tool whose counting convention gives a second total")
    parser.add_argument(
        "--explain", metavar="NODE", help="show how the counts of one node or module are computed, instead of the table"
    )
    parser.add_argument("--csv", metavar="FILE", help="CSV file with one row per layer")
    parser.add_argument("--json", metavar="FILE", help="JSON file with the totals and all layers")


def run(options):
    """Print the counts and write the requested files."""
    out = output(options.csv, options.json)
    graph = by_name.network(options.name, init="zeros")
    counted = count(graph, outputs=[graph.main] if options.no_heads else None)
    if options.explain:
        known = [*(row.name for row in counted.rows), *counted.modules()]
        if options.explain not in known:
            advice = f"{hint(options.explain, known) or '.'} List all nodes with --by layer."
            raise ValueError(f"node {options.explain!r} was not counted in {options.name}{advice}")
        out.print(counted.explain(options.explain), markup=False)
    elif options.beside:
        console.show(out, _beside(options, graph))
    else:
        console.show(out, counted.table(options.by, wide=options.wide))
    if options.convention:
        out.print(str(counted.as_convention(options.convention)), markup=False)
    for path, write in ((options.csv, counted.to_csv), (options.json, counted.to_json)):
        if path:
            write(path)
            report_written(out, path)


def _beside(options, graph):
    from minigooglenet.viewer.comparison import comparison  # only this option needs the viewer

    other = by_name.network(options.beside, init="zeros")
    if options.no_heads:
        graph, other = _without_heads(graph), _without_heads(other)
    return comparison(options.name, graph, options.beside, other)


def _without_heads(graph):
    backbone = Graph(**graph.inputs)
    for name, _ in graph.schedule((graph.main,)):
        layer, wires = graph.nodes[name]
        backbone.add(name, layer, *wires)
    return backbone
