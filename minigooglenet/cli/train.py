"""`minigooglenet train`: train a network on labelled pictures, write down everything, and go on after interruptions."""

import argparse
import time
import warnings
from pathlib import Path

from minigooglenet import console, data, optim
from minigooglenet.cli.arguments import seed, whole
from minigooglenet.training import Recipe, Settings, ensemble, recipe, results
from minigooglenet.training.trainer import WEIGHTS

HELP = "train a network on digits, shapes, CIFAR-10 or your own pictures"
# What suits the small network on two cores: accuracies in the README were measured with these.
DEFAULTS = {
    "digits": {"epochs": 8},
    "shapes": {"epochs": 28, "augment": True},
    "cifar10": {"epochs": 30, "augment": True},
}
FOLDER = {"epochs": 60, "augment": True}


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    add = parser.add_argument
    add("--data", metavar="DATA", default="digits", help="digits, shapes, cifar10 or a folder with one folder a class")
    add("--model", choices=("mini", "googlenet"), default="mini", help="which network (default: %(default)s)")
    add("--out", metavar="DIR", required=True, help="where checkpoint, weights, records and pictures go")
    add("--resume", action="store_true", help="go on with the run in DIR, with the settings that it was begun with")
    group = parser.add_argument_group("how to train")
    add = group.add_argument
    add("--epochs", type=whole, help="how often every picture is seen (default: by the data)")
    add("--batch", type=whole, default=32, help="pictures at a time (default: %(default)s)")
    add("--lr", type=float, help="learning rate (default: 0.05 with batch norm, 0.01 without or from other weights)")
    add("--momentum", type=float, default=0.9, help="(default: %(default)s)")
    add("--weight-decay", type=float, default=2e-4, help="(default: %(default)s)")
    add("--schedule", choices=tuple(optim.SCHEDULES), default="polynomial", help="of the rate (default: %(default)s)")
    add("--caffe-biases", action="store_true", help="biases learn at twice the rate and do not decay")
    add("--average", type=float, metavar="SHARE", help="keep the mean of the weights after this share of the steps")
    add("--augment", action=argparse.BooleanOptionalAction, help="vary the pictures at random (default: by the data)")
    add("--seed", type=seed, default=0, help="of weights, order, augmentation and dropout (default: 0)")
    group = parser.add_argument_group("the network")
    add = group.add_argument
    add("--size", type=whole, help="height and width of the pictures (default: by the data)")
    add("--heads", action=argparse.BooleanOptionalAction, help="auxiliary heads (default: for googlenet)")
    add("--norm", choices=("batch", "lrn", "none"), help="normalisation (default: batch for mini, lrn for googlenet)")
    add("--init", choices=("caffe", "he", "gaussian"), help="first weights; gaussian (0.01) is the bad old way")
    add("--depth", type=whole, metavar="MODULES", help="Inception modules of the small network (default: 4)")
    add("--width", type=float, help="factor on every channel count (default: 1)")
    group = parser.add_argument_group("more")
    add = group.add_argument
    add("--weights", metavar="FILE", help="start from these weights; other classes get a new classifier")
    add("--freeze", metavar="PATTERN", action="append", default=[], help="nodes that stay, such as 'inception_[345]*'")
    add("--gradients", type=whole, metavar="N", help="record every node's gradient norm every N steps, and draw it")
    add("--ensemble", type=whole, metavar="N", help="train N models that differ only in sampling and order")
    parser.set_defaults(usual={action.dest: action.default for action in parser._actions})
    add("--jobs", type=whole, default=1, metavar="N", help="models of an ensemble at a time (default: 1)")


