"""A network by its name, or by the path of a file: what the commands and the viewer accept."""

import copy
import math
import os
import warnings
from pathlib import Path
from typing import Any

from minigooglenet import layers, models
from minigooglenet.graph import Graph
from minigooglenet.typing import PathLike
from minigooglenet.weights import onnx
from minigooglenet.weights.contents import UnknownPixelsWarning
from minigooglenet.weights.network import Loaded, load

FILES = "an ONNX file, a weights file, or the folder of a training run"


def is_path(network: PathLike) -> bool:
    """Return whether a text names a file or folder, and not a model.

    Examples
    --------
    >>> is_path("googlenet"), is_path("net.onnx"), is_path("runs/first")
    (False, True, True)
    """
    if isinstance(network, str) and network.lower() in (*models.names(), "mini"):
        return False
    return os.path.lexists(network) or bool(Path(network).suffix) or Path(network).name != str(network)


def read(path: PathLike) -> Loaded | onnx.Imported:
    """Return the network in a file or in the folder of a training run; the rule for its pixels may be unknown."""
    if Path(path).suffix.lower() == ".onnx":
        return onnx.import_graph(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnknownPixelsWarning)
        return load(path)


def network(name: str, **arguments: Any) -> Graph:
    """Return the network in a file, or the one that `models.build` makes of a name and the arguments."""
    return read(name).graph if is_path(name) else models.build(name, **arguments)


def classifier(graph: Graph) -> Graph:
    """Return the network with outputs (classes,) for a loss: outputs (classes, 1, 1) are flattened.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.Graph(image=(3, 8, 8))
    >>> wire = g.add("mean", mg.layers.AvgPool2d(8), "image")
    >>> h = classifier(g)
    >>> h.main, h.shapes[h.main]
    ('mean/flat', (3,))
    """
    outputs = list(graph.outputs)
    maps = [wire for wire in outputs if len(graph.shapes[wire]) > 1 and math.prod(graph.shapes[wire][1:]) == 1]
    if not maps:
        return graph
    main, graph = graph.main, copy.deepcopy(graph)
    for wire in maps:
        outputs[outputs.index(wire)] = graph.add(f"{wire}/flat", layers.Flatten(), wire)
    main = f"{main}/flat" if main in maps else main
    graph.outputs = [main, *(wire for wire in outputs if wire != main)]
    return graph
