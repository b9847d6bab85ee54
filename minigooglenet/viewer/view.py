"""`view`: the page of a network."""

import tempfile
import webbrowser
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minigooglenet import files
from minigooglenet.graph import Graph
from minigooglenet.names import hint
from minigooglenet.names import unknown as unknown_name
from minigooglenet.typing import FloatArray, PathLike, UInt8Array
from minigooglenet.viewer import page
from minigooglenet.viewer.differences import differences
from minigooglenet.viewer.layout import layouts
from minigooglenet.viewer.main_path import main_path
from minigooglenet.viewer.modules import Module, hierarchy
from minigooglenet.viewer.nodes import numbers
from minigooglenet.viewer.photograph import checked
from minigooglenet.viewer.seen import add_image_data, label_index, seen_beside, seen_by
from minigooglenet.viewer.sources import Source, check_exists, source_of
from minigooglenet.viewer.timing import ROUNDS, measured

if TYPE_CHECKING:
    from PIL import Image

    from minigooglenet.data import Pixels
    from minigooglenet.weights import Loaded

Progress = Callable[[float, str], object]
DEFAULT_NODES = ("conv1/7x7_s2", "conv2/3x3", "inception_3a/5x5", "inception_4a/5x5", "inception_5b/3x3")
SIZE = 5.0  # megabytes
PANELS = ("node", "field", "steps", "change", "gradient", "compare", "keep")
FOR_NOTES = 1000  # bytes of the notes on what is left out
# What a page that is too large leaves out, in this order; the graph, the counts and the receptive fields always stay.
LEFT_OUT = {
    "values": "values for one convolution, step by step",
    "effective": "effective receptive fields",
    "gradient": "maps of gradients",
    "maps": "feature maps",
    "filters": "filters as images",
    "histogram": "histograms",
    "code": "where the code is",
    "explain": "how the counts are computed",
}


class Page:
    """A page that shows networks: a notebook displays it, `save` writes it as one HTML file, `open` shows it.

    Attributes
    ----------
    html : the page
    title : names of the networks
    notes : list of texts, such as what was left out

    Examples
    --------
    >>> import minigooglenet as mg
    >>> page = mg.view(mg.models.mini_googlenet(init="zeros"))
    >>> page.title, page.html.startswith("<!doctype html>")
    ('mini_googlenet', True)
    """

    def __init__(self, html: str, title: str, notes: Sequence[str] = ()) -> None:
        self.html, self.title, self.notes = html, title, list(notes)

    @property
    def megabytes(self) -> float:
        """The size of the file."""
        return len(self.html.encode()) / 1e6

    def save(self, path: PathLike) -> None:
        """Write the page as a file that needs no network, atomically; "-" is standard output."""
        files.write_text(path, self.html)

    def open(self) -> Path:
        """Show the page in a browser, from a temporary file; return its path."""
        path = Path(tempfile.mkdtemp(prefix="minigooglenet-")) / "network.html"
        self.save(path)
        webbrowser.open(path.as_uri())
        return path

    def _repr_html_(self) -> str:
        return page.iframe(self.html, self.title)

    def __repr__(self) -> str:
        return f"Page({self.title!r}, {self.megabytes:.1f} MB)"


