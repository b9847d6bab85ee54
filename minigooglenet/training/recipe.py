"""A complete training run as plain values: data, network and settings.

A Recipe can be sent to other processes. recipe.json stores it next to the results, so that `resume` needs nothing else.
Users may edit that file, so each field is checked, with an error for each mistake.
"""

import contextlib
import inspect
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from minigooglenet import data, files, models, weights
from minigooglenet.data import Split
from minigooglenet.evaluation.held_out import only_input
from minigooglenet.graph import Graph
from minigooglenet.names import hint
from minigooglenet.shapes import integer
from minigooglenet.training import checkpoint, fingerprint, origin
from minigooglenet.training.lock import Hold, locked
from minigooglenet.training.run_files import CHECKPOINT, trained
from minigooglenet.training.settings import Settings, flag
from minigooglenet.training.trainer import Trainer
from minigooglenet.typing import PathLike

FILE, ORIGIN = "recipe.json", "origin"
MOST_BYTES = 4 << 20  # the recipe.json of GoogLeNet, with all names in its origin, has 12,000
MOST_ARGUMENT = 64  # for the width and the depth of a model
MOST_SIZE = 16_384  # height and width of an image
AnyRecipe = TypeVar("AnyRecipe", bound="Recipe")
AnyTrainer = TypeVar("AnyTrainer", bound=Trainer)
GIVEN = ("num_classes", "size", "in_channels", "rng")  # model arguments that the data and the recipe determine
WAY_OUT = "Restore the file from a copy, or train in another folder; --weights FILE starts from trained weights"


@dataclass(frozen=True)
class Recipe:
    """A complete training run as plain values.

    Attributes
    ----------
    data : one of `data.NAMES`, or a folder as in `data.load`
    size : height and width of the images; None for the default of the data
    augment : whether training images vary at random
    model : a name for `models.build`
    arguments : arguments of that model, except those that the data determine
    start : weights file to start from (fine-tuning), or None
    weights_seed : random seed for the initial weights
    settings : Settings
    models : number of models that differ only in sampling and order (`train_ensemble`)

    Examples
    --------
    >>> import minigooglenet as mg
    >>> recipe = mg.training.Recipe("digits", settings=mg.training.Settings(epochs=2))
    >>> split = recipe.split()
    >>> recipe.graph(split).shapes["image"]
    (1, 32, 32)
    """

    data: str = "digits"
    size: int | None = None
    augment: bool = False
    model: str = "mini"
    arguments: dict[str, Any] = field(default_factory=dict)
    start: str | None = None
    weights_seed: int = 0
    settings: Settings = field(default_factory=Settings)
    models: int = 1
    INSIDE: ClassVar[tuple[str, ...]] = ()  # fields with files of the same run, which may be moved as a whole

    def __post_init__(self) -> None:
        _check(self)
        for name in ("data", "start"):  # absolute paths, so that the run can be resumed from any folder
            value = getattr(self, name)
            if value is not None and value not in data.NAMES:
                object.__setattr__(self, name, os.path.realpath(value))

    def split(self, on_bytes: Callable[[int, int], object] | None = None) -> Split:
        """Return the images as a data.Split; `on_bytes` reports a download, as in `data.load`."""
        return data.load(self.data, self.size, augment=self.augment, on_bytes=on_bytes)

    def graph(self, split: Split) -> Graph:
        """Return the network for these images, and give them the Pixels of the file `start`, if it records them."""
        return self.begin(split)[0]

    def begin(self, split: Split) -> tuple[Graph, origin.Origin]:
        """Return (the network as from `graph`, its `origin.Origin`: what is loaded and what is new)."""
        channels, size, _ = split.train.shape
        if self.start is not None:
            graph, pixels, source = origin.fine_tuned(self.start, split.train.classes, seed=self.weights_seed)
            expected = graph.inputs[only_input(graph)]
            if expected != tuple(split.train.shape):
                advice = f". Use size={expected[1]} (--size {expected[1]})." if expected[1] != size else ""
                raise ValueError(
                    f"the network in {self.start} expects images of {expected}, but the data set has "
                    f"{tuple(split.train.shape)}{advice}"
                )
            if pixels is not None:
                for part in split:
                    part.pixels = pixels
            return graph, source
        arguments = {"size": size, **self.arguments}
        if self.model in ("mini", "mini_googlenet"):
            arguments["in_channels"] = channels
        elif channels != 3:
            raise ValueError(
                f"{self.model} expects colour images, but {self.data} has {channels} channel. Try the model 'mini'."
            )
        _check_arguments(self.model, self.arguments)
        graph = models.build(self.model, len(split.train.classes), **arguments, rng=self.weights_seed)
        return graph, origin.fresh(graph)

    def trainer(
        self,
        out: PathLike | None,
        on_bytes: Callable[[int, int], object] | None = None,
        hold: Hold | None = None,
        make: Callable[..., AnyTrainer] = Trainer,  # type: ignore[assignment]
    ) -> AnyTrainer:
        """Return a Trainer that writes to the folder `out`, with this recipe and its origin in recipe.json.

        The attribute `origin` of the Trainer is the dict of `origin.report`.

        Parameters
        ----------
        out : folder, or None for a Trainer that writes nothing
        hold : `lock.Hold` of `out`, which is taken before anything is written and stays taken; by default the folder
            is locked only while the recipe is written, and during each call of the Trainer
        make : class of the Trainer
        """
        if out is not None:
            checkpoint.check_recipe(Path(out) / CHECKPOINT, self)
        split = self.split(on_bytes)
        if self.start is not None:
            split.train.seen_before = weights.training_images(self.start)
        graph, source = self.begin(split)
        if out is not None:
            self.check(out)
        trainer = make(graph, split, self.settings, out)
        trainer.origin = origin.report(graph, source, trainer.frozen)
        trainer.recipe = fingerprint.of_recipe(self)
        if hold is not None:
            hold.take()
        if out is not None:
            with locked(out, hold):  # `write` rejects the folder of another run
                self.write(out, trainer.origin)
        trainer.hold = hold
        return trainer

    def member(self, number: int) -> "Recipe":
        """Return the recipe of model 0, 1, ...: only the random seed for order, augmentation and dropout differs."""
        return replace(self, settings=replace(self.settings, seed=self.settings.seed + number), models=1)

    def check(self, out: PathLike) -> bool:
        """Return whether the folder `out` has a trained run of this recipe; raise if it has another run."""
        if not os.path.lexists(Path(out) / FILE):
            return False
        there, here = (json.loads(json.dumps(asdict(recipe))) for recipe in (read(out, type(self)), self))
        if not trained(out):
            return False
        if there != here:
            other = [f"{name} {there[name]!r} there, {here[name]!r} here" for name in here if there[name] != here[name]]
            raise ValueError(f"{out} contains another run: {'; '.join(other)}. Choose another folder.")
        return True

    def write(self, out: PathLike, report: dict[str, Any] | None = None) -> None:
        """Write this recipe and a report on the origin into the folder `out`; raise if it has another trained run.

        The recipe of a run that ended before its first checkpoint is replaced.
        """
        if not self.check(out):
            values = {**asdict(self), **self._inside(out)}
            values = values if report is None else {**values, ORIGIN: report}
            files.write_text(Path(out) / FILE, json.dumps(values, indent=1) + "\n")

    def _inside(self, out):
        """Return the fields that name files in the parent folder of `out` as {name: path relative to `out`}."""
        paths = {name: getattr(self, name) for name in self.INSIDE if getattr(self, name) is not None}
        home = os.path.realpath(out)
        inside = {name: path for name, path in paths.items() if Path(path).is_relative_to(Path(home).parent)}
        return {name: Path(os.path.relpath(path, home)).as_posix() for name, path in inside.items()}


