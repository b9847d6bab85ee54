"""A network and its file: saved with what it takes to make it again, and made again from what a file says."""

import math
from dataclasses import dataclass, field

import numpy as np

from minigooglenet import initializers, models
from minigooglenet.data.pixels import Pixels
from minigooglenet.graph import Graph
from minigooglenet.weights import limits, own
from minigooglenet.weights.contents import Contents
from minigooglenet.weights.fill import fill, match
from minigooglenet.weights.read import reader


@dataclass
class Loaded:
    """A network with the weights of a file, and what else the file says."""

    graph: Graph
    pixels: Pixels | None = None
    classes: tuple[str, ...] | None = None
    notes: dict[str, str] = field(default_factory=dict)


def save(graph, path, *, pixels=None, classes=None, notes=None) -> None:
    """Write a network's parameters and buffers to a .safetensors file, which is whole or as it was whatever happens.

    Parameters
    ----------
    graph : the network; if a function of `models` made it, the file says how, and `load` makes it again
    path : a name that ends in .safetensors
    pixels : how pictures become its inputs
    classes : names of its outputs
    notes : {name: line of text} of anything else worth knowing
    """
    model, arguments = graph.made_by or (None, {})
    arguments = {name: v.item() if isinstance(v, np.generic) else v for name, v in arguments.items()}
    classes = None if classes is None else tuple(classes)
    check_fits(graph, pixels, classes)
    own.write(Contents({**graph.params, **graph.buffers}, model, arguments, pixels, classes, dict(notes or {})), path)


def load(path) -> Loaded:
    """Return the network that a file describes, filled with its arrays: float64 if they are, else float32.

    Raises
    ------
    WeightsError
        If the file cannot be read, does not say which model it is for, or does not fit what it says.
    """
    kind = reader(path)
    ahead = hasattr(kind, "declared")  # what does not fit is refused before any value is read
    contents = kind.declared(path) if ahead else kind.read(path)
    with limits.reading(path):
        graph = build(contents)
        match(graph, contents.arrays)
        if ahead:
            contents = kind.read(path)
        fill(graph, contents.arrays)
    return Loaded(graph, contents.pixels, contents.classes, contents.notes)


def build(contents: Contents) -> Graph:
    """Return the network that contents describe, with weights of zero and no more of them than there are values.

    Raises
    ------
    ValueError, TypeError
        If there is no such model, it does not take these arguments, or it would be larger than the arrays.
    """
    limits.check_contents(contents)
    if contents.model is None:
        raise ValueError("it does not say which model it is for; build that, then weights.load_into(graph, path)")
    given = contents.arguments
    if "rng" in given:
        raise ValueError("a file cannot bring random numbers, as its argument 'rng' says")
    if "init" in given:
        initializers.rule(given["init"])
    stock = _Stock(sum(array.size for array in contents.arrays.values()))
    graph = models.build(contents.model, **{**given, "init": "gaussian"}, rng=stock)
    made_by, arguments = graph.made_by
    if "init" not in given:
        del arguments["init"]
    if any(array.dtype == np.float64 for array in contents.arrays.values()):
        graph = graph.astype(np.float64)
    graph.made_by = made_by, {**arguments, **given}
    check_fits(graph, contents.pixels, contents.classes)
    return graph


def check_fits(graph, pixels, classes) -> None:
    """Raise a ValueError unless there is a name for each output, and the inputs have the channels of the pixels."""
    outputs = graph.shapes[graph.main]
    if classes is not None and (len(classes),) != outputs:
        raise ValueError(f"there are {len(classes)} names of classes for a network with outputs {outputs}")
    inputs = next(iter(graph.inputs.values()))
    if pixels is not None and pixels.channels != inputs[0]:
        raise ValueError(f"{pixels.colours} has {pixels.channels} channels, the network takes {inputs}")


class _Stock(np.random.Generator):
    """A source of first weights that are zero, and not more of them than a file has.

    A file that lies about its model could otherwise ask for a network that fills the memory.
    """

    def __init__(self, values):
        super().__init__(np.random.PCG64(0))
        self.values = values

    def standard_normal(self, size=None, dtype=np.float64, out=None):
        self.values -= math.prod(size)
        if self.values < 0:
            raise ValueError("the model and the arguments that it declares make a network larger than its arrays")
        return np.broadcast_to(np.zeros((), dtype), size)
