"""recipe.json as somebody may have edited it: each field is checked, and each mistake has its own sentence."""

import contextlib
import dataclasses
import inspect
import json
import os
from pathlib import Path

from minigooglenet import models
from minigooglenet.shapes import integer
from minigooglenet.training.settings import Settings, flag
from minigooglenet.views import closest

FILE, ORIGIN = "recipe.json", "origin"
MOST_BYTES = 4 << 20  # GoogLeNet's, with all names of its origin, has 12,000
MOST_ARGUMENT = 64  # of the width and the depth of a model
MOST_SIZE = 16_384  # height and width of an image
FIELDS = ("data", "size", "augment", "model", "arguments", "start", "weights_seed", "settings", "models")
GIVEN = ("num_classes", "size", "in_channels", "rng")  # arguments of a model that the recipe itself decides
WAY_OUT = "Restore the file from a copy, or train in another folder; --weights FILE starts from trained weights"


def read(path) -> dict:
    """Return the fields of a recipe.json, once their names are right and "settings" is an object; see `check`."""
    with reading(path):
        text = _text(path)
        try:
            values = json.loads(text, object_pairs_hook=_once, parse_constant=_constant)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise ValueError(f"it is not JSON from {where} on" if text.strip("\0 \r\n\t") else "it is empty") from None
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        _fields(values, "the file", (*FIELDS, ORIGIN))
        if "settings" not in values:
            raise ValueError("it has no 'settings'")
        _fields(values["settings"], "'settings'", [one.name for one in dataclasses.fields(Settings)])
        values.pop(ORIGIN, None)  # a report, not an instruction
        return values


@contextlib.contextmanager
def reading(path):
    """Turn a rejection into a sentence with the file's name and what to do."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no run to resume in {path.parent}: no {FILE}") from None
    except (ValueError, TypeError) as error:
        text = str(error).rstrip(".")
        raise ValueError(f"{path} is not the recipe of a run: {text}. {WAY_OUT}.".replace("?.", "?")) from error


def check(recipe) -> None:
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


def check_arguments(model, arguments) -> None:
    """Raise a ValueError for arguments that a model does not take, before it is built."""
    function = models.builder(model)
    known = [name for name in inspect.signature(function).parameters if name not in GIVEN]
    for name, value in arguments.items():
        if name in GIVEN:
            raise ValueError(f"arguments: the data and the recipe decide {name!r}; leave it out")
        if name not in known:
            close = closest(name, known)
            raise ValueError(
                f"arguments: {model} does not take {name!r}" + (f". Did you mean {close}?" if close else "")
            )
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
            close = closest(name, known)
            raise ValueError(
                f"{what} has an unknown field {_short(name)}" + (f". Did you mean {close}?" if close else "")
            )


def _once(pairs):
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it has the field {_short(twice)} twice")
    return values


def _constant(text):
    raise ValueError(f"it holds {text}, which is not a number")


def _closest(name, known) -> str:
    close = closest(name, known)
    return f". Did you mean {close}?" if close else ""


def _short(value) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
