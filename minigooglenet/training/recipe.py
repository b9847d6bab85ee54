"""A whole training run as plain values: data, network, settings. It lies beside the results, so that `resume` needs
nothing else, and goes to other processes."""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from minigooglenet import data, files, models, weights
from minigooglenet.training import origin
from minigooglenet.training.lock import only_one
from minigooglenet.training.settings import Settings
from minigooglenet.training.step import only_input
from minigooglenet.training.trainer import BEST, CHECKPOINT, WEIGHTS, Trainer

FILE, ORIGIN = "recipe.json", "origin"
KEPT = (CHECKPOINT, WEIGHTS, BEST)


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
        graph = models.build(self.model, len(split.train.classes), **arguments, rng=self.weights_seed)
        return graph, origin.fresh(graph)

    def trainer(self, out, on_bytes=None):
        """Return a Trainer that writes to the folder `out`, with this recipe and its origin in recipe.json.

        Attribute `origin` of the Trainer is then the dict of `origin.report`.
        """
        split = self.split(on_bytes)
        if self.start is not None:
            split.train.seen_before = weights.training_images(self.start)
        graph, where = self.begin(split)
        self.check(out)
        trainer = Trainer(graph, split, self.settings, out)
        trainer.origin = origin.report(graph, where, trainer.frozen)
        with only_one(out):  # nobody else's run has begun here
            self.write(out, trainer.origin)
        return trainer

    def member(self, number):
        """Return the recipe of model 0, 1, ...: other sampling is all that differs (order, augmentation, dropout)."""
        return replace(self, settings=replace(self.settings, seed=self.settings.seed + number), models=1)

    def check(self, out) -> bool:
        """Return whether the folder `out` has this recipe and something trained; raise if it has another run's."""
        if not (Path(out) / FILE).exists():
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
    return any((place / name).exists() for place in places for name in KEPT)


def read(out) -> Recipe:
    """Return the recipe of the run in the folder `out`."""
    path = Path(out) / FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values.pop(ORIGIN, None)  # a report, not an instruction
        return Recipe(**{**values, "settings": Settings(**values["settings"])})
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no run to resume in {out}: no {FILE}") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} is not the recipe of a run: {error}") from error
