"""What `view` accepts as a network: a graph, the result of `weights.load`, a model's name, or a file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minigooglenet import models, weights
from minigooglenet.data import Pixels
from minigooglenet.evaluation.multicrop import rule_of
from minigooglenet.graph import Graph
from minigooglenet.weights import by_name
from minigooglenet.weights.contents import PIXELS_ASSUMED, PIXELS_UNKNOWN

RANDOM = "The weights are random, not trained: the activations show what the architecture does, not what it has learnt."


@dataclass
class Source:
    """A network, and what is known of it: how images become inputs, the classes, and the notes for the page."""

    graph: Graph
    name: str
    pixels: Pixels | None = None
    classes: tuple[str, ...] | None = None
    crops: int = 1
    rule: str = "box"
    notes: list[str] = field(default_factory=list)
    unknown_pixels: str | None = None  # why the rule for pixels is unknown, as an error
    model: str | None = None  # whose weights are zeros until `initialise`

    def initialise(self) -> None:
        """Draw the weights of a model that was given by name. It takes seconds for the largest, so after all checks."""
        if self.model:
            self.graph = models.build(self.model, rng=0)


def check_exists(network: Any, weights_file: Any = None) -> None:
    """Raise the error of a name or file that does not exist. It takes no time, so before any file is read.

    Parameters
    ----------
    network, weights_file : as in `source_of`
    """
    if isinstance(network, (str, Path)):
        if by_name.is_path(network):
            if not Path(network).exists():
                by_name.read(network)  # raises the error for a missing file
            return
        models.builder(str(network))
        if weights_file is not None and not Path(weights_file).exists():
            weights.read(weights_file)


def source_of(network: Any, *, name: str | None = None, weights_file: Any = None, runs: bool = False) -> Source:
    """Return the network with its metadata.

    Parameters
    ----------
    network : Graph, result of `weights.load` or `weights.onnx.import_graph`, name of a model, or path
    name : title on the page
    weights_file : file whose arrays a model by name gets
    runs : whether the network will compute something, so that `initialise` has to draw weights
    """
    if isinstance(network, (str, Path)):
        if not by_name.is_path(network):
            return _model(str(network), name, weights_file, runs)
        name = name or Path(network).stem or str(network)
        network = by_name.read(network)
    if weights_file is not None:
        raise ValueError("only a model given by its name, such as 'googlenet', takes a weights file")
    if isinstance(network, Graph):
        made_by = network.made_by[0] if network.made_by else "network"
        return Source(network, name or made_by)
    if isinstance(network, weights.Loaded):
        return _loaded(network, name or "network")
    if isinstance(network, weights.onnx.Imported):
        return Source(network.graph, name or "network", network.pixels, network.classes)
    hint = f". Build a graph with it: g.add('node', {type(network).__name__}(...), wire)" * hasattr(network, "forward")
    raise TypeError(f"view expects a graph, a model's name or a file, got {type(network).__name__}{hint}")


def _model(model, name, weights_file, runs):
    graph = models.build(model, init="zeros")
    assert graph.made_by is not None  # models.build records it
    name = name or graph.made_by[0]
    if weights_file is None:
        return Source(graph, name, notes=[RANDOM] if runs else [], model=model if runs else None)
    weights.load_into(graph, weights_file)
    contents = weights.read(weights_file)
    loaded = weights.Loaded(graph, contents.pixels, contents.classes, contents.notes)
    return _loaded(loaded, name)


def _loaded(loaded, name):
    assumed = loaded.notes.get(PIXELS_ASSUMED)
    return Source(
        loaded.graph,
        name,
        loaded.pixels,
        loaded.classes,
        crops=min(1, loaded.crops),
        rule=rule_of(loaded.notes),
        notes=[f"{PIXELS_ASSUMED} {assumed}"] if assumed else [],
        unknown_pixels=loaded.notes.get(PIXELS_UNKNOWN) if loaded.pixels is None else None,
    )
