"""A whole training run as plain values: data, network, settings.

It goes to other processes, and recipe.json keeps it next to the results, so that `resume` needs nothing else. Somebody
may have edited that file: each field is checked, and each mistake has its own sentence.
"""

import contextlib
import inspect
import json
import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from minigooglenet import data, files, models, weights
from minigooglenet.evaluation.held_out import only_input
from minigooglenet.graph.params import closest
from minigooglenet.shapes import integer
from minigooglenet.training import checkpoint, fingerprint, origin
from minigooglenet.training.lock import only_one
from minigooglenet.training.run_files import CHECKPOINT, trained
from minigooglenet.training.settings import Settings, flag
from minigooglenet.training.trainer import Trainer

FILE, ORIGIN = "recipe.json", "origin"
MOST_BYTES = 4 << 20  # GoogLeNet's, with all names of its origin, has 12,000
MOST_ARGUMENT = 64  # of the width and the depth of a model
MOST_SIZE = 16_384  # height and width of an image
GIVEN = ("num_classes", "size", "in_channels", "rng")  # arguments of a model that the recipe itself decides
WAY_OUT = "Restore the file from a copy, or train in another folder; --weights FILE starts from trained weights"


@dataclass(frozen=True)
class Recipe:
    """What to train on what, and how.

    data : "digits", "shapes", "cifar10" or a folder with a folder for each class
    size : height and width of the images; None for the usual one of the data
    augment : whether images are varied at random
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
        _check(self)
        for name in ("data", "start"):  # a run is resumed from any folder
            value = getattr(self, name)
            if value is not None and value not in data.NAMES:
                object.__setattr__(self, name, os.path.realpath(value))

    def split(self, on_bytes=None):
        """Return the images, data.Split; `on_bytes` is told of a download, as by `data.load`."""
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
            raise ValueError(f"{self.model} takes colour images, {self.data} has {channels} channel; perhaps mini?")
        _check_arguments(self.model, self.arguments)
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
    with _reading(path):
        text = _text(path)
        try:
            values = json.loads(text, object_pairs_hook=_once, parse_constant=_constant)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise ValueError(f"it is not JSON from {where} on" if text.strip("\0 \r\n\t") else "it is empty") from None
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        _fields(values, "the file", (*_names(Recipe), ORIGIN))
        if "settings" not in values:
            raise ValueError("it has no 'settings'")
        _fields(values["settings"], "'settings'", _names(Settings))
        values.pop(ORIGIN, None)  # a report, not an instruction
        settings = Settings(**values.pop("settings"))
        return Recipe(**values, settings=settings)


@contextlib.contextmanager
def _reading(path):
    """Turn a rejection into a sentence with the file's name and what to do."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no run to resume in {path.parent}: no {FILE}") from None
    except (ValueError, TypeError) as error:
        text = str(error).rstrip(".")
        raise ValueError(f"{path} is not the recipe of a run: {text}. {WAY_OUT}.".replace("?.", "?")) from error


def _check(recipe) -> None:
    """Raise a ValueError or TypeError unless every field of a Recipe has the type and the range that it needs."""
    for name, optional in (("data", False), ("start", True), ("model", False)):
        value = getattr(recipe, name)
        kinds = str if name == "model" else str | os.PathLike
        if not isinstance(value, kinds) and not (optional and value is None):
            raise TypeError(f"{name} must be text{' or None' * optional}, got {_short(value)}")
        if value is not None and (not str(value) or "\0" in str(value)):
            raise ValueError(f"{name} must be a name or a path, got {_short(value)}")
    if recipe.size is not None and integer(recipe.size, "size", 1) > MOST_SIZE:
        raise ValueError(f"size must be at most {MOST_SIZE}, got {recipe.size}")
    flag(recipe.augment, "augment")
    if not isinstance(recipe.arguments, dict) or not all(isinstance(name, str) for name in recipe.arguments):
        raise TypeError(f"arguments must be a dict of the model's arguments by name, got {_short(recipe.arguments)}")
    integer(recipe.weights_seed, "weights_seed", 0)
    if not isinstance(recipe.settings, Settings):
        raise TypeError(f"settings must be training.Settings, got {_short(recipe.settings)}")
    integer(recipe.models, "models", 1)


def _check_arguments(model, arguments) -> None:
    """Raise a ValueError for arguments that a model does not take, before it is built."""
    function = models.builder(model)
    known = [name for name in inspect.signature(function).parameters if name not in GIVEN]
    for name, value in arguments.items():
        if name in GIVEN:
            raise ValueError(f"arguments: the data and the recipe decide {name!r}; leave it out")
        if name not in known:
            raise ValueError(f"arguments: {model} does not take {name!r}{_closest(name, known)}")
        usual = inspect.signature(function).parameters[name].default
        if isinstance(usual, bool):
            flag(value, f"argument {name!r}")
        elif isinstance(usual, int | float) and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise TypeError(f"argument {name!r} must be a number, got {_short(value)}")
        elif isinstance(usual, int | float) and not abs(value) <= MOST_ARGUMENT:
            raise ValueError(f"argument {name!r} must be at most {MOST_ARGUMENT}, got {_short(value)}")
        elif isinstance(usual, str | None) and not isinstance(value, str | None):
            raise TypeError(f"argument {name!r} must be text, got {_short(value)}")


def _text(path) -> str:
    if os.path.lexists(path) and not path.is_file():
        raise ValueError("it is a folder" if path.is_dir() else "it is not a regular file")
    with Path(path).open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None


def _fields(values, what, known):
    if not isinstance(values, dict):
        raise TypeError(f"{what} must be an object of named fields, got {_short(values)}")
    for name in values:
        if name not in known:
            raise ValueError(f"{what} has an unknown field {_short(name)}{_closest(name, known)}")


def _names(kind):
    return [one.name for one in fields(kind)]


def _once(pairs):
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it has the field {_short(twice)} twice")
    return values


def _constant(text):
    raise ValueError(f"it holds {text}, which is not a number")


def _short(value) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _closest(name, known) -> str:
    close = closest(name, known)
    return f". Did you mean {close}?" if close else ""
