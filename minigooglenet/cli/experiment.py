"""`minigooglenet experiment gradients`: the vanishing gradient made visible, and what each remedy does to it."""

from pathlib import Path

import numpy as np

from minigooglenet import console, data, figures, viz
from minigooglenet.cli.arguments import seed, whole
from minigooglenet.training import gradient_norms

HELP = "watch the gradient vanish in a deep network, and what each remedy does to it"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    parser.add_argument("name", choices=("gradients",), help="which experiment")
    parser.add_argument("--steps", type=whole, default=40, help="of training in each variant (default: %(default)s)")
    parser.add_argument("--seed", type=seed, default=0, help="of weights and order (default: 0)")
    parser.add_argument("--out", metavar="DIR", help="write the image and its text there")


def run(options):
    """Train each variant for a while, and compare."""
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