def run(options):
    """Train, or go on training."""
    out = console.stdout()
    _check_options(options)
    if not options.resume and (Path(options.out) / recipe.FILE).exists():
        raise ValueError(f"{options.out} holds a run already: go on with --resume, or take another folder")
    asked = recipe.read(options.out) if options.resume else _recipe(options)
    if asked.models > 1:
        return _ensemble(out, asked, options)
    with console.progress(out) as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore", data.FolderWarning)  # the notes say the same
        task = bar.add_task("downloading", visible=False, status="bytes")
        trainer = asked.trainer(
            options.out, lambda have, total: bar.update(task, visible=True, completed=have, total=total)
        )
    if options.resume and trainer.resume():
        out.print(f"Going on at step {trainer.step} of {trainer.steps}.", markup=False)
    train, test = trainer.split
    out.print(
        f"{len(train):,} pictures of {len(train.classes)} classes to learn from, {len(test):,} held out; "
        f"{sum(array.size for array in trainer.graph.params.values()):,} parameters, {trainer.steps:,} steps.",
        markup=False,
    )
    for note in train.notes:
        out.print(note, markup=False, soft_wrap=True)
    if not _run(out, trainer):
        out.print(f"Stopped and saved after step {trainer.step}; go on with --resume.", markup=False)
        return 130
    for path in [trainer.out / WEIGHTS, *results.leave(trainer)]:
        out.print(f"written: {path}", markup=False, soft_wrap=True)
    skipped = sum(len(part.skipped) for part in trainer.split)
    if skipped:
        out.print(f"{skipped} pictures could not be used; skipped.csv says which and why.", markup=False)
    return 0


def _check_options(options):
    """Refuse options that would change nothing."""
    given = [name for name, usual in options.usual.items() if name in vars(options) and getattr(options, name) != usual]
    if options.resume:
        vain, why = set(given) - {"out", "resume"}, "--resume goes on with the settings that the run was begun with"
    elif options.weights is not None:
        vain, why = (
            set(given) & {"model", "heads", "norm", "init", "depth", "width"},
            "--weights says what the network is",
        )
    else:
        vain, why = {"jobs"} if options.jobs > 1 and not options.ensemble else set(), "--jobs is for --ensemble"
    if options.model == "googlenet" and options.depth:
        vain, why = {"depth"}, "--depth is of the small network"
    if vain:
        raise ValueError(f"{why}: leave {', '.join('--' + name.replace('_', '-') for name in sorted(vain))} away")


def _run(out, trainer):
    with console.progress(out) as bar:
        task = bar.add_task("training", total=trainer.steps, completed=trainer.step, status="")
        begun, first = time.perf_counter(), trainer.step
        batch = trainer.settings.batch_size

        def on_step(step):
            rate = (step.number + 1 - first) * batch / (time.perf_counter() - begun)
            status = f"loss {step.loss:.3f}, accuracy {step.accuracy:.0%}, {rate:,.0f} images/s"
            bar.update(task, completed=step.number + 1, status=status)

        def on_epoch(epoch):
            bar.console.print(
                f"epoch {epoch.epoch + 1:3}: loss {epoch.train_loss:.3f}, accuracy {epoch.train_accuracy:.1%}; "
                f"held out: loss {epoch.test_loss:.3f}, accuracy {epoch.test_accuracy:.2%}  ({epoch.seconds:.0f} s)",
                markup=False,
            )

        return trainer.run(on_step, on_epoch)


def _ensemble(out, asked, options):
    with console.progress(out) as bar:
        task = bar.add_task("models", total=asked.models, status="each in a folder of its own")
        paths = ensemble.train_ensemble(
            asked,
            options.out,
            jobs=options.jobs,
            on_member=lambda done, count: bar.update(task, completed=done),
        )
    for path in paths:
        out.print(f"written: {path}", markup=False, soft_wrap=True)
    return 0


def _recipe(options):
    usual = DEFAULTS.get(options.data, FOLDER)
    small = options.model == "mini"
    norm = options.norm or ("batch" if small else "lrn")
    arguments = {"norm": None if norm == "none" else norm, "aux": not small if options.heads is None else options.heads}
    arguments |= {name: value for name in ("init", "depth", "width") if (value := getattr(options, name)) is not None}
    rate = 0.05 if norm == "batch" and options.weights is None else 0.01
    settings = Settings(
        epochs=options.epochs or usual["epochs"],
        batch_size=options.batch,
        lr=options.lr if options.lr is not None else rate,
        momentum=options.momentum,
        weight_decay=options.weight_decay,
        schedule=options.schedule,
        caffe_biases=options.caffe_biases,
        average_from=options.average,
        freeze=tuple(options.freeze),
        gradients_every=options.gradients or 0,
        seed=options.seed,
    )
    augment = usual.get("augment", False) if options.augment is None else options.augment
    return Recipe(
        options.data,
        options.size,
        augment,
        options.model,
        arguments,
        options.weights,
        options.seed,
        settings,
        options.ensemble or 1,
    )
