"""Checkpoints: the complete state of a Trainer in one file, written atomically, so that a resumed run is bit-identical.

The file format is safetensors: arrays and one JSON text, never code. It is read and checked completely before a Trainer
changes, because a checksum detects a corrupt file, but not a file that someone crafted.
"""

import contextlib
import json
import math
import warnings
from typing import Any

import numpy as np

from minigooglenet.names import hint
from minigooglenet.training import fingerprint
from minigooglenet.training.log import Epoch
from minigooglenet.weights import detect, safetensors
from minigooglenet.weights.contents import CHECKPOINT_STATE, WeightsError, check_values, reading, some

STATE = CHECKPOINT_STATE  # text, as bytes
GROUPS = ("params", "buffers", "velocity", "average", "mean", "square")  # of arrays; the last two of `adaptive`
# The parts of the state that each optimizer uses; the counts are numbers.
ADAM = ("mean", "square", "adam_counts")
OPTIMIZER_STATE = {"sgd": ("velocity",), "adamw": ADAM, "adam": ADAM, "rmsprop": ("square", "velocity")}
KEYS = ("step", "epochs", "tally", "averaged", "skipped", "generators", "run")
LATER = ("adam_counts",)  # keys of the state that older checkpoints lack


class ResumeWarning(UserWarning):
    """Something about a resumed run could not be checked, or one of its CSV files had to be repaired."""


def save(path, state, contents) -> None:
    """Write the checkpoint atomically.

    state : result of `Trainer.state_dict`
    contents : weights.Contents, the file's description of the network and its images
    """
    contents.arrays = {f"{group}/{name}": array for group in GROUPS for name, array in state[group].items()}
    values = {name: value for name, value in state.items() if name not in GROUPS}
    contents.arrays[STATE] = np.frombuffer(json.dumps(values).encode(), np.uint8)
    safetensors.write(contents, path)  # `weights.load` can also read this file, as a network


def read(path, here) -> dict[str, Any]:
    """Return the state in a checkpoint, after checking that all of it fits the state `here` of a new Trainer.

    Raises
    ------
    ValueError
        If the file is corrupt, is not the checkpoint of a training, or belongs to another run; then with every
        difference.

    Warns
    -----
    ResumeWarning
        If an older version wrote the checkpoint, which recorded less of what determines a run.
    """
    arrays, state = _arrays(path)
    _check_same(path, fingerprint.differences(state["run"], here["run"]))
    with _reading(path):
        state |= _grouped(arrays)
        _check(state, here)
    if lacking := fingerprint.missing(state["run"], here["run"]):
        warnings.warn(
            f"{path} was written by version 0.2.0 or earlier, which did not record {', '.join(lacking)}. The run "
            "continues with the current recipe and data.",
            ResumeWarning,
            stacklevel=3,
        )
    return state


def check(state, here) -> None:
    """Raise a ValueError unless a state can belong to the run of which `here` is the state at some step."""
    _check_keys(_is(state, dict, "the state"), (*KEYS, *GROUPS))
    for group in GROUPS:
        _is(state[group], dict, repr(group))
    _check_run(state["run"])
    if parts := fingerprint.differences(state["run"], here["run"]):
        raise ValueError(f"the state belongs to another run: {'; '.join(parts)}")
    _check(state, here)


def check_recipe(path, recipe) -> None:
    """Raise a ValueError if a checkpoint records another Recipe, before any data is loaded.

    A missing checkpoint is not an error, nor is a value that an older checkpoint does not record.
    """
    if path.is_file():
        run = _arrays(path)[1]["run"]
        _check_same(path, fingerprint.recipe_differences(run, recipe))


def _arrays(path):
    """Return (the arrays of a checkpoint, its state), after checking the file and the keys of the state."""
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
            f"{str(error).rstrip('.')}. The run cannot continue from this file. Restore it from a copy. Or, if "
            f"{path.parent} has weights, train in another folder with --weights {path.parent}."
        ) from error


