"""Everything that a Trainer needs to go on with the very same bits, in one file that is whole or not there.

The file is safetensors: arrays and one text of JSON, never code. It is read and checked in full before a Trainer
changes, because a checksum is a guard against damage and not against a file that somebody wrote on purpose.
"""

import contextlib
import json
import math
import warnings
from typing import NamedTuple

import numpy as np

from minigooglenet.graph.params import closest
from minigooglenet.training import fingerprint
from minigooglenet.training.records import Epoch
from minigooglenet.weights import detect, safetensors
from minigooglenet.weights.contents import CHECKPOINT_STATE, WeightsError, check_values, reading, some
from minigooglenet.weights.network import contents_of

STATE = CHECKPOINT_STATE  # text, as bytes
KEYS = ("step", "epochs", "tally", "averaged", "skipped", "generators", "run")
LATER = ("adam_counts",)  # keys of the state that older checkpoints lack


class ResumeWarning(UserWarning):
    """Something about a resumed run that could not be checked, or a record of it that had to be repaired."""


class Saved(NamedTuple):
    """The checked content of a checkpoint: `apply` puts it into a Trainer, and cannot fail."""

    state: dict
    groups: dict[str, dict[str, np.ndarray]]
    epochs: list[Epoch]


def save(path, trainer) -> None:
    """Write the checkpoint atomically."""
    state = {
        "step": trainer.step,
        "epochs": trainer.epochs,
        "tally": trainer.tally,
        "averaged": trainer.averaged,
        "skipped": [part.skipped for part in trainer.split],
        "generators": [layer.rng.bit_generator.state for layer in trainer.drawing()],
        "adam_counts": trainer.adam["count"],
        "run": fingerprint.of(trainer),
    }
    arrays = {f"{group}/{name}": array for group, named in _groups(trainer).items() for name, array in named.items()}
    arrays[STATE] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    contents = contents_of(trainer.graph, **trainer.told(), arrays_only=not trainer.saves_graph)
    contents.arrays = arrays  # `weights.load` makes the network of them
    safetensors.write(contents, path)


def load(path, trainer) -> None:
    """Bring a Trainer to where the checkpoint was written; it is as it was if the checkpoint does not fit."""
    apply(read(path, trainer), trainer)


def read(path, trainer) -> Saved:
    """Return a checkpoint's content, once all of it is known to fit a Trainer, which does not change.

    Raises
    ------
    ValueError
        If the file is damaged, not the checkpoint of a training, or of another run: then with every difference.

    Warns
    -----
    ResumeWarning
        If the checkpoint is of an older version, which recorded less of what decides a run.
    """
    arrays, state = _arrays(path)
    here = fingerprint.of(trainer)
    _check_same(path, fingerprint.differences(state["run"], here))
    with _reading(path):
        groups = _checked(trainer, arrays)
        epochs = _check_progress(state, trainer)
        _check_optimizer(state, groups, trainer)
        _check_generators(state["generators"], trainer)
        _check_skipped(state["skipped"])
    if lacking := fingerprint.missing(state["run"], here):
        warnings.warn(
            f"{path} was written by version 0.2.0 or earlier, which did not record {', '.join(lacking)}. The run "
            "continues with those of its recipe and its data as they are now.",
            ResumeWarning,
            stacklevel=3,
        )
    return Saved(state, groups, epochs)


def check_recipe(path, recipe) -> None:
    """Raise a ValueError if a checkpoint says that it is of another Recipe, before any data is loaded.

    That there is no checkpoint, and what an older one does not say, is not an error.
    """
    if path.is_file():
        run = _arrays(path)[1]["run"]
        _check_same(path, fingerprint.recipe_differences(run, recipe))


def _arrays(path):
    """Return (the arrays of a checkpoint, its state), once the file is whole and the state has its keys."""
    with _reading(path), detect.opened(path) as reader:
        arrays = reader.arrays()
        state = _state(arrays.pop(STATE, None))
        _check_run(state["run"])
    return arrays, state


@contextlib.contextmanager
def _reading(path):
    try:
        with reading(path):
            yield
    except WeightsError as error:
        raise WeightsError(
            f"{str(error).rstrip('.')}. The run cannot continue from it. Restore the file from a copy; or, if "
            f"{path.parent} has weights, train in another folder with --weights {path.parent}."
        ) from error


