"""Everything that a Trainer needs to go on with the very same bits, in one file that is whole or not there.

The file is safetensors: arrays and one text of JSON, never code. It is read and checked in full before a Trainer
changes, because a checksum is a guard against damage and not against a file that somebody wrote on purpose.
"""

import contextlib
import json
import math
import warnings

import numpy as np

from minigooglenet.graph.params import closest
from minigooglenet.training import fingerprint
from minigooglenet.training.log import Epoch
from minigooglenet.weights import limits, own
from minigooglenet.weights.contents import CHECKPOINT_STATE, WeightsError

STATE = CHECKPOINT_STATE  # text, as bytes
GROUPS = ("params", "buffers", "velocity", "average", "mean", "square")  # of arrays; the last two of AdamW
KEYS = ("step", "epochs", "tally", "averaged", "skipped", "generators", "run")
LATER = ("adam_counts",)  # keys of the state that older checkpoints lack


class ResumeWarning(UserWarning):
    """Something about a resumed run that could not be checked, or a record of it that had to be repaired."""


def save(path, state, contents) -> None:
    """Write the checkpoint atomically.

    state : of `Trainer.state_dict`;  contents : weights.Contents, what the file says of the network and its images
    """
    contents.arrays = {f"{group}/{name}": array for group in GROUPS for name, array in state[group].items()}
    values = {name: value for name, value in state.items() if name not in GROUPS}
    contents.arrays[STATE] = np.frombuffer(json.dumps(values).encode(), np.uint8)
    own.write(contents, path)  # `weights.load` makes the network of them


def read(path, here) -> dict:
    """Return a checkpoint's state, once all of it is known to fit the state `here` of a Trainer that has not begun.

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
    _check_same(path, fingerprint.differences(state["run"], here["run"]))
    with _reading(path):
        state |= _grouped(arrays)
        _check(state, here)
    if lacking := fingerprint.missing(state["run"], here["run"]):
        warnings.warn(
            f"{path} was written by version 0.2.0 or earlier, which did not record {', '.join(lacking)}. The run "
            "continues with those of its recipe and its data as they are now.",
            ResumeWarning,
            stacklevel=3,
        )
    return state


def check(state, here) -> None:
    """Raise a ValueError unless a state can be one of the run whose state, at any step, is `here`."""
    _check_keys(_is(state, dict, "the state"), (*KEYS, *GROUPS))
    for group in GROUPS:
        _is(state[group], dict, repr(group))
    _check_run(state["run"])
    if parts := fingerprint.differences(state["run"], here["run"]):
        raise ValueError(f"the state belongs to another run: {'; '.join(parts)}")
    _check(state, here)


def check_recipe(path, recipe) -> None:
    """Raise a ValueError if a checkpoint says that it is of another Recipe, before any data is loaded.

    That there is no checkpoint, and what an older one does not say, is not an error.
    """
    if path.is_file():
        run = _arrays(path)[1]["run"]
        _check_same(path, fingerprint.recipe_differences(run, recipe))


def _arrays(path):
    """Return (the arrays of a checkpoint, its state), once the file is whole and the state has its keys."""
    with _reading(path):
        arrays = own.read(path).arrays
        state = _state(arrays.pop(STATE, None))
        _check_run(state["run"])
    return arrays, state


@contextlib.contextmanager
def _reading(path):
    try:
        with limits.reading(path):
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
    return _check_keys(_is(state, dict, "its state"), KEYS)


def _check_keys(state, keys):
    if lost := [key for key in keys if key not in state]:
        raise ValueError(f"it is no checkpoint of a training: its state has no {lost[0]!r}")
    if odd := [key for key in state if key not in (*keys, *LATER)]:
        close = closest(odd[0], (*keys, *LATER))
        raise ValueError(
            f"its state has {limits.some(odd[0])}, which this version does not know"
            + (f". Did you mean {close}?" if close else ": a newer version may have written it")
        )
    return state


def _check_run(run):
    _is(run, dict, "the run in its state")
    for key in ("settings", "layers", "recipe"):
        if key in run or key == "settings":
            _is(run.get(key), dict, f"{key!r} of the run in its state")


def _grouped(arrays):
    """Return {group: {name: array}} of the arrays of a file."""
    groups = {group: {} for group in GROUPS}
    for name, array in arrays.items():
        group, _, rest = name.partition("/")
        if group not in groups:
            raise ValueError(f"it is no checkpoint of this network: {limits.some(name)} of shape {array.shape}")
        groups[group][rest] = array
    return groups


def _check(state, here):
    _check_arrays(state, here)
    _check_progress(state, here)
    _check_optimizer(state, here)
    _check_generators(state["generators"], here["generators"])
    _check_skipped(state["skipped"])


def _check_arrays(state, here):
    """Check that every array has a name, a shape and a type of the network's own."""
    params, buffers = here["params"], here["buffers"]
    known = {"params": params, "buffers": buffers, "average": {**params, **buffers}}
    for group, name, array in [(each, *item) for each in GROUPS for item in state[each].items()]:
        like, full = known.get(group, params).get(name), f"{group}/{name}"
        if like is None or like.shape != np.shape(array):
            raise ValueError(f"it is no checkpoint of this network: {limits.some(full)} of shape {np.shape(array)}")
        if array.dtype != like.dtype and group in known:
            raise ValueError(f"{limits.some(full)} must be {like.dtype} as in the network, got {array.dtype}")
        if array.dtype.kind != "f" and group not in known:
            raise ValueError(f"{limits.some(full)} must hold floats, got {array.dtype}")
        limits.check_values(full, array)
        if group == "square" and array.size and array.min() < 0:
            raise ValueError(f"{limits.some(full)} holds values below 0, and a mean of squares is never negative")
    for group in ("params", "buffers") + ("average",) * bool(state["average"]):
        lost = [name for name in known[group] if name not in state[group]]
        if lost:
            raise ValueError(f"it is no checkpoint of this network: {lost[0]!r} is missing")


