"""Progress of a training run: the data, the network and the settings, the expected time, and the results so far."""

import time
import warnings
from collections.abc import Callable
from functools import partial

from minigooglenet import losses
from minigooglenet.counting import count
from minigooglenet.training import artifacts
from minigooglenet.training.checkpoint import ResumeWarning
from minigooglenet.training.display import Display
from minigooglenet.training.log import Epoch
from minigooglenet.training.origin import sentences
from minigooglenet.training.run_files import BEST, WEIGHTS
from minigooglenet.training.step import Step
from minigooglenet.training.trainer import Trainer

LARGE = 100_000  # parameters; a smaller head is never too large
MEASURED = 5  # steps after the first one, from which the expected time is estimated
EVALUATING = 1 / 3  # time of a held-out image, as a fraction of the time of a training image


def header(trainer: Trainer) -> list[str]:
    """Return lines about the data, the network and the settings of a Trainer, with warnings."""
    train, test = trainer.split
    settings, graph = trainer.settings, trainer.graph
    parameters = sum(array.size for array in graph.params.values())
    data = f"{len(train):,} training images in {len(train.classes)} classes, {len(test):,} held out"
    epochs, steps = _count(settings.epochs, "epoch"), _count(trainer.steps_per_epoch, "step")
    plan = f"{epochs} of {steps}, {settings.batch_size} images each"
    rate = f"{settings.optimizer}, learning rate {settings.lr:g}, schedule {settings.schedule}"
    if settings.warmup:
        rate += f" after {settings.warmup:g} {'epoch' if settings.warmup == 1 else 'epochs'} of warm-up"
    if settings.patience:
        rate += f", at most {_count(settings.patience, 'epoch')} without improvement on held-out images"
    if settings.label_smoothing:
        least = losses.smallest_loss(len(train.classes), settings.label_smoothing)
        rate += f"; label smoothing {settings.label_smoothing:g}, so a classifier's loss is at least {least:.2f}"
    lines = [
        f"Data: {data}; image size {' x '.join(map(str, train.shape))}.",
        f"Network: {parameters:,} parameters, {_macs(graph)} per image and forward pass.",
        f"Training: {plan}; {rate}.",
    ]
    lines += train.notes
    return lines + (sentences(trainer.origin) if trainer.origin else []) + large_heads(graph)


def large_heads(graph) -> list[str]:
    """Return a warning, one line of text for each auxiliary head with more parameters than the rest of the network."""
    heads = [output for output in graph.outputs if output != graph.main]
    shared, lines = {name for name, _ in graph.schedule([graph.main])}, []
    rest = sum(_size(graph, name) for name in shared)
    for head in heads:
        sizes = {name: _size(graph, name) for name, _ in graph.schedule([head]) if name not in shared}
        if sum(sizes.values()) > max(rest, LARGE):
            largest = max(sizes, key=sizes.__getitem__)
            inputs = graph.shapes[graph.nodes[largest].wires[0]]
            size = " x ".join(map(str, next(iter(graph.inputs.values()))[1:]))
            lines.append(
                f"Warning: the auxiliary head {head!r} has {sum(sizes.values()):,} parameters, the rest of the network "
                f"{rest:,}. Its layer {largest!r} has {' x '.join(map(str, inputs))} inputs, because the images are "
                f"{size}. Leave out --heads, or use smaller images, such as --size 32."
            )
    return lines


class Progress:
    """Callbacks for `Trainer.run` that report to a `Display`.

    Parameters
    ----------
    trainer : Trainer
    display : Display
    clock : function that returns seconds
    """

    def __init__(self, trainer: Trainer, display: Display, clock: Callable[[], float] = time.perf_counter) -> None:
        self._trainer, self._display, self._clock = trainer, display, clock
        self._begun, self._seen = clock(), 0
        self._times: list[float] | None = []

    def on_step(self, step: Step) -> None:
        """Report a step, and the expected time as soon as enough steps are measured."""
        now = self._clock()
        trainer, self._seen = self._trainer, self._seen + 1
        done = step.number + 1
        if self._times is not None:
            self._times.append(now)
            if len(self._times) > MEASURED or done % trainer.steps_per_epoch == 0:
                self._display.line(self._expected(done, self._times))
                self._times = None
        rate = self._seen * trainer.settings.batch_size / max(now - self._begun, 1e-9)
        left = (now - self._begun) / self._seen * (step.count - done)
        epoch = step.number // trainer.steps_per_epoch + 1
        text = (
            f"epoch {epoch} of {trainer.settings.epochs}, loss {step.loss:.3f}, accuracy {step.accuracy:.0%}, "
            f"{rate:,.0f} images/s"
        )
        if self._display.kind != "terminal":  # on a terminal the bar shows the remaining time
            text += f", {left:.0f} s left" if left < 100 else f", {left / 60:.0f} min left"
        if trainer.timing:
            text += f"; {trainer.timing}"
        self._display.status("step", done, step.count, text)

    def on_epoch(self, epoch: Epoch) -> None:
        """Report an epoch."""
        best = self._trainer.best
        self._display.line(
            f"epoch {epoch.epoch + 1:3}: loss {epoch.train_loss:.3f}, accuracy {epoch.train_accuracy:.1%}; "
            f"held-out loss {epoch.test_loss:.3f}, accuracy {epoch.test_accuracy:.2%}"
            f"{', best so far' * (best == epoch)}  ({epoch.seconds:.0f} s)"
        )
        if best is not None and self._trainer.stopped_early:
            self._display.line(
                f"Stopped early: no improvement on held-out images in "
                f"{_count(self._trainer.settings.patience, 'epoch')} since epoch {best.epoch + 1}."
            )

    def _expected(self, done: int, times: list[float]) -> str:
        """Return a line about the remaining time, from the measured steps; the first step may compile kernels."""
        trainer = self._trainer
        steps = len(times) - 1
        seconds = (times[-1] - times[0]) / steps if steps else times[0] - self._begun  # per step
        images = len(trainer.split.test) * (trainer.settings.epochs - len(trainer.epochs))
        evaluating = images * EVALUATING * seconds / trainer.settings.batch_size
        left = (trainer.steps - done) * seconds + evaluating
        measured = f"steps {done - steps + 1} to {done}" if steps > 1 else f"step {done}"
        most = "at most " if trainer.settings.patience else ""
        return (
            f"Expected: {most}{_duration(left)} for {trainer.steps - done:,} more steps, estimated from {measured} "
            f"({seconds:.2g} s per step; evaluating an image is assumed to take a third of the time of training on it)."
        )