def _check_same(path, parts):
    if parts:
        raise ValueError(
            f"{path} belongs to another run: {'; '.join(parts)}. To continue this run, set back what differs. To train "
            f"otherwise, choose another folder; --weights {path.parent} starts from what this run has learned."
        )


def apply(saved: Saved, trainer) -> None:
    """Put a checked checkpoint into the Trainer that it was checked for."""
    graph, state, groups = trainer.graph, saved.state, saved.groups
    for view, arrays in ((graph.params, groups["params"]), (graph.buffers, groups["buffers"])):
        for name in view:
            view[name] = arrays[name]
    trainer.velocity, trainer.average = groups["velocity"], groups["average"]
    trainer.adam = {part: groups[part] for part in ("mean", "square")} | {"count": state.get("adam_counts", {})}
    for layer, generator in zip(trainer.drawing(), state["generators"], strict=True):
        layer.rng.bit_generator.state = generator
    for part, skipped in zip(trainer.split, state["skipped"], strict=True):
        part.skipped.update(skipped)
    trainer.step, trainer.averaged = state["step"], state["averaged"]
    trainer.epochs, trainer.tally = list(saved.epochs), list(state["tally"])


def _state(array) -> dict:
    """Return the state of a training as a dict with all its keys; what they hold is checked later."""
    if array is None:
        raise ValueError("it is no checkpoint of a training: weights of a network have no state to continue from")
    if array.dtype != np.uint8 or array.ndim != 1:
        raise ValueError(f"it is no checkpoint of a training: its state is {array.dtype} of shape {array.shape}")
    try:
        state = json.loads(array.tobytes())
    except (ValueError, RecursionError):
        raise ValueError("it is no checkpoint of a training: its state is not JSON") from None
    _is(state, dict, "its state")
    if lost := [key for key in KEYS if key not in state]:
        raise ValueError(f"it is no checkpoint of a training: its state has no {lost[0]!r}")
    if odd := [key for key in state if key not in KEYS + LATER]:
        close = closest(odd[0], KEYS + LATER)
        raise ValueError(
            f"its state has {some(odd[0])}, which this version does not know"
            + (f". Did you mean {close}?" if close else ": a newer version may have written it")
        )
    return state


def _check_run(run):
    _is(run, dict, "the run in its state")
    for key in ("settings", "layers", "recipe"):
        if key in run or key == "settings":
            _is(run.get(key), dict, f"{key!r} of the run in its state")


def _checked(trainer, arrays):
    """Return {group: {name: array}}, once every array has a name, a shape and a type of the graph's own."""
    graph = trainer.graph
    params, buffers = dict(graph.params), dict(graph.buffers)
    known = {"params": params, "buffers": buffers, "average": {**params, **buffers}}
    groups = {group: {} for group in _groups(trainer)}
    for name, array in arrays.items():
        group, _, rest = name.partition("/")
        like = known.get(group, params).get(rest) if group in groups else None
        if like is None or like.shape != array.shape:
            raise ValueError(f"it is no checkpoint of this network: {some(name)} of shape {array.shape}")
        if array.dtype != like.dtype and group in known:
            raise ValueError(f"{some(name)} must be {like.dtype} as in the network, got {array.dtype}")
        if array.dtype.kind != "f" and group not in known:
            raise ValueError(f"{some(name)} must hold floats, got {array.dtype}")
        check_values(name, array)
        if group == "square" and array.size and array.min() < 0:
            raise ValueError(f"{some(name)} holds values below 0, and a mean of squares is never negative")
        groups[group][rest] = array
    whole = [("params", params), ("buffers", buffers)] + [("average", known["average"])] * bool(groups["average"])
    for group, view in whole:
        lost = [name for name in view if name not in groups[group]]
        if lost:
            raise ValueError(f"it is no checkpoint of this network: {lost[0]!r} is missing")
    return groups