def read(out: PathLike, kind: type[AnyRecipe] = Recipe) -> AnyRecipe:  # type: ignore[assignment]
    """Return the recipe of the run in the folder `out`; `kind` is its class, Recipe or a subclass with more fields.

    Raises
    ------
    FileNotFoundError
        If the folder has no recipe.json.
    ValueError
        If the file is not a valid recipe, with the wrong field and advice.
    """
    path = Path(out) / FILE
    with _reading(path):
        text = _text(path)
        try:
            values = json.loads(text, object_pairs_hook=_once, parse_constant=_constant)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise ValueError(f"invalid JSON at {where}" if text.strip("\0 \r\n\t") else "it is empty") from None
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        _fields(values, "the file", (*_names(kind), ORIGIN))
        if "settings" not in values:
            raise ValueError("it has no 'settings'")
        _fields(values["settings"], "'settings'", _names(Settings))
        values.pop(ORIGIN, None)  # a report, not an instruction
        settings = Settings(**values.pop("settings"))
        for name in kind.INSIDE:  # relative to the folder; an absolute path stays as it is
            if isinstance(values.get(name), str):
                values[name] = os.path.realpath(Path(out, values[name]))
        return kind(**values, settings=settings)


@contextlib.contextmanager
def _reading(path):
    """Add the file's name and advice to an error."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"{path.parent} has no run to resume: {FILE} does not exist") from None
    except (ValueError, TypeError) as error:
        text = str(error).rstrip(".")
        raise ValueError(f"{path} is not a valid recipe: {text}. {WAY_OUT}.".replace("?.", "?")) from error


def _check(recipe) -> None:
    """Raise a ValueError or TypeError unless every field of a Recipe has the right type and range."""
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
            raise ValueError(f"arguments: the data and the recipe determine {name!r}. Leave it out.")
        if name not in known:
            raise ValueError(f"arguments: {model} has no argument {name!r}{hint(name, known)}")
        default = inspect.signature(function).parameters[name].default
        if isinstance(default, bool):
            flag(value, f"argument {name!r}")
        elif isinstance(default, int | float) and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise TypeError(f"argument {name!r} must be a number, got {_short(value)}")
        elif isinstance(default, int | float) and not abs(value) <= MOST_ARGUMENT:
            raise ValueError(f"argument {name!r} must be at most {MOST_ARGUMENT}, got {_short(value)}")
        elif isinstance(default, str | None) and not isinstance(value, str | None):
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
        raise ValueError("it is not UTF-8 text") from None


def _fields(values, part, known):
    if not isinstance(values, dict):
        raise TypeError(f"{part} must be an object of named fields, got {_short(values)}")
    for name in values:
        if name not in known:
            raise ValueError(f"{part} has an unknown field {_short(name)}{hint(name, known)}")


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
    raise ValueError(f"it contains {text}, which is not a number")


def _short(value) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
