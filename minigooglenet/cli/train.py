"""`minigooglenet train`: train a network on labelled images, log everything, and resume after interruptions."""

import argparse
import contextlib
import csv
import inspect
import warnings
from functools import partial
from pathlib import Path

from minigooglenet import data, figures, files, jobs, models, schedules
from minigooglenet.cli.arguments import add_independent, check_independent, positive, seed
from minigooglenet.data.mnist_sets import is_idx_folder
from minigooglenet.models import later
from minigooglenet.training import (
    Recipe,
    Settings,
    ensemble,
    find_learning_rate,
    origin,
)
from minigooglenet.training import recipe as recipes
from minigooglenet.training.display import Display
from minigooglenet.training.lock import Hold
from minigooglenet.training.progress import header, run_in_folder
from minigooglenet.training.run_files import trained
from minigooglenet.training.settings import OPTIMIZERS, SHARDS
from minigooglenet.training.trainer import Trainer

HELP = "train a network on digits, clothes, shapes, CIFAR-10 or your own images"
# Settings for the small network on two cores; the accuracies in the README were measured with them.
DEFAULTS = {
    "digits": {"epochs": 8},
    "shapes": {"epochs": 28, "augment": True},
    "cifar10": {"epochs": 30, "augment": True},
    "mnist": {"epochs": 2, "batch": 64},
    "fashion-mnist": {"epochs": 5, "batch": 64},
}
FOLDER = {"epochs": 60, "augment": True}
BATCH = 32
MODELS = ("mini", "googlenet", *later.__all__)
MODELS_HELP = f"{', '.join(MODELS)}; all but mini take colour images (default: mini)"
WITHOUT_BATCH_NORM = ("squeezenet1_0", "squeezenet1_1")
# (without batch norm or from other weights, with batch norm); 0.045 is the rate of Inception-v3.
RATES = {"sgd": (0.01, 0.05), "adamw": (0.001, 0.003), "adam": (0.001, 0.003), "rmsprop": (0.01, 0.045)}
RATES_HELP = (
    "0.05 with batch norm, 0.01 without it or with --weights; for adam and adamw 0.003 and 0.001, for rmsprop 0.045 "
    "and 0.01"
)
DECAYS = {"sgd": 2e-4, "adamw": 0.01, "adam": 0.0, "rmsprop": 4e-5}


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    add_run(parser)
    add = parser.add_argument_group("other kinds of training").add_argument
    add(
        "--ensemble",
        type=positive,
        metavar="N",
        help="number of models to train, which differ only in how their images are sampled and ordered (default: 1)",
    )
    add(
        "--find-lr",
        type=positive,
        nargs="?",
        const=100,
        metavar="STEPS",
        help="learning-rate sweep instead of training: plot the losses of STEPS (or 100) increasing rates "
        "and suggest one",
    )
    add = parser.add_argument_group("several processes for one network").add_argument
    add(
        "--shards",
        type=positive,
        metavar="N",
        help="number of parts of each batch whose gradients are computed separately; it must divide the batch "
        f"(default: {SHARDS} with --workers, otherwise whole batches)",
    )
    parser.set_defaults(defaults={action.dest: action.default for action in parser._actions})
    add(
        "--workers",
        type=positive,
        metavar="N",
        help="number of processes that train the network together; it must divide the shards, and does not change the "
        "result (default: train in this process)",
    )
    add(
        "--step-timeout",
        type=positive,
        metavar="SECONDS",
        help="seconds in which a worker must finish a step; otherwise it counts as dead (default: 600)",
    )
    add_independent(parser, "models of the ensemble")


