"""`minigooglenet train`: train a network on labelled images, write down everything, and go on after interruptions."""

import argparse
import contextlib
import csv
import warnings
from functools import partial
from pathlib import Path

from minigooglenet import data, figures, files, schedules
from minigooglenet.cli.arguments import seed, whole
from minigooglenet.training import (
    Recipe,
    Settings,
    artifacts,
    ensemble,
    find_learning_rate,
    origin,
    recipe,
    run_with_progress,
)
from minigooglenet.training.checkpoint import ResumeWarning
from minigooglenet.training.display import Display
from minigooglenet.training.lock import Hold
from minigooglenet.training.progress import header
from minigooglenet.training.run_files import BEST, WEIGHTS, trained
from minigooglenet.training.settings import OPTIMIZERS
from minigooglenet.training.trainer import Trainer

HELP = "train a network on digits, shapes, CIFAR-10 or your own images"
# What suits the small network on two cores: accuracies in the README were measured with these.
DEFAULTS = {
    "digits": {"epochs": 8},
    "shapes": {"epochs": 28, "augment": True},
    "cifar10": {"epochs": 30, "augment": True},
}
FOLDER = {"epochs": 60, "augment": True}
RATES = {"sgd": (0.01, 0.05), "adamw": (0.001, 0.003)}  # without batch norm or from other weights, and with it
RATES_HELP = "0.05 with batch norm, 0.01 without or from other weights; adamw: 0.003 and 0.001"
DECAYS = {"sgd": 2e-4, "adamw": 0.01}


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    add = parser.add_argument
    add("--data", metavar="DATA", default="digits", help="digits, shapes, cifar10 or a folder with one folder a class")
    add("--model", choices=("mini", "googlenet"), default="mini", help="which network (default: %(default)s)")
    add("--out", metavar="DIR", required=True, help="folder for the checkpoint, weights, records and figures")
    add("--resume", action="store_true", help="continue the run in DIR with its settings")
    group = parser.add_argument_group("how to train")
    add = group.add_argument
    add("--epochs", type=whole, help="number of epochs (default: depends on the data set)")
    add("--batch", type=whole, default=32, help="batch size (default: %(default)s)")
    add("--optimizer", choices=OPTIMIZERS, default="sgd", help="optimizer (default: %(default)s)")
    add("--lr", type=float, help=f"learning rate (default: {RATES_HELP})")
    add("--momentum", type=float, default=0.9, help="momentum of sgd, first beta of adamw (default: %(default)s)")
    add("--weight-decay", type=float, help="weight decay (default: 0.0002 for sgd, 0.01 for adamw)")
    add(
        "--schedule",
        choices=tuple(schedules.SCHEDULES),
        default="polynomial",
        help="learning-rate schedule (default: %(default)s)",
    )
    add("--warmup", type=float, default=0.0, metavar="EPOCHS", help="epochs of linear warm-up (default: 0)")
    add("--patience", type=whole, metavar="EPOCHS", help="stop after EPOCHS epochs without a better held-out result")
    add("--caffe-biases", action="store_true", help="biases learn at twice the rate and do not decay")
    add("--average", type=float, metavar="SHARE", help="keep the mean of the weights after this share of the steps")
    add("--augment", action=argparse.BooleanOptionalAction, help="vary the images at random (default: by the data)")
    add("--seed", type=seed, default=0, help="of weights, order, augmentation and dropout (default: 0)")
    group = parser.add_argument_group("the network")
    add = group.add_argument
    add("--size", type=whole, help="height and width of the images (default: by the data)")
    add("--heads", action=argparse.BooleanOptionalAction, help="auxiliary heads (default: for googlenet)")
    add("--norm", choices=("batch", "lrn", "none"), help="normalisation (default: batch for mini, lrn for googlenet)")
    add("--init", choices=("caffe", "he", "gaussian"), help="first weights; gaussian (0.01) is the bad old way")
    add("--depth", type=whole, metavar="MODULES", help="Inception modules of the small network (default: 4)")
    add("--width", type=float, help="factor on every channel count (default: 1)")
    group = parser.add_argument_group("more")
    add = group.add_argument
    add(
        "--weights",
        metavar="FILE",
        help="start from these weights; other classes get a new classifier, classes in another order keep theirs",
    )
    add("--freeze", metavar="PATTERN", action="append", default=[], help="nodes that stay, such as 'inception_[345]*'")
    add("--gradients", type=whole, metavar="N", help="record every node's gradient norm every N steps, and draw it")
    add("--ensemble", type=whole, metavar="N", help="train N models that differ only in sampling and order")
    add(
        "--find-lr",
        type=whole,
        nargs="?",
        const=100,
        metavar="STEPS",
        help="do not train: try STEPS growing learning rates (default: 100), draw the losses and suggest one",
    )
    parser.set_defaults(usual={action.dest: action.default for action in parser._actions})
    add("--jobs", type=whole, default=1, metavar="N", help="models of an ensemble at a time (default: 1)")


def run(options):
    """Train, or resume training, or look for a learning rate."""
    _check_options(options)
    asked = recipe.read(options.out) if options.resume else _recipe(options)  # a first look, which changes nothing
    if options.find_lr:
        with _quiet_display() as display:
            return _find_rate(display, asked, options)
    _check_free(options)
    with Hold(options.out) as hold:
        if options.resume:
            hold.take()
            asked = recipe.read(options.out)  # a run that has just ended may have written since
        return (_ensemble if asked.models > 1 else _one)(asked, options, hold)