def _check_same(path, parts):
    if parts:
        raise ValueError(
            f"{path} belongs to another run: {'; '.join(parts)}. To continue that run, undo these differences. To "
            f"start a new run, choose another folder; --weights {path.parent} starts from the trained weights of that "
            "run."
        )


def _state(array) -> dict[str, Any]:
    """Return the state of a training as a dict with all its keys; their values are checked later."""
    if array is None:
        raise ValueError("it is not a checkpoint: it has the weights of a network, but no training state")
    if array.dtype != np.uint8 or array.ndim != 1:
        raise ValueError(f"it is not a checkpoint: its state is {array.dtype} of shape {array.shape}")
    try:
        state = json.loads(array.tobytes())
    except (ValueError, RecursionError):
        raise ValueError("it is not a checkpoint: its state is not JSON") from None
    return _check_keys(_is(state, dict, "its state"), KEYS)


def _check_keys(state, keys):
    if lost := [key for key in keys if key not in state]:
        raise ValueError(f"it is not a checkpoint: its state has no {lost[0]!r}")
    if odd := [key for key in state if key not in (*keys, *LATER)]:
        advice = hint(odd[0], (*keys, *LATER), "A newer version may have written it.")
        raise ValueError(f"its state has an unknown key {some(odd[0])}{advice}")
    return state


def _check_run(run):
    _is(run, dict, "the run in its state")
    for key in ("settings", "layers", "recipe"):
        if key in run or key == "settings":
            _is(run.get(key), dict, f"{key!r} of the run in its state")


def _grouped(arrays):
    """Return the arrays of a file as {group: {name: array}}."""
    groups = {group: dict[str, np.ndarray]() for group in GROUPS}
    for name, array in arrays.items():
        group, _, rest = name.partition("/")
        if group not in groups:
            raise ValueError(
                f"it is not a checkpoint of this network: unknown array {some(name)} of shape {array.shape}"
            )
        groups[group][rest] = array
    return groups


def _check(state, here):
    _check_arrays(state, here)
    _check_progress(state, here)
    _check_optimizer(state, here)
    _check_generators(state["generators"], here["generators"])
    _check_skipped(state["skipped"])


def _check_arrays(state, here):
    """Check that the name, the shape and the dtype of every array fit the network."""
    params, buffers = here["params"], here["buffers"]
    known = {"params": params, "buffers": buffers, "average": {**params, **buffers}}
    for group, name, array in [(key, *item) for key in GROUPS for item in state[key].items()]:
        like, full = known.get(group, params).get(name), f"{group}/{name}"
        if like is None:
            raise ValueError(
                f"it is not a checkpoint of this network: unknown array {some(full)} of shape {np.shape(array)}"
            )
        if like.shape != np.shape(array):
            raise ValueError(
                f"it is not a checkpoint of this network: {some(full)} must have shape {like.shape}, got "
                f"{np.shape(array)}"
            )
        if array.dtype != like.dtype and group in known:
            raise ValueError(f"{some(full)} must be {like.dtype} as in the network, got {array.dtype}")
        if array.dtype.kind != "f" and group not in known:
            raise ValueError(f"{some(full)} must be floats, got {array.dtype}")
        check_values(full, array)
        if group == "square" and array.size and array.min() < 0:
            raise ValueError(f"{some(full)} has values below 0, but a mean of squares is never negative")
    for group in ("params", "buffers") + ("average",) * bool(state["average"]):
        lost = [name for name in known[group] if name not in state[group]]
        if lost:
            raise ValueError(f"it is not a checkpoint of this network: {lost[0]!r} is missing")


