"""A whole training run as plain values: data, network, settings. It lies beside the results, so that `resume` needs
nothing else, and goes to other processes."""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from minigooglenet import data, files, models, weights
from minigooglenet.evaluation.held_out import only_input
from minigooglenet.training import checkpoint, fingerprint, origin, recipe_file
from minigooglenet.training.lock import only_one
from minigooglenet.training.settings import Settings
from minigooglenet.training.trainer import CHECKPOINT, SAVED, Trainer

FILE, ORIGIN = recipe_file.FILE, recipe_file.ORIGIN


@dataclass(frozen=True)
class Recipe:
    """What to train on what, and how.

    data : "digits", "shapes", "cifar10" or a folder with a folder for each class
    size : height and width of the pictures; None for the usual one of the data
    augment : whether pictures are varied at random
    model : a name of `models.build`;  arguments : of its function, beside what the data decide
    start : file of weights to start from (fine-tuning), or None
    weights_seed : of the first weights
    models : how many to train that differ only in sampling and order (`train_ensemble`)
    """

    data: str = "digits"
    size: int | None = None
    augment: bool = False
    model: str = "mini"
    arguments: dict = field(default_factory=dict)
    start: str | None = None
    weights_seed: int = 0
    settings: Settings = field(default_factory=Settings)
    models: int = 1

    def __post_init__(self):
        recipe_file.check(self)
        for name in ("data", "start"):  # a run is resumed from any folder
            value = getattr(self, name)
            if value is not None and value not in data.NAMES:
                object.__setattr__(self, name, os.path.realpath(value))

    def split(self, on_bytes=None):
        """Return the pictures, data.Split; `on_bytes` is told of a download, as by `data.load`."""
        return data.load(self.data, self.size, augment=self.augment, on_bytes=on_bytes)

    def graph(self, split):
        """Return the network for these images; they then become inputs as the file `start` says, if it does."""
        return self.begin(split)[0]

    def begin(self, split):
        """Return (the network of `graph`, its `origin.Origin`: what is loaded and what is new)."""
        channels, size, _ = split.train.shape
        if self.start is not None:
            graph, pixels, where = origin.fine_tuned(self.start, split.train.classes, seed=self.weights_seed)
            takes = graph.inputs[only_input(graph)]
            if takes != tuple(split.train.shape):
                advice = f": use size={takes[1]} (--size {takes[1]})" if takes[1] != size else ""
                raise ValueError(
                    f"{self.start} takes images of {takes}, the data have {tuple(split.train.shape)}{advice}"
                )
            if pixels is not None:
                for part in split:
                    part.pixels = pixels
            return graph, where
        arguments = {"size": size, **self.arguments}
        if self.model in ("mini", "mini_googlenet"):
            arguments["in_channels"] = channels
        elif channels != 3:
            raise ValueError(f"{self.model} takes colour pictures, {self.data} has {channels} channel; perhaps mini?")
        recipe_file.check_arguments(self.model, self.arguments)
        graph = models.build(self.model, len(split.train.classes), **arguments, rng=self.weights_seed)
        return graph, origin.fresh(graph)

    def trainer(self, out, on_bytes=None, hold=None):
        """Return a Trainer that writes to the folder `out`, with this recipe and its origin in recipe.json.

        Attribute `origin` of the Trainer is then the dict of `origin.report`.

        hold : `lock.Hold` of `out`, which is taken before anything is written and stays taken; by default the folder
            is locked only while the recipe is written, and by each call of the Trainer
        """
        checkpoint.check_recipe(Path(out) / CHECKPOINT, self)
        split = self.split(on_bytes)
        if self.start is not None:
            split.train.seen_before = weights.training_images(self.start)
        graph, where = self.begin(split)
        self.check(out)
        trainer = Trainer(graph, split, self.settings, out)
        trainer.origin = origin.report(graph, where, trainer.frozen)
        trainer.recipe = fingerprint.of_recipe(self)
        if hold is not None:
            hold.take()
        with only_one(out, hold):  # nobody else's run has begun here
            self.write(out, trainer.origin)
        trainer.hold = hold
        return trainer

    def member(self, number):
        """Return the recipe of model 0, 1, ...: other sampling is all that differs (order, augmentation, dropout)."""
        return replace(self, settings=replace(self.settings, seed=self.settings.seed + number), models=1)

    def check(self, out) -> bool:
        """Return whether the folder `out` has this recipe and something trained; raise if it has another run's."""
        if not os.path.lexists(Path(out) / FILE):
            return False
        there, here = (json.loads(json.dumps(asdict(recipe))) for recipe in (read(out), self))
        if not trained(out):
            return False
        if there != here:
            other = [f"{name} {there[name]!r} there, {here[name]!r} here" for name in here if there[name] != here[name]]
            raise ValueError(f"{out} holds another run: {'; '.join(other)}; take another folder")
        return True

    def write(self, out, found=None) -> None:
        """Write this and a report on the origin into the folder `out`; refuse if it has something trained otherwise.

        The recipe of a run that ended before its first checkpoint is replaced.
        """
        if not self.check(out):
            values = asdict(self) if found is None else {**asdict(self), ORIGIN: found}
            files.write_text(Path(out) / FILE, json.dumps(values, indent=1) + "\n")


def trained(out) -> bool:
    """Return whether the folder, or that of a member of an ensemble in it, has a checkpoint or weights."""
    places = [Path(out), *Path(out).glob("member_*")]
    return any((place / name).exists() for place in places for name in SAVED)


def read(out) -> Recipe:
    """Return the recipe of the run in the folder `out`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not the recipe of a run, with the field that is wrong and what to do.
    """
    path = Path(out) / FILE
    values = recipe_file.read(path)
    with recipe_file.reading(path):
        settings = Settings(**values.pop("settings"))
        return Recipe(**values, settings=settings)
