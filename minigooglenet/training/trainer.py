"""The Trainer, for runs that can take days: it reports its progress, writes logs, and resumes after any interruption.

Everything that determines a step is either a function of the seed and the number of the step (the order of an epoch,
the augmentation of an image), or it is in the checkpoint (parameters, velocity, averages, running statistics, random
generators of dropout). So a resumed run is bit-identical to an uninterrupted run.
"""

import contextlib
import os
import time
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from copy import deepcopy
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from minigooglenet import data, files, renamed, weights
from minigooglenet.data.seen import SeenImages
from minigooglenet.evaluation.held_out import HeldOut, measure
from minigooglenet.graph import Graph
from minigooglenet.training import checkpoint, fingerprint, run_files
from minigooglenet.training.averaging import average_step, averaged
from minigooglenet.training.clipping import clipped
from minigooglenet.training.feeding import check_run
from minigooglenet.training.gradient_norms import norms_by_node
from minigooglenet.training.interrupt import signals_wait
from minigooglenet.training.lock import Hold, locked
from minigooglenet.training.log import Epoch, best_epoch, run_logs, truncations
from minigooglenet.training.run_files import BEST, CHECKPOINT, SAVED, WEIGHTS
from minigooglenet.training.settings import Settings
from minigooglenet.training.step import Gradients, Step, gradients
from minigooglenet.training.tied import ties
from minigooglenet.typing import Array, IntArray, PathLike
from minigooglenet.weights.network import contents_of

ADAM = ("mean", "square")