def _check_progress(state, here):
    """Check that the step, the epochs, the tally and the count of averaged steps are consistent."""
    settings, epochs = here["run"]["settings"], _is(state["epochs"], list, "epochs")
    if len(epochs) > settings["epochs"]:
        raise ValueError(f"it has {len(epochs)} epochs, but the settings have only {settings['epochs']}")
    for number, row in enumerate(epochs):
        _check_epoch(number, row)
    per_epoch = -(-here["run"]["pictures"] // settings["batch_size"])  # steps
    least, most = len(epochs) * per_epoch, min(len(epochs) + 1, settings["epochs"]) * per_epoch
    step = _integer(state["step"], "step", least, most)
    _integer(state["averaged"], "averaged", 0, step)
    tally = _is(state["tally"], list, "tally")
    if len(tally) != 3:
        raise ValueError(f"tally must have 3 numbers, got {len(tally)}")
    images = _integer(tally[0], "the images of tally", 0, (step - least) * settings["batch_size"])
    _finite(tally[1], "the loss of tally")
    if not 0 <= _finite(tally[2], "the hits of tally") <= images + 1e-6:
        raise ValueError(f"the hits of tally must be at most its {images} images, got {tally[2]!r}")


def _check_epoch(number, row):
    epoch = f"epoch {number + 1}"
    if len(_is(row, list, epoch)) != len(Epoch._fields):
        raise ValueError(f"{epoch} must have {len(Epoch._fields)} numbers, got {len(row)}")
    for name, value in zip(Epoch._fields, row, strict=True):
        if name == "epoch":
            _integer(value, f"the index of {epoch}", number, number)
        elif name.startswith("test_") and isinstance(value, float) and not math.isfinite(value):
            continue  # no held-out image could be used, or one of them had an infinite loss
        elif name.endswith("accuracy") and not 0 <= _finite(value, f"{name} of {epoch}") <= 1 + 1e-9:
            raise ValueError(f"{name} of {epoch} must be in 0 .. 1, got {value!r}")
        else:
            _finite(value, f"{name} of {epoch}")


def _check_optimizer(state, here):
    counts = _is(state.get("adam_counts", {}), dict, "adam_counts")
    for name, count in counts.items():
        _integer(count, f"the count of {some(name)}", 1, max(1, state["step"]))
    if bool(state["averaged"]) != bool(state["average"]):
        raise ValueError(f"it has averaged {state['averaged']} steps, but has {len(state['average'])} averages")
    optimizer = here["run"]["settings"]["optimizer"]
    uses = OPTIMIZER_STATE[optimizer]
    for group in ("velocity", "mean", "square", "adam_counts"):
        if state.get(group) and group not in uses:
            raise ValueError(f"it has {group!r}, the state of another optimizer than {optimizer}")
    if len({frozenset(state.get(group, ())) for group in uses}) > 1:
        raise ValueError(f"the {', '.join(uses)} of {optimizer} must belong to the same parameters")


def _check_generators(generators, here):
    if len(_is(generators, list, "generators")) != len(here):
        raise ValueError(f"it has {len(generators)} random generators, but the network has {len(here)} random layers")
    for number, (expected, generator) in enumerate(zip(here, generators, strict=True)):
        kind = getattr(np.random, expected["bit_generator"])
        _is(generator, dict, f"generator {number}")
        try:
            kind(0).state = generator
        except (ValueError, TypeError, KeyError, OverflowError, AttributeError):
            raise ValueError(f"generator {number} is not the state of a {kind.__name__}") from None


def _check_skipped(skipped):
    if len(_is(skipped, list, "skipped")) != 2:
        raise ValueError(f"skipped must have 2 lists of images, got {len(skipped)}")
    for part in skipped:
        for name, reason in _is(part, dict, "skipped").items():
            _is(reason, str, f"the reason for {some(name)}")


def _is(value, kind, name):
    kinds = {dict: "an object", list: "a list", str: "text"}
    if not isinstance(value, kind):
        raise ValueError(f"{name} must be {kinds[kind]}, got {some(value)}")
    return value


def _integer(value, name, least, most):
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{name} must be an integer in {least} .. {most}, got {some(value)}")
    return value


def _finite(value, name):
    if type(value) not in (int, float) or not abs(value) < math.inf:
        raise ValueError(f"{name} must be a finite number, got {some(value)}")
    return value
