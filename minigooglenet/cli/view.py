"""`minigooglenet view`: a network as one page that opens in any browser."""

import webbrowser
from pathlib import Path

from minigooglenet import console, files, models
from minigooglenet.cli.arguments import add_pixels, megabytes, report_written

HELP = "write a page that shows a network: its graph, its counts, and what it computes of an image"
SUFFIXES = (".html", ".htm")
SIZE = 5.0  # megabytes
STEPS = 1000  # of the progress bar


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    kinds = "an ONNX file, a weights file, or the folder of a training run"
    parser.add_argument(
        "network",
        metavar="NETWORK",
        help=f"network: {', '.join(models.names())} or mini (short for mini_googlenet); or {kinds}",
    )
    parser.add_argument("--beside", metavar="OTHER", help="second network, to compare with; it gets the same image")
    parser.add_argument("--image", metavar="FILE", help="image; the page shows what every node computes of it")
    parser.add_argument("--label", metavar="NAME", help="class of the image, by name or index, for the gradients")
    parser.add_argument("--weights", metavar="FILE", help="weights file, if NETWORK is the name of a model")
    add_pixels(parser)
    parser.add_argument("--profile", action="store_true", help="measure the time of every node")
    parser.add_argument(
        "--node",
        metavar="NAME",
        nargs="+",
        action="extend",
        help="convolutions to follow step by step, with an image (default: five of them)",
    )
    parser.add_argument(
        "--size", type=megabytes, default=SIZE, metavar="MB", help="largest size of the page (default: %(default)g)"
    )
    parser.add_argument("--out", metavar="FILE", help="HTML file to write, or - (default: NETWORK-view.html)")
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")


def run(options):
    """Write the page and open it."""
    path = options.out or f"{Path(options.network).stem or 'network'}-view.html"
    if path != files.STDOUT and Path(path).suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path} would be overwritten with a page. Choose a file whose name ends in .html, or -.")
    files.check_writable(path)
    if options.node and not options.image:
        raise ValueError("--node shows values, which need an image: add --image FILE")
    out = console.stderr() if path == files.STDOUT else console.stdout()
    page = _page(options, out)
    page.save(path)
    for note in page.notes:
        out.print(note, markup=False, soft_wrap=True)
    report_written(out, path)
    if path != files.STDOUT and not options.no_open:
        webbrowser.open(Path(path).absolute().as_uri())


def _page(options, out):
    from minigooglenet.viewer import view  # only this command needs it

    chosen = {} if options.node is None else {"nodes": options.node}
    with console.progress(out) as bar:
        task = bar.add_task("page", total=STEPS, status="")
        return view(
            options.network,
            options.image,
            beside=options.beside,
            label=options.label,
            weights=options.weights,
            pixels=options.pixels,
            profile=options.profile,
            size=options.size,
            progress=lambda fraction, text: bar.update(task, completed=int(STEPS * fraction), status=text),
            **chosen,
        )
