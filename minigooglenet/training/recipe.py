"""A whole training run as plain values: data, network, settings. It lies beside the results, so that `resume` needs
nothing else, and goes to other processes."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from minigooglenet import data, files, models, weights
from minigooglenet.training.settings import Settings
from minigooglenet.training.trainer import Trainer

FILE = "recipe.json"


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
                object.__setattr__(self, name, str(Path(value).resolve()))

    def split(self, on_bytes=None):
        """Return the pictures, data.Split; `on_bytes` is told of a download, as by `data.load`."""
        return data.load(self.data, self.size, augment=self.augment, on_bytes=on_bytes)

    def graph(self, split):
        """Return the network for these pictures; they then become inputs as `start` says, where it says so."""
        channels, size, _ = split.train.shape
        classes = len(split.train.classes)
        if self.start is not None:
            loaded = weights.load(self.start)
            if loaded.pixels is not None:
                for part in split:
                    part.pixels = loaded.pixels
            if loaded.classes == tuple(split.train.classes):
                return loaded.graph
            return models.with_classes(loaded.graph, classes, rng=self.weights_seed)[0]
        arguments = {"size": size, **self.arguments}
        if self.model in ("mini", "mini_googlenet"):
            arguments["in_channels"] = channels
        elif channels != 3:
            raise ValueError(f"{self.model} takes colour pictures, {self.data} has {channels} channel; perhaps mini?")
        return models.build(self.model, classes, **arguments, rng=self.weights_seed)

    def trainer(self, out, on_bytes=None):
        """Return a Trainer that writes to the folder `out`, this recipe beside it."""
        split = self.split(on_bytes)
        if self.start is not None:
            split.train.seen_before = weights.training_images(self.start)
        trainer = Trainer(self.graph(split), split, self.settings, out)
        self.write(out)
        return trainer

    def member(self, number):
        """Return the recipe of model 0, 1, ...: other sampling is all that differs (order, augmentation, dropout)."""
        return replace(self, settings=replace(self.settings, seed=self.settings.seed + number), models=1)

    def write(self, out) -> None:
        """Write this into the folder `out`, for `read`; refuse if another run's lies there."""
        path = Path(out) / FILE
        if path.exists():
            there, here = json.loads(json.dumps(asdict(read(out)))), json.loads(json.dumps(asdict(self)))
            if there != here:
                other = [
                    f"{name} {there[name]!r} there, {here[name]!r} here" for name in here if there[name] != here[name]
                ]
                raise ValueError(f"{out} holds another run: {'; '.join(other)}; take another folder")
            return
        files.write_text(path, json.dumps(asdict(self), indent=1) + "\n")


def read(out) -> Recipe:
    """Return the recipe of the run in the folder `out`."""
    path = Path(out) / FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Recipe(**{**values, "settings": Settings(**values["settings"])})
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no run to resume in {out}: no {FILE}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is not the recipe of a run: {error}") from error
