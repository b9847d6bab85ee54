"""Progress of a training run: what is trained on what, how long it may take, and how far it is."""

import time

from minigooglenet.counting import count
from minigooglenet.training.display import Display
from minigooglenet.training.origin import sentences

LARGE = 100_000  # parameters, below which no head is too large
MEASURED = 5  # steps, after a first one, that the expected time is estimated from
TESTING = 1 / 3  # of the time of an image in training, that a held-out image takes


def header(trainer) -> list[str]:
    """Return lines about the data, the network and the settings of a Trainer, and warnings about them."""
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
        rate += f", at most {_count(settings.patience, 'epoch')} without a better held-out result"
    lines = [
        f"Data: {data}; image size {' x '.join(map(str, train.shape))}.",
        f"Network: {parameters:,} parameters, {_macs(graph)} for one image, forward.",
        f"Training: {plan}; {rate}.",
    ]
    lines += train.notes
    return lines + (sentences(trainer.origin) if trainer.origin else []) + large_heads(graph)


def large_heads(graph) -> list[str]:
    """Return a warning for each auxiliary head with more parameters than the rest of the network, as a line of text."""
    heads = [output for output in graph.outputs if output != graph.main]
    shared, lines = {name for name, _ in graph.schedule([graph.main])}, []
    rest = sum(_size(graph, name) for name in shared)
    for head in heads:
        own = {name: _size(graph, name) for name, _ in graph.schedule([head]) if name not in shared}
        if sum(own.values()) > max(rest, LARGE):
            largest = max(own, key=own.get)
            reads = graph.shapes[graph.nodes[largest].wires[0]]
            size = " x ".join(map(str, next(iter(graph.inputs.values()))[1:]))
            lines.append(
                f"Warning: the auxiliary head {head!r} has {sum(own.values()):,} parameters, the network without it "
                f"{rest:,}: its layer {largest!r} reads {' x '.join(map(str, reads))} values, because the images are "
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

    def __init__(self, trainer, display, clock=time.perf_counter):
        self._trainer, self._display, self._clock = trainer, display, clock
        self._begun, self._seen, self._times = clock(), 0, []

    def on_step(self, step):
        """Report a step, and the expected time once some steps are measured."""
        now = self._clock()
        trainer, self._seen = self._trainer, self._seen + 1
        done = step.number + 1
        if self._times is not None:
            self._times.append(now)
            if len(self._times) > MEASURED or done % trainer.steps_per_epoch == 0:
                self._display.line(self._expected(done))
                self._times = None
        rate = self._seen * trainer.settings.batch_size / max(now - self._begun, 1e-9)
        left = (now - self._begun) / self._seen * (step.count - done)
        epoch = step.number // trainer.steps_per_epoch + 1
        text = (
            f"epoch {epoch} of {trainer.settings.epochs}, loss {step.loss:.3f}, accuracy {step.accuracy:.0%}, "
            f"{rate:,.0f} images/s"
        )
        if self._display.kind != "terminal":  # whose bar shows the time left
            text += f", {left:.0f} s left" if left < 100 else f", {left / 60:.0f} min left"
        self._display.status("step", done, step.count, text)

    def on_epoch(self, epoch):
        """Report an epoch."""
        best = self._trainer.best
        self._display.line(
            f"epoch {epoch.epoch + 1:3}: loss {epoch.train_loss:.3f}, accuracy {epoch.train_accuracy:.1%}; "
            f"held out: loss {epoch.test_loss:.3f}, accuracy {epoch.test_accuracy:.2%}"
            f"{', best so far' * (best == epoch)}  ({epoch.seconds:.0f} s)"
        )
        if self._trainer.stopped_early:
            self._display.line(
                f"Stopped early: no better held-out result in {_count(self._trainer.settings.patience, 'epoch')} "
                f"since epoch {best.epoch + 1}."
            )

    def _expected(self, done):
        """Return a line about the time that is left, from the steps that were measured; the first may compile."""
        trainer, times = self._trainer, self._times
        steps = len(times) - 1
        each = (times[-1] - times[0]) / steps if steps else times[0] - self._begun
        images = len(trainer.split.test) * (trainer.settings.epochs - len(trainer.epochs))
        testing = images * TESTING * each / trainer.settings.batch_size
        left = (trainer.steps - done) * each + testing
        measured = f"steps {done - steps + 1} to {done}" if steps > 1 else f"step {done}"
        most = "at most " if trainer.settings.patience else ""
        return (
            f"Expected: {most}{_duration(left)} for {trainer.steps - done:,} more steps, estimated from {measured} "
            f"({each:.2g} s each; a held-out image counts as a third of a training image)."
        )


def run_with_progress(trainer, display=None) -> bool:
    """Run a Trainer, with its header and its progress on a display (standard output by default); return `run`'s result.

    On a terminal this is a bar, in a notebook a line that changes, in a log a line every so often.
    """
    display = Display() if display is None else display
    for line in header(trainer):
        display.line(line)
    with display:
        progress = Progress(trainer, display)
        return trainer.run(progress.on_step, progress.on_epoch)


def _count(number, noun):
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _macs(graph):
    try:
        return f"{count(graph).macs:,} MACs"
    except (NotImplementedError, TypeError, ValueError):  # a layer that nobody has counted
        return "an unknown number of MACs"


def _size(graph, name):
    return sum(array.size for array in getattr(graph.nodes[name].layer, "params", {}).values())


def _duration(seconds):
    minutes = seconds / 60
    if minutes < 0.95:
        return f"{minutes:.1f} minutes ({seconds:.0f} s)"
    if minutes < 90:
        return f"about {minutes:.0f} minutes" if minutes >= 1.5 else "about 1 minute"
    return f"about {minutes:.0f} minutes ({minutes / 60:.1f} hours)"
