"""Fingerprint of a run: everything besides its state that determines its bits.

A checkpoint contains the fingerprint, and resuming with a different one is rejected. Checkpoints of version 0.2.0 or
earlier contain less of it; what they lack cannot be compared, and a warning lists it.
"""

import functools
import hashlib
import json
from dataclasses import asdict
from typing import Any

from minigooglenet.training.settings import Settings

FREE = ("save_every", "gradients_every")  # settings that may change during a run, because they do not affect its bits
PATHS = ("data", "start", "multibox")  # of a recipe: files may have moved, so the content of the data is compared
SHOWN = {"pictures": "number of images", "which pictures": "images and labels"}  # in messages; the entries are fixed
SINCE_0_3 = ("layers", "augmentation", "held-out images", "pixels", "content of the images")


def of(trainer) -> dict[str, Any]:
    """Return the fingerprint of a Trainer, {name: plain value}, as read back from JSON."""
    train, test = trainer.split
    network = [f"{name}: {shape}" for name, shape in trainer.graph.shapes.items()]
    record = trainer.training_images
    pixels = train.pixels
    facts = {} if trainer.recipe is None else {"recipe": trainer.recipe}
    facts |= {
        "settings": {name: value for name, value in asdict(trainer.settings).items() if name not in FREE},
        "the network": hashlib.sha256("\n".join(network).encode()).hexdigest(),
        "layers": {name: _layer(*node) for name, node in trainer.graph.nodes.items()},
        "pictures": len(train),
        "which pictures": train.digest(),
        "classes": list(train.classes),
        "content of the images": None if record is None else hashlib.sha256(_text(record.to_json())).hexdigest(),
        "augmentation": _name(train.augment),
        "pixels": None if pixels is None else [list(pixels.mean), list(pixels.std), pixels.colours],
        "held-out images": test.digest(),
    }
    return json.loads(_text(facts))


def of_recipe(recipe) -> dict[str, Any]:
    """Return the fields of a Recipe for a fingerprint, without those that have separate entries."""
    values = asdict(recipe)
    return {name: value for name, value in values.items() if name not in ("settings", "models")}


def differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Return each difference between the fingerprints of a checkpoint and of a Trainer, with both values."""
    parts = []
    # A checkpoint from before a setting existed was trained with the default of that setting.
    defaults = {name: value for name, value in asdict(Settings()).items() if name not in FREE}
    there = {**there, "settings": {**json.loads(_text(defaults)), **there["settings"]}}
    for entry, value in here.items():
        if entry in there and there[entry] != value:
            parts += _differences(entry, there[entry], value)
    before, now = there.get("recipe") or {}, here.get("recipe") or {}
    if parts:
        parts += _unequal("recipe", before, {name: now[name] for name in PATHS if name in before and name in now})
    return parts


def recipe_differences(there: dict[str, Any], recipe) -> list[str]:
    """Return the differences between the fingerprint of a checkpoint and a Recipe, as far as they need no data."""
    current = json.loads(_text({"recipe": of_recipe(recipe), "settings": asdict(recipe.settings)}))
    for name in FREE:
        current["settings"].pop(name)
    return differences(there, current)


def missing(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Return the entries that the fingerprint of an older checkpoint lacks."""
    return [entry for entry in here if entry not in there and entry in SINCE_0_3]


def _differences(entry, there, here):
    if entry == "recipe":
        return _unequal(entry, there, {name: value for name, value in here.items() if name not in PATHS})
    if isinstance(there, dict) and isinstance(here, dict):
        gone = [f"{entry}: {name!r} only there" for name in there if name not in here]
        return _unequal(entry, there, here) + gone[:3]
    return [f"{SHOWN.get(entry, entry)} {_short(there)} there, {_short(here)} here"]


def _unequal(entry, there, here):
    wrong = [
        f"{name} {_short(there.get(name))} there, {_short(value)} here"
        for name, value in here.items()
        if there.get(name) != value
    ]
    more = [f"and {len(wrong) - 3} more"] if len(wrong) > 3 else []
    return [f"{entry} {'; '.join(wrong[:3] + more)}"] if wrong else []


def _layer(layer, wires):
    algorithm = getattr(layer, "algorithm", None)
    settings = layer.settings() if callable(getattr(layer, "settings", None)) else {}
    return [type(layer).__name__, settings, list(wires), _name(algorithm) if callable(algorithm) else algorithm]


def _name(function):
    """Return a name of a function that is the same in every process: without its address and without `__main__`."""
    if function is None or isinstance(function, str | int | float | bool):
        return function
    if isinstance(function, tuple | list):
        return [_name(item) for item in function]
    if isinstance(function, functools.partial):
        keywords = {name: _name(value) for name, value in sorted(function.keywords.items())}
        return [_name(function.func), [_name(value) for value in function.args], keywords]
    return getattr(function, "__qualname__", type(function).__qualname__)


def _short(value) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _text(value) -> bytes:
    return json.dumps(value, default=_name).encode()
