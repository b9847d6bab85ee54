"""What decides the bits of a run besides its state: a checkpoint holds it, and resuming with anything else is rejected.

A checkpoint of version 0.2.0 or earlier holds less. What it lacks cannot be compared, and a sentence says so.
"""

import functools
import hashlib
import json
from dataclasses import asdict

from minigooglenet.training.settings import Settings

FREE = ("save_every", "gradients_every")  # settings that may change on the way: they decide no bit
PATHS = ("data", "start")  # of a recipe: the same images may be elsewhere now, and their content is compared
SINCE_0_3 = ("layers", "augmentation", "held-out images", "pixels", "content of the images")


def of(trainer) -> dict:
    """Return {what: plain value} of a Trainer, as JSON gives it back."""
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


def of_recipe(recipe) -> dict:
    """Return what a fingerprint has of a Recipe: all fields but those that have entries of their own."""
    values = asdict(recipe)
    return {name: value for name, value in values.items() if name not in ("settings", "models")}


def differences(there: dict, here: dict) -> list[str]:
    """Return each difference between the fingerprint of a checkpoint and that of a Trainer, with both values."""
    parts = []
    # A checkpoint from before a setting existed was trained with that setting's default.
    usual = {name: value for name, value in asdict(Settings()).items() if name not in FREE}
    there = {**there, "settings": {**json.loads(_text(usual)), **there["settings"]}}
    for what, value in here.items():
        if what in there and there[what] != value:
            parts += _differences(what, there[what], value)
    both = there.get("recipe") or {}
    if parts and "recipe" in here:
        parts += _unequal("recipe", both, {name: here["recipe"][name] for name in PATHS if name in both})
    return parts


def recipe_differences(there: dict, recipe) -> list[str]:
    """Return the differences between the fingerprint of a checkpoint and a Recipe that can be seen without its data."""
    here = json.loads(_text({"recipe": of_recipe(recipe), "settings": asdict(recipe.settings)}))
    for name in FREE:
        here["settings"].pop(name)
    return differences(there, here)


def missing(there: dict, here: dict) -> list[str]:
    """Return what the fingerprint of an older checkpoint lacks."""
    return [what for what in here if what not in there and what in SINCE_0_3]


def _differences(what, there, here):
    if what == "recipe":
        return _unequal(what, there, {name: value for name, value in here.items() if name not in PATHS})
    if isinstance(there, dict) and isinstance(here, dict):
        gone = [f"{what}: {name!r} only there" for name in there if name not in here]
        return _unequal(what, there, here) + gone[:3]
    return [f"{what} {_short(there)} there, {_short(here)} here"]


def _unequal(what, there, here):
    wrong = [
        f"{name} {_short(there.get(name))} there, {_short(value)} here"
        for name, value in here.items()
        if there.get(name) != value
    ]
    more = [f"and {len(wrong) - 3} more"] if len(wrong) > 3 else []
    return [f"{what} {'; '.join(wrong[:3] + more)}"] if wrong else []


def _layer(layer, wires):
    algorithm = getattr(layer, "algorithm", None)
    settings = layer.settings() if callable(getattr(layer, "settings", None)) else {}
    return [type(layer).__name__, settings, list(wires), _name(algorithm) if callable(algorithm) else algorithm]


def _name(function):
    """Return a name for a function that is the same in another process: no address, no module that was run as main."""
    if function is None or isinstance(function, str | int | float | bool):
        return function
    if isinstance(function, tuple | list):
        return [_name(each) for each in function]
    if isinstance(function, functools.partial):
        given = {name: _name(value) for name, value in sorted(function.keywords.items())}
        return [_name(function.func), [_name(value) for value in function.args], given]
    return getattr(function, "__qualname__", type(function).__qualname__)


def _short(value) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _text(value) -> bytes:
    return json.dumps(value, default=_name).encode()
