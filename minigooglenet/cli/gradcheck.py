"""`minigooglenet gradcheck NAME`: check the gradients of a layer, or of a whole network node by node."""

import numpy as np

from minigooglenet import console, data, gradcheck, models
from minigooglenet.cli.arguments import seed
from minigooglenet.gradcheck.examples import KINDS, examples
from minigooglenet.names import unknown
from minigooglenet.weights import by_name

HELP = "check the gradients of a layer or of a whole network"
NETWORKS = ("googlenet", "mini", *(name for name in models.names() if name not in ("googlenet", "mini_googlenet")))


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    layers = ", ".join(KINDS)
    parser.add_argument(
        "name",
        metavar="NAME",
        help=f"{', '.join(NETWORKS)}, all (all layers), one layer: {layers}; or {by_name.FILES}",
    )
    parser.add_argument(
        "--image",
        metavar="FILE",
        help="photograph to check a network on (default: a sample photograph for googlenet, random values for others)",
    )
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="random seed for values and directions (default: 0)"
    )


def run(options):
    """Print the reports; return 1 if any check failed."""
    out = console.stdout()
    if options.name in NETWORKS or by_name.is_path(options.name):
        reports = [_network(out, options)]
    else:
        chosen = {kind.lower(): layers for kind, layers in examples().items()}
        names = list(chosen) if options.name == "all" else [options.name.lower().removesuffix("()")]
        if names[0] not in chosen:
            raise ValueError(unknown("layer or network", options.name, (*NETWORKS, "all", *KINDS)))
        reports = [gradcheck.check_layer(layer, rng=options.seed) for name in names for layer in chosen[name]]
    for report in reports:
        out.print(str(report), markup=False, soft_wrap=True)
    verdicts = [report.verdict for report in reports]
    out.print(", ".join(f"{verdicts.count(v)} {v}" for v in ("PASS", "FAIL", "INCONCLUSIVE")), markup=False)
    return 1 if "FAIL" in verdicts else 0


def _built(name, number):
    """Return the network of that name; mini has an auxiliary head."""
    return models.build(name, **({"aux": True} if name == "mini" else {}), rng=number)


def _from_file(path):
    graph = by_name.classifier(by_name.network(path))
    if len(graph.inputs) != 1:
        raise ValueError(f"{path} has {len(graph.inputs)} inputs; networks with one input can be checked")
    return graph


def _size(name, shape):
    if len(shape) != 3 or shape[0] != 3 or shape[1] != shape[2]:
        raise ValueError(f"--image needs a network for square RGB images, but the input of {name} is {shape}")
    return shape[1]


def _network(out, options):
    rng = np.random.default_rng(options.seed)
    if options.name == "googlenet":
        graph, x = models.googlenet(rng=options.seed), data.prepare(data.photograph(options.image))
        out.print(
            "Checking GoogLeNet at 224 x 224 with both auxiliary heads, in float64; this needs about 1 GB of memory."
        )
    else:
        graph = _built(options.name, options.seed) if options.name in NETWORKS else _from_file(options.name)
        (shape,) = graph.inputs.values()
        if options.image:
            size = _size(options.name, shape)
            x = data.prepare(data.photograph(options.image), size=size).repeat(2, axis=0) / 58
        else:
            x = rng.standard_normal((2, *shape))
    labels = rng.integers(0, graph.shapes[graph.main][0], len(x))
    with console.progress(out) as bar:
        task = bar.add_task("nodes", total=len(graph.nodes), status="")

        def show(done, total, name):
            bar.update(task, completed=done + 1, status=name)

        return gradcheck.check_network(graph, x, labels, rng=options.seed, on_node=show)