def add_run(parser):
    """Add the options of one run."""
    add = parser.add_argument
    add(
        "--data",
        metavar="DATA",
        default="digits",
        help=f"{', '.join(data.NAMES)}, or a folder with one subfolder per class or with MNIST's idx files "
        "(default: digits)",
    )
    add("--model", choices=MODELS, metavar="NAME", default="mini", help=f"network to train: {MODELS_HELP}")
    add("--out", metavar="DIR", required=True, help="folder for the checkpoint, weights, logs and figures")
    add("--resume", action="store_true", help="continue the run in DIR with its settings")
    group = parser.add_argument_group("training")
    add = group.add_argument
    add("--epochs", type=positive, metavar="N", help="number of epochs (default: depends on the data set)")
    add("--batch", type=positive, metavar="N", help=f"batch size (default: {BATCH}, for mnist and fashion-mnist 64)")
    add("--optimizer", choices=OPTIMIZERS, default="sgd", help="optimizer (default: %(default)s)")
    add("--lr", type=float, metavar="RATE", help=f"learning rate (default: {RATES_HELP})")
    add(
        "--momentum",
        type=float,
        default=0.9,
        metavar="BETA",
        help="momentum of sgd and rmsprop, first beta of adam and adamw (default: %(default)s)",
    )
    add(
        "--decay",
        type=float,
        metavar="FRACTION",
        help="fraction of its mean of squares that a step of rmsprop keeps (default: 0.9)",
    )
    add("--eps", type=float, metavar="EPS", help="eps (default: 1 for rmsprop, 1e-8 for adam and adamw)")
    add(
        "--weight-decay",
        type=float,
        metavar="DECAY",
        help="weight decay (default: 0.0002 for sgd, 0.01 for adamw, 0 for adam, 0.00004 for rmsprop)",
    )
    add("--clip-norm", type=float, metavar="NORM", help="largest norm of all gradients together (default: no clipping)")
    add(
        "--label-smoothing",
        type=float,
        default=0.0,
        metavar="FRACTION",
        help="fraction of each target that is spread over all classes (default: 0)",
    )
    add(
        "--schedule",
        choices=tuple(schedules.SCHEDULES),
        default="polynomial",
        help="learning-rate schedule (default: %(default)s)",
    )
    add(
        "--warmup",
        type=float,
        default=0.0,
        metavar="EPOCHS",
        help="length of the linear warm-up, in epochs (default: 0)",
    )
    add(
        "--patience",
        type=positive,
        metavar="EPOCHS",
        help="epochs without a better held-out result before training stops (default: never stop early)",
    )
    add("--caffe-biases", action="store_true", help="train biases at twice the learning rate and without weight decay")
    add(
        "--average",
        type=float,
        metavar="FRACTION",
        help="fraction of the steps after which weight averaging starts (default: no averaging)",
    )
    add(
        "--augment",
        action=argparse.BooleanOptionalAction,
        help="random augmentation of the training images (default: depends on the data set)",
    )
    add(
        "--seed",
        type=seed,
        default=0,
        metavar="N",
        help="random seed for weights, shuffling, augmentation and dropout (default: 0)",
    )
    group = parser.add_argument_group("network")
    add = group.add_argument
    add("--size", type=positive, metavar="N", help="height and width of the images (default: depends on the data set)")
    add("--heads", action=argparse.BooleanOptionalAction, help="auxiliary heads (default: all but for mini)")
    add(
        "--norm",
        choices=("batch", "lrn", "none"),
        help="normalisation layers of mini (default: batch) and googlenet (default: lrn)",
    )
    add(
        "--init",
        choices=("caffe", "he", "gaussian"),
        help="weight initialisation; gaussian (standard deviation 0.01) trains badly and is kept for comparison "
        "(default: caffe for googlenet, he for all others)",
    )
    add(
        "--depth", type=positive, metavar="MODULES", help="number of Inception modules in the mini network (default: 4)"
    )
    add("--width", type=float, metavar="FACTOR", help="width multiplier for all channel counts (default: 1)")
    group = parser.add_argument_group("more options")
    add = group.add_argument
    add(
        "--weights",
        metavar="FILE",
        help="weights file to start from; its classifier is kept if the classes are the same, in any order, "
        "and replaced otherwise (default: random weights)",
    )
    add(
        "--freeze",
        metavar="PATTERN",
        action="append",
        default=[],
        help="nodes to freeze, such as 'inception_[345]*'; can be repeated (default: none)",
    )
    add(
        "--gradients",
        type=positive,
        metavar="N",
        help="number of steps between records of all gradient norms, plotted at the end (default: no records)",
    )


def run(options):
    """Train, resume training, or search for a learning rate."""
    options.launched = launched()
    check_options(options)
    check_independent(options)
    recipe = recipes.read(options.out) if options.resume else recipe_of(options)  # without the lock: changes nothing
    if options.find_lr:
        with quiet_display() as display:
            return _find_rate(display, recipe, options)
    _check_free(options)
    if options.workers or options.launched > 1:
        return _several(recipe, options)
    with Hold(options.out) as hold:
        if options.resume:
            hold.take()
            recipe = recipes.read(options.out)  # again: another process may have changed it before the lock
        return (_ensemble if recipe.models > 1 else _one)(recipe, options, hold)


