"""Training that may take days: it reports, writes down what happens, and goes on after any interruption.

Everything that decides a step is a function of the settings' seed and the step's number (the order of an epoch, how
an image is augmented), or lies in the checkpoint (weights, velocity, mean, running statistics, dropout's generators).
So a run that was interrupted ends with the very same bits as one that was not.
"""

import contextlib
import os
import time
import warnings
from copy import deepcopy
from functools import cached_property
from pathlib import Path

import numpy as np

from minigooglenet import data, files, weights
from minigooglenet.evaluation.held_out import measure
from minigooglenet.training import checkpoint, fingerprint, run_files
from minigooglenet.training.averaging import average_step, averaged
from minigooglenet.training.feeding import check_run
from minigooglenet.training.gradient_norms import norms_by_node
from minigooglenet.training.interrupt import ctrl_c_waits
from minigooglenet.training.lock import only_one
from minigooglenet.training.log import Epoch, best_epoch, cuts, run_logs
from minigooglenet.training.run_files import BEST, CHECKPOINT, SAVED, WEIGHTS
from minigooglenet.training.settings import Settings
from minigooglenet.training.step import Step, gradients
from minigooglenet.weights.network import contents_of

ADAM = ("mean", "square")


class Trainer:
    """Trains a graph in place on split.train, and tests it on split.test after every epoch.

    Parameters
    ----------
    graph : Graph with one input; its last output is the main classifier, the others are auxiliary heads
    split : data.Split, or what `data.as_split` makes one of: (train_images, train_labels, test_images, test_labels)
    settings : Settings
    out : folder for the checkpoint, the weights and the CSV files; None to write nothing. `weights.safetensors` has
        the weights of the last epoch, `best.safetensors` those of the epoch with the best held-out result

    Attributes
    ----------
    step : how many steps are done, of `steps`
    epochs : list of Epoch
    best : the Epoch with the highest held-out accuracy so far, or None
    origin, recipe : what is loaded, new and frozen (`origin.report`), and what decides a run beside its settings
        (`fingerprint.of_recipe`), if a Recipe made this Trainer, else None
    hold : `lock.Hold` of `out` that the caller keeps from one call to the next, or None: then `run`, `resume` and
        `save` each lock the folder
    """

    def __init__(self, graph, split, settings=None, out=None):
        self.graph, self.settings = graph, settings or Settings()
        self.split = data.as_split(split, graph.shapes[graph.main][0])
        self.out = None if out is None else Path(out)
        check_run(graph, self.split, self.settings, self.out)
        self.frozen = self.settings.frozen(graph)
        self.head_weights = self.settings.head_weights(graph, self.frozen)
        self.steps_per_epoch = -(-len(self.split.train) // self.settings.batch_size)
        self.steps = self.settings.epochs * self.steps_per_epoch
        self.step, self.epochs, self.tally = 0, [], [0, 0.0, 0.0]  # of this epoch: images, their loss, hits
        self.velocity, self.average, self.averaged = {}, {}, 0
        self.adam = {"mean": {}, "square": {}, "count": {}}  # of `adaptive.adamw_step`
        self._multipliers = self.settings.multipliers(graph.params)
        self.origin, self.recipe, self.hold = None, None, None
        self._busy, self._known = [], None
        for place, layer in enumerate(self.drawing()):
            layer.rng = np.random.default_rng([self.settings.seed, place])
        if self.out is not None:
            files.make_folder(self.out)
        self.saves_graph = self.out is None or run_files.can_hold(self.graph, self.out)
        self.logs = self.log, self.epoch_log, self.gradient_log = run_logs(self.out)
        self._saved = time.monotonic()

    @property
    def best(self) -> Epoch | None:
        return best_epoch(self.epochs)

    @property
    def stopped_early(self) -> bool:
        """Whether so many epochs as `settings.patience` says have passed since the best one."""
        patience, best = self.settings.patience, self.best
        return patience is not None and best is not None and len(self.epochs) - 1 - best.epoch >= patience

    def __repr__(self) -> str:
        out = "" if self.out is None else f", out={str(self.out)!r}"
        return f"Trainer({self.split!r}, step {self.step} of {self.steps}{out})"

    def run(self, on_step=None, on_epoch=None) -> bool:
        """Train to the end and return True; or return False after Ctrl-C, when the step is done and saved.

        The end is the last epoch of the settings, or an earlier one once `stopped_early`.

        Parameters
        ----------
        on_step : called with each `Step`
        on_epoch : called with each `Epoch`

        Raises
        ------
        FloatingPointError
            When a loss is not finite, with the name of the first node where it arose. The last checkpoint stays.
        BlockingIOError
            When another process, or another Trainer, trains in the folder.
        """
        with self._alone():
            self._check_unchanged()
            if self.out is not None:
                run_files.check(self.out, SAVED)
                run_files.sweep(self.out, (*SAVED, *(log.path.name for log in self.logs)))
            if self.step == 0:  # what an earlier run left that was never saved
                sentences = [log.cut(0) for log in self.logs]
                if self.out is not None:
                    self._path(BEST).unlink(missing_ok=True)
                _warn(sentences)
            try:
                return self._run(on_step, on_epoch)
            finally:
                for log in self.logs:
                    log.close()

    def _run(self, on_step, on_epoch):
        with ctrl_c_waits() as asked:
            while len(self.epochs) < self.settings.epochs and not self.stopped_early:
                started = time.monotonic()
                tested = self._train_epoch(asked, on_step) and measure(self.trained(), self.split.test, stop=asked)
                if not tested:
                    self.save()
                    return False
                if self.hold is not None:
                    self.hold.check()  # its rows and the best weights are not written into another run's folder
                self._end_epoch(tested, time.monotonic() - started)
                if self.best == self.epochs[-1]:
                    self._write_weights(BEST, "best")
                if on_epoch:
                    on_epoch(self.epochs[-1])
                self.save()
            return True

    def trained(self):
        """Return a copy of the graph with the weights to use: their mean where there is one, else as they are now."""
        return averaged(self.graph, self.average)

    def save(self) -> None:
        """Write the checkpoint, and the trained weights in a file of their own."""
        if self.out is None:
            return
        with self._held():
            self._check_unchanged()
            for log in self.logs:
                log.sync()
            self._write_weights(WEIGHTS, "last")  # first: a checkpoint of the last step is resumed without a step
            contents = contents_of(self.graph, **self.told(), arrays_only=not self.saves_graph)
            checkpoint.save(self.out / CHECKPOINT, self.state_dict(copy=False), contents)
            self._known = run_files.identity(self.out / CHECKPOINT)
            self._saved = time.monotonic()

    def state_dict(self, copy=True) -> dict:
        """Return all that decides the rest of the run: values, what `load_state_dict` compares, and dicts of arrays.

        copy : False shares the arrays with the Trainer, for a caller that only reads them
        """
        views = self.graph.params, self.graph.buffers, self.velocity, self.average, *map(self.adam.get, ADAM)
        arrays = {group: dict(view) for group, view in zip(checkpoint.GROUPS, views, strict=True)}
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

    def load_state_dict(self, state) -> None:
        """Continue from a `state_dict` of the same run. No file is read or written: `resume` does that.

        Raises
        ------
        ValueError
            If the state belongs to another run, or cannot be one of this run. Then nothing changes.
        """
        checkpoint.check(state, self.state_dict(copy=False))
        self._restore(deepcopy(state))

    def _restore(self, state):
        """Take over a state that is known to fit."""
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
        """Keep the folder locked: by the caller's hold if it is taken, else for the time of the block."""
        with only_one(self.out, self.hold) as hold:
            before, self.hold = self.hold, hold
            try:
                yield
            finally:
                self.hold = before

    @contextlib.contextmanager
    def _alone(self):
        """Keep the folder locked and other calls of this Trainer out, from a callback or another thread."""
        self._busy.append(None)  # one operation, so that of two threads one comes second
        try:
            if len(self._busy) > 1:
                raise BlockingIOError(f"this Trainer is training already{f' in {self.out}' if self.out else ''}")
            with self._held():
                yield
        finally:
            self._busy.pop()

    def _check_unchanged(self):
        """Raise if another run has written a checkpoint since this one wrote or read its own."""
        if self._known is not None and run_files.identity(self.out / CHECKPOINT) not in (None, self._known):
            raise ValueError(
                f"{self.out / CHECKPOINT} was written by another run since this one read or wrote it, so nothing is "
                "written over it. Make a new Trainer and call resume(), or choose another folder."
            )

    def told(self) -> dict:
        """Return what the files of this run record of the images that it trains on."""
        train = self.split.train
        return {
            "pixels": train.pixels,
            "classes": train.classes,
            # Who learned from whole images is to be shown whole ones, not the middle of them.
            "notes": {"crops": "0" if train.whole else "1"},
            "training_images": self.training_images,
        }

    @cached_property
    def training_images(self):
        """Return the record of the images of this run and of the first weights, None if they have no names."""
        train = self.split.train
        return data.seen.merged([train.seen_before, train.seen()])

    def _write_weights(self, name, which):
        """Write a weights file whose note `epoch` says which weights these are."""
        if self.out is None:
            return
        told, epochs = self.told(), f"{len(self.epochs)} of {self.settings.epochs} done"
        told["notes"]["epoch"] = f"{which}; {epochs}, step {self.step} of {self.steps}"
        weights.save(self.trained(), self.out / name, **told, arrays_only=not self.saves_graph)

    def resume(self) -> bool:
        """Go back to the checkpoint in `out`; return False, with nothing changed, if there is none.

        Raises
        ------
        ValueError
            If the checkpoint cannot be read, or belongs to another network, other images or other settings. Then
            neither the Trainer nor a file has changed.
        BlockingIOError
            When another process, or another Trainer, trains in the folder.

        Warns
        -----
        checkpoint.ResumeWarning
            If a record had to be repaired, with what was done, or the checkpoint is of an older version.
        """
        path = self._path(CHECKPOINT)
        if path is None or not self.out.is_dir():
            return False
        with self._alone():
            if not os.path.lexists(path):
                return False
            run_files.check(self.out, SAVED)
            known = run_files.identity(path)
            state = checkpoint.read(path, self.state_dict(copy=False))
            for log in self.logs:
                log.close()
            planned = cuts(self, state)
            for cut in planned:  # the last that can fail
                cut.carry_out()
            self._restore(state)
            self._known = known
        _warn([cut.sentence for cut in planned])
        return True

    def resume_or_restart(self) -> bool:
        """Resume if there is a checkpoint; if not, keep the files of an earlier start under other names.

        Warns
        -----
        checkpoint.ResumeWarning
            As `resume`, and if files were renamed.
        """
        if self.resume():
            return True
        if self.out is not None and any(os.path.lexists(self.out / name) for name in SAVED):
            with self._alone():
                _warn([run_files.keep_earlier(self.out, (*SAVED, *(log.path.name for log in self.logs)))])
        return False

    def _train_epoch(self, asked, on_step):
        """Do the steps that are left of this epoch and return True; or return False once Ctrl-C was pressed."""
        epoch, start = len(self.epochs), self.step - len(self.epochs) * self.steps_per_epoch
        settings, train = self.settings, self.split.train
        batches, begun = self.batches(epoch, start), time.monotonic()
        for batch in batches:
            self.step = epoch * self.steps_per_epoch + batch.number
            rate = settings.rate(self.step, self.steps, self.steps_per_epoch)
            found = self.learn(batch, rate)
            self._average()
            now = time.monotonic()
            self._note(found, epoch, rate, len(batch.labels), now - begun)
            begun = now
            self.step += 1
            if on_step:
                on_step(Step(self.step - 1, self.steps, found.loss, found.accuracy))
            if asked:
                batches.close()
                return False
            if now - self._saved > settings.save_every:
                self.save()
        if not self.tally[0]:
            reasons = "; ".join(f"{name}: {why}" for name, why in list(train.skipped.items())[:3])
            raise ValueError(f"not one of {len(train)} images could be used: {reasons}")
        self.step = (epoch + 1) * self.steps_per_epoch  # the last batches may have held no good image
        return not asked

    def batches(self, epoch, start=0):
        """Return the batches of an epoch, without the first `start`: a function of the seed and the epoch alone."""
        settings, train = self.settings, self.split.train
        order = np.random.default_rng([settings.seed, epoch]).permutation(len(train))
        return data.batches(train, order, settings.batch_size, seed=settings.seed, epoch=epoch, start=start)

    def learn(self, batch, rate):
        """Do one step of the optimizer on a batch, and return its `step.Gradients`."""
        found = gradients(self.graph, batch.x, batch.labels, self.head_weights, number=self.step, frozen=self.frozen)
        self.settings.move(self.graph.params, found.params, self.velocity, self.adam, rate, self._multipliers)
        return found

    def _average(self):
        settings = self.settings
        if settings.average_from is not None and self.step >= settings.average_from * self.steps:
            average_step(self.average, {**self.graph.params, **self.graph.buffers}, self.averaged)
            self.averaged += 1

    def _note(self, found, epoch, rate, images, seconds):
        self.log.add(self.step, epoch, found.loss, found.accuracy, rate, images, round(seconds, 4))
        self.tally[0] += images
        self.tally[1] += images * found.loss
        self.tally[2] += images * found.accuracy
        if self.settings.gradients_every and self.step % self.settings.gradients_every == 0:
            for node, norm in norms_by_node(self.graph, found.params).items():
                self.gradient_log.add(self.step, node, norm)

    def _end_epoch(self, tested, seconds):
        if self.settings.patience is not None and not len(tested.labels):
            raise ValueError(f"patience needs held-out images; none of {len(self.split.test)} could be used")
        images, total, hits = self.tally
        learned = total / images, hits / images
        self.epochs.append(Epoch(len(self.epochs), *learned, tested.loss, tested.accuracy, round(seconds, 2)))
        self.epoch_log.add(*self.epochs[-1])
        self.tally = [0, 0.0, 0.0]

    def drawing(self):
        """Return the layers that draw random numbers while training."""
        layers = [layer for layer, _ in self.graph.nodes.values()]
        return [layer for layer in layers if isinstance(getattr(layer, "rng", None), np.random.Generator)]

    def _path(self, name):
        return None if self.out is None else self.out / name


def _warn(sentences):
    for sentence in sentences:
        if sentence:
            warnings.warn(sentence, checkpoint.ResumeWarning, stacklevel=3)
