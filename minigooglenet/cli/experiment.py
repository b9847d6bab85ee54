"""`minigooglenet experiment`: vanishing gradients, the proposals of a detector, and DistBelief's parameter server."""

from pathlib import Path

import numpy as np

from minigooglenet import console, data, figures, files, viz
from minigooglenet.cli.arguments import positive, seed
from minigooglenet.training import gradient_norms

HELP = "show how gradients vanish in a deep network, how proposals change a detector, or what stale gradients cost"
STEPS = 40
SEEDS = {"proposals": 5, "distbelief": 10}


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    parser.add_argument(
        "name",
        choices=tuple(EXPERIMENTS),
        help="experiment to run: vanishing gradients and the effect of each remedy; detection with the proposals of "
        "superpixels of three sizes and of MultiBox; or a parameter server in three modes, its last weights and their "
        "average",
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
        help="proposals and distbelief: number of repetitions, seeds 0 to N - 1 (default: "
        f"{SEEDS['proposals']} and {SEEDS['distbelief']})",
    )
    parser.add_argument(
        "--quick", action="store_true", help="proposals and distbelief: one small repetition, to try the command"
    )
    parser.add_argument("--out", metavar="DIR", help="folder for the table, or for figures and their alt text")


def run(options):
    """Run the experiment of that name, and reject options of the others."""
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

    seeds, sizes = _repetitions(options, experiment)
    with console.progress(out) as bar:
        task = bar.add_task("stages", total=None, status="")
        result = experiment.proposals_experiment(
            seeds, sizes, on_stage=lambda done, total, name: bar.update(task, completed=done, total=total, status=name)
        )
    _show(options, out, experiment.table(result))


def _distbelief(options, out):
    """Compare the last weights and their average in the three modes of a parameter server."""
    from minigooglenet.distributed import figures as drawn
    from minigooglenet.distributed.distbelief import experiment

    seeds, sizes = _repetitions(options, experiment)
    with console.progress(out) as bar:
        task = bar.add_task("gradients", total=None, status="")
        results = experiment.distbelief_experiment(
            seeds, sizes, on_step=lambda done, total, name: bar.update(task, completed=done, total=total, status=name)
        )
    _show(options, out, experiment.table(results))
    if options.out:
        pairs = {"staleness": drawn.staleness(results[0]["asynchronous"]), "modes": drawn.accuracy(results[0])}
        for name, pair in pairs.items():
            for path in figures.save(*pair, Path(options.out) / name):
                _written(out, path)


def _repetitions(options, experiment):
    """Return the number of seeds and the sizes of an experiment."""
    return (1, experiment.QUICK) if options.quick else (options.seeds or SEEDS[options.name], experiment.Sizes())


def _show(options, out, table):
    """Print a table, and write it to the folder of the options, if any."""
    console.show(out, table)
    if options.out:
        path = Path(options.out) / f"{options.name}.txt"
        with files.atomic(path, "w") as file:
            file.write(f"{table}\n")
        _written(out, path)


def _written(out, path):
    out.print(f"written: {path}", markup=False, soft_wrap=True)


OPTIONS = "steps", "seed", "seeds", "quick"
# {name: (function, its options)}
EXPERIMENTS = {
    "gradients": (_gradients, ("steps", "seed")),
    "proposals": (_proposals, ("seeds", "quick")),
    "distbelief": (_distbelief, ("seeds", "quick")),
}