def view(
    graph: "Graph | Loaded | PathLike",
    image: "PathLike | Image.Image | UInt8Array | FloatArray | dict[str, FloatArray] | None" = None,
    *,
    beside: "Graph | Loaded | PathLike | None" = None,
    label: str | int | None = None,
    weights: PathLike | None = None,
    pixels: "Pixels | str | None" = None,
    nodes: Sequence[str] = DEFAULT_NODES,
    profile: bool = False,
    size: float = SIZE,
    name: str | None = None,
    select: str | None = None,
    panel: str | None = None,
    progress: Progress | None = None,
) -> Page:
    """Return a page that shows a network: one HTML file that needs no network, or a cell's output in a notebook.

    Parameters
    ----------
    graph : Graph, result of `weights.load`, name of a model, or path of an ONNX file, weights file or training run
    image : file, PIL image, uint8 array (H, W, 3), or the float input (C, H, W) itself, or {input: float array} for
        several inputs; the page then shows what every node computes of it
    beside : a second network, to compare with; it gets the same image, if that fits
    label : class of the image, by name or index; the page then shows gradients
    weights : weights file for a model that is given by name
    pixels : how images become inputs, Pixels or a text for `data.pixels_of` (default: as the weights file records); for
        `beside` only if its file records no rule
    nodes : nodes of either network whose values can be followed step by step; they need an image
    profile : measure the time of every node
    size : largest size of the page in megabytes; `Page.notes` lists what was left out
    name : title of the network
    select : node or module that is selected at first, such as "inception_4a"
    panel : panel that is open at first: "node", "field", "steps", "change", "gradient", "compare" or "keep"
    progress : called as progress(fraction done, what is done next)

    Raises
    ------
    ValueError
        If the graph has no nodes, a node or the label is unknown, or the image does not fit the network.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(init="zeros")
    >>> mg.view(g, beside=mg.models.mini_googlenet(width=0.5, init="zeros")).title
    'mini_googlenet(width=1.0) and mini_googlenet(width=0.5)'
    """
    report = progress or (lambda fraction, text: None)
    if not (isinstance(size, (int, float)) and 0 < size < 1e6):
        raise ValueError(f"size must be a number of megabytes above 0, got {size!r}")
    if label is not None and image is None:
        raise ValueError(f"a label needs an image of that class, got label {label!r} without an image")
    if panel not in (None, *PANELS):
        raise ValueError(unknown_name("panel", panel, PANELS))
    check_exists(graph, weights)
    check_exists(beside)
    lost = [] if image is None else checked(image)
    report(0, "network")
    runs = image is not None
    source = source_of(graph, name=name, weights_file=weights, runs=runs)
    label_index(source, label)  # a wrong label is an error before another file is read
    sources = [source] if beside is None else _distinct(source, source_of(beside, runs=runs))
    chosen = _chosen(nodes, sources)
    notes = list(dict.fromkeys(note for one in sources for note in one.notes)) + lost
    first = seen_by(source, image, pixels, label, notes) if runs else None
    seen = [first, *(seen_beside(other, image, pixels, label, notes) for other in sources[1:] if runs)]
    data: dict[str, Any] = {"networks": [], "image": None, "objectives": {}, "objective": None, "probabilities": None}
    data["notes"] = notes
    for number, one in enumerate(sources):
        report(0.1 * number, f"counting {one.name}")
        entry, unknown = _network(one)
        data["networks"].append(entry)
        notes += _unknown_notes(unknown)
    data["differences"] = differences(*data["networks"]) if beside is not None else None
    data["start"] = {"node": select, "panel": panel}
    if select is not None:
        _check_select(select, data["networks"][0])
    for one, what in zip(sources, seen, strict=False):
        if what:
            report(0.2, f"weights of {one.name}")
            one.initialise()
    if profile:
        zeros = {wire: np.zeros((1, *shape), np.float32) for wire, shape in source.graph.inputs.items()}
        notes.append(_add_times(data["networks"][0], source.graph, first.inputs if first else zeros, report))
    if first:
        add_image_data(data, sources, seen, chosen, size, report)
    title = " and ".join(one.name for one in sources)
    report(0.95, "page")
    return _fitted(data, title, size)


def _chosen(nodes, sources: list[Source]) -> list[tuple[str, ...]]:
    """Return the nodes of each network to follow step by step; by default some of its convolutions."""
    if nodes == DEFAULT_NODES:
        return [_spread(one.graph.nodes) for one in sources]
    nodes = (nodes,) if isinstance(nodes, str) else tuple(dict.fromkeys(nodes))
    known = list(dict.fromkeys(name for one in sources for name in one.graph.nodes))
    for name in nodes:
        if name not in known:
            advice = hint(name, known, f"The first nodes are {', '.join(known[:5])}.", most=3)
            raise ValueError(f"unknown node {name!r} in {' and '.join(one.name for one in sources)}{advice}")
    return [tuple(name for name in nodes if name in one.graph.nodes) for one in sources]


