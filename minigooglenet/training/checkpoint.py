"""Everything that a Trainer needs to go on with the very same bits, in one file that is whole or not there."""

import hashlib
import json
from dataclasses import asdict

import numpy as np

from minigooglenet.training.records import Epoch
from minigooglenet.training.settings import Settings
from minigooglenet.weights import own
from minigooglenet.weights.contents import CHECKPOINT_STATE, cannot_read
from minigooglenet.weights.network import contents_of

STATE = CHECKPOINT_STATE  # text, as bytes
KEYS = {"step", "epochs", "tally", "averaged", "skipped", "generators", "run"}
LATER = {"adam_counts"}  # keys of the state that older checkpoints lack
FREE = ("save_every", "gradients_every")  # settings that may change on the way: they decide no bit


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
        "run": _run(trainer),
    }
    arrays = {f"{group}/{name}": array for group, named in _groups(trainer).items() for name, array in named.items()}
    arrays[STATE] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    contents = contents_of(trainer.graph, **trainer.told(), arrays_only=not trainer.saves_graph)
    contents.arrays = arrays  # `weights.load` makes the network of them
    own.write(contents, path)


def load(path, trainer) -> None:
    """Bring a Trainer to where the checkpoint was written; it is as it was if the checkpoint does not fit."""
    arrays = own.read(path).arrays
    try:
        state = json.loads(arrays.pop(STATE).tobytes())
        run = state["run"]
        if not KEYS <= set(state) <= KEYS | LATER:
            raise KeyError("state")
        # A checkpoint from before a setting existed was trained with that setting's default.
        run["settings"] = {**_plain_settings(Settings()), **run["settings"]}
    except (KeyError, ValueError, TypeError) as error:
        raise cannot_read(path, f"it is no checkpoint of a training ({error})") from error
    for what, value in _run(trainer).items():
        if run.get(what) != value:
            raise ValueError(f"{path} belongs to another run: {what} {_difference(run.get(what), value)}")
    graph, groups = trainer.graph, _checked(path, trainer, arrays)
    for view, saved in ((graph.params, groups["params"]), (graph.buffers, groups["buffers"])):
        for name in view:
            view[name] = saved[name]
    trainer.velocity, trainer.average = groups["velocity"], groups["average"]
    trainer.adam = {part: groups[part] for part in ("mean", "square")} | {"count": state.get("adam_counts", {})}
    for layer, generator in zip(trainer.drawing(), state["generators"], strict=True):
        layer.rng.bit_generator.state = generator
    for part, skipped in zip(trainer.split, state["skipped"], strict=True):
        part.skipped.update(skipped)
    trainer.step, trainer.averaged = state["step"], state["averaged"]
    trainer.epochs, trainer.tally = [Epoch(*epoch) for epoch in state["epochs"]], state["tally"]


def _checked(path, trainer, arrays):
    """Return {group: {name: array}}, once every array has the name and the shape of one of the graph's."""
    graph = trainer.graph
    shapes = {name: array.shape for view in (graph.params, graph.buffers) for name, array in view.items()}
    groups = {group: {} for group in _groups(trainer)}
    for name, array in arrays.items():
        group, _, rest = name.partition("/")
        if group not in groups or shapes.get(rest) != array.shape:
            raise cannot_read(path, f"it is no checkpoint of this network: {name!r} of shape {array.shape}")
        groups[group][rest] = array
    for group, view in (("params", graph.params), ("buffers", graph.buffers)):
        missing = [name for name in view if name not in groups[group]]
        if missing:
            raise cannot_read(path, f"it is no checkpoint of this network: {missing[0]!r} is missing")
    return groups


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


def _run(trainer):
    """Return what decides a run's bits beside its state, as JSON gives it back."""
    train = trainer.split.train
    settings = _plain_settings(trainer.settings)
    network = [f"{name}: {shape}" for name, shape in trainer.graph.shapes.items()]
    facts = {
        "settings": settings,
        "the network": hashlib.sha256("\n".join(network).encode()).hexdigest(),
        "pictures": len(train),
        "which pictures": train.digest(),
        "classes": list(train.classes),
    }
    return json.loads(json.dumps(facts))


def _plain_settings(settings):
    values = {name: value for name, value in asdict(settings).items() if name not in FREE}
    return json.loads(json.dumps(values))


def _difference(there, here):
    if isinstance(there, dict) and isinstance(here, dict):
        parts = [
            f"{name} {there.get(name)!r} there, {here[name]!r} here" for name in here if there.get(name) != here[name]
        ]
        return "; ".join(parts)
    return f"{there!r} there, {here!r} here"