def _check_progress(state, here):
    """Check that step, epochs, tally and the count of the mean agree with one another."""
    settings, epochs = here["run"]["settings"], _is(state["epochs"], list, "epochs")
    if len(epochs) > settings["epochs"]:
        raise ValueError(f"it has {len(epochs)} epochs, and the settings end after {settings['epochs']}")
    for number, row in enumerate(epochs):
        _check_epoch(number, row)
    each = -(-here["run"]["pictures"] // settings["batch_size"])  # steps
    least, most = len(epochs) * each, min(len(epochs) + 1, settings["epochs"]) * each
    step = _whole(state["step"], "step", least, most)
    _whole(state["averaged"], "averaged", 0, step)
    tally = _is(state["tally"], list, "tally")
    if len(tally) != 3:
        raise ValueError(f"tally must hold 3 numbers, got {len(tally)}")
    images = _whole(tally[0], "the images of tally", 0, (step - least) * settings["batch_size"])
    _finite(tally[1], "the loss of tally")
    if not 0 <= _finite(tally[2], "the hits of tally") <= images + 1e-6:
        raise ValueError(f"the hits of tally must be at most its {images} images, got {tally[2]!r}")


def _check_epoch(number, row):
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


def _check_optimizer(state, here):
    counts = _is(state.get("adam_counts", {}), dict, "adam_counts")
    for name, count in counts.items():
        _whole(count, f"the count of {limits.some(name)}", 1, max(1, state["step"]))
    if not set(counts) == set(state["mean"]) == set(state["square"]):
        raise ValueError("the means, the squares and the counts of AdamW must be of the same parameters")
    if bool(state["averaged"]) != bool(state["average"]):
        raise ValueError(f"it counts {state['averaged']} steps of the mean, and has {len(state['average'])} means")
    optimizer = here["run"]["settings"]["optimizer"]
    odd = {"sgd": ("mean", "square"), "adamw": ("velocity",)}[optimizer]
    if wrong := [group for group in odd if state[group]]:
        raise ValueError(f"it has {wrong[0]!r} of another optimizer than {optimizer}")


def _check_generators(generators, here):
    if len(_is(generators, list, "generators")) != len(here):
        raise ValueError(f"it has {len(generators)} generators, and {len(here)} layers of the network draw numbers")
    for number, (own_state, generator) in enumerate(zip(here, generators, strict=True)):
        kind = getattr(np.random, own_state["bit_generator"])
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
            _is(reason, str, f"the reason for {limits.some(name)}")


def _is(value, kind, what):
    names = {dict: "an object", list: "a list", str: "text"}
    if not isinstance(value, kind):
        raise ValueError(f"{what} must be {names[kind]}, got {limits.some(value)}")
    return value


def _whole(value, what, least, most):
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{what} must be an integer in {least} .. {most}, got {limits.some(value)}")
    return value


def _finite(value, what):
    if type(value) not in (int, float) or not abs(value) < math.inf:
        raise ValueError(f"{what} must be a finite number, got {limits.some(value)}")
    return value
