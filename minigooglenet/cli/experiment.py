"""`minigooglenet experiment`: gradients that vanish in a deep network, and the proposals of a detector."""

from pathlib import Path

import numpy as np

from minigooglenet import console, data, figures, files, viz
from minigooglenet.cli.arguments import positive, seed
from minigooglenet.training import gradient_norms

HELP = "show how gradients vanish in a deep network, or how proposals change a detector"
STEPS, SEEDS = 40, 5


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    parser.add_argument(
        "name",
        choices=tuple(EXPERIMENTS),
        help="experiment to run: vanishing gradients and the effect of each remedy, or detection with the proposals of "
        "superpixels of three sizes and of MultiBox",
    )
    parser.add_argument(
        "--steps", type=positive, metavar="N", help=f"gradients: training steps per variant (default: {STEPS})"
    )
    parser.add_argument(
        "--seed", type=seed, metavar="N", help="gradients: random seed for weights and shuffling (default: 0)"
    )
    parser.add_argument(
        "--seeds",
        type=positive,
        metavar="N",
        help=f"proposals: number of repetitions, seeds 0 to N - 1 (default: {SEEDS})",
    )
    parser.add_argument("--quick", action="store_true", help="proposals: one small repetition, to try the command")
    parser.add_argument("--out", metavar="DIR", help="folder for the figure and its alt text, or for the table")


def run(options):
    """Run the experiment of that name, and reject options of the other one."""
    unused = [name for name in OPTIONS if name not in EXPERIMENTS[options.name][1] and getattr(options, name)]
    if unused:
        raise ValueError(f"the experiment {options.name} has no --{unused[0]}. Leave it out.")
    if options.quick and options.seeds:
        raise ValueError("--quick runs one repetition. Leave out --seeds.")
    if options.out:
        Path(options.out).mkdir(parents=True, exist_ok=True)
    EXPERIMENTS[options.name][0](options, console.stdout())


def _gradients(options, out):
    """Train each variant for some steps and compare the gradient norms."""
    number, steps = options.seed or 0, options.steps or STEPS
    scenes = data.shapes(1024, 32, seed=number)
    with console.progress(out) as bar:
        task = bar.add_task("steps", total=None, status="")
        flows = gradient_norms.gradient_flow(
            data.UNIT.to_input(scenes.images),
            np.asarray(scenes.labels),
            steps=steps,
            seed=number,
            on_step=lambda done, total, name: bar.update(task, completed=done, total=total, status=name),
        )
    console.show(out, gradient_norms.table(flows, steps))
    if options.out:
        figure, text = viz.gradient_flow({name: flow.before for name, flow in flows.items()})
        for path in figures.save(figure, text, Path(options.out) / "gradient_flow"):
            _written(out, path)


def _proposals(options, out):
    """Compare the proposals of superpixels of three sizes, of MultiBox and of both."""
    from minigooglenet.detection import experiment

    seeds, sizes = (1, experiment.QUICK) if options.quick else (options.seeds or SEEDS, experiment.Sizes())
    with console.progress(out) as bar:
        task = bar.add_task("stages", total=None, status="")
        result = experiment.proposals_experiment(
            seeds, sizes, on_stage=lambda done, total, name: bar.update(task, completed=done, total=total, status=name)
        )
    table = experiment.table(result)
    console.show(out, table)
    if options.out:
        path = Path(options.out) / "proposals.txt"
        with files.atomic(path, "w") as file:
            file.write(f"{table}\n")
        _written(out, path)


def _written(out, path):
    out.print(f"written: {path}", markup=False, soft_wrap=True)


OPTIONS = "steps", "seed", "seeds", "quick"
# {name: (function, its options)}
EXPERIMENTS = {"gradients": (_gradients, ("steps", "seed")), "proposals": (_proposals, ("seeds", "quick"))}