def launched():
    """Return the number of processes that an MPI launcher started, usually 1."""
    from minigooglenet.distributed import launcher

    return launcher.launched()


def _several(recipe, options):
    """Train one network with several processes."""
    if recipe.settings.shards is None:  # only an older run: a new one has shards
        raise ValueError(
            f"the run in {options.out} computes whole batches, which workers cannot share. Leave out --workers."
        )
    from minigooglenet import distributed

    limit = {"step_timeout": options.step_timeout} if options.step_timeout else {}
    if options.launched > 1:
        finished = distributed.mpi.train(recipe, options.out, resume=options.resume, **limit)
        distributed.mpi.end()
        return 0 if finished else 130
    return 0 if distributed.train(recipe, options.out, options.workers, resume=options.resume, **limit) else 130


def _class_of(settings):
    """Return the class of the Trainer for these settings."""
    if settings.shards is None:
        return Trainer
    from minigooglenet.distributed import ShardedTrainer

    return ShardedTrainer


def _one(recipe, options, hold):
    with quiet_display() as display:
        make = _class_of(recipe.settings)
        trainer = recipe.trainer(options.out, partial(display.status, "bytes"), hold, make)
    _check_free(options)  # again, because no other process can begin a run from here on
    return 0 if run_in_folder(trainer, Display(), resume=options.resume) else 130


@contextlib.contextmanager
def quiet_display():
    """Return a display for the time before a run, without the warnings that its header repeats."""
    with Display() as display, warnings.catch_warnings():
        warnings.simplefilter("ignore", data.FolderWarning)  # the header contains the same text
        yield display


def _check_free(options):
    """Raise an error if an earlier run saved anything here. A run without a checkpoint leaves nothing to keep."""
    if options.resume or options.job or not trained(options.out):  # elements of an array share the folder
        return
    advice = "Choose another folder."
    if (Path(options.out) / recipes.FILE).exists():
        advice = "Continue it with --resume, or choose another folder."
    raise ValueError(f"{options.out} already contains a run. {advice}")


def check_options(options):
    """Raise an error if an option would have no effect."""
    given = [
        name
        for name, default in options.defaults.items()
        if name in vars(options) and getattr(options, name) != default
    ]
    if options.resume:
        unused, why = set(given) - {"out", "resume"}, "--resume continues with the settings of the run"
    elif options.weights is not None:
        unused, why = set(given) & {"model", "heads", "norm", "init", "depth", "width"}, "--weights defines the network"
    elif options.find_lr:
        unused, why = set(given) & {"lr", "ensemble", "jobs"}, "--find-lr tries many learning rates with one network"
    else:
        independent = {"jobs": 1, "restarts": 2, "job": None, "dask": None}
        unused = {name for name, default in independent.items() if getattr(options, name) != default}
        unused = unused if not options.ensemble else set()
        why = f"{', '.join('--' + name for name in sorted(unused))}: only with --ensemble"
    if options.workers and options.launched > 1:
        raise ValueError(f"the MPI launcher has started {options.launched} workers. Leave out --workers.")
    if options.find_lr or options.ensemble:
        other = "--find-lr" if options.find_lr else "--ensemble"
        both = {name for name in ("workers", "shards") if getattr(options, name)}
        unused, why = (unused | both, f"{other} trains each network in one process") if both else (unused, why)
    for name, takers in (("decay", ("rmsprop",)), ("eps", ("rmsprop", "adam", "adamw"))):
        if getattr(options, name) is not None and options.optimizer not in takers and not options.resume:
            unused, why = {name}, f"--{name} is only for {', '.join(takers)}"
    if options.weights is None and not options.resume:
        for name, argument in (("heads", "aux"), ("norm", "norm"), ("depth", "depth")):
            if name in given and argument not in _arguments_of(options.model):
                unused, why = {name}, f"{options.model} has no such setting"
    if unused:
        names = ", ".join("--" + name.replace("_", "-") for name in sorted(unused))
        raise ValueError(f"{why}. Leave out {names}.")