def _check_progress(state, trainer) -> list[Epoch]:
    """Return the epochs, once step, epochs, tally and the count of the mean agree with one another."""
    rows, each = _is(state["epochs"], list, "epochs"), trainer.steps_per_epoch
    if len(rows) > trainer.settings.epochs:
        raise ValueError(f"it has {len(rows)} epochs, and the settings end after {trainer.settings.epochs}")
    epochs = [_epoch(number, row) for number, row in enumerate(rows)]
    least, most = len(epochs) * each, min(len(epochs) + 1, trainer.settings.epochs) * each
    step = _whole(state["step"], "step", least, most)
    _whole(state["averaged"], "averaged", 0, step)
    tally = _is(state["tally"], list, "tally")
    if len(tally) != 3:
        raise ValueError(f"tally must hold 3 numbers, got {len(tally)}")
    images = _whole(tally[0], "the images of tally", 0, (step - least) * trainer.settings.batch_size)
    _finite(tally[1], "the loss of tally")
    if not 0 <= _finite(tally[2], "the hits of tally") <= images + 1e-6:
        raise ValueError(f"the hits of tally must be at most its {images} images, got {tally[2]!r}")
    return epochs


def _epoch(number, row) -> Epoch:
    what = f"epoch {number + 1}"
    if len(_is(row, list, what)) != len(Epoch._fields):
        raise ValueError(f"{what} must hold {len(Epoch._fields)} numbers, got {len(row)}")
    for name, value in zip(Epoch._fields, row, strict=True):
        if name == "epoch":
            _whole(value, f"the number of {what}", number, number)
        elif name.startswith("test_") and isinstance(value, float) and not math.isfinite(value):
            continue  # no held-out image could be used, or one of them had an infinite loss
        elif name.endswith("accuracy") and not 0 <= _finite(value, f"{name} of {what}") <= 1 + 1e-9:
            raise ValueError(f"{name} of {what} must be at least 0 and at most 1, got {value!r}")
        else:
            _finite(value, f"{name} of {what}")
    return Epoch(*row)


def _check_optimizer(state, groups, trainer):
    counts = _is(state.get("adam_counts", {}), dict, "adam_counts")
    for name, count in counts.items():
        _whole(count, f"the count of {some(name)}", 1, max(1, state["step"]))
    if not set(counts) == set(groups["mean"]) == set(groups["square"]):
        raise ValueError("the means, the squares and the counts of AdamW must be of the same parameters")
    if bool(state["averaged"]) != bool(groups["average"]):
        raise ValueError(f"it counts {state['averaged']} steps of the mean, and has {len(groups['average'])} means")
    odd = {"sgd": ("mean", "square"), "adamw": ("velocity",)}[trainer.settings.optimizer]
    if wrong := [group for group in odd if groups[group]]:
        raise ValueError(f"it has {wrong[0]!r} of another optimizer than {trainer.settings.optimizer}")


def _check_generators(generators, trainer):
    drawing = trainer.drawing()
    if len(_is(generators, list, "generators")) != len(drawing):
        raise ValueError(f"it has {len(generators)} generators, and {len(drawing)} layers of the network draw numbers")
    for number, (layer, generator) in enumerate(zip(drawing, generators, strict=True)):
        kind = type(layer.rng.bit_generator)
        _is(generator, dict, f"generator {number}")
        try:
            kind(0).state = generator
        except (ValueError, TypeError, KeyError, OverflowError, AttributeError):
            raise ValueError(f"generator {number} is not the state of a {kind.__name__}") from None


def _check_skipped(skipped):
    if len(_is(skipped, list, "skipped")) != 2:
        raise ValueError(f"skipped must hold 2 lists of images, got {len(skipped)}")
    for part in skipped:
        for name, reason in _is(part, dict, "skipped").items():
            _is(reason, str, f"the reason for {some(name)}")


def _is(value, kind, what):
    names = {dict: "an object", list: "a list", str: "text"}
    if not isinstance(value, kind):
        raise ValueError(f"{what} must be {names[kind]}, got {some(value)}")
    return value


def _whole(value, what, least, most):
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{what} must be an integer in {least} .. {most}, got {some(value)}")
    return value


def _finite(value, what):
    if type(value) not in (int, float) or not abs(value) < math.inf:
        raise ValueError(f"{what} must be a finite number, got {some(value)}")
    return value


def _groups(trainer):
    graph = trainer.graph
    return {
        "params": dict(graph.params),
        "buffers": dict(graph.buffers),
        "velocity": trainer.velocity,
        "average": trainer.average,
        "mean": trainer.adam["mean"],
        "square": trainer.adam["square"],
    }
