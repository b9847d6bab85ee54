"""A network and its file: saved with what it takes to make it again, and made again from what a file says."""

import math
import warnings
from dataclasses import dataclass, field

import numpy as np

from minigooglenet import console, initializers, models
from minigooglenet.data.pixel_names import NAMED, pixels_of
from minigooglenet.data.pixels import Pixels
from minigooglenet.data.seen import SeenImages
from minigooglenet.evaluation.classification import TOP, Answer, classify
from minigooglenet.evaluation.multicrop import COUNTS, rule_of
from minigooglenet.graph import Graph
from minigooglenet.weights import architecture, limits, own
from minigooglenet.weights.contents import PIXELS_ASSUMED, PIXELS_UNKNOWN, Contents, UnknownPixelsWarning
from minigooglenet.weights.fill import fill, match
from minigooglenet.weights.read import of_checkpoint, reader, weights_file

BUILT_IN_RULES = tuple(initializers.RULES)  # before a user adds one


@dataclass
class Loaded:
    """A network with the weights of a file, and what else the file says."""

    graph: Graph
    pixels: Pixels | None = None
    classes: tuple[str, ...] | None = None
    notes: dict[str, str] = field(default_factory=dict)
    training_images: SeenImages | None = None

    def classify(self, image, *, crops=None, top=TOP, pixels=None) -> Answer:
        """Return the likeliest classes of an image: print it, or read .name, .probability and .index of each.

        Parameters
        ----------
        image : file, PIL image, or uint8 array (C, H, W)
        crops : 1, 10 or 144, or 0 for the whole image; by default as the network was trained
        top : how many classes to return
        pixels : how images become inputs, Pixels or a text as `data.pixels_of` takes it, instead of the file's
        """
        pixels = self.pixels if pixels is None else pixels_of(pixels)
        if pixels is None:
            raise ValueError(
                "the file of weights does not say how images become inputs; pass pixels=, such as "
                + ", ".join(map(repr, NAMED))
            )
        crops = self.crops if crops is None else crops
        return classify(
            self.graph, image, pixels=pixels, classes=self.classes, crops=crops, rule=rule_of(self.notes), top=top
        )

    __repr__ = console.brief

    @property
    def crops(self) -> int:
        """The number of crops of an image that suits how the network was trained, 0 for the whole image."""
        told = self.notes.get("crops", "1")
        return int(told) if told in map(str, COUNTS) else 1


def save(graph, path, *, pixels=None, classes=None, notes=None, training_images=None, arrays_only=False) -> None:
    """Write a network to a .safetensors file, which is whole or as it was whatever happens.

    The file holds the graph (its nodes' layers by name and settings), parameters and buffers, and what else is given.
    A graph that a function of `models` made also records that function.

    Parameters
    ----------
    graph : Graph of this package's layers, and of classes of yours that `mg.layers.register` knows
    path : a name that ends in .safetensors
    pixels : how images become its inputs, Pixels or a text as `data.pixels_of` takes it
    classes : names of its outputs
    notes : {name: line of text} of anything else worth knowing
    training_images : record of the images that it was trained on, as `data.seen.record` makes it
    arrays_only : leave the graph out; then the file is for `load_into`

    Raises
    ------
    ValueError
        If the file could not give this graph again: an unregistered layer, a replaced method, a pair of functions as
        an algorithm, a setting that is no plain value. Nothing is written then.
    """
    classes = None if classes is None else tuple(classes)
    pixels = None if pixels is None else pixels_of(pixels)
    check_fits(graph, pixels, classes)
    contents = contents_of(graph, pixels, classes, notes, training_images, arrays_only=arrays_only)
    own.write(contents, path)


def training_images(path) -> SeenImages | None:
    """Return the record of the images that the network in a file was trained on, or None if the file has none."""
    path = weights_file(path)
    kind = reader(path)
    return kind.declared(path).training_images if hasattr(kind, "declared") else None


def contents_of(graph, pixels=None, classes=None, notes=None, training_images=None, *, arrays_only=False) -> Contents:
    """Return what a file of this network holds; the parameters are those of `save`."""
    record, model, arguments = None, None, {}
    if not arrays_only:
        record = architecture.describe(graph)
        model, arguments = _function(graph, record)
    arrays = {**graph.params, **graph.buffers}
    return Contents(arrays, model, arguments, pixels, classes, dict(notes or {}), record, training_images)