def _find_rate(display, recipe, options):
    split = recipe.split(partial(display.status, "bytes"))
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)

    def on_step(done, steps, rate, loss):
        display.status("step", done, steps, f"learning rate {rate:.2g}, loss {loss:.3f}")

    sweep = find_learning_rate(recipe.graph(split), split, recipe.settings, steps=options.find_lr, on_step=on_step)
    with files.atomic(out / "learning_rate.csv", "w") as file:
        rows = zip(sweep.rates, sweep.losses, sweep.smoothed, strict=True)
        csv.writer(file, lineterminator="\n").writerows([("rate", "loss", "mean"), *rows])
    for path in [out / "learning_rate.csv", *figures.save(*sweep.figure(), out / "learning_rate")]:
        display.line(f"written: {path}", whole=True)
    display.line(str(sweep))
    if sweep.suggestion is None:
        display.line(f"Try --find-lr {3 * options.find_lr}.")
    else:
        display.line(f"To train with it, run the same command with --lr {sweep.suggestion:g} instead of --find-lr.")
    return 0


def _ensemble(recipe, options, hold):
    with quiet_display() as display:
        split = recipe.split(partial(display.status, "bytes"))
        graph, source = recipe.begin(split)
        trainer = Trainer(graph, split, recipe.settings)  # raises errors before any process starts
        trainer.origin = origin.report(graph, source, trainer.frozen)
        for line in header(trainer):
            display.line(line)
        display.line(f"Training {recipe.models} models, each in its own folder in {options.out}.")
        Path(options.out).mkdir(parents=True, exist_ok=True)
        if not options.job:
            hold.take()
        _check_free(options)  # again, because no other process can begin a run from here on
        ways = {"jobs": options.jobs, "restarts": options.restarts, "part": options.job, "dask": options.dask}
        done, crashed = partial(_member_done, display), partial(report_crash, display)
        try:
            paths = ensemble.train_ensemble(recipe, options.out, on_member=done, on_event=crashed, hold=hold, **ways)
        except KeyboardInterrupt:
            display.line("Stopped and saved; continue with --resume.")
            return 130
        for path in paths:
            display.line(f"written: {path}", whole=True)
        return 0


def _member_done(display, done, count):
    display.status("model", done, count)
    if display.kind != "terminal":
        display.line(f"model {done} of {count} done")


def report_crash(display, event):
    """Write a line if a job crashed or failed."""
    if event.state == jobs.CRASHED:
        display.line(f"{event.job.name} is started again: {event.error}.")
    elif event.state == jobs.FAILED:
        display.line(f"{event.job.name} failed: {event.error}")


def _arguments_of(model):
    """Return the names of a model's arguments."""
    return inspect.signature(models.builder(model)).parameters


def recipe_of(options):
    """Return the Recipe for the options of the command line."""
    idx_files = options.data not in data.NAMES and is_idx_folder(options.data)
    defaults = DEFAULTS["mnist"] if idx_files else DEFAULTS.get(options.data, FOLDER)
    small, takes = options.model == "mini", _arguments_of(options.model)
    norm = options.norm or ("lrn" if options.model == "googlenet" else "batch")
    if options.model in WITHOUT_BATCH_NORM:
        norm = "none"
    arguments = {"norm": None if norm == "none" else norm, "aux": not small if options.heads is None else options.heads}
    arguments = {name: value for name, value in arguments.items() if name in takes}
    arguments |= {name: value for name in ("init", "depth", "width") if (value := getattr(options, name)) is not None}
    rate = RATES[options.optimizer][norm == "batch" and options.weights is None]
    decay = DECAYS[options.optimizer]
    settings = Settings(
        epochs=options.epochs or defaults["epochs"],
        batch_size=options.batch or defaults.get("batch", BATCH),
        lr=options.lr if options.lr is not None else rate,
        momentum=options.momentum,
        weight_decay=options.weight_decay if options.weight_decay is not None else decay,
        schedule=options.schedule,
        caffe_biases=options.caffe_biases,
        average_from=options.average,
        freeze=tuple(options.freeze),
        gradients_every=options.gradients or 0,
        seed=options.seed,
        optimizer=options.optimizer,
        warmup=options.warmup,
        patience=options.patience,
        eps=options.eps,
        label_smoothing=options.label_smoothing,
        clip_norm=options.clip_norm,
        shards=options.shards or (SHARDS if options.workers or options.launched > 1 else None),
        **({} if options.decay is None else {"decay": options.decay}),
    )
    augment = defaults.get("augment", False) if options.augment is None else options.augment
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
