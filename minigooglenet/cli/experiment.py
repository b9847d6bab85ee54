"""`minigooglenet experiment gradients`: vanishing gradients in a deep network, and the effect of each remedy."""

from pathlib import Path

import numpy as np

from minigooglenet import console, data, figures, viz
from minigooglenet.cli.arguments import positive, seed
from minigooglenet.training import gradient_norms

HELP = "show how gradients vanish in a deep network, and the effect of each remedy"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    parser.add_argument("name", choices=("gradients",), help="experiment to run")
    parser.add_argument(
        "--steps", type=positive, default=40, metavar="N", help="training steps per variant (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="random seed for weights and shuffling (default: 0)"
    )
    parser.add_argument("--out", metavar="DIR", help="folder for the figure and its alt text")


def run(options):
    """Train each variant for some steps and compare the gradient norms."""
    out = console.stdout()
    if options.out:
        Path(options.out).mkdir(parents=True, exist_ok=True)
    scenes = data.shapes(1024, 32, seed=options.seed)
    with console.progress(out) as bar:
        task = bar.add_task("steps", total=None, status="")
        flows = gradient_norms.gradient_flow(
            data.UNIT.to_input(scenes.images),
            np.asarray(scenes.labels),
            steps=options.steps,
            seed=options.seed,
            on_step=lambda done, total, name: bar.update(task, completed=done, total=total, status=name),
        )
    console.show(out, gradient_norms.table(flows, options.steps))
    if options.out:
        figure, text = viz.gradient_flow({name: flow.before for name, flow in flows.items()})
        for path in figures.save(figure, text, Path(options.out) / "gradient_flow"):
            out.print(f"written: {path}", markup=False, soft_wrap=True)