class Trainer:
    """Trains a graph in place on split.train, and evaluates it on split.test after every epoch.

    Parameters
    ----------
    graph : Graph with one input; its last output is the main classifier, the others are auxiliary heads
    split : data.Split, or arrays for `data.as_split`: (train_images, train_labels, test_images, test_labels)
    settings : Settings
    out : folder for the checkpoint, the weights and the CSV files; None to write nothing. `weights.safetensors` has
        the weights of the last epoch, `best.safetensors` the weights of the epoch with the highest held-out accuracy

    Attributes
    ----------
    step : number of steps done, of `steps`
    epochs : list of Epoch
    best : the Epoch with the highest held-out accuracy so far, or None
    origin, recipe : what is loaded, new and frozen (`origin.report`), and what determines the run besides its settings
        (`fingerprint.of_recipe`); None unless a Recipe made this Trainer
    hold : `lock.Hold` of `out` that the caller keeps between calls; if it is None, `run`, `resume` and `save` each lock
        the folder

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.Graph(image=(1, 8, 8))
    >>> wire = g.add("fc", mg.layers.Linear(64, 10, rng=0), g.add("flat", mg.layers.Flatten(), "image"))
    >>> trainer = mg.training.Trainer(g, mg.data.digits(8), mg.training.Settings(epochs=2))
    >>> trainer.run(), len(trainer.epochs), trainer.best.test_accuracy > 0.8
    (True, 2, True)
    """

    SHARDED = False  # whether `settings.shards` has an effect

    def __init__(
        self,
        graph: Graph,
        split: data.Split | Sequence[Any],
        settings: Settings | None = None,
        out: PathLike | None = None,
    ) -> None:
        if not isinstance(graph, Graph):
            raise TypeError(f"Trainer expects a graph, got {type(graph).__name__}")
        self.graph, self.settings = graph, settings or Settings()
        if self.settings.shards is not None and not self.SHARDED:
            raise ValueError(
                f"settings.shards is {self.settings.shards}, but a Trainer computes whole batches. Use "
                "distributed.ShardedTrainer, or leave it out."
            )
        self.split = data.as_split(split, graph.shapes[graph.main][0])
        self.out = None if out is None else Path(out)
        check_run(graph, self.split, self.settings, self.out)
        self.frozen = self.settings.frozen(graph)
        self.head_weights = self.settings.head_weights(graph, self.frozen)
        self.steps_per_epoch = -(-len(self.split.train) // self.settings.batch_size)
        self.steps = self.settings.epochs * self.steps_per_epoch
        self.step = 0
        self.epochs: list[Epoch] = []
        self.tally: list[Any] = [0, 0.0, 0.0]  # sums over this epoch: images, loss, hits
        self.velocity: dict[str, Array] = {}
        self.average: dict[str, Array] = {}
        self.averaged = 0  # steps in the average
        # Of the optimizers in `adaptive`; RMSProp uses "square" and the velocity.
        self.adam: dict[str, dict[str, Any]] = {"mean": {}, "square": {}, "count": {}}
        self._multipliers = self.settings.multipliers(graph.params)
        # Clipping and the gradient log need all gradients together; without them, each node is updated in the backward
        # pass, which saves their memory.
        needs_all = self.settings.clip_norm is not None or self.settings.gradients_every
        self._early = not needs_all and not ties(graph)
        self.origin: dict[str, Any] | None = None
        self.recipe: dict[str, Any] | None = None
        self.hold: Hold | None = None
        self.interrupts: list[int] = []  # signals that have arrived during `run`
        self._busy: list[None] = []
        self._known: tuple[int, ...] | None = None
        for index, layer in enumerate(self.drawing()):
            layer.rng = np.random.default_rng([self.settings.seed, index])
        if self.out is not None:
            files.make_folder(self.out)
        self.saves_graph = self.out is None or run_files.can_hold(self.graph, self.out)
        self.logs = self.log, self.epoch_log, self.gradient_log = run_logs(self.out)
        self._saved = time.monotonic()

    @property
    def best(self) -> Epoch | None:
        """Return the Epoch with the highest held-out accuracy so far, or None."""
        return best_epoch(self.epochs)

    @property
    def stopped_early(self) -> bool:
        """Whether `settings.patience` epochs have passed since the best one."""
        patience, best = self.settings.patience, self.best
        return patience is not None and best is not None and len(self.epochs) - 1 - best.epoch >= patience

    def __repr__(self) -> str:
        out = "" if self.out is None else f", out={str(self.out)!r}"
        return f"Trainer({self.split!r}, step {self.step} of {self.steps}{out})"

    def run(
        self,
        on_step: Callable[[Step], object] | None = None,
        on_epoch: Callable[[Epoch], object] | None = None,
    ) -> bool:
        """Train to the end and return True. After Ctrl-C or another signal, save the state and return False.

        The end is the last epoch of the settings, or an earlier one with early stopping (`patience`). The signals are
        those of `interrupt.signals_wait`; the current step is finished first.

        Parameters
        ----------
        on_step : called with each `Step`
        on_epoch : called with each `Epoch`

        Raises
        ------
        FloatingPointError
            If a loss is not finite, with the name of the first wire that is not. The last checkpoint is kept.
        BlockingIOError
            If another process, or another Trainer, is training in the folder.
        """
        with self._alone():
            self._check_unchanged()
            if self.out is not None:
                run_files.check(self.out, SAVED)
                run_files.sweep(self.out, self.logs)
            if self.step == 0:  # an earlier run may have ended before its first checkpoint
                sentences = [log.truncate(0) for log in self.logs]
                if self.out is not None:
                    self._path(BEST).unlink(missing_ok=True)
                _warn(sentences)
            try:
                return self._run(on_step, on_epoch)
            finally:
                for log in self.logs:
                    log.close()

    def _run(self, on_step, on_epoch):
        with signals_wait() as self.interrupts:
            while len(self.epochs) < self.settings.epochs and not self.stopped_early:
                started = time.monotonic()
                result = self.evaluate() if self._train_epoch(on_step) else None
                if result is None:
                    self.save()
                    return False
                if self.hold is not None:
                    self.hold.check()  # so that nothing is written into the folder of another run
                self._end_epoch(result, time.monotonic() - started)
                if self.best == self.epochs[-1]:
                    self._write_weights(BEST, "best")
                if on_epoch:
                    on_epoch(self.epochs[-1])
                self.save()
            return True

    def trained(self) -> Graph:
        """Return a copy of the graph with the trained parameters: their average if there is one, else the last ones."""
        return averaged(self.graph, self.average)

    def save(self) -> None:
        """Write the checkpoint, and the trained weights in a separate file."""
        if self.out is None:
            return
        with self._held():
            self._check_unchanged()
            for log in self.logs:
                log.sync()
            # Before the checkpoint: a run that is resumed after its last step writes no weights.
            self._write_weights(WEIGHTS, "last")
            contents = contents_of(self.graph, **self.metadata(), arrays_only=not self.saves_graph)
            checkpoint.save(self.out / CHECKPOINT, self.state_dict(copy=False), contents)
            self._known = run_files.identity(self.out / CHECKPOINT)
            self._saved = time.monotonic()

    def state_dict(self, copy: bool = True) -> dict[str, Any]:
        """Return everything that determines the rest of the run: values, the fingerprint, and dicts of arrays.

        Parameters
        ----------
        copy : False shares the arrays with the Trainer for a caller that only reads them
        """
        views = self.graph.params, self.graph.buffers, self.velocity, self.average, *map(self.adam.get, ADAM)
        arrays = {group: dict(view or {}) for group, view in zip(checkpoint.GROUPS, views, strict=True)}
        return {
            "step": self.step,
            "epochs": [list(epoch) for epoch in self.epochs],
            "tally": list(self.tally),
            "averaged": self.averaged,
            "skipped": [dict(part.skipped) for part in self.split],
            "generators": [layer.rng.bit_generator.state for layer in self.drawing()],
            "adam_counts": dict(self.adam["count"]),
            "run": fingerprint.of(self),
            **(deepcopy(arrays) if copy else arrays),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict` of the same run. No file is read or written; `resume` does that.

        Raises
        ------
        ValueError
            If the state belongs to another run, or is not valid for this run. Then nothing changes.
        """
        checkpoint.check(state, self.state_dict(copy=False))
        self._restore(deepcopy(state))

    def _restore(self, state):
        """Set the state of this Trainer to a state that was checked."""
        for view, arrays in ((self.graph.params, state["params"]), (self.graph.buffers, state["buffers"])):
            for name in view:
                view[name] = arrays[name]
        self.velocity, self.average = state["velocity"], state["average"]
        self.adam = {part: state[part] for part in ADAM} | {"count": state.get("adam_counts", {})}
        for layer, generator in zip(self.drawing(), state["generators"], strict=True):
            layer.rng.bit_generator.state = generator
        for part, skipped in zip(self.split, state["skipped"], strict=True):
            part.skipped.update(skipped)
        self.step, self.averaged = state["step"], state["averaged"]
        self.epochs, self.tally = [Epoch(*row) for row in state["epochs"]], state["tally"]

    @contextlib.contextmanager
    def _held(self):
        """Keep the folder locked: by the caller's hold if it is taken, otherwise during the block."""
        with locked(self.out, self.hold) as hold:
            before, self.hold = self.hold, hold
            try:
                yield
            finally:
                self.hold = before

    @contextlib.contextmanager
    def _alone(self):
        """Keep the folder locked, and reject other calls of this Trainer, from a callback or another thread."""
        self._busy.append(None)  # atomic, so that one of two threads is the second
        try:
            if len(self._busy) > 1:
                raise BlockingIOError(f"this Trainer is already training{f' in {self.out}' if self.out else ''}")
            with self._held():
                yield
        finally:
            self._busy.pop()

    def _check_unchanged(self):
        """Raise an error if another run has written the checkpoint since this one wrote or read it."""
        path = self._path(CHECKPOINT)
        if self._known is not None and run_files.identity(path) not in (None, self._known):
            raise ValueError(
                f"another run has written {path} since this one read or wrote it, so it is not overwritten. Make a new "
                "Trainer and call resume(), or choose another folder."
            )

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of the training images for the files of this run, such as Pixels and classes."""
        train = self.split.train
        return {
            "pixels": train.pixels,
            "classes": train.classes,
            # A network that was trained on whole images is evaluated on whole images, not on centre crops.
            "notes": {"crops": "0" if train.whole else "1"},
            "training_images": self.training_images,
        }

    def told(self) -> dict[str, Any]:
        """Old name of `metadata`; it will be removed in 0.3."""
        result: dict[str, Any] = renamed.attribute(self, "told", "metadata")()
        return result

    @cached_property
    def training_images(self) -> SeenImages | None:
        """Return the record of the images of this run and of its initial weights, or None if they have no names."""
        train = self.split.train
        return data.seen.merged([train.seen_before, train.seen()])

    def _write_weights(self, name, which):
        """Write a weights file whose note `epoch` records which epoch these weights come from."""
        if self.out is None:
            return
        metadata, epochs = self.metadata(), f"{len(self.epochs)} of {self.settings.epochs} done"
        metadata["notes"]["epoch"] = f"{which}; {epochs}, step {self.step} of {self.steps}"
        weights.save(self.trained(), self.out / name, **metadata, arrays_only=not self.saves_graph)

    def resume(self) -> bool:
        """Continue from the checkpoint in `out`; return False, with nothing changed, if there is none.

        Raises
        ------
        ValueError
            If the checkpoint cannot be read, or belongs to another network, other images or other settings. Then
            neither the Trainer nor a file changes.
        BlockingIOError
            If another process, or another Trainer, is training in the folder.

        Warns
        -----
        checkpoint.ResumeWarning
            If a CSV file had to be repaired, with what was done, or if an older version wrote the checkpoint.
        """
        path = self._path(CHECKPOINT)
        if self.out is None or path is None or not self.out.is_dir():
            return False
        with self._alone():
            if not os.path.lexists(path):
                return False
            run_files.check(self.out, SAVED)
            known = run_files.identity(path)
            state = checkpoint.read(path, self.state_dict(copy=False))
            for log in self.logs:
                log.close()
            planned = truncations(self, state)
            for truncation in planned:  # nothing after this can fail
                truncation.carry_out()
            self._restore(state)
            self._known = known
        _warn([truncation.sentence for truncation in planned])
        return True

    def resume_or_restart(self) -> bool:
        """Resume if there is a checkpoint; otherwise rename the files of an earlier run, so that they are kept.

        Warns
        -----
        checkpoint.ResumeWarning
            As for `resume`, and if files were renamed.
        """
        if self.resume():
            return True
        if self.out is not None and any(os.path.lexists(self.out / name) for name in SAVED):
            with self._alone():
                _warn([run_files.keep_earlier(self.out, run_files.before_the_end(self.logs))])
        return False

    def _train_epoch(self, on_step):
        """Do the remaining steps of this epoch and return True; return False if the run is to stop."""
        epoch, start = len(self.epochs), self.step - len(self.epochs) * self.steps_per_epoch
        settings, train = self.settings, self.split.train
        batches, begun = self.batches(epoch, start), time.monotonic()
        for batch in batches:
            self.step = epoch * self.steps_per_epoch + batch.number
            rate = settings.rate(self.step, self.steps, self.steps_per_epoch)
            result = self.learn(batch, rate)
            now = time.monotonic()
            if result.images:
                self._average()
                self._record(result, epoch, rate, now - begun)
            begun = now
            self.step += 1
            if on_step:
                on_step(Step(self.step - 1, self.steps, result.loss, result.accuracy))
            if self.stops():
                batches.close()
                return False
            if now - self._saved > settings.save_every:
                self.save()
        if not self.tally[0]:
            reasons = "; ".join(f"{name}: {why}" for name, why in list(train.skipped.items())[:3])
            raise ValueError(f"none of the {len(train)} training images could be used: {reasons}")
        self.step = (epoch + 1) * self.steps_per_epoch  # the last batches may have had no usable image
        return True

    @property
    def timing(self) -> str:
        """Return what the time of the last step was spent on, as text; empty if it was all computing."""
        return ""

    def stops(self) -> bool:
        """Return whether the run is to stop after this step, because of Ctrl-C or another signal."""
        return bool(self.interrupts)

    def evaluate(self) -> HeldOut | None:
        """Evaluate the trained network on the held-out images; return None if the run is to stop."""
        return measure(self.trained(), self.split.test, stop=self.interrupts)

    def order(self, epoch: int) -> IntArray:
        """Return the indices of the training images in the order of an epoch; it depends on the seed and the epoch."""
        return np.random.default_rng([self.settings.seed, epoch]).permutation(len(self.split.train))

    def batches(self, epoch: int, start: int = 0) -> Generator[data.Batch, None, None]:
        """Return the batches of an epoch, without the first `start`; they depend only on the seed and the epoch."""
        settings, train = self.settings, self.split.train
        return data.batches(train, self.order(epoch), settings.batch_size, seed=settings.seed, epoch=epoch, start=start)

    def learn(self, batch: data.Batch, rate: float) -> Gradients:
        """Do one optimizer step on a batch, and return its `step.Gradients`, before clipping."""
        settings = self.settings
        state = {"velocity": self.velocity, "adam": self.adam, "rate": rate, "multipliers": self._multipliers}
        move: Callable[..., None] = settings.move
        update = partial(move, self.graph.params, **state)
        if self._early:
            return self.gradients(batch, update)
        result = self.gradients(batch)
        update(clipped(result.params, settings.clip_norm))
        return result

    def gradients(self, batch: data.Batch, update: Callable[[dict[str, Array]], object] | None = None) -> Gradients:
        """Return the `step.Gradients` of a batch; `update` takes those of each node (`step.gradients`)."""
        return gradients(
            self.graph,
            batch.x,
            batch.labels,
            self.head_weights,
            number=self.step,
            frozen=self.frozen,
            smoothing=self.settings.label_smoothing,
            update=update,
        )

    def _average(self):
        settings = self.settings
        if settings.average_from is not None and self.step >= settings.average_from * self.steps:
            average_step(self.average, {**self.graph.params, **self.graph.buffers}, self.averaged)
            self.averaged += 1

    def _record(self, result, epoch, rate, seconds):
        self.log.add(self.step, epoch, result.loss, result.accuracy, rate, result.images, round(seconds, 4))
        self.tally[0] += result.images
        self.tally[1] += result.images * result.loss
        self.tally[2] += result.images * result.accuracy
        if self.settings.gradients_every and self.step % self.settings.gradients_every == 0:
            for node, norm in norms_by_node(self.graph, result.params).items():
                self.gradient_log.add(self.step, node, norm)

    def _end_epoch(self, result: HeldOut, seconds):
        if self.settings.patience is not None and not len(result.labels):
            raise ValueError(f"patience needs held-out images, but none of {len(self.split.test)} could be used")
        images, total, hits = self.tally
        loss, accuracy = total / images, hits / images
        self.epochs.append(Epoch(len(self.epochs), loss, accuracy, result.loss, result.accuracy, round(seconds, 2)))
        self.epoch_log.add(*self.epochs[-1])
        self.tally = [0, 0.0, 0.0]

    def drawing(self) -> list[Any]:
        """Return the layers that draw random numbers in training, such as Dropout."""
        layers = [layer for layer, _ in self.graph.nodes.values()]
        return [layer for layer in layers if isinstance(getattr(layer, "rng", None), np.random.Generator)]

    def _path(self, name):
        return None if self.out is None else self.out / name


def _warn(sentences):
    for sentence in sentences:
        if sentence:
            warnings.warn(sentence, checkpoint.ResumeWarning, stacklevel=3)