def _one(asked, options, hold):
    with _quiet_display() as display:
        trainer = asked.trainer(options.out, partial(display.status, "bytes"), hold)
    _check_free(options)  # again: now nobody else can begin a run here
    display = Display()
    with warnings.catch_warnings():
        warnings.simplefilter("always", ResumeWarning)
        warnings.showwarning = partial(_show, display, warnings.showwarning)
        if options.resume and trainer.resume_or_restart():
            display.line(f"Resuming at step {trainer.step} of {trainer.steps}.")
        whole = run_with_progress(trainer, display)
    if not whole:
        display.line(f"Stopped and saved after step {trainer.step}; continue with --resume.")
        return 130
    for path, which, epoch in ((WEIGHTS, "last", trainer.epochs[-1]), (BEST, "best", trainer.best)):
        if (trainer.out / path).exists():
            what = f"{which} epoch, {epoch.epoch + 1}: held-out accuracy {epoch.test_accuracy:.2%}"
            display.line(f"written: {trainer.out / path} ({what})", whole=True)
    for path in artifacts.write(trainer):
        display.line(f"written: {path}", whole=True)
    skipped = sum(len(part.skipped) for part in trainer.split)
    if skipped:
        display.line(f"Skipped {skipped} images; skipped.csv lists them with the reason.")
    return 0


def _show(display, usual, message, category, *place):
    if issubclass(category, ResumeWarning):
        display.line(str(message), whole=True)
    else:
        usual(message, category, *place)


@contextlib.contextmanager
def _quiet_display():
    with Display() as display, warnings.catch_warnings():
        warnings.simplefilter("ignore", data.FolderWarning)  # the header says the same
        yield display


def _check_free(options):
    """Refuse to write over what an earlier run has trained. A run without a checkpoint leaves nothing to keep."""
    if options.resume or not trained(options.out):
        return
    ways = "choose another folder"
    if (Path(options.out) / recipe.FILE).exists():
        ways = f"continue it with --resume, or {ways}"
    raise ValueError(f"{options.out} already contains a run: {ways}")


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
    elif options.find_lr:
        vain, why = set(given) & {"lr", "ensemble", "jobs"}, "--find-lr tries one network with many rates"
    else:
        vain, why = {"jobs"} if options.jobs > 1 and not options.ensemble else set(), "--jobs is for --ensemble"
    if options.model == "googlenet" and options.depth:
        vain, why = {"depth"}, "--depth is of the small network"
    if vain:
        raise ValueError(f"{why}: leave {', '.join('--' + name.replace('_', '-') for name in sorted(vain))} away")


def _find_rate(display, asked, options):
    split = asked.split(partial(display.status, "bytes"))
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)

    def on_step(done, steps, rate, loss):
        display.status("step", done, steps, f"learning rate {rate:.2g}, loss {loss:.3f}")

    sweep = find_learning_rate(asked.graph(split), split, asked.settings, steps=options.find_lr, on_step=on_step)
    with files.atomic(out / "learning_rate.csv", "w") as file:
        rows = zip(sweep.rates, sweep.losses, sweep.smoothed, strict=True)
        csv.writer(file, lineterminator="\n").writerows([("rate", "loss", "mean"), *rows])
    for path in [out / "learning_rate.csv", *figures.save(*sweep.figure(), out / "learning_rate")]:
        display.line(f"written: {path}", whole=True)
    display.line(str(sweep))
    if sweep.suggestion is None:
        display.line(f"For example: --find-lr {3 * options.find_lr}.")
    else:
        display.line(f"To train with it: the same command with --lr {sweep.suggestion:g} instead of --find-lr.")
    return 0


def _ensemble(asked, options, hold):
    with _quiet_display() as display:
        split = asked.split(partial(display.status, "bytes"))
        graph, where = asked.begin(split)
        one = Trainer(graph, split, asked.settings)  # what does not fit is said before any process starts
        one.origin = origin.report(graph, where, one.frozen)
        for line in header(one):
            display.line(line)
        display.line(f"Training {asked.models} models, each in its own folder in {options.out}.")
        Path(options.out).mkdir(parents=True, exist_ok=True)
        hold.take()
        _check_free(options)  # again: now nobody else can begin a run here
        done = partial(_member_done, display)
        for path in ensemble.train_ensemble(asked, options.out, jobs=options.jobs, on_member=done, hold=hold):
            display.line(f"written: {path}", whole=True)
        return 0


def _member_done(display, done, count):
    display.status("model", done, count)
    if display.kind != "terminal":
        display.line(f"model {done} of {count} done")


def _recipe(options):
    usual = DEFAULTS.get(options.data, FOLDER)
    small = options.model == "mini"
    norm = options.norm or ("batch" if small else "lrn")
    arguments = {"norm": None if norm == "none" else norm, "aux": not small if options.heads is None else options.heads}
    arguments |= {name: value for name in ("init", "depth", "width") if (value := getattr(options, name)) is not None}
    usual_rate = RATES[options.optimizer][norm == "batch" and options.weights is None]
    usual_decay = DECAYS[options.optimizer]
    settings = Settings(
        epochs=options.epochs or usual["epochs"],
        batch_size=options.batch,
        lr=options.lr if options.lr is not None else usual_rate,
        momentum=options.momentum,
        weight_decay=options.weight_decay if options.weight_decay is not None else usual_decay,
        schedule=options.schedule,
        caffe_biases=options.caffe_biases,
        average_from=options.average,
        freeze=tuple(options.freeze),
        gradients_every=options.gradients or 0,
        seed=options.seed,
        optimizer=options.optimizer,
        warmup=options.warmup,
        patience=options.patience,
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