def load(path, *, pixels=None) -> Loaded:
    """Return the network that a file describes, filled with its arrays.

    Parameters
    ----------
    path : a file of weights, the checkpoint of a training, or the folder of a run, which holds weights.safetensors
    pixels : how images become inputs, Pixels or a text as `data.pixels_of` takes it, instead of what the file says

    The graph is the one that the file holds. Where it holds none, as files of version 0.1 do, the function of `models`
    that it names makes the graph. Arrays are float64 if they are in the file, else float32.

    Raises
    ------
    WeightsError
        If the file cannot be read, does not say which network it is for, or does not fit what it says.

    Warns
    -----
    UnknownPixelsWarning
        If no file of this kind says how images become inputs, and `pixels` does not either.
    """
    pixels = None if pixels is None else pixels_of(pixels)
    path = weights_file(path)
    kind = reader(path)
    ahead = hasattr(kind, "declared")  # what does not fit is rejected before any value is read
    contents = kind.declared(path) if ahead else kind.read(path)
    with limits.reading(path):
        contents = of_checkpoint(contents)
        if pixels is not None:
            contents.pixels = pixels
            for note in (PIXELS_UNKNOWN, PIXELS_ASSUMED):
                contents.notes.pop(note, None)
        graph = build(contents)
        match(graph, contents.arrays)
        if ahead:
            contents.arrays = of_checkpoint(kind.read(path)).arrays
        fill(graph, contents.arrays)
    if contents.pixels is None and PIXELS_UNKNOWN in contents.notes:
        text = f"{console.printable(path)}: {contents.notes[PIXELS_UNKNOWN]}"
        warnings.warn(text, UnknownPixelsWarning, stacklevel=2)
    return Loaded(graph, contents.pixels, contents.classes, contents.notes, contents.training_images)


def build(contents: Contents) -> Graph:
    """Return the network that contents describe, with weights of zero and no more of them than there are values.

    Raises
    ------
    ValueError, TypeError
        If there is no such model, it does not take these arguments, or it would be larger than the arrays.
    """
    limits.check_contents(contents)
    if contents.architecture is not None:
        graph = architecture.build(contents.architecture, contents.arrays)
        graph.made_by = _made_by(contents)
    elif contents.model is None:
        raise ValueError(
            "it does not say which model it is for; build that, then weights.load_into(graph, path), or write a file "
            "that does: minigooglenet weights convert FILE OUT --model NAME"
        )
    else:
        graph = _from_function(contents)
    double = [name for name, array in contents.arrays.items() if array.dtype == np.float64]
    for view in (graph.params, graph.buffers):
        for name, array in view.items():
            if name in double or (double and contents.architecture is None):
                view[name] = array.astype(np.float64)
    check_fits(graph, contents.pixels, contents.classes)
    return graph


def _function(graph, record):
    """Return (function of models, arguments) that give a graph of this record, or (None, {})."""
    if graph.made_by is None:
        return None, {}
    model, arguments = graph.made_by
    arguments = {name: v.item() if isinstance(v, np.generic) else v for name, v in arguments.items()}
    try:
        if not architecture.has_nodes_of(models.build(model, **{**arguments, "init": "zeros"}), record):
            return None, {}  # a setting was changed since
    except architecture.UNFIT:
        return None, {}
    if "init" in arguments and arguments["init"] not in BUILT_IN_RULES:
        warnings.warn(f"init={arguments.pop('init')!r} is a rule of your own, so it is not recorded", stacklevel=4)
    return model, arguments


def _made_by(contents):
    """Return what the file says made its graph, if that function does give this graph."""
    if contents.model is None:
        return None
    try:
        graph = _from_function(contents)
    except architecture.UNFIT:
        return None  # a function of a later version, or one that has changed
    return graph.made_by if architecture.has_nodes_of(graph, contents.architecture) else None


def _from_function(contents):
    """Return the graph that a function of models makes, with weights of zero, no more of them than in the contents."""
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
    graph.made_by = made_by, {**arguments, **given}
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