def run_with_progress(trainer: Trainer, display: Display | None = None) -> bool:
    """Run a Trainer and show its progress on a display (default: standard output); return the result of `Trainer.run`.

    The progress is a bar on a terminal, one changing line in a notebook, and a line from time to time in a log.

    Examples
    --------
    >>> import contextlib, io
    >>> import minigooglenet as mg
    >>> g = mg.Graph(image=(1, 8, 8))
    >>> wire = g.add("fc", mg.layers.Linear(64, 10, rng=0), g.add("flat", mg.layers.Flatten(), "image"))
    >>> trainer = mg.training.Trainer(g, mg.data.digits(8), mg.training.Settings(epochs=1))
    >>> with contextlib.redirect_stdout(io.StringIO()) as output:
    ...     finished = mg.training.run_with_progress(trainer)
    >>> finished, output.getvalue().splitlines()[0]
    (True, 'Data: 1,438 training images in 10 classes, 359 held out; image size 1 x 8 x 8.')
    """
    display = Display() if display is None else display
    for line in header(trainer):
        display.line(line)
    with display:
        progress = Progress(trainer, display)
        return trainer.run(progress.on_step, progress.on_epoch)


def run_in_folder(
    trainer: Trainer, display: Display, *, resume: bool = False, ready: Callable[[], object] | None = None
) -> bool:
    """Run a Trainer as `run_trainer`, write its figures, and show the paths of all results on the display."""
    out = trainer.out
    if out is None:
        raise ValueError("this Trainer has no folder")
    if not run_trainer(trainer, display, resume, ready):
        return False
    for name, which, epoch in ((WEIGHTS, "last", trainer.epochs[-1]), (BEST, "best", trainer.best)):
        if epoch is not None and (out / name).exists():
            result = f"{which} epoch, number {epoch.epoch + 1}: held-out accuracy {epoch.test_accuracy:.2%}"
            display.line(f"written: {out / name} ({result})", True)
    for path in artifacts.write(trainer):
        display.line(f"written: {path}", True)
    skipped = sum(len(part.skipped) for part in trainer.split)
    if skipped:
        display.line(f"Skipped {skipped} images; skipped.csv lists them with the reason.")
    return True


def run_trainer(
    trainer: Trainer, display: Display, resume: bool = False, ready: Callable[[], object] | None = None
) -> bool:
    """Run a Trainer with all messages on a display; return False if the run was stopped and saved.

    Parameters
    ----------
    resume : whether to continue from the checkpoint in the folder
    ready : called before the first step, when the checkpoint is read
    """
    with warnings.catch_warnings():
        warnings.simplefilter("always", ResumeWarning)
        warnings.showwarning = partial(_show_warning, display, warnings.showwarning)
        if resume and trainer.resume_or_restart():
            display.line(f"Resuming at step {trainer.step} of {trainer.steps}.")
        if ready is not None:
            ready()
        finished = run_with_progress(trainer, display)
    if not finished:
        display.line(f"Stopped and saved after step {trainer.step}; continue with --resume.")
    return finished


def _show_warning(display, showwarning, message, category, *location):
    """Show a ResumeWarning on the display, and any other warning with the function `showwarning`."""
    if issubclass(category, ResumeWarning):
        display.line(str(message), True)
    else:
        showwarning(message, category, *location)


def _count(number, noun):
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _macs(graph):
    try:
        return f"{count(graph).macs:,} MACs"
    except (NotImplementedError, TypeError, ValueError):  # a layer without a registered cost
        return "an unknown number of MACs"


def _size(graph, name):
    return sum(array.size for array in getattr(graph.nodes[name].layer, "params", {}).values())


def _duration(seconds):
    minutes = seconds / 60
    if minutes < 0.95:
        return f"{seconds:.0f} seconds" if seconds >= 1.5 else "1 second"
    if minutes < 90:
        return f"about {minutes:.0f} minutes" if minutes >= 1.5 else "about 1 minute"
    return f"about {minutes:.0f} minutes ({minutes / 60:.1f} hours)"
