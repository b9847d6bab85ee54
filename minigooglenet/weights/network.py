"""Saving a network with its architecture, and loading it again."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from minigooglenet import console, initializers, models
from minigooglenet.data import imagenet
from minigooglenet.data.pixel_names import NAMED, pixels_of
from minigooglenet.data.pixels import Pixels
from minigooglenet.data.seen import SeenImages
from minigooglenet.evaluation.classification import TOP, Answer, classify
from minigooglenet.evaluation.multicrop import COUNTS, rule_of
from minigooglenet.graph import Graph
from minigooglenet.typing import PathLike, UInt8Array
from minigooglenet.weights import architecture, detect, safetensors, torch_state
from minigooglenet.weights.assign import fill, match
from minigooglenet.weights.contents import (
    CHECKPOINT_STATE,
    CLASSES,
    IMAGENET,
    NOT_VERIFIED,
    PIXELS_ASSUMED,
    PIXELS_UNKNOWN,
    Contents,
    UnknownPixelsWarning,
    check_contents,
)

if TYPE_CHECKING:
    from PIL import Image

BUILT_IN_RULES = tuple(initializers.RULES)  # before users add their own


@dataclass
class Loaded:
    """A network with the weights of a file, and the metadata of the file.

    Attributes
    ----------
    graph : the network
    pixels : how images become inputs, or None if the file does not record it
    classes : names of the outputs, or None
    notes : {name: line of text}, further information
    training_images : record of the images that the network was trained on, or None

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(num_classes=3, width=0.25)
    >>> mg.weights.Loaded(g, classes=("cat", "dog", "fish")).classes
    ('cat', 'dog', 'fish')
    """

    graph: Graph
    pixels: Pixels | None = None
    classes: tuple[str, ...] | None = None
    notes: dict[str, str] = field(default_factory=dict)
    training_images: SeenImages | None = None

    def classify(
        self,
        image: PathLike | Image.Image | UInt8Array,
        *,
        crops: int | None = None,
        top: int = TOP,
        pixels: Pixels | str | None = None,
    ) -> Answer:
        """Return the most likely classes of an image: print it, or read .name, .probability and .index of each.

        Parameters
        ----------
        image : file, PIL image, or uint8 array (C, H, W)
        crops : 1, 10 or 144, or 0 for the whole image (default: as in training)
        top : number of classes to return
        pixels : how images become inputs, Pixels or a text for `data.pixels_of` (default: `self.pixels`)
        """
        pixels = self.pixels if pixels is None else pixels_of(pixels)
        if pixels is None:
            raise ValueError(
                "the weights file does not record how images become inputs. Pass pixels=, such as "
                + ", ".join(map(repr, NAMED))
            )
        crops = self.crops if crops is None else crops
        return classify(
            self.graph, image, pixels=pixels, classes=self.classes, crops=crops, rule=rule_of(self.notes), top=top
        )

    __repr__ = console.brief

    @property
    def crops(self) -> int:
        """The number of crops per image that matches the training, 0 for the whole image."""
        crops = self.notes.get("crops", "1")
        return int(crops) if crops in map(str, COUNTS) else 1


def save(
    graph: Graph,
    path: PathLike,
    *,
    pixels: Pixels | str | None = None,
    classes: Iterable[str] | None = None,
    notes: Mapping[str, str] | None = None,
    training_images: SeenImages | None = None,
    arrays_only: bool = False,
) -> None:
    """Write a network to a .safetensors file, atomically.

    The file contains the graph (its layers by name and settings), the parameters and buffers, and the other arguments.
    For a graph from a function of `models`, it also records that function.

    Parameters
    ----------
    graph : Graph with layers of this package, or your own registered classes with `mg.layers.register`
    path : file whose name ends in .safetensors
    pixels : how images become its inputs, Pixels or a text for `data.pixels_of`
    classes : names of its outputs
    notes : {name: line of text}, further information
    training_images : record of the images that it was trained on, from `data.seen.record`
    arrays_only : leave out the graph; such a file is for `load_into`

    Raises
    ------
    ValueError
        If the file could not restore this graph, because of an unregistered layer, a replaced method, a pair of
        functions as an algorithm, or a setting that is not a plain value. Nothing is written then.

    Examples
    --------
    >>> import os, tempfile
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(num_classes=3, width=0.25)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mg.weights.save(g, os.path.join(folder, "net.safetensors"), pixels="unit")
    ...     os.listdir(folder)
    ['net.safetensors']
    """
    if not isinstance(graph, Graph):
        raise TypeError(f"save expects a graph, got {type(graph).__name__}")
    classes = None if classes is None else tuple(classes)
    pixels = None if pixels is None else pixels_of(pixels)
    check_fits(graph, pixels, classes)
    contents = contents_of(graph, pixels, classes, notes, training_images, arrays_only=arrays_only)
    safetensors.write(contents, path)


def training_images(path: PathLike) -> SeenImages | None:
    """Return the record of the images that the network in a file was trained on, or None if the file has none.

    Examples
    --------
    >>> import os, tempfile
    >>> import minigooglenet as mg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "net.safetensors")
    ...     mg.weights.save(mg.models.mini_googlenet(width=0.25), path)
    ...     print(mg.weights.training_images(path))
    None
    """
    with detect.opened(path) as reader:
        return reader.declared.training_images if isinstance(reader, safetensors.Reader) else None


def contents_of(graph, pixels=None, classes=None, notes=None, training_images=None, *, arrays_only=False) -> Contents:
    """Return the contents of a file of this network; the arguments are those of `save`."""
    record, model, arguments = None, None, {}
    if not arrays_only:
        record = architecture.describe(graph)
        model, arguments = _function(graph, record)
    arrays = {**graph.params, **graph.buffers}
    return Contents(arrays, model, arguments, pixels, classes, dict(notes or {}), record, training_images)


def load(path: PathLike, *, pixels: Pixels | str | None = None) -> Loaded:
    """Return the network in a weights file, with its weights and metadata.

    The graph is the one in the file. A file without a graph, such as a file of version 0.1, names a function of
    `models`, which builds the graph. Arrays are float64 if they are float64 in the file, otherwise float32.

    Parameters
    ----------
    path : weights file, training checkpoint, folder of a training run, which contains weights.safetensors, or the name
        of published weights that are on this computer, such as "efficientnet-lite0"
    pixels : how images become inputs, Pixels or a text for `data.pixels_of` (default: as the file records)

    Raises
    ------
    WeightsError
        If the file cannot be read, does not record its network, or contradicts its own metadata.

    Warns
    -----
    UnknownPixelsWarning
        If the file format does not record how images become inputs, and `pixels` is None.

    Examples
    --------
    >>> import os, tempfile
    >>> import minigooglenet as mg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "net.safetensors")
    ...     mg.weights.save(mg.models.mini_googlenet(num_classes=2, width=0.25), path, classes=("cat", "dog"))
    ...     loaded = mg.weights.load(path)
    >>> loaded.classes, loaded.graph.shapes[loaded.graph.main]
    (('cat', 'dog'), (2,))
    """
    pixels = None if pixels is None else pixels_of(pixels)
    with detect.opened(path) as reader:
        contents = reader.declared
        contents.arrays = of_network(contents.arrays)
        if pixels is not None:
            contents.pixels = pixels
            for note in (PIXELS_UNKNOWN, PIXELS_ASSUMED):
                contents.notes.pop(note, None)
        graph = build(contents)
        match(graph, contents.arrays)  # reject mismatches before any value is read
        fill(graph, of_network(reader.arrays()))
    if (
        contents.notes.get(CLASSES) == IMAGENET
        and contents.classes is None
        and graph.shapes[graph.main] == (imagenet.CLASSES,)
    ):
        contents.classes = imagenet.class_names()
    if contents.pixels is None and PIXELS_UNKNOWN in contents.notes:
        text = f"{console.printable(detect.weights_file(path))}: {contents.notes[PIXELS_UNKNOWN]}"
        warnings.warn(text, UnknownPixelsWarning, stacklevel=2)
    return Loaded(graph, contents.pixels, contents.classes, contents.notes, contents.training_images)


def load_into(
    graph: Graph, path: PathLike, *, only: str | Iterable[str] | None = None, strict: bool = True
) -> list[str]:
    """Copy the arrays of a weights file into a network, and return their names.

    Parameters
    ----------
    graph : the network
    path : weights file, training checkpoint, or folder of a training run
    only, strict : as in `fill`

    Raises
    ------
    WeightsError
        If the file cannot be read or does not fit. The network is not changed then.

    Examples
    --------
    >>> import os, tempfile
    >>> import minigooglenet as mg
    >>> g, h = (mg.models.mini_googlenet(num_classes=classes, width=0.25) for classes in (10, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "net.safetensors")
    ...     mg.weights.save(g, path)
    ...     mg.weights.load_into(h, path, only="conv1/3x3")
    ['conv1/3x3/weight']
    """
    with detect.opened(path) as reader:
        if reader.arrays_for is not None:
            return fill(graph, reader.arrays_for(graph), only=only, strict=strict)
        foreign = NOT_VERIFIED in reader.declared.notes
        match(
            graph, _named(reader.declared.arrays, graph, foreign), only=only, strict=strict
        )  # before any value is read
        return fill(graph, _named(reader.arrays(), graph, foreign), only=only, strict=strict)


def of_network(arrays):
    """Return {name: array} of a file, or of the network that a training checkpoint trains."""
    if CHECKPOINT_STATE not in arrays:
        return arrays
    of_graph: dict[str, np.ndarray] = {}
    for group in ("params/", "buffers/", "average/"):  # averaged weights replace the last ones
        of_graph |= {name.removeprefix(group): a for name, a in arrays.items() if name.startswith(group)}
    return of_graph


def _named(arrays, graph, foreign):
    """Return the arrays of a network; in a file of another program, without the common prefix of all names."""
    arrays = of_network(arrays)
    if not foreign or {*graph.params, *graph.buffers}.intersection(arrays):
        return arrays
    return torch_state.without_prefix(arrays, None)[0]


def build(contents: Contents) -> Graph:
    """Return the network that contents describe, with zero weights, at most as many as the contents have values.

    Raises
    ------
    ValueError, TypeError
        If the model is unknown, rejects its arguments, or would need more values than the arrays have.
    """
    check_contents(contents)
    if contents.architecture is not None:
        graph = architecture.build(contents.architecture, contents.arrays)
        graph.made_by = _made_by(contents)
    elif contents.model is None:
        raise ValueError(
            "it does not record its model. Build the model and call weights.load_into(graph, path), or write a file "
            "that records it: minigooglenet weights convert FILE OUT --model NAME"
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
    """Return (function of models, arguments) that build a graph with this record, or (None, {})."""
    if graph.made_by is None:
        return None, {}
    model, arguments = graph.made_by
    arguments = {name: v.item() if isinstance(v, np.generic) else v for name, v in arguments.items()}
    try:
        if not architecture.has_nodes_of(models.build(model, **{**arguments, "init": "zeros"}), record):
            return None, {}  # the graph was changed after it was built
    except architecture.UNFIT:
        return None, {}
    if "init" in arguments and arguments["init"] not in BUILT_IN_RULES:
        warnings.warn(f"init={arguments.pop('init')!r} is your own rule, so it is not recorded", stacklevel=4)
    return model, arguments


def _made_by(contents):
    """Return the (function, arguments) that the file records for its graph, if they give this graph."""
    if contents.model is None:
        return None
    try:
        graph = _from_function(contents)
    except architecture.UNFIT:
        return None  # from a later version, or changed since
    return graph.made_by if architecture.has_nodes_of(graph, contents.architecture) else None


def _from_function(contents):
    """Return the graph from a function of models, with zero weights, at most as many as in the contents."""
    recorded = contents.arguments
    if "rng" in recorded:
        raise ValueError("its argument 'rng' is not allowed: a file cannot contain a random number generator")
    if "init" in recorded:
        initializers.rule(recorded["init"])
    zeros = _LimitedZeros(sum(array.size for array in contents.arrays.values()))
    graph = models.build(contents.model, **{**recorded, "init": "gaussian"}, rng=zeros)
    assert graph.made_by is not None  # models.build records it
    made_by, arguments = graph.made_by
    if "init" not in recorded:
        del arguments["init"]
    graph.made_by = made_by, {**arguments, **recorded}
    return graph


def check_fits(graph, pixels, classes) -> None:
    """Raise a ValueError unless each output has a class name and the inputs have the channels of the pixels."""
    outputs = graph.shapes[graph.main]
    if classes is not None and (len(classes),) != outputs:
        names = f"{len(classes)} class name{'s' * (len(classes) != 1)}"
        raise ValueError(f"got {names} for a network with outputs {outputs}")
    inputs = next(iter(graph.inputs.values()))
    if pixels is not None and pixels.channels != inputs[0]:
        raise ValueError(f"{pixels.colours} has {pixels.channels} channels, but the network expects inputs {inputs}")


class _LimitedZeros(np.random.Generator):
    """A random generator whose values are all zero, with a limit on their number: the values in a file.

    Without the limit, a file with a false model could request a network that fills the memory.
    """

    def __init__(self, values):
        super().__init__(np.random.PCG64(0))
        self.values = values

    def standard_normal(self, size=None, dtype=np.float64, out=None):
        self.values -= math.prod(size)
        if self.values < 0:
            raise ValueError("the network of this model and its arguments has more values than the arrays in the file")
        return np.broadcast_to(np.zeros((), dtype), size)