def _spread(known):
    """Return those of the default nodes that a network has, and convolutions from all of its depth."""
    convolutions = [name for name, (layer, _) in known.items() if getattr(layer, "kind", "") == "Conv2d"]
    spread = [convolutions[i * (len(convolutions) - 1) // 4] for i in range(5)] if convolutions else []
    named = [name for name in DEFAULT_NODES if name in known]
    return tuple(dict.fromkeys([*named, *spread]))[: len(DEFAULT_NODES)]


def _check_select(select, network):
    known = [node["name"] for node in network["nodes"]]
    modules = [module["id"][:-1] for module in network["modules"][1:]]
    if select not in known and select not in modules:
        raise ValueError(unknown_name("node or module", select, [*known, *modules]))


def _distinct(first: Source, second: Source) -> list[Source]:
    """Return two sources; if their names are equal, with the arguments in which they differ."""
    if first.name == second.name:
        made = [dict(one.graph.made_by[1]) if one.graph.made_by else {} for one in (first, second)]
        keys = [key for key in made[0] if key in made[1] and made[0][key] != made[1][key] and key != "rng"]
        for number, (one, arguments) in enumerate(zip((first, second), made, strict=True), 1):
            differing = ", ".join(f"{key}={arguments[key]!r}" for key in keys)
            one.name = f"{one.name}({differing})" if differing else f"{one.name} {number}"
    return [first, second]


def _network(source: Source) -> tuple[dict[str, Any], dict[str, str]]:
    totals, nodes, unknown = numbers(source.graph)
    root = hierarchy([node["name"] for node in nodes])
    levels = layouts(root, {node["name"]: tuple(node["reads"]) for node in nodes})
    modules = root.modules()
    labels = {name: label for module in modules for name, label in module.labels.items()}
    for node in nodes:
        node["short"] = labels[node["name"]]
    return {
        "name": source.name,
        "main": source.graph.main,
        "outputs": list(source.graph.outputs),
        "totals": totals,
        "nodes": nodes,
        "path": main_path(nodes, source.graph.main),
        "modules": [_module(module, levels[module.id]) for module in modules],
    }, unknown


def _module(module, level):
    return {
        "id": module.id,
        "label": module.label,
        "children": [child.id if isinstance(child, Module) else child for child in module.children],
        "cells": level.cells,
        "ports": level.ports,
        "edges": [{"source": e.source, "target": e.target, "path": e.path} for e in level.edges],
    }


def _unknown_notes(unknown):
    """Return a note for each reason why numbers are unknown, with the nodes."""
    reasons: dict[str, list[str]] = {}
    for node, reason in unknown.items():
        reasons.setdefault(reason, []).append(node)
    return [
        f"Unknown numbers at {', '.join(nodes[:3])}{f' and {len(nodes) - 3} more' * (len(nodes) > 3)}: {reason}"
        for reason, nodes in reasons.items()
    ]


def _add_times(network, graph, inputs, report):
    """Add the measured seconds to the nodes; return the note about them."""
    seconds, note = measured(graph, inputs, lambda done: report(0.2 + 0.2 * done / (ROUNDS + 1), "time"))
    for node in network["nodes"]:
        if node["name"] in seconds:
            node["seconds"] = seconds[node["name"]]
    return note


def _fitted(data, title, size) -> Page:
    """Return the page, without what makes it larger than `size` megabytes."""
    excess = len(page.page(data, title)) - 1e6 * size
    if excess > 0:
        excess += FOR_NOTES
    left_out: Counter[tuple[str, str]] = Counter()
    for key, what in LEFT_OUT.items():
        for name, node in _from_the_end(data["networks"]):
            if excess > 0 and node.get(key):
                excess -= _length(node[key])
                left_out[what, name] += 1
                node[key] = [] if key in ("code", "explain") else None
    if left_out:
        listed = ", ".join(
            f"{what} of {count} node{'s' * (count != 1)}{f' of {name}' * (len(data['networks']) > 1)}"
            for (what, name), count in left_out.items()
        )
        data["notes"].append(f"Left out, so that the page has at most {size:g} MB: {listed}.")
    if excess > 0:
        nodes = sum(len(network["nodes"]) for network in data["networks"])
        data["notes"].append(f"The page is larger than {size:g} MB: the numbers of {nodes:,} nodes need the space.")
    data["notes"] = [_sentence(note) for note in data["notes"]]
    return Page(page.page(data, title), title, data["notes"])


def _from_the_end(networks):
    """Yield (network's name, node), the last nodes first, from all networks in turn, so that each keeps its share."""
    turns = zip_longest(*([(network["name"], node) for node in reversed(network["nodes"])] for network in networks))
    return (pair for turn in turns for pair in turn if pair)


def _sentence(note):
    return note if note.endswith((".", "?", "!")) else f"{note}."


def _length(value):
    return len(page.as_json(value))
